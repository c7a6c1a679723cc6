"""Sparse rows over cells whose figure is open, and what single rows say of their cells.

Belongs here: putting published figures into facts, narrowing cells row by row until nothing changes, and finding
which cells hang together. Does not belong here: bounds that take several rows at once (`intervals`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from polku.disclosure.attack.facts import Facts

ALMOST = 1e-6
"""Sums of figures may differ by this much, relative to their size, before they are said to differ."""
ROUNDS = 300
"""Narrowing stops after so many rounds: cycles may go on for ever, and bounds by linear programs follow anyway."""


class Contradiction(Exception):
    """Facts that cannot all hold: their numbers."""

    def __init__(self, facts: list[int]) -> None:
        super().__init__("the facts cannot all hold")
        self.facts = facts


@dataclass(frozen=True)
class Rows:
    """Facts with at least one open cell. `fact` are their numbers, `owner` the row of each entry."""

    start: np.ndarray
    owner: np.ndarray
    index: np.ndarray
    coefficient: np.ndarray
    low: np.ndarray
    high: np.ndarray
    fact: np.ndarray
    by_cell: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_cell", np.argsort(self.index, kind="stable"))

    @cached_property
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """The open cells, sorted, and where in `by_cell` each begins."""
        found, starts = np.unique(self.index[self.by_cell], return_index=True)
        return found, starts


def folded(facts: Facts, low: np.ndarray, high: np.ndarray) -> Rows:
    """The facts with every known figure put in. Raises `Contradiction` with facts of known figures that do not hold."""
    fixed = low == high
    owner = np.repeat(np.arange(facts.rows), np.diff(facts.start))
    known = fixed[facts.index]
    size = np.zeros(facts.rows)
    weight = facts.coefficient[known] * low[facts.index[known]]
    moved = np.bincount(owner[known], weights=weight, minlength=facts.rows)
    np.maximum.at(size, owner[known], np.abs(weight))
    row_low, row_high = facts.low - moved, facts.high - moved
    left = np.bincount(owner[~known], minlength=facts.rows)
    tolerance = ALMOST * np.maximum(1, size)
    broken = np.flatnonzero((left == 0) & ((row_low > tolerance) | (row_high < -tolerance)))
    if len(broken):
        raise Contradiction(broken.tolist())
    kept = np.flatnonzero(left)
    return Rows(
        start=np.concatenate([[0], np.cumsum(left[kept])]).astype(np.int64),
        owner=np.repeat(np.arange(len(kept)), left[kept]),
        index=facts.index[~known],
        coefficient=facts.coefficient[~known],
        low=row_low[kept],
        high=row_high[kept],
        fact=kept,
    )


def narrowed(rows: Rows, low: np.ndarray, high: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Bounds by rows alone, and whether nothing changes any more.

    Raises `Contradiction` when a row leaves a cell nothing.
    """
    low, high = low.copy(), high.copy()
    if not len(rows.index):
        return low, high, True
    cells, starts = rows.cells
    whole = whole[cells]
    for _ in range(ROUNDS):
        least, most = _ends(rows, low, high)
        at_least = np.maximum.reduceat(least[rows.by_cell], starts)
        at_most = np.minimum.reduceat(most[rows.by_cell], starts)
        at_least[whole], at_most[whole] = np.ceil(at_least[whole] - ALMOST), np.floor(at_most[whole] + ALMOST)
        raised = at_least > low[cells] + _slack(at_least)
        lowered = at_most < high[cells] - _slack(at_most)
        if not (raised.any() or lowered.any()):
            return low, high, True
        low[cells[raised]], high[cells[lowered]] = at_least[raised], at_most[lowered]
        crossed = low[cells] > high[cells] + _slack(high[cells])
        if crossed.any():
            raise Contradiction(_rows_of(rows, int(cells[np.flatnonzero(crossed)[0]])))
        touching = low[cells] > high[cells]
        high[cells[touching]] = low[cells[touching]]
    return low, high, False


def _slack(ends: np.ndarray) -> np.ndarray:
    return ALMOST * np.maximum(1, np.where(np.isinf(ends), 1, np.abs(ends)))


def _ends(rows: Rows, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every entry: the least and the most that its row leaves to its cell."""
    c, begin = rows.coefficient, rows.start[:-1]
    up = c > 0
    entry_low = c * np.where(up, low[rows.index], high[rows.index])
    entry_high = c * np.where(up, high[rows.index], low[rows.index])
    rest_low = _rest(entry_low, rows, begin)
    rest_high = _rest(entry_high, rows, begin)
    room_low, room_high = (rows.low[rows.owner] - rest_high) / c, (rows.high[rows.owner] - rest_low) / c
    return np.where(up, room_low, room_high), np.where(up, room_high, room_low)


def _rest(entry: np.ndarray, rows: Rows, begin: np.ndarray) -> np.ndarray:
    """The sum of a row without each of its entries, infinite where another entry is."""
    open_end = np.isinf(entry)
    finite = np.where(open_end, 0, entry)
    total = np.add.reduceat(finite, begin)[rows.owner]
    others = np.add.reduceat(open_end.astype(np.int64), begin)[rows.owner] - open_end
    worst = entry[open_end][0] if open_end.any() else 0.0
    return np.where(others > 0, worst, total - finite)


def _rows_of(rows: Rows, cell: int) -> list[int]:
    return [int(fact) for fact in rows.fact[rows.owner[rows.index == cell]]]


def components(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Which cells hang together: for each row and for each open cell (in the order of `rows.cells`) a number from 0.

    Every row takes the smallest number of its cells and hands it to them, numbers are followed to their ends, until
    nothing changes: so few rounds that no graph library need be loaded.
    """
    cells, starts = rows.cells
    column = np.searchsorted(cells, rows.index)
    number = np.arange(len(cells))
    while True:
        least = np.minimum.reduceat(number[column], rows.start[:-1])
        smaller = np.minimum(number, np.minimum.reduceat(least[rows.owner[rows.by_cell]], starts))
        smaller = np.minimum(smaller, smaller[smaller])
        if np.array_equal(smaller, number):
            break
        number = smaller
    _, number = np.unique(number, return_inverse=True)
    return number[column[rows.start[:-1]]], number
