"""The interval of every gap: the least and the most that it is in any table that agrees with all facts.

Belongs here: which ends must be asked of the solver, and in which order. Does not belong here: what single rows say
(`rows`), and the solver itself.

Cells that hang together form a component. Where their rows form a tree, what single rows say is all there is. Else
every end is a linear program, unless an earlier answer was a table that already attains it. Where cells are whole,
an end that no whole table has attained is asked once more over whole tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from polku.disclosure.attack.facts import Facts
from polku.disclosure.attack.rows import ALMOST, Contradiction, Rows, components, folded, narrowed
from polku.disclosure.attack.solver import Answer, Infeasible, Model, Problem, whole_end

LARGEST_WHOLE = 3_000
"""Cells of a component beyond which whole tables are not searched: its intervals are then those of the program."""
WHOLE_LIMIT_S = 2.0
"""Time for one search of a whole table."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Component:
    """Cells that hang together: positions of `cells`, numbers of `rows`, and their rows over these cells."""

    cells: np.ndarray
    rows: np.ndarray
    problem: Problem
    is_tree: bool


def component_parts(rows: Rows, low: np.ndarray, high: np.ndarray, whole: np.ndarray) -> Iterator[Component]:
    """The components, each with its own small problem, in the order of their first row."""
    if not len(rows.index):
        return
    of_row, of_cell = components(rows)
    cells, _ = rows.cells
    local = np.empty(len(low), dtype=np.int64)
    row_order, cell_order = np.argsort(of_row, kind="stable"), np.argsort(of_cell, kind="stable")
    row_ends = np.cumsum(np.bincount(of_row))
    cell_ends = np.cumsum(np.bincount(of_cell))
    sizes = np.diff(rows.start)
    for number in range(len(row_ends)):
        own_rows = row_order[(row_ends[number - 1] if number else 0) : row_ends[number]]
        own_cells = cells[cell_order[(cell_ends[number - 1] if number else 0) : cell_ends[number]]]
        local[own_cells] = np.arange(len(own_cells))
        lengths = sizes[own_rows]
        start = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.arange(start[-1]) + np.repeat(rows.start[own_rows] - start[:-1], lengths)
        problem = Problem(
            low[own_cells],
            high[own_cells],
            rows.low[own_rows],
            rows.high[own_rows],
            start,
            local[rows.index[entries]],
            rows.coefficient[entries],
            whole[own_cells],
        )
        tree = start[-1] == len(own_rows) + len(own_cells) - 1
        yield Component(own_cells, own_rows, problem, bool(tree and np.all(np.abs(problem.coefficient) == 1)))


def solved(
    facts: Facts, low: np.ndarray, high: np.ndarray, whole: np.ndarray, wanted: np.ndarray,
    progress: Progress | None = None, *, exact_only: bool = False,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The intervals of the wanted cells, from what is known of each by itself. Raises `Contradiction`.

    `exact_only`: it is enough to know where one number is left; other intervals may be too wide.
    """
    rows = folded(facts, low, high)
    low, high, settled = narrowed(rows, low, high, whole)
    rows = folded(facts, low, high)
    return bounded(rows, low, high, whole, wanted, settled=settled, progress=progress, exact_only=exact_only)


def bounded(
    rows: Rows, low: np.ndarray, high: np.ndarray, whole: np.ndarray, wanted: np.ndarray, *, settled: bool,
    progress: Progress | None = None, exact_only: bool = False,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The intervals of `wanted` cells (see `solved`). `settled`: narrowing by rows has come to its end.

    Raises `Contradiction` where no table agrees with all facts.
    """
    low, high = low.copy(), high.copy()
    parts = list(component_parts(rows, low, high, whole))
    total, done = sum(len(part.cells) for part in parts), 0
    for part in parts:
        if not (part.is_tree and settled):
            try:
                part_low, part_high = _ends(part, wanted[part.cells], progress, done, total, exact_only)
            except Infeasible as proof:
                raise Contradiction(rows.fact[part.rows[proof.rows]].tolist()) from None
            low[part.cells], high[part.cells] = part_low, part_high
        done += len(part.cells)
    return low, high


def _ends(
    part: Component, wanted: np.ndarray, progress: Progress | None, done: int, total: int, exact_only: bool
) -> tuple[np.ndarray, np.ndarray]:
    problem = part.problem
    model = Model(problem)
    known = _Known(problem)
    columns = np.flatnonzero(wanted).tolist()
    if not columns:
        model.end(0, 1)
    for sign in (1, -1):
        for asked, column in enumerate(columns):
            if not (known.attained(column, sign, whole=False) or (exact_only and known.differs(column))):
                known.learn(column, sign, model.end(column, sign))
            if progress and asked % 256 == 0:
                progress(done + (asked + (len(columns) if sign < 0 else 0)) // 2, total)
    if problem.whole.any() and len(problem.low) <= LARGEST_WHOLE:
        for sign in (1, -1):
            for column in columns:
                if not problem.whole[column] or (exact_only and known.differs(column)):
                    continue
                if not known.attained(column, sign, whole=True):
                    known.learn(column, sign, whole_end(problem, column, sign, WHOLE_LIMIT_S))
    return known.low, known.high


class _Known:
    """Bounds of a component so far, and the ends of the tables that were found to agree with all facts."""

    def __init__(self, problem: Problem) -> None:
        self.low, self.high, self.whole = problem.low.copy(), problem.high.copy(), problem.whole
        size = len(self.low)
        self.least, self.most = np.full(size, np.inf), np.full(size, -np.inf)
        self.least_whole, self.most_whole = self.least.copy(), self.most.copy()

    def attained(self, column: int, sign: int, *, whole: bool) -> bool:
        """Whether a table is known that attains the bound; one without end is not asked for again."""
        if sign > 0:
            seen, bound = (self.least_whole if whole else self.least)[column], self.low[column]
        else:
            seen, bound = (self.most_whole if whole else self.most)[column], self.high[column]
        if np.isinf(bound):
            return whole
        return bool(abs(seen - bound) <= ALMOST * max(1, abs(bound)))

    def differs(self, column: int) -> bool:
        """Whether two tables are known in which the column is not the same: whole ones, where it is whole."""
        least, most = (self.least_whole, self.most_whole) if self.whole[column] else (self.least, self.most)
        return bool(most[column] - least[column] > 0.5 if self.whole[column] else most[column] - least[column] > ALMOST)

    def learn(self, column: int, sign: int, answer: Answer) -> None:
        """An answer of the solver is a bound of its column and, where it has a point, one more table."""
        value = answer.value
        nearest = np.round(value)
        if self.whole[column] and np.isfinite(value):
            value = np.ceil(value - ALMOST) if sign > 0 else np.floor(value + ALMOST)
        elif np.isfinite(value) and abs(value - nearest) <= ALMOST:
            value = nearest
        if sign > 0:
            self.low[column] = max(self.low[column], value)
        else:
            self.high[column] = min(self.high[column], value)
        if answer.point is None:
            return
        np.minimum(self.least, answer.point, out=self.least)
        np.maximum(self.most, answer.point, out=self.most)
        if np.all(np.abs(answer.point - np.round(answer.point))[self.whole] <= ALMOST):
            np.minimum(self.least_whole, answer.point, out=self.least_whole)
            np.maximum(self.most_whole, answer.point, out=self.most_whole)
