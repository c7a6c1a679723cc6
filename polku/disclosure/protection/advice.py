"""Which tables suppression would ruin, and merges of codes that would leave fewer small cells in them.

Belongs here: when a table is hopeless, and what each merge would save. Does not belong here: the refusal (`table`,
`amounts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from polku.disclosure.protection.grid import Axis, Grid
from polku.disclosure.protection.levels import Rule
from polku.disclosure.protection.search import Problem

Mask = npt.NDArray[np.bool_]
Judge = Callable[[npt.NDArray[np.int64]], Mask]
"""Which of some figures may not be published for their own sake."""

PROPOSALS = 6
"""So many merges are proposed, the most saving first."""

CROWDED_SHARE = 0.5
"""A leaf of which so many cells are small is one to merge with the like of it."""


HOPELESS_SHARE = 0.4
"""Of the cells with a figure above 0: where more than this are unsafe, suppression leaves no table worth reading."""

SMALL_TABLE = 1_000
"""A table with no more cells above 0 is tried whatever the share: that costs next to nothing."""


def is_hopeless(problem: Problem) -> bool:
    """Whether so many cells are unsafe that the table is refused before anything is hidden."""
    filled = int((problem.values > 0).sum())
    return filled > SMALL_TABLE and int(problem.targets.sum()) > HOPELESS_SHARE * filled


def recoding(grid: Grid, rule: Rule) -> list[str]:
    """Proposals in words, each with the small cells it leaves; names of codes only, no figure of a cell."""
    return _proposals(grid, rule.is_small(grid.values), "small", rule.is_small)


def recoding_of_amounts(grid: Grid, unsafe: Mask) -> list[str]:
    """The same for amounts: only what takes cells away, because the contributors of a merged cell are not counted."""
    return _proposals(grid, unsafe, "unsafe", None)


def _proposals(grid: Grid, unsafe: Mask, word: str, judge: Judge | None) -> list[str]:
    values, flags = grid.values.reshape(grid.shape), unsafe.reshape(grid.shape)
    now = int(unsafe.sum())
    proposals = [
        (left, cells, words)
        for number, axis in enumerate(grid.axes)
        for left, cells, words in _merges(np.moveaxis(values, number, 0), np.moveaxis(flags, number, 0), axis, judge)
        if left < now
    ]
    proposals.sort(key=lambda proposal: (proposal[0], -proposal[1]))
    return [
        f"{words}: {left:,} of {cells:,} cells {word} instead of {now:,} of {unsafe.size:,}"
        for left, cells, words in proposals[:PROPOSALS]
    ]


def _merges(
    values: npt.NDArray[np.int64], small: Mask, axis: Axis, judge: Judge | None
) -> Iterator[tuple[int, int, str]]:
    """Small cells left, cells left, words; the first axis of the arrays is the one to merge along."""
    name, codes = axis.dimension.name, axis.dimension.codes
    line = values[0].size
    whole = [number for number, _ in axis.splits]
    if len(whole) > 1:
        left = int(small[whole].sum())
        yield left, len(whole) * line, f"publish `{name}` by {len(whole) - 1} groups only, without its leaves"
    share = small.reshape(len(codes), -1).mean(axis=1)
    crowded = [leaf for leaf in axis.leaves if share[leaf] > CROWDED_SHARE]
    if crowded and judge:
        merged = [[leaf for leaf in parts if leaf in crowded] for _, parts in axis.splits]
        groups = [group for group in merged if len(group) > 1]
        gone = [leaf for group in groups for leaf in group]
        if gone:
            sums = sum(int(judge(values[group].sum(axis=0)).sum()) for group in groups)
            left = int(small.sum() - small[gone].sum()) + sums
            cells = (len(codes) - len(gone) + len(groups)) * line
            yield left, cells, f"merge {len(gone)} codes of `{name}` with few persons into {len(groups)}, by group"
    yield int(small[0].sum()), line, f"leave out `{name}`"
