"""The grid of a table: every combination of the codes of its dimensions, with its figure.

Belongs here: sums over hierarchies, and the parts of the grid that a change of figures may stay within. Does not
belong here: which cells are small or hidden (`primary`, `search`), and tables of a release that are linked
otherwise (`linked`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from polku.disclosure.dimensions import Dimension
from polku.disclosure.protection.moves import Mover

Cells = npt.NDArray[np.int64]
Split = tuple[int, tuple[int, ...]]
"""A code and its parts in one way, by their numbers."""

WHOLE = 2_000
"""A grid of at most this many cells is one neighbourhood: the wider, the fewer cells are hidden."""

REACH = ((8, 2), (24, 6))
"""How many siblings of a leaf a change may use, and how many leaves below each sibling of a code with parts: few
first, because small programs are solved fast, then more, then all."""


@dataclass(frozen=True)
class Axis:
    """A dimension by numbers: `splits` (a code, its parts), and `leaves`."""

    dimension: Dimension
    splits: tuple[Split, ...]
    leaves: tuple[int, ...]

    @classmethod
    def of(cls, dimension: Dimension) -> Axis:
        """The axis of a dimension; codes are numbered in their order."""
        at = {code: i for i, code in enumerate(dimension.codes)}
        splits = tuple((at[code], tuple(at[part] for part in parts)) for code, parts in dimension.splits())
        return cls(dimension, splits, tuple(at[leaf] for leaf in dimension.leaves))

    @cached_property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.dimension.codes)

    @cached_property
    def parents(self) -> dict[int, tuple[int, ...]]:
        """The codes of which each code is a part."""
        return self._numbered(self.dimension.parents)

    @cached_property
    def leaves_below(self) -> dict[int, tuple[int, ...]]:
        """The leaves of which each code is made."""
        return self._numbered(self.dimension.leaves_below)

    @cached_property
    def above(self) -> dict[int, tuple[int, ...]]:
        """The codes that each leaf is a part of, itself among them."""
        return self._numbered(self.dimension.above)

    def _numbered(self, codes: Mapping[str, tuple[str, ...]]) -> dict[int, tuple[int, ...]]:
        at = {code: i for i, code in enumerate(self.dimension.codes)}
        return {at[code]: tuple(at[other] for other in others) for code, others in codes.items()}

    def siblings(self, code: int) -> tuple[int, ...]:
        """The parts of what the code is a part of; of the total, its parts."""
        above = self.parents[code] or (code,)
        parts = dict.fromkeys(part for whole, own in self.splits if whole in above for part in own)
        return tuple(parts) or (code,)

    def closed(self, leaves: Sequence[int]) -> tuple[int, ...]:
        """The leaves and everything they are a part of, in the order of codes."""
        return tuple(sorted({code for leaf in leaves for code in self.above[leaf]}))

    def splits_within(self, codes: tuple[int, ...]) -> tuple[Split, ...]:
        """The splits among these codes, by their places in `codes`; parts outside do not change."""
        at = {code: i for i, code in enumerate(codes)}
        inside = ((at[whole], tuple(at[p] for p in parts if p in at)) for whole, parts in self.splits if whole in at)
        return tuple((whole, parts) for whole, parts in inside if parts)


class Grid:
    """Figures of every combination of codes; cells are numbered as numpy's C order numbers them."""

    def __init__(self, dimensions: Sequence[Dimension], codes: Sequence[npt.NDArray[np.int64]], figures: Cells) -> None:
        """The grid of inner cells: `codes` are for each dimension the numbers of codes, one per inner cell.

        Refuses (CONTRACT_INVALID) a code whose breakdowns do not have the same leaves.
        """
        for dimension in dimensions:
            dimension.refuse_unless_even()
        self.axes = [Axis.of(dimension) for dimension in dimensions]
        self.shape = tuple(axis.size for axis in self.axes)
        values = np.zeros(self.shape, dtype=np.int64)
        np.add.at(values, tuple(codes), figures)
        for number, axis in enumerate(self.axes):
            _add_up(np.moveaxis(values, number, 0), axis)
        self.values: Cells = values.ravel()
        self.thorough = len(self.values) <= WHOLE
        self._movers: dict[tuple[tuple[tuple[Split, ...], ...], tuple[int, ...]], Mover] = {}

    def codes_of(self, cells: Cells) -> list[npt.NDArray[np.object_]]:
        """For each dimension the codes of these cells."""
        places = np.unravel_index(cells, self.shape)
        return [np.asarray(axis.dimension.codes, dtype=object)[at] for axis, at in zip(self.axes, places, strict=True)]

    def depth(self, cells: Cells) -> npt.NDArray[np.int64]:
        """How much each cell sums up: the number of dimensions at which it is not a leaf, totals counted twice."""
        places = np.unravel_index(cells, self.shape)
        found = np.zeros(len(cells), dtype=np.int64)
        for axis, at in zip(self.axes, places, strict=True):
            height = np.zeros(axis.size, dtype=np.int64)
            height[[whole for whole, _ in axis.splits]] = 1
            height[0] = 2 if axis.splits else 0
            found += height[at]
        return found

    def neighbourhoods(self, cell: int, cost: npt.NDArray[np.float64]) -> Iterator[tuple[Cells, Mover]]:
        """Parts of the grid around a cell, small to large; a change within one keeps every sum outside it.

        `cost` (of hiding each cell, infinite where it cannot change) chooses among the leaves of a code with parts.
        """
        place = [int(at) for at in np.unravel_index(cell, self.shape)]
        seen = None
        for reach in (*(REACH if len(self.values) > WHOLE else ()), None):
            leaves = [self._leaves(number, place, cost, reach) for number in range(len(self.axes))]
            if leaves != seen:
                seen = leaves
                yield self._part([axis.closed(own) for axis, own in zip(self.axes, leaves, strict=True)])

    def _leaves(
        self, number: int, place: list[int], cost: npt.NDArray[np.float64], reach: tuple[int, int] | None
    ) -> list[int]:
        axis = self.axes[number]
        if reach is None:
            return list(axis.leaves)

        def cheapest(codes: tuple[int, ...], most: int) -> tuple[int, ...]:
            if len(codes) <= most:
                return codes
            at = [np.array([code]) for code in place]
            at[number] = np.asarray(codes)
            return tuple(at[number][np.argsort(cost[self._numbers(at)], kind="stable")[:most]].tolist())

        siblings, each = axis.siblings(place[number]), reach[1]
        if all(axis.leaves_below[sibling] == (sibling,) for sibling in siblings):
            near = cheapest(siblings, reach[0])
            return sorted({*near, *axis.leaves_below[place[number]]} if place[number] in siblings else set(near))
        return sorted({leaf for sibling in siblings for leaf in cheapest(axis.leaves_below[sibling], each)})

    def _numbers(self, codes: Sequence[npt.NDArray[np.int64]]) -> Cells:
        numbers = np.zeros((1,) * len(codes), dtype=np.int64)
        step = 1
        for i in reversed(range(len(codes))):
            numbers = numbers + (codes[i] * step).reshape([-1 if i == j else 1 for j in range(len(codes))])
            step *= self.shape[i]
        return numbers.ravel()

    def _part(self, codes: list[tuple[int, ...]]) -> tuple[Cells, Mover]:
        cells = self._numbers([np.asarray(own) for own in codes])
        pattern = tuple(axis.splits_within(own) for axis, own in zip(self.axes, codes, strict=True))
        sizes = tuple(len(own) for own in codes)
        mover = self._movers.get((pattern, sizes))
        if mover is None:
            mover = self._movers[pattern, sizes] = Mover(len(cells), *_equations(pattern, sizes))
        return cells, mover


