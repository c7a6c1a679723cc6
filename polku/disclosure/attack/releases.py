"""The attacker of all releases: which hidden figures follow from everything that was ever public.

Belongs here: the tables of all releases as one system, and what tonight's release adds to what is known. Does not
belong here: which figures may change (`ledger.decision`), and how the ledger's cells are read (`remembered`).

The attacker (A4) has every release, withdrawn ones as well, and knows in which cells nobody has come or gone: such a
cell is one number in all releases. Else a cell is a number of its own in each release, and the lines of the tables
hold among the numbers of each. An old figure that stands in a cell that was held back tells the old number, not the
new one. What he may not find is any number that a release does not show, and how much a hidden number has changed
where that is about few persons. What earlier releases alone give away is not tonight's doing and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from polku.disclosure.attack.explain import Explainer
from polku.disclosure.attack.linked import LinkedTables, Place, believed, labels_of
from polku.disclosure.attack.remembered import Remembered, Seen, remembered, told_by_few, with_codes_as_text
from polku.disclosure.attack.rows import ALMOST
from polku.disclosure.cells import Finding, ReleaseSpec
from polku.disclosure.ledger.cell_file import PublicRelease
from polku.disclosure.policy import Policy

CHANGE = "change of "
"""What the difference of two numbers of a cell is called."""


def recover_between(
    releases: Sequence[PublicRelease], specs: Mapping[str, ReleaseSpec], policy: Policy
) -> list[Finding]:
    """What the last of the releases gives away together with those before it; an empty list is the goal.

    `specs` declare the tables by name; one that has none, or had other dimensions, is not read. Only cells that hang
    together with the last release are solved: the rest was judged before. A mark or a rule that contradicts the figures
    tells the attacker nothing.
    """
    system, seen = _Joint(), Seen()
    specs = {name: with_codes_as_text(spec) for name, spec in specs.items()}
    for release in releases[:-1]:
        system.take_release(remembered(release, specs, seen), specs, policy)
    before = system.known_now()
    told = len(system.terms)
    system.take_release(remembered(releases[-1], specs, seen), specs, policy)
    system.add_changes(len(before[0]))
    return told_by_few(releases, specs, policy) + list(_given_away(system, before, told, policy))


@dataclass
class _Joint(LinkedTables):
    """Linked tables over releases. `used` are positions that the release being taken has told of.

    - `numbers`: by place the positions that it had, oldest first.
    - `begun`: those that were put on record, as figures or gaps.
    - `owed`: those that must not be shown: gaps on record, and all that this release does not show. A number that was
      held back and never on record may be shown later, when enough persons tell it from all that are.
    - `changes`: the positions of differences, with the two of which each is one.
    """

    used: set[int] = field(default_factory=set)
    numbers: dict[Place, list[int]] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    owed: set[int] = field(default_factory=set)
    changes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def at(self, place: Place, version: object, name: str) -> int:
        """As of any linked tables, remembered by place."""
        position = super().at(place, version, name)
        self.used.add(position)
        own = self.numbers.setdefault(place, [])
        if position not in own:
            own.append(position)
        return position

    def take_release(self, release: Remembered, specs: Mapping[str, ReleaseSpec], policy: Policy) -> None:
        """The tables of a release as they were, and what their cells still tell."""
        self.of, self.version = f" of {release.day}", release.version
        self.used, gaps_before, self.owed = set(), len(self.gaps), self.owed & self.begun
        for name, cells in release.tables.items():
            self.take(name, cells, specs[name], policy)
        numbers = (self.position.get((place, release.version(place))) for place in release.begun)
        self.begun |= {at for at in numbers if at is not None}
        self.owed |= {at for at, _ in self.gaps[gaps_before:]}

    def known_now(self) -> list[np.ndarray]:
        """What is known of each number by itself, by level."""
        return [np.array(level, dtype=np.float64).reshape(-1, 2) for level in self.known]

    def add_changes(self, cells_before: int) -> None:
        """How much a hidden number differs from the last one of its cell, and from the last that was put on record.

        Where one of both is public the difference is as hidden as the other. Two numbers that were both put on record
        are told apart by enough persons (`told_by_few`).
        """
        hidden = {at: finding for at, finding in self.gaps if self.known[-1][at][0] != self.known[-1][at][1]}
        for own in list(self.numbers.values()):
            now = next((at for at in reversed(own) if at in self.used), None)
            if now is None or now not in hidden:
                continue
            earlier = [at for at in own[: own.index(now)] if at in hidden and at < cells_before]
            recorded = [at for at in earlier if at in self.begun and now not in self.begun]
            for then in dict.fromkeys([*earlier[-1:], *recorded[-1:]]):
                self._change(now, then, hidden[now])

    def is_old(self, fact: int, cells_before: int) -> bool:
        """Whether a fact is about numbers alone that were there before."""
        return all(at < cells_before or max(self.changes.get(at, (at,))) < cells_before for at in self.terms[fact])

    def _change(self, now: int, then: int, finding: Finding) -> None:
        at = len(self.names)
        self.position[("", CHANGE, frozenset()), (now, then)] = at
        self.names.append(f"{CHANGE}{self.names[now]}")
        for level in self.known:
            level.append((-math.inf, math.inf))
        self.fact({now: 1, then: -1, at: -1}, (0, 0), "what has changed")
        self.changes[at] = (now, then)
        self.gaps.append((at, replace(finding, why=f"its change since {self.names[then].rpartition(' of ')[2]} is ")))


def _given_away(system: _Joint, before: list[np.ndarray], told: int, policy: Policy) -> Iterator[Finding]:
    """Gaps of which one number is left by all releases and more than one by those `before`."""
    last, size = len(before[0]), len(system.names)
    unknown = [(-math.inf if at in system.changes else 0, math.inf) for at in range(last, size)]
    alone = [np.vstack([level, np.array(unknown, dtype=np.float64).reshape(-1, 2)]) for level in before]
    every = range(len(system.terms))
    hang_together = labels_of(system.facts(every), alone[-1])
    touched = np.unique(hang_together[sorted(system.used)])
    near = np.isin(hang_together, touched[touched >= 0])
    kept = [no for no in every if no >= told or any(near[at] for at in system.terms[no])]
    wanted = np.zeros(size, dtype=bool)
    wanted[[at for at, _ in system.gaps]] = True
    wanted &= (near | (np.arange(size) >= last)) & (alone[-1][:, 0] != alone[-1][:, 1])
    shown = np.ptp(system.known_now()[-1], axis=1) == 0
    wanted &= ~shown | np.isin(np.arange(size), list(system.owed))
    bounds, (low, high) = believed(facts := system.facts(kept), system.known_now(), 0, wanted, exact_only=True)
    exact = wanted & (high - low <= ALMOST)
    for at in system.changes:
        exact[at] &= ALMOST < abs(low[at]) < policy.threshold
    exact &= ~_known_before(system, alone, [no for no in kept if no < told or system.is_old(no, last)], exact)
    values = {int(at): float(low[at]) for at in np.flatnonzero(exact)}
    explainer = Explainer(
        facts, bounds, np.ones(size, dtype=bool), lambda at: system.names[at], lambda at: _shown(system, at)
    )
    why = explainer.of(values)
    for at, finding in {(at, f.table): (at, f) for at, f in system.gaps if exact[at]}.values():
        yield replace(finding, why=f"{finding.why}{why[at]}")


def _known_before(system: _Joint, alone: list[np.ndarray], kept: list[int], exact: np.ndarray) -> np.ndarray:
    """Those of the exact numbers that the releases before give away by themselves."""
    facts = system.facts(kept)
    wanted = exact.copy()
    wanted[np.setdiff1d(np.flatnonzero(exact), facts.index)] = False
    if not wanted.any():
        return wanted
    _, (low, high) = believed(facts, alone, 0, wanted, exact_only=True)
    return np.asarray(wanted & (high - low <= ALMOST))


def _shown(system: _Joint, at: int) -> str:
    return system.shown_by.get(at, "what is known of it by itself leaves one number")
