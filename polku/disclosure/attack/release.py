"""The attacker of the gate: which hidden figures an outsider can work out from the protected tables of a release.

Belongs here: the tables of a release as one linked system, and what follows from it. Does not belong here: what each
table shows by itself (`views`), and hiding anything. Shares with the protection nothing but the reading of cells and
the policy.

The attacker knows every published figure of all tables, every line and total, that figures are whole and not
negative, at A1 the rule, at A2 the marks of gaps as well. Earlier releases are not tried here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from polku.disclosure.attack.facts import Facts
from polku.disclosure.attack.intervals import component_parts, solved
from polku.disclosure.attack.rows import ALMOST, Contradiction, components, folded
from polku.disclosure.attack.shortest import Prover
from polku.disclosure.attack.views import Interval, View, views_of
from polku.disclosure.cells import Cell, Finding, Key, Line, ReleaseSpec, Status, read_cells, words
from polku.disclosure.policy import Policy

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("A2", "A1", "A0")
"""From what is believed first to what is left when the marks, and then the rule, contradict the figures."""

Ends = tuple[np.ndarray, np.ndarray]
Place = tuple[str, str, frozenset[tuple[str, str]]]
"""A cell of all tables: population (or table), column, and its codes but for totals."""


def recover_all(
    tables: Mapping[str, tuple[pd.DataFrame, ReleaseSpec]], policy: Policy, level: str = "A2"
) -> list[Finding]:
    """Hidden figures of a release that follow from its published ones; an empty list is the goal.

    `tables` by name; those of one `population` are linked. Refuses (GATE_CLOSED) a table that cannot be read as its
    declaration says. A mark or a rule that contradicts the figures tells the attacker nothing.
    """
    findings: list[Finding] = []
    system = _System()
    for name, (table, spec) in tables.items():
        cells = read_cells(table, spec)
        findings += _left_standing(cells, spec, name)
        system.take(name, cells, spec, policy)
    return findings + list(system.given_away(LEVELS.index(level)))


def recover(table: pd.DataFrame, spec: ReleaseSpec, policy: Policy) -> list[Finding]:
    """The same for one table alone."""
    return recover_all({spec.name: (table, spec)}, policy)


def _left_standing(cells: Mapping[Key, Cell], spec: ReleaseSpec, table: str) -> Iterator[Finding]:
    """Figures that still stand in a hidden cell, and hidden bases that other figures show."""
    shown_bases = {spec.base_key(k) for k, cell in cells.items() if spec.base and cell.figures[spec.base]}
    for cell in cells.values():
        at = words(cell.key, spec.dimensions)
        if cell.status is None or cell.status.hidden:
            for column in spec.with_cell:
                if cell.figures[column] is not None:
                    yield Finding(at, column, "the cell is not cleared but this figure of it is published", table)
        if spec.base and cell.figures[spec.base] is None and cell.status is not Status.NOT_OBSERVED:
            if spec.base_key(cell.key) in shown_bases:
                yield Finding(at, spec.base, "another row shows the same base", table)
            elif cell.figures[spec.count] is not None and spec.share and cell.figures[spec.share] is not None:
                yield Finding(at, spec.base, "it is the count divided by its share", table)


@dataclass
class _System:
    """Cells by position, what is known of each at every level (`LEVELS`), and facts about them in words."""

    position: dict[Place, int] = field(default_factory=dict)
    known: list[list[Interval]] = field(default_factory=lambda: [[] for _ in LEVELS])
    terms: list[dict[int, int]] = field(default_factory=list)
    ends: list[Interval] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    gaps: list[tuple[int, Finding]] = field(default_factory=list)
    shown_by: dict[int, str] = field(default_factory=dict)

    def take(self, name: str, cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> None:
        """A table: its cells, its lines, and that a count is at most its base."""
        views = views_of(cells, spec, policy)
        for view in views:
            self._view(name, spec, view)
        if spec.base:
            counts, bases = views
            for key in counts.gaps:
                base = spec.base_key(key)
                if base in bases.gaps:
                    pair = {self._at(name, spec, counts, key): 1, self._at(name, spec, bases, base): -1}
                    self._fact(pair, (-math.inf, 0), "the base of the cell")

    def _view(self, name: str, spec: ReleaseSpec, view: View) -> None:
        for key, interval in view.intervals.items():
            at = self._at(name, spec, view, key)
            if key not in view.gaps:
                self.shown_by.setdefault(at, name)
                for level in self.known:
                    level[at] = interval
                continue
            for level, each in zip(self.known, (interval, view.by_rule[key], view.by_itself[key]), strict=True):
                level[at] = _both(level[at], each)
            self.gaps.append((at, Finding(words(key, view.dimensions), view.column, "", name)))
        for number, line in enumerate(view.lines):
            self._line(name, spec, view, line, view.totals[number])
        for line in view.open_lines if spec.population else ():
            self._line(name, spec, view, line, (0, math.inf))

    def _line(self, name: str, spec: ReleaseSpec, view: View, line: Line, total: Interval) -> None:
        """The parts make the total; one without a row is a cell all the same, which another table may show."""
        first = line.parts[0] if line.parts else line.total or ()
        along = view.dimensions.index(line.along)
        at = self._at(name, spec, view, line.total or first, without=None if line.total else along)
        if not line.total:
            for level in self.known:
                level[at] = _both(level[at], total)
        codes = ", ".join(f"{d}={code}" for d, code in zip(view.dimensions, first, strict=True) if d != line.along)
        where = f" at {codes}" if codes else ""
        terms = {self._at(name, spec, view, key): 1 for key in line.parts}
        self._fact(terms | {at: -1}, (0, 0), f"the line along {line.along}{where}")

    def _at(self, name: str, spec: ReleaseSpec, view: View, key: Key, without: int | None = None) -> int:
        codes = frozenset(
            (dimension, str(code))
            for i, (dimension, code) in enumerate(zip(view.dimensions, key, strict=True))
            if i != without and not (dimension in spec.total_code and code == spec.total_code[dimension])
        )
        place = (spec.population or f"table {name}", view.column, codes)
        if place not in self.position:
            self.position[place] = len(self.position)
            for level in self.known:
                level.append((0, math.inf))
        return self.position[place]

    def _fact(self, terms: dict[int, int], ends: Interval, said: str) -> None:
        self.terms.append(terms)
        self.ends.append(ends)
        self.said.append(said)

    def given_away(self, first: int) -> Iterator[Finding]:
        """Every gap of which one value is left, and the lines that leave it."""
        facts = self._facts()
        known = [np.array(level, dtype=np.float64).reshape(-1, 2) for level in self.known]
        wanted = np.zeros(len(self.position), dtype=bool)
        wanted[[at for at, _ in self.gaps]] = True
        bounds, (low, high) = _believed(facts, known, first, wanted)
        exact = wanted & (high - low <= ALMOST)
        why = self._reasons(facts, bounds, {int(at): float(low[at]) for at in np.flatnonzero(exact)})
        for at, finding in self.gaps:
            if exact[at]:
                yield Finding(finding.cell, finding.column, why[at], finding.table)

    def _facts(self) -> Facts:
        ends = np.array(self.ends, dtype=np.float64).reshape(-1, 2)
        sizes = [len(terms) for terms in self.terms]
        return Facts(
            start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            index=np.array([at for terms in self.terms for at in terms], dtype=np.int64),
            coefficient=np.array([times for terms in self.terms for times in terms.values()], dtype=np.float64),
            low=ends[:, 0].copy(),
            high=ends[:, 1].copy(),
            blocks=(),
            firsts=(),
        )

    def _reasons(self, facts: Facts, ends: Ends, values: Mapping[int, float]) -> dict[int, str]:
        """The lines of the shortest proof; all together where whole numbers are needed to see it."""
        low, high = ends
        alone = "what is known of it by itself leaves one number"
        shown = {at: f"the table {self.shown_by[at]} shows it" for at in values if at in self.shown_by}
        found = {at: alone for at in values if low[at] == high[at]} | shown
        rows = folded(facts, low, high)
        for part in component_parts(rows, low, high, np.ones(len(low), dtype=bool)):
            mine = [int(at) for at in np.intersect1d(part.cells, list(values)) if int(at) not in found]
            numbers = rows.fact[part.rows]
            prover = Prover(part.problem, np.diff(facts.start)[numbers].astype(np.float64)) if mine else None
            for at in mine:
                column = int(np.searchsorted(part.cells, at))
                used: dict[str, None] = {}
                bounds = False
                for sign in (1, -1):
                    proof = prover.proof(column, sign, values[at], 0.999) if prover else None
                    if proof:
                        used |= dict.fromkeys(self.said[int(numbers[row])] for row in sorted(proof.facts))
                        bounds |= bool(proof.bounds)
                lines = " and ".join(used) or "all lines together"
                found[at] = f"one number is left by {lines}" if bounds or not used else f"it follows from {lines}"
        return found


def _both(one: Interval, other: Interval) -> Interval:
    """What two tables say of a cell; where they contradict each other, what the first says."""
    both = (max(one[0], other[0]), min(one[1], other[1]))
    return both if both[0] <= both[1] else one


def _believed(facts: Facts, known: list[np.ndarray], first: int, wanted: np.ndarray) -> tuple[Ends, Ends]:
    """What is believed of each cell by itself, and the intervals that follow.

    Where that contradicts the facts, the cells that hang together are taken at the next level (the mark is untrue,
    then the rule), and at the last one the facts that contradict each other are left out (of `facts`).
    """
    whole = np.ones(len(wanted), dtype=bool)
    level = np.full(len(wanted), first)
    last = len(known) - 1
    hang_together = _labels(facts, known[last])
    while True:
        chosen = np.choose(level[:, None], known) if len(level) else known[last]
        low, high = chosen[:, 0], chosen[:, 1]
        crossed = (low > high) & (level < last)
        if crossed.any():
            level[crossed] += 1
            continue
        try:
            return (low, high), solved(facts, low, high, whole, wanted)
        except Contradiction as contradiction:
            cells = {at for fact in contradiction.facts for at, _ in facts.terms(fact)}
            labels = {hang_together[at] for at in cells}
            lower = np.isin(hang_together, [label for label in labels if label >= 0]) & (level < last)
            level[lower] += 1
            if not lower.any():
                facts.low[contradiction.facts], facts.high[contradiction.facts] = -math.inf, math.inf


def _labels(facts: Facts, known: np.ndarray) -> np.ndarray:
    """Which open cells hang together; -1 for a cell that is known."""
    labels = np.full(len(known), -1)
    nowhere = np.full(facts.rows, math.inf)
    rows = folded(replace(facts, low=-nowhere, high=nowhere), known[:, 0], known[:, 1])
    if len(rows.index):
        _, of_cell = components(rows)
        labels[rows.cells[0]] = of_cell
    return labels
