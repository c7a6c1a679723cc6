"""Each rule between releases switched off by itself: the joint attack, which shares no code with it, must find it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import nights
from benchmarks.nights import TABLES, Night, Register, released_nights
from polku.disclosure import load_policy, protect_release
from polku.disclosure.attack.linked import LinkedTables, place_of
from polku.disclosure.attack.releases import _Joint
from polku.disclosure.attack.remembered import Seen, remembered
from polku.disclosure.cells import code_of
from polku.disclosure.ledger import night as between
from polku.disclosure.ledger.decision import Decision, Present, Verdict, decide
from polku.disclosure.ledger.sketch import keys_of
from polku.disclosure.ledger.states import States

POLICY = load_policy("fi_study_v1")


class Movers(Register):
    """Twice a night a dozen or more who live and work alike move or change their work together; nobody else does."""

    def pass_night(self) -> None:
        for _ in range(2):
            one = self.people.iloc[self.rng.integers(len(self.people))]
            alike = self.people.index[(self.people.area == one.area) & (self.people.activity == one.activity)]
            if len(alike) < 15:
                continue
            column = str(self.rng.choice(["area", "activity"]))
            who = self.rng.choice(alike, self.rng.integers(12, min(len(alike), 60) + 1), replace=False)
            self.people.loc[who, column] = self._codes(column, 1)[0]


def played(folder: Path, nights: int) -> Iterator[Night]:
    return released_nights(folder / "ledger", nights, Movers(np.random.default_rng(3), 1500), POLICY)


def finds_something(folder: Path) -> bool:
    return any(night.findings for night in played(folder, 5))


def test_with_every_rule_nothing_is_found(tmp_path: Path) -> None:
    assert not any(night.findings for night in played(tmp_path, 4))


def test_without_holding_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(present: Present, history: Iterable[States], threshold: int) -> Decision:
        made = decide(present, history, threshold)
        held = made.verdict == Verdict.HELD
        return replace(made, verdict=np.where(held, Verdict.CHANGED, made.verdict), forced=made.forced & ~held)

    monkeypatch.setattr(between, "decide", at_once)
    assert finds_something(tmp_path)


def test_without_sticky_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def free(present: Present, history: Iterable[States], threshold: int) -> Decision:
        made = decide(present, history, threshold)
        gap = (made.verdict == Verdict.UNCHANGED) & made.latest.is_gap
        return replace(made, verdict=np.where(gap, Verdict.CHANGED, made.verdict), forced=made.verdict == Verdict.HELD)

    monkeypatch.setattr(between, "decide", free)
    found = [finding for night in played(tmp_path, 5) for finding in night.findings]
    assert any(finding.why.endswith("shows it") for finding in found)


@pytest.mark.parametrize("rule", ["forced", "kept"])
def test_without_a_protection_that_knows_of_earlier_releases(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held cells are not hidden behind others, or gaps are hidden behind figures that everybody knows."""

    def unknowing(tables: Any, policy: Any, forced: Any, kept: Any) -> Any:
        return protect_release(tables, policy, **{"forced": forced, "kept": kept, rule: {}})

    monkeypatch.setattr(nights, "protect_release", unknowing)
    assert next(islice((night for night in played(tmp_path, 4) if night.findings), 1), None)


def test_all_that_the_attacker_believes_is_true(tmp_path: Path) -> None:
    """Of every number that he tells apart there is one true value, which agrees with all facts and marks."""
    every = [night for night in played(tmp_path, 4) if night.is_released]
    system, seen = _Joint(), Seen()
    true: dict[int, int] = {}
    for night in every:
        release = remembered(night.public[-1], TABLES, seen)
        system.take_release(release, TABLES, POLICY)
        for name, spec in TABLES.items():
            rows = night.protected[name][list(spec.dimensions)]
            for key, row in zip(keys_of(rows, spec.dimensions), rows.itertuples(index=False), strict=True):
                place = place_of(name, spec, spec.adding, spec.dimensions, tuple(map(code_of, row)))
                at = system.position[place, release.version(place)]
                persons = len(night.members[name].get(key, ()))
                assert true.setdefault(at, persons) == persons
    assert len(every) == 4
    assert len(true) == len(system.names) > sum(map(len, every[0].protected.values()))
    assert_true(system, true)


def assert_true(system: LinkedTables, true: dict[int, int]) -> None:
    for terms, (low, high) in zip(system.terms, system.ends, strict=True):
        assert low <= sum(times * true[at] for at, times in terms.items()) <= high
    for level in system.known:
        assert all(low <= true[at] <= high for at, (low, high) in enumerate(level))
