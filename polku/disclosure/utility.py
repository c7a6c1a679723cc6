"""What protection costs: the share of cells that a released table does not show, by code of each dimension.

Belongs here: measuring the loss, so that one sees whether it is borne by small groups. Does not belong here: what is
hidden and why (`protection`).
"""

from __future__ import annotations

from collections import Counter

import pandas as pd

from polku.disclosure.cells import STATUS, ReleaseSpec, Status, code_of


def loss(table: pd.DataFrame, spec: ReleaseSpec) -> pd.DataFrame:
    """One row per dimension and code of a protected table: `cells` that were observed, `hidden`, `hidden_share`.

    Structural zeros are not counted: nothing is lost by them. Codes in the order of their loss, the greatest first.
    """
    statuses = [Status(status) for status in table[STATUS]]
    counted = [s not in (Status.STRUCTURAL_ZERO, Status.NOT_OBSERVED) for s in statuses]
    rows = []
    for dimension in spec.dimensions:
        codes = [str(code_of(code)) for code in table[dimension]]
        cells = Counter(code for code, is_counted in zip(codes, counted, strict=True) if is_counted)
        hidden = Counter(code for code, status in zip(codes, statuses, strict=True) if status.hidden)
        rows += [(dimension, code, n, hidden[code], hidden[code] / n) for code, n in cells.items()]
    found = pd.DataFrame(rows, columns=["dimension", "code", "cells", "hidden", "hidden_share"])
    return found.sort_values(["hidden_share", "dimension", "code"], ascending=[False, True, True], ignore_index=True)


def in_words(lost: pd.DataFrame, most: int = 12) -> str:
    """The codes that lose most, as a table in Markdown."""
    lines = ["| dimension | code | cells | hidden | share |", "|---|---|---|---|---|"]
    shown = lost[lost["hidden"] > 0].head(most)
    for row in shown.itertuples(index=False):
        lines.append(f"| {row.dimension} | {row.code} | {row.cells} | {row.hidden} | {row.hidden_share:.0%} |")
    return "\n".join(lines) if len(shown) else "Nothing is hidden."
