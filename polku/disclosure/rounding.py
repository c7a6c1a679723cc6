"""Additive rounding of small counts: for wide tables that must add up and may be a little wrong everywhere.

Belongs here: which small inner cells become 0 and which the base, and what that promises. Does not belong here: hiding
cells (`protect`), noise that does not add up (`cell_key`), and rounding each figure by itself, which protects nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from polku.disclosure.dimensions import Dimension
from polku.disclosure.margins import margins_of
from polku.errors import Exit, Refusal

POWERS = (2, 4, 8)
"""What the search makes small, in turn: sums of these powers of changes. The higher, the more the largest weighs."""


@dataclass(frozen=True)
class Rounded:
    """A rounded table and what it promises.

    `table` has one row per published cell: the dimensions' codes and the rounded `count`. `max_change` is the most by
    which any of its figures differs from the truth. Which figures changed is told nowhere: a 0 may have been any count
    below the base, and the base itself too.
    """

    table: pd.DataFrame
    base: int
    max_change: int

    @property
    def guarantee(self) -> str:
        """What a reader of the table is told."""
        return (
            f"Counts are rounded: every group that had 1 to {self.base - 1} persons at the finest breakdown of this "
            f"table counts as 0 or {self.base}, and all other figures are sums of these. So everything adds up, no "
            f"figure and no difference between nested figures is 1 to {self.base - 1}, and no figure is more than "
            f"{self.max_change} from the truth. A 0 does not say that there was nobody."
        )


def round_small(
    inner: pd.DataFrame,
    dimensions: Mapping[str, Dimension],
    base: int,
    tables: Sequence[Sequence[str]] | None = None,
    *,
    count: str = "count",
) -> Rounded:
    """Round every inner count of 1 to base - 1 to 0 or `base`, so that published sums stay as near as can be found.

    `inner` has one row per inner cell (leaf codes and `count`, whole numbers not below 0); `tables` as in `margins_of`.
    Source of the idea: Langsrud and Heldal 2018, small count rounding (their program rounds only inner cells of small
    published cells; here all are, since otherwise a difference of two large cells would be a small true count). The
    search for the nearest sums is our own; it draws nothing, so the same table is rounded the same every time.

    It does not protect a table that is published again after a few persons have come or gone: what moves between two
    roundings tells of them. Refuses (CONTRACT_INVALID) counts below 0 or not whole, and what `margins_of` refuses.
    Raises ValueError for a base below 2.
    """
    if base < 2:
        raise ValueError("a base below 2 rounds nothing")
    names = list(dimensions)
    ordered = inner.assign(**{name: inner[name].astype(str) for name in names}).sort_values(names, kind="stable")
    figures = ordered[count].to_numpy()
    if (figures < 0).any() or (figures != np.floor(figures)).any():
        raise Refusal(Exit.CONTRACT_INVALID, "a count is negative or not whole.", column=count)
    true = figures.astype(np.int64)
    margins = margins_of(ordered, dimensions, tables)
    rounded = rounded_inner(margins.parts, true, base)
    changes = np.abs(margins.add_up(rounded - true))
    table = margins.cells.assign(count=margins.add_up(rounded))
    return Rounded(table, base, int(changes.max(initial=0)))


def rounded_inner(
    parts: csr_matrix,
    true: NDArray[np.int64],
    base: int,
    settled: NDArray[np.float64] | None = None,
    also: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Inner cells rounded so that published cells change little; `parts` are published cells times inner cells.

    `settled` has the figure of inner cells that were published before, NaN for others: the same persons get the same.
    `also` are larger inner cells that are rounded to a multiple of the base as well.
    """
    given = np.full(len(true), np.nan) if settled is None else settled
    known = ~np.isnan(given)
    rounded = np.where(known, given, true).astype(np.int64)
    left = np.asarray(parts @ (true - rounded), dtype=np.float64)
    larger = np.zeros(len(true), dtype=bool) if also is None else also
    moved = np.flatnonzero((true % base > 0) & ((true < base) | larger) & ~known)
    rest = true[moved] % base
    rounded[moved] = true[moved] - rest + base * _nearest(csc_matrix(parts)[:, moved], rest, base, left)
    return rounded


def _nearest(parts: csc_matrix, true: NDArray[np.int64], base: int, others: NDArray[np.float64]) -> NDArray[np.int64]:
    """For every small inner cell 1 (to the base) or 0, so that the sums of `parts` change little.

    `others` is what published cells differ by already, true less rounded, because of cells that are settled.

    Starts from every base-th person in the order of the codes, which keeps the sums along the first dimension. Then
    turns whatever takes off most of the sum of powers of changes, first of squares, then of higher powers: many cells
    at once while that helps, then one, then two against each other, as long as something (a whole number) is taken off.
    """
    if not len(true):
        return true
    reached = np.cumsum(true) + base // 2
    chosen = (reached // base > (reached - true) // base).astype(np.int64)
    left = others + parts @ (true - base * chosen)
    across = parts.T.tocsr()
    for power in POWERS:
        search = _Search(across, parts, base, power, chosen, left)
        many = len(true) // 20
        while many > 1:
            many = many if search.improve_by_many(many) else many // 2
        while search.improve():
            pass
    return chosen


class _Search:
    """Turns of single cells and exchanges of two. `left` is true less rounded, by published cell."""

    def __init__(
        self,
        across: csc_matrix,
        parts: csc_matrix,
        base: int,
        power: int,
        chosen: NDArray[np.int64],
        left: NDArray[np.float64],
    ) -> None:
        self._across, self._parts, self._base, self._power = across, parts, base, power
        self._chosen, self._left = chosen, left

    def improve(self) -> bool:
        """One turn, or one exchange where no turn helps; whether something was taken off."""
        gains = self._gains()
        best = int(np.argmin(gains))
        if gains[best] < -0.5:
            self._turn(best)
            return True
        self._turn(best)
        again = self._gains()
        again[self._chosen == self._chosen[best]] = np.inf  # the other has to turn the other way
        partner = int(np.argmin(again))
        if gains[best] + again[partner] < -0.5:
            self._turn(partner)
            return True
        self._turn(best)
        return False

    def improve_by_many(self, number: int) -> bool:
        """Turns at once the cells of which each alone would take off most; none of them where that adds."""
        gains = self._gains()
        cells = np.argsort(gains, kind="stable")[:number]
        cells = cells[gains[cells] < -0.5]
        steps = np.zeros(len(gains), dtype=np.int64)
        steps[cells] = self._base * (1 - 2 * self._chosen[cells])
        left = self._left - self._parts @ steps
        if (left**self._power).sum() >= (self._left**self._power).sum() - 0.5:
            return False
        self._left[:] = left
        self._chosen[cells] = 1 - self._chosen[cells]
        return True

    def _gains(self) -> NDArray[np.float64]:
        """What turning each cell adds to the sum of powers."""
        now = self._left**self._power
        to_base = self._across @ ((self._left - self._base) ** self._power - now)
        to_zero = self._across @ ((self._left + self._base) ** self._power - now)
        return np.asarray(np.where(self._chosen == 1, to_zero, to_base), dtype=np.float64)

    def _turn(self, cell: int) -> None:
        start, end = self._parts.indptr[cell], self._parts.indptr[cell + 1]
        step = self._base if self._chosen[cell] else -self._base
        self._left[self._parts.indices[start:end]] += step
        self._chosen[cell] = 1 - self._chosen[cell]
