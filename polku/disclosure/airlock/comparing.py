"""Whether a file shows what its description says: its figures beside those that follow from the members.

Belongs here: differences, told by column and number of cells, never by a figure. Does not belong here: whether true
figures may leave (`judging`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd

from polku.disclosure.airlock.description import Description
from polku.disclosure.airlock.recomputing import PERSONS, Codes, Shape, Truth
from polku.disclosure.airlock.table_file import Offered

NEARLY = 1e-9
"""Sums of the same numbers in another order differ by less, as a part of the figure."""


def wrong_columns(offered: Offered, truth: Truth) -> dict[str, int]:
    """Columns of the file with figures that do not follow from the members, and in how many cells."""
    description, cells = truth.description, codes_of(offered.frame, truth.description)
    shown = ~offered.is_gap
    found = {}
    for column, places in offered.decimals.items():
        own = offered.frame[column].to_numpy(np.float64)
        true = truth.of(cells, PERSONS if column == description.count else column)
        said = shown & ~np.isnan(own)
        wrong = said & ~_alike(own, true, places)
        if wrong.any():
            found[column] = int(wrong.sum())
    return found


def wrong_statement(asked: pd.DataFrame, offered: Offered, truth: Truth) -> dict[str, int]:
    """Columns in which `sql` (dimensions as texts) says something else than the members, and in how many cells.

    Figures of `sql` may be rounded as those of the file are.
    """
    description, cells = truth.description, codes_of(asked, truth.description)
    found = {}
    for column, places in offered.decimals.items():
        own = pd.to_numeric(asked[column], errors="coerce").to_numpy(np.float64)
        true = truth.of(cells, PERSONS if column == description.count else column)
        wrong = ~(_alike(own, true, places) | (np.isnan(own) & (true == 0)))
        if wrong.any():
            found[column] = int(wrong.sum())
    return found


def left_out(offered: Offered, truth: Truth) -> Iterator[Codes]:
    """Combinations of the codes that the file uses, by what it is broken down, that have no row; impossible ones apart.

    The absence of such a row says that nobody is in the cell.
    """
    rows = codes_of(offered.frame, truth.description)
    by_shape: dict[Shape, list[Codes]] = {}
    for codes in rows:
        by_shape.setdefault(truth.shape(codes), []).append(codes)
    present = set(rows)
    for group in by_shape.values():
        used = [dict.fromkeys(codes[i] for codes in group) for i in range(len(truth.description.names))]
        yield from (codes for codes in product(*used) if codes not in present and not is_impossible(codes, truth))


def is_impossible(codes: Codes, truth: Truth) -> bool:
    """Whether the description says that nobody can be in the cell."""
    said = dict(zip(truth.description.names, codes, strict=True))
    return any(zero.items() <= said.items() for zero in truth.description.structural_zeros)


def codes_of(frame: pd.DataFrame, description: Description) -> list[Codes]:
    """The codes of every row."""
    return list(frame[list(description.names)].itertuples(index=False, name=None))


def _alike(own: np.ndarray, true: np.ndarray, places: int) -> np.ndarray:
    """Whether figures are the true ones, rounded to so many decimals."""
    allowed = 0.5 * 10.0**-places * (1 + NEARLY) if places < 15 else 0
    return np.asarray(np.abs(own - true) <= allowed + NEARLY * np.abs(true))
