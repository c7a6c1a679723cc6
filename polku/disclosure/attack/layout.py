"""Numbers for cells: every cell of every table, measure and release has one number, tables that share it share it.

Belongs here: from codes to numbers and back, and the names of cells. Does not belong here: figures and facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polku.disclosure.attack.tables import fault
from polku.disclosure.dimensions import Dimension

Shape = frozenset[str]
"""Dimensions of which a table shows more than the total."""

LARGEST = 30_000_000
"""Cells of one table's grid, beyond which nothing here would end."""


@dataclass(frozen=True)
class Layout:
    """The number of a cell is its space (release and measure), then its codes, as digits of a mixed base."""

    dims: dict[str, Dimension]
    releases: tuple[str, ...]
    measures: tuple[str, ...]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many codes each dimension has."""
        return {name: len(dim.codes) for name, dim in self.dims.items()}

    @cached_property
    def strides(self) -> dict[str, int]:
        """What one step to the next code adds to a number."""
        strides: dict[str, int] = {}
        step = 1
        for name in reversed(list(self.dims)):
            strides[name], step = step, step * self.sizes[name]
        return strides

    @cached_property
    def places(self) -> dict[str, dict[str, int]]:
        """The place of each code, the total at 0."""
        return {name: {code: i for i, code in enumerate(dim.codes)} for name, dim in self.dims.items()}

    @cached_property
    def span(self) -> int:
        """Numbers of one space."""
        span = 1
        for size in self.sizes.values():
            span *= size
        if span * len(self.releases) * len(self.measures) >= 2**62:
            raise fault("dims", "the dimensions have too many combinations of codes.")
        return span

    def space(self, release: str, measure: str) -> int:
        """The first number of a release's measure."""
        return (self.releases.index(release) * len(self.measures) + self.measures.index(measure)) * self.span

    def grid(self, parts: Iterable[tuple[str, np.ndarray]]) -> np.ndarray:
        """Numbers, within a space, of every combination of the given places; other dimensions are at their total."""
        numbers = np.zeros(1, dtype=np.int64)
        for name, places in parts:
            if len(numbers) * len(places) > LARGEST:
                raise fault("dims", f"more than {LARGEST:,} combinations of codes in one table.")
            numbers = (numbers[:, None] + places.astype(np.int64) * self.strides[name]).ravel()
        return numbers

    def full(self, shape: Shape) -> np.ndarray:
        """Every combination of codes of a shape."""
        return self.grid((name, np.arange(self.sizes[name])) for name in self.dims if name in shape)

    def of_codes(self, codes: Mapping[str, str]) -> int:
        """The number, within a space, of one combination of codes."""
        return sum(self.strides[name] * self.places[name][code] for name, code in codes.items())

    def codes(self, number: int) -> dict[str, str]:
        """The codes of a cell, totals left out."""
        rest = number % self.span
        found = {}
        for name, stride in self.strides.items():
            place, rest = (rest // stride) % self.sizes[name], rest
            if place:
                found[name] = self.dims[name].codes[place]
        return {name: found[name] for name in self.dims if name in found}

    def name(self, number: int) -> str:
        """A cell for people: `employed region=r1`, the release before it where there are several."""
        space = number // self.span
        release, measure = self.releases[space // len(self.measures)], self.measures[space % len(self.measures)]
        codes = ", ".join(f"{name}={code}" for name, code in self.codes(number).items()) or "total"
        head = [release] if len(self.releases) > 1 and release else []
        return " ".join([*head, *([measure] if measure else []), codes])


def largest_shapes(shapes: Iterable[Shape]) -> list[Shape]:
    """Shapes that no other one holds: their grids hold the grids of the others."""
    distinct: Sequence[Shape] = sorted(set(shapes), key=lambda shape: (-len(shape), sorted(shape)))
    return [shape for i, shape in enumerate(distinct) if not any(shape < other for other in distinct[:i])]
