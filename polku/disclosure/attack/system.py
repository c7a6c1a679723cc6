"""One system of all tables: a variable for each cell, what is published of it, and every fact that links cells.

Belongs here: bringing tables and statements together. Does not belong here: what an attacker knows beyond them
(`knowledge`), and solving. Linked tables are never attacked one after another: they are one system.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, inf

import numpy as np

from polku.disclosure.attack.facts import Block, Facts, gathered, hierarchy_blocks
from polku.disclosure.attack.layout import Layout, Shape, largest_shapes
from polku.disclosure.attack.spec import AuditSpec
from polku.disclosure.attack.statements import Rates, Statement, Term, rate_facts
from polku.disclosure.attack.tables import NO_MARK, Column, Figures, codes_of, fault, read_figures, read_rate_file


@dataclass
class System:
    """Every cell by position, in the order of `keys`.

    - `low`, `high`: what is published of the cell; equal where it is published exactly.
    - `listed`: some table has a row for it; `gap`: some table suppresses it; `rounded`: its figure was rounded.
    - `mark`: PRIMARY, OTHER or NO_MARK; `whole`: it counts something, so that it is a whole number if at all known.
    """

    layout: Layout
    keys: np.ndarray
    low: np.ndarray
    high: np.ndarray
    listed: np.ndarray
    gap: np.ndarray
    rounded: np.ndarray
    mark: np.ndarray
    whole: np.ndarray
    facts: Facts
    places: list[tuple[Figures, np.ndarray]]

    def name(self, position: int) -> str:
        """A cell for people."""
        return self.layout.name(int(self.keys[position]))

    def tables_of(self, position: int) -> list[str]:
        """Files that have a row for the cell."""
        return [figures.table.name for figures, at in self.places if position in at]


def build(spec: AuditSpec, *, joint: bool, read: Sequence[Figures] | None = None) -> System:
    """The system of all tables; with `joint`, releases are linked. Refuses (USAGE) every fault of the tables.

    `read` are the figures of the tables where they are no files.
    """
    tables = [read_figures(table, spec.dims) for table in spec.tables] if read is None else list(read)
    dims = {name: dim.flattened(codes_of(tables, name)) for name, dim in spec.dims.items()}
    measures = tuple(dict.fromkeys([table.measure for table in spec.tables] + _named(spec.statements)))
    layout = Layout(dims, tuple(release.name for release in spec.releases), measures)
    shapes: dict[int, set[Shape]] = defaultdict(set)
    numbers = []
    for figures in tables:
        space = layout.space(figures.table.release, figures.table.measure)
        shapes[space].add(frozenset(figures.columns))
        numbers.append(_numbers(figures, layout) + space)
    statements = [each for statement in spec.statements for each in _placed(statement, layout, joint=joint)]
    for statement in statements:
        statement.extend(shapes)
    _share_shapes(statements, shapes)
    largest = {space: largest_shapes(found) for space, found in sorted(shapes.items())}
    blocks: list[Block] = []
    for space, found in largest.items():
        blocks += hierarchy_blocks(layout, space, found)
    grids = {s: _united([layout.full(shape) for shape in found]) for s, found in largest.items()}
    for statement in statements:
        blocks += statement.blocks(grids)
    if joint:
        blocks += _links(spec, layout, grids)
    keys = np.concatenate([grid + space for space, grid in grids.items()])
    return _published(layout, keys, tables, numbers, gathered(blocks, keys))


def _published(
    layout: Layout, keys: np.ndarray, tables: Sequence[Figures], numbers: Sequence[np.ndarray], facts: Facts
) -> System:
    size = len(keys)
    low, high = np.full(size, -inf), np.full(size, inf)
    listed, gap, rounded = np.zeros(size, bool), np.zeros(size, bool), np.zeros(size, bool)
    mark = np.full(size, NO_MARK, dtype=np.int8)
    fractional = set()
    places = []
    for figures, own in zip(tables, numbers, strict=True):
        at = np.searchsorted(keys, own)
        places.append((figures, at))
        seen = ~np.isnan(figures.figure)
        half = _half(figures)
        np.maximum.at(low, at[seen], figures.figure[seen] - half)
        np.minimum.at(high, at[seen], figures.figure[seen] + half)
        if figures.table.round_base is None and (figures.figure[seen] % 1 != 0).any():
            fractional.add(figures.table.measure)
        listed[at] = True
        gap[at[figures.gap]] = True
        rounded[at[seen]] |= half > 0
        np.maximum.at(mark, at, figures.mark)
        if figures.table.missing_is_zero:
            empty = np.searchsorted(keys, _left_out(figures, own, layout))
            np.maximum.at(low, empty, 0)
            np.minimum.at(high, empty, 0)
    spaces = (keys // layout.span) % len(layout.measures)
    whole = ~np.isin(spaces, [layout.measures.index(name) for name in fractional])
    system = System(layout, keys, low, high, listed, gap, rounded, mark, whole, facts, places)
    clash = np.flatnonzero(low > high)
    if len(clash):
        cell = int(clash[0])
        twice = f"{system.name(cell)} is published twice, with different figures."
        raise fault(" and ".join(system.tables_of(cell)), twice)
    return system


def _half(figures: Figures) -> float:
    """How far a rounded figure may be from the true one."""
    base = figures.table.round_base
    if base is None:
        return 0
    uneven = np.flatnonzero(np.abs(figures.figure / base - np.round(figures.figure / base)) > 1e-9)
    if len(uneven):
        row = int(uneven[0]) + 2
        raise fault(figures.table.name, "a figure is no multiple of `round_base`.", figures.table.count, row)
    return floor(base / 2) if float(base).is_integer() else base / 2


def _numbers(figures: Figures, layout: Layout) -> np.ndarray:
    """The number, within its space, of each row. Refuses (USAGE) an unknown code and a cell that stands twice."""
    numbers = _numbers_of(figures.columns, layout, figures.table.name, figures.rows)
    order = np.argsort(numbers, kind="stable")
    twice = np.flatnonzero(np.diff(numbers[order]) == 0)
    if len(twice):
        first, second = sorted(int(row) for row in order[twice[0] : twice[0] + 2])
        codes = ", ".join(f"{name}={column.codes[column.position[first]]}" for name, column in figures.columns.items())
        raise fault(figures.table.name, f"the cell {codes} stands twice, first in row {first + 2}.", row_no=second + 2)
    return numbers


def _numbers_of(columns: Mapping[str, Column], layout: Layout, file: str, rows: int) -> np.ndarray:
    numbers = np.zeros(rows, dtype=np.int64)
    for name, column in columns.items():
        places = layout.places[name]
        unknown = [code for code in column.codes if code not in places]
        if unknown:
            row = int(np.flatnonzero(column.position == column.codes.index(unknown[0]))[0]) + 2
            raise fault(file, f"dimension {name} has no code `{unknown[0]}` in its hierarchy.", name, row)
        place = np.array([places[code] for code in column.codes], dtype=np.int64)
        numbers += place[column.position] * layout.strides[name]
    return numbers


def _left_out(figures: Figures, numbers: np.ndarray, layout: Layout) -> np.ndarray:
    """Cells that a table leaves out because they are zero: of the codes it uses, and of leaves."""
    parts = []
    for name in layout.dims:
        if name in figures.columns:
            dim, used = layout.dims[name], set(figures.columns[name].codes)
            places = [i for i, code in enumerate(dim.codes) if code in used or code not in dim.breakdowns]
            parts.append((name, np.array(places)))
    space = layout.space(figures.table.release, figures.table.measure)
    return np.setdiff1d(layout.grid(parts) + space, numbers)


def _named(statements: Sequence[Statement]) -> list[str]:
    return [term.measure for statement in statements for term in statement.terms if term.measure is not None]


def _united(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.unique(np.concatenate(parts))


@dataclass(frozen=True)
class _Placed:
    """A statement about certain spaces: for certain cells of each, or for every combination of codes (None)."""

    statement: Statement
    spaces: tuple[int, ...]
    cells: np.ndarray | None
    shapes: tuple[Shape, ...]

    def extend(self, shapes: dict[int, set[Shape]]) -> None:
        """The cells that are named must exist, and add up like any other."""
        for space, shape in zip(self.spaces, self.shapes, strict=True):
            shapes[space].add(shape)

    def blocks(self, grids: dict[int, np.ndarray]) -> Iterator[Block]:
        cells = self.cells
        if cells is None:
            cells = grids[self.spaces[0]][:, None] + np.array(self.spaces)
        coefficients = np.array([float(term.coefficient) for term in self.statement.terms])
        words = self.statement.words + (" (at {cell})" if self.cells is None else "")
        yield Block(cells, coefficients, self.statement.low, self.statement.high, words)


def _placed(statement: Statement, layout: Layout, *, joint: bool) -> Iterator[_Placed]:
    """A statement for each release that it is about; one over several releases only where they are joined."""
    said = {term.release for term in statement.terms if term.release is not None}
    for name in sorted(said - set(layout.releases)):
        raise fault(statement.words, f"there is no release `{name}`.")
    if len(said) > 1 and not joint:
        return
    for release in layout.releases if not said else (sorted(said)[0],):
        measures = [_measure(term, statement, layout) for term in statement.terms]
        spaces = tuple(
            layout.space(term.release or release, measure)
            for term, measure in zip(statement.terms, measures, strict=True)
        )
        if isinstance(statement, Rates):
            yield from _rates(statement, spaces, layout)
        elif all(term.codes is None for term in statement.terms):
            yield _Placed(statement, spaces, None, tuple(frozenset() for _ in spaces))
        else:
            codes = [_known_codes(term, statement, layout) for term in statement.terms]
            cells = np.array([[space + layout.of_codes(c) for space, c in zip(spaces, codes, strict=True)]])
            yield _Placed(statement, spaces, cells, tuple(frozenset(c) for c in codes))


def _measure(term: Term, statement: Statement, layout: Layout) -> str:
    if term.measure is not None:
        return term.measure
    if len(layout.measures) > 1 and "" not in layout.measures:
        raise fault(statement.words, "a term names no measure, and there are several.")
    return "" if "" in layout.measures else layout.measures[0]


def _known_codes(term: Term, statement: Statement, layout: Layout) -> Mapping[str, str]:
    for name, code in (term.codes or {}).items():
        if code not in layout.places[name]:
            raise fault(statement.words, f"dimension {name} has no code `{code}`.")
    return term.codes or {}


def _rates(statement: Rates, spaces: tuple[int, ...], layout: Layout) -> Iterator[_Placed]:
    """Two facts for each published rate; the denominator's cell may have codes of its own (a total)."""
    columns, texts = read_rate_file(statement.path, statement.column, statement.dims, layout.dims)
    base = _numbers_of(columns, layout, statement.path.name, len(texts))
    pairs = zip(statement.terms, spaces, strict=True)
    cells = np.stack([_moved(base, term, statement, layout) + space for term, space in pairs], axis=1)
    shape = frozenset(columns)
    shapes = tuple(shape | frozenset(term.codes or ()) for term in statement.terms)
    by_rate: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        if text is not None:
            by_rate[text].append(row)
    for text, rows in by_rate.items():
        first, second = statement.terms
        for fact in rate_facts(first, second, Fraction(text), statement.digits, statement.percent, statement.words):
            yield _Placed(fact, spaces, cells[rows], shapes)