def _add_up(values: npt.NDArray[np.int64], axis: Axis) -> None:
    """Sums of leaves along the first axis of `values`."""
    for whole, _ in axis.splits:
        values[whole] = values[list(axis.leaves_below[whole])].sum(axis=0)


def _equations(
    pattern: tuple[tuple[Split, ...], ...], sizes: tuple[int, ...]
) -> tuple[Cells, Cells, npt.NDArray[np.float64], int]:
    """Rows, columns, signs and the number of rows: each sum of a part of the grid, once.

    A cell that sums up along several dimensions needs the equations along the first of them: those along the others
    follow, because they hold for its parts.
    """
    numbers = np.arange(int(np.prod(sizes))).reshape(sizes)
    done = np.zeros(sizes, dtype=bool)
    rows, columns, signs = [], [], []
    count = 0
    for axis, splits in enumerate(pattern):
        along, finished = np.moveaxis(numbers, axis, 0), np.moveaxis(done, axis, 0)
        wholes: dict[int, list[tuple[int, ...]]] = {}
        for whole, parts in splits:
            wholes.setdefault(whole, []).append(parts)
        for whole, ways in wholes.items():
            open_cells = ~finished[whole]
            for parts in ways:
                cells = along[whole][open_cells]
                row = count + np.arange(len(cells))
                count += len(cells)
                for code, sign in ((whole, -1.0), *product(parts, (1.0,))):
                    rows.append(row)
                    columns.append(along[code][open_cells])
                    signs.append(np.full(len(cells), sign))
            finished[whole] = True
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), 0
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(signs), count
