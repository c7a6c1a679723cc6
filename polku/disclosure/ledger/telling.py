"""What has been public of one cell, release by release.

Belongs here: finding a cell by its codes and its published figures. Does not belong here: what was decided about it
and why, which would tell whether few persons have come or gone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from polku.disclosure.ledger.release_ledger import RELEASE, WITHDRAWN, Entry, ReleaseLedger


@dataclass(frozen=True)
class Told:
    """A cell in a release: its status, the day of its figures, and the figures by column (None: not published).

    `codes` are those of the cell by dimension. `is_withdrawn` says whether the release is no longer offered.
    """

    entry: Entry
    is_withdrawn: bool
    codes: dict[str, str]
    status: str
    figure_as_of: str | None
    figures: dict[str, float | None]


def history_of(ledger: ReleaseLedger, table: str, codes: Sequence[str]) -> list[Told]:
    """Every release that has the cell, oldest first; `codes` as text in the order of dimensions, a null as blank."""
    entries = ledger.entries()
    withdrawn = {entry.release for entry in entries if entry.kind == WITHDRAWN}
    told = []
    for entry in (e for e in entries if e.kind == RELEASE and table in e.tables):
        cells = ledger.cells(entry)
        for row in cells.filter(pc.equal(cells["table"], table)).drop_columns(["members", "complements"]).to_pylist():
            own = ["" if code is None else str(code) for code in json.loads(row["cell"])]
            if own == list(codes):
                said = entry.tables[table]
                day = row["figure_as_of"]
                told.append(
                    Told(
                        entry,
                        entry.release in withdrawn,
                        dict(zip(said.dimensions, own, strict=True)),
                        row["status"],
                        day.isoformat() if day else None,
                        dict(zip(said.columns, row["figures"], strict=True)),
                    )
                )
    return told