def _moved(numbers: np.ndarray, term: Term, statement: Statement, layout: Layout) -> np.ndarray:
    for name, code in _known_codes(term, statement, layout).items():
        stride, size = layout.strides[name], layout.sizes[name]
        numbers = numbers + (layout.places[name][code] - (numbers // stride) % size) * stride
    return numbers


def _share_shapes(statements: Sequence[_Placed], shapes: dict[int, set[Shape]]) -> None:
    """A sum of measures holds wherever any of them is published: its spaces have the same cells."""
    changed = True
    while changed:
        changed = False
        for statement in statements:
            if statement.cells is None:
                union = set().union(*(shapes[space] for space in statement.spaces))
                for space in statement.spaces:
                    changed |= not union <= shapes[space]
                    shapes[space] |= union


def _links(spec: AuditSpec, layout: Layout, grids: dict[int, np.ndarray]) -> Iterator[Block]:
    """What is known of the cohort from one release to the next, for every cell that both have."""
    for earlier, later in zip(spec.releases, spec.releases[1:], strict=False):
        if not later.cohort:
            continue
        most = 0.0 if later.cohort == "same" else inf if later.at_most is None else later.at_most
        for measure in layout.measures:
            before, after = layout.space(earlier.name, measure), layout.space(later.name, measure)
            if before in grids and after in grids:
                both = np.intersect1d(grids[before], grids[after])
                cells = np.stack([both + after, both + before], axis=1)
                said = "the same cohort as before" if later.cohort == "same" else "nobody left since the release before"
                yield Block(cells, np.array([1.0, -1.0]), 0, most, "{cell}: " + said)
