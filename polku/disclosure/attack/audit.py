"""The whole attack on an audit file: build the system, take a level, find every interval, say what is given away.

Belongs here: the order of the steps and the outcome. Does not belong here: any step by itself, and printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from polku.disclosure.attack.explain import Explainer, published_in
from polku.disclosure.attack.insider import bound_together
from polku.disclosure.attack.intervals import Progress, solved
from polku.disclosure.attack.knowledge import Knowledge, bounds_of, knowledge_of
from polku.disclosure.attack.rows import ALMOST, Contradiction, folded
from polku.disclosure.attack.spec import AuditSpec, read_spec
from polku.disclosure.attack.system import System, build
from polku.disclosure.attack.tables import OTHER, PRIMARY
from polku.errors import Exit, Refusal

TOLD = 5
"""A contradiction names this many facts."""


@dataclass(frozen=True)
class Interval:
    """What an attacker can say of one gap or rounded figure; `why` only where it is one value.

    `mark`: PRIMARY, OTHER, or NO_MARK where the table does not say which of its gaps need protection.
    """

    cell: str
    low: float
    high: float
    mark: int
    exact: bool
    by_insider: bool = False
    why: str = ""

    @property
    def disclosed(self) -> bool:
        """Exact, to everybody or to an insider, and not one of those gaps that only protect others."""
        return (self.exact or self.by_insider) and self.mark != OTHER


@dataclass(frozen=True)
class Outcome:
    """What an attack found: every interval, in the order of cells."""

    known: Knowledge
    intervals: tuple[Interval, ...]
    ignored: tuple[str, ...] = ()

    @property
    def exit(self) -> int:
        """0 safe, 1 something is disclosed."""
        return int(bool(self.disclosed))

    @property
    def disclosed(self) -> tuple[Interval, ...]:
        """Cells that need protection and of which one value is left."""
        return tuple(each for each in self.intervals if each.disclosed)

    @property
    def also_exact(self) -> tuple[Interval, ...]:
        """Gaps of which one value is left, but which are there to protect others: no disclosure by themselves."""
        return tuple(each for each in self.intervals if each.exact and not each.disclosed)

    @property
    def shown_small(self) -> tuple[Interval, ...]:
        """Primary gaps that are not exact but shown to be below the threshold, to one who was not told so."""
        threshold = self.known.threshold
        if threshold is None or self.known.marks:
            return ()
        return tuple(i for i in self.intervals if i.mark == PRIMARY and not i.disclosed and i.high < threshold)


def audit(
    path: Path, level: str | None = None, threshold: int | None = None, progress: Progress | None = None
) -> Outcome:
    """Attack what a file describes. Refuses (USAGE) faults of the file and its tables, and facts that contradict."""
    spec = read_spec(path)
    return attacked(spec, knowledge_of(spec, level, threshold), progress)


def attacked(spec: AuditSpec, known: Knowledge, progress: Progress | None = None) -> Outcome:
    """Attack with what an attacker of a level knows."""
    system = build(spec, joint=known.joint)
    low, high, whole = bounds_of(system, known)
    wanted = system.listed & (system.gap | system.rounded)
    clash = np.flatnonzero(low > high + ALMOST)
    if len(clash):
        raise _clashing(system, int(clash[0]))
    try:
        found_low, found_high = solved(system.facts, low, high, whole, wanted, progress)
    except Contradiction as contradiction:
        raise _contradictory(system, contradiction.facts) from None
    at = np.flatnonzero(wanted)
    exact = found_high[at] - found_low[at] <= ALMOST * np.maximum(1, np.abs(found_low[at]))
    told = at[exact & (system.mark[at] != OTHER)]
    explainer = Explainer(system.facts, (low, high), whole, system.name, partial(published_in, system))
    why = explainer.of({int(cell): float(found_low[cell]) for cell in told})
    inside = _by_insiders(system, found_low, found_high, set(at.tolist())) if known.insider else {}
    return Outcome(
        known,
        tuple(
            Interval(
                system.name(cell),
                float(found_low[cell]),
                float(found_high[cell]),
                int(system.mark[cell]),
                bool(is_exact),
                cell in inside,
                why.get(cell) or inside.get(cell, ""),
            )
            for cell, is_exact in zip(at.tolist(), exact.tolist(), strict=True)
        ),
        spec.ignored,
    )


def _by_insiders(system: System, low: np.ndarray, high: np.ndarray, wanted: set[int]) -> dict[int, str]:
    """Gaps that somebody works out who is alone in another gap, and knows that one."""
    found = {}
    for group in bound_together(folded(system.facts, low, high)):
        alone = [cell for cell in group if cell in wanted and low[cell] <= 1]
        for cell in group:
            others = [other for other in alone if other != cell]
            if cell in wanted and others:
                found[cell] = f"whoever is alone in [{system.name(others[0])}] works it out"
    return found


def _clashing(system: System, cell: int) -> Refusal:
    tables = " and ".join(system.tables_of(cell))
    return Refusal(Exit.USAGE, f"what is said of {system.name(cell)} cannot all hold.", file=tables)


def _contradictory(system: System, facts: list[int]) -> Refusal:
    lines = []
    for fact in facts[:TOLD]:
        cell = int(system.facts.index[system.facts.start[fact]])
        tables = ", ".join(dict.fromkeys(t for at, _ in system.facts.terms(fact) for t in system.tables_of(at)))
        lines.append(f"\n  - {system.facts.words(fact, system.layout)} ({tables or system.name(cell)})")
    more = f"\n  and {len(facts) - TOLD} more" if len(facts) > TOLD else ""
    said = "this does not add up" if len(facts) == 1 else "these cannot all hold"
    return Refusal(Exit.USAGE, f"the facts contradict each other: {said}:{''.join(lines)}{more}")
