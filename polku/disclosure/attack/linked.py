"""Tables of one or several releases as one linked system: cells by position, and facts that hold between them.

Belongs here: which figures of which tables are the same number, their lines as facts, and what follows where marks or
the rule contradict the figures. Does not belong here: what a table shows by itself (`views`), and which findings there
are (`release`, `releases`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from polku.disclosure.attack.facts import Facts
from polku.disclosure.attack.intervals import solved
from polku.disclosure.attack.rows import Contradiction, components, folded
from polku.disclosure.attack.views import Interval, View, views_of
from polku.disclosure.cells import Cell, Finding, Key, Line, ReleaseSpec, words
from polku.disclosure.policy import Policy

LEVELS = ("A2", "A1", "A0")
"""From what is believed first to what is left when the marks, and then the rule, contradict the figures."""

Ends = tuple[np.ndarray, np.ndarray]
Place = tuple[str, str, frozenset[tuple[str, str]]]
"""A cell of all tables: population (or table), column, and its codes but for totals."""


def place_of(
    name: str, spec: ReleaseSpec, column: str, dimensions: Sequence[str], key: Key, without: str | None = None
) -> Place:
    """Where a cell of the table `name` stands among all tables; `without` is a dimension along which all are meant."""
    codes = frozenset(
        (dimension, str(code))
        for dimension, code in zip(dimensions, key, strict=True)
        if dimension != without and not (dimension in spec.total_code and code == spec.total_code[dimension])
    )
    return spec.population or f"table {name}", column, codes


@dataclass
class LinkedTables:
    """Cells by position, what is known of each at every level (`LEVELS`), and facts about them in words.

    A place may stand for different numbers in different releases: `version` says which of them is meant while tables
    are taken, and `of` how findings and facts name the release (nothing where there is one only).
    """

    version: Callable[[Place], Hashable] = lambda _: None
    of: str = ""
    position: dict[tuple[Place, Hashable], int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    known: list[list[Interval]] = field(default_factory=lambda: [[] for _ in LEVELS])
    terms: list[dict[int, int]] = field(default_factory=list)
    ends: list[Interval] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    gaps: list[tuple[int, Finding]] = field(default_factory=list)
    shown_by: dict[int, str] = field(default_factory=dict)
    taken: set[tuple[tuple[int, int], ...]] = field(default_factory=set)

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
                    self.fact(pair, (-math.inf, 0), "the base of the cell")

    def _view(self, name: str, spec: ReleaseSpec, view: View) -> None:
        for key, interval in view.intervals.items():
            at = self._at(name, spec, view, key)
            if key not in view.gaps:
                self.shown_by.setdefault(at, f"the table {name}{self.of} shows it")
                for level in self.known:
                    level[at] = interval
                continue
            for level, each in zip(self.known, (interval, view.by_rule[key], view.by_itself[key]), strict=True):
                level[at] = _both(level[at], each)
            self.gaps.append((at, Finding(words(key, view.dimensions) + self.of, view.column, "", name)))
        for number, line in enumerate(view.lines):
            self._line(name, spec, view, line, view.totals[number])
        for line in view.open_lines if spec.population else ():
            self._line(name, spec, view, line, (0, math.inf))

    def _line(self, name: str, spec: ReleaseSpec, view: View, line: Line, total: Interval) -> None:
        """The parts make the total; one without a row is a cell all the same, which another table may show."""
        first = line.parts[0] if line.parts else line.total or ()
        at = self._at(name, spec, view, line.total or first, without=None if line.total else line.along)
        if not line.total:
            for level in self.known:
                level[at] = _both(level[at], total)
        codes = ", ".join(f"{d}={code}" for d, code in zip(view.dimensions, first, strict=True) if d != line.along)
        where = f" at {codes}" if codes else ""
        terms = {self._at(name, spec, view, key): 1 for key in line.parts}
        self.fact(terms | {at: -1}, (0, 0), f"the line along {line.along}{where}{self.of}")

    def _at(self, name: str, spec: ReleaseSpec, view: View, key: Key, without: str | None = None) -> int:
        place = place_of(name, spec, view.column, view.dimensions, key, without)
        return self.at(place, self.version(place), name)

    def at(self, place: Place, version: Hashable, name: str) -> int:
        """The position of one number of a place; a new one is unknown, and bears the name of the table that told it."""
        if (place, version) not in self.position:
            self.position[place, version] = len(self.position)
            _, column, codes = place
            where = ", ".join(f"{dimension}={code}" for dimension, code in sorted(codes)) or "all"
            self.names.append(f"{name}.{column} at {where}{self.of}")
            for level in self.known:
                level.append((0, math.inf))
        return self.position[place, version]

    def fact(self, terms: dict[int, int], ends: Interval, said: str) -> None:
        """A sum of cells that lies between two ends; told a second time it adds nothing."""
        same = tuple(sorted(terms.items()))
        if same not in self.taken:
            self.taken.add(same)
            self.terms.append(terms)
            self.ends.append(ends)
            self.said.append(said)

    def facts(self, numbers: Sequence[int]) -> Facts:
        """Some of the facts, by number."""
        ends = np.array([self.ends[number] for number in numbers], dtype=np.float64).reshape(-1, 2)
        chosen = [self.terms[number] for number in numbers]
        sizes = [len(terms) for terms in chosen]
        return Facts(
            start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            index=np.array([at for terms in chosen for at in terms], dtype=np.int64),
            coefficient=np.array([times for terms in chosen for times in terms.values()], dtype=np.float64),
            low=ends[:, 0].copy(),
            high=ends[:, 1].copy(),
            blocks=(),
            firsts=(),
        )


def _both(one: Interval, other: Interval) -> Interval:
    """What two tables say of a cell; where they contradict each other, what the first says."""
    both = (max(one[0], other[0]), min(one[1], other[1]))
    return both if both[0] <= both[1] else one


def believed(
    facts: Facts, known: list[np.ndarray], first: int, wanted: np.ndarray, *, exact_only: bool = False
) -> tuple[Ends, Ends]:
    """What is believed of each cell by itself, and the intervals that follow.

    Where that contradicts the facts, the cells that hang together are taken at the next level (the mark is untrue,
    then the rule), and at the last one the facts that contradict each other are left out (of `facts`).
    """
    whole = np.ones(len(wanted), dtype=bool)
    level = np.full(len(wanted), first)
    last = len(known) - 1
    hang_together = labels_of(facts, known[last])
    while True:
        chosen = np.choose(level[:, None], known) if len(level) else known[last]
        low, high = chosen[:, 0], chosen[:, 1]
        crossed = (low > high) & (level < last)
        if crossed.any():
            level[crossed] += 1
            continue
        try:
            return (low, high), solved(facts, low, high, whole, wanted, exact_only=exact_only)
        except Contradiction as contradiction:
            cells = {at for fact in contradiction.facts for at, _ in facts.terms(fact)}
            labels = {hang_together[at] for at in cells}
            lower = np.isin(hang_together, [label for label in labels if label >= 0]) & (level < last)
            level[lower] += 1
            if not lower.any():
                facts.low[contradiction.facts], facts.high[contradiction.facts] = -math.inf, math.inf


def labels_of(facts: Facts, known: np.ndarray) -> np.ndarray:
    """Which open cells hang together; -1 for a cell that is known."""
    labels = np.full(len(known), -1)
    nowhere = np.full(facts.rows, math.inf)
    rows = folded(replace(facts, low=-nowhere, high=nowhere), known[:, 0], known[:, 1])
    if len(rows.index):
        _, of_cell = components(rows)
        labels[rows.cells[0]] = of_cell
    return labels
