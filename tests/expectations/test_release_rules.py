"""Each rule of the protection switched off by itself: the gate, which shares no code with it, must close."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from expectations import judge_release
from polku.disclosure import Policy, ReleaseSpec, load_policy, protect_alike, protect_release
from polku.disclosure.protection import release as protection
from polku.disclosure.protection import sums
from tests.polku.disclosure.protection.test_alike import FIRST, SECOND, marts
from tests.polku.disclosure.protection.test_alike import POLICY as FIVE

RULE = load_policy("fi_study_v1")
SHARES = ReleaseSpec("shares", ("month", "state"), "persons", measures=("share",), additive=("state",))
EXITS = ReleaseSpec(
    "exits",
    ("year", "outcome"),
    "persons",
    base="leavers",
    base_by=("year",),
    measures=("share",),
    additive=("outcome", "year"),
    total_code={"year": None},
)


def shares(**counts: int) -> pd.DataFrame:
    rows = [(date(2020, 1, 1), state, n, n / sum(counts.values())) for state, n in counts.items()]
    return pd.DataFrame(rows, columns=["month", "state", "persons", "share"])


def exits(*years: tuple[int, int, int]) -> pd.DataFrame:
    """Of the leavers of each year those at work, and the others; and all years together."""
    together = (None, sum(y[1] for y in years), sum(y[2] for y in years))
    rows = [
        (year, outcome, leavers, n, n / leavers)
        for year, leavers, at_work in (*years, together)
        for outcome, n in (("at_work", at_work), ("else", leavers - at_work))
    ]
    return pd.DataFrame(rows, columns=["year", "outcome", "leavers", "persons", "share"])


def judged(table: pd.DataFrame, spec: ReleaseSpec, protected_by: Policy = RULE) -> set[str]:
    """The checks that fail on a table that was protected by this policy, with the rules of the study's own."""
    made = protect_release({spec.name: (table, spec)}, protected_by)
    verdicts = judge_release({spec.name: (made.tables[spec.name], spec)}, RULE, made.certificates, {}, {})
    return {verdict.name for verdict in verdicts[spec.name] if not verdict.passed}


ORDINARY = shares(employed=400, student=60, pension=40, other=12, abroad=3)
LEAVERS = exits((2020, 60, 20), (2021, 70, 30), (2022, 55, 25))


@pytest.mark.parametrize(("table", "spec"), [(ORDINARY, SHARES), (LEAVERS, EXITS)])
def test_the_gate_opens_with_every_rule(table: pd.DataFrame, spec: ReleaseSpec) -> None:
    assert judged(table, spec) == set()


def test_without_the_threshold() -> None:
    assert judged(ORDINARY, SHARES, replace(RULE, threshold=1)) == {"cells_large_enough"}


def test_without_protected_zeros() -> None:
    table = shares(employed=400, student=60, pension=40, other=12, abroad=0)
    assert "cells_large_enough" in judged(table, SHARES, replace(RULE, protect_zeros=False))


def test_without_complements() -> None:
    outcomes = ReleaseSpec("outcomes", ("outcome",), "persons", base="observed", base_by=("outcome",))
    table = pd.DataFrame({"outcome": ["at_work"], "observed": [60], "persons": [57]})
    assert judged(table, outcomes) == set()
    assert judged(table, outcomes, replace(RULE, protect_complements=False)) == {"cells_large_enough"}


def test_without_further_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_more(figures: sums.Figures, primary: set, others: set, policy: Policy, kept: object = ()) -> sums.Hidden:
        return sums.Hidden(primary | others, [])

    monkeypatch.setattr(protection, "hide_more", none_more)
    assert {"cells_not_recoverable", "gaps_have_proof"} <= judged(ORDINARY, SHARES)


def test_without_the_rule_on_sums_of_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_for_few_persons", lambda *_: set())
    table = shares(employed=400, student=60, pension=4, other=2, abroad=3)
    assert "cells_large_enough" in judged(table, SHARES)


def test_without_hidden_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "_hidden_bases", lambda *_: set())
    table = exits((2020, 8, 3), (2021, 70, 30), (2022, 55, 25))
    assert "cells_large_enough" in judged(table, EXITS)


def test_without_hiding_cells_of_the_same_persons_alike() -> None:
    tables, who = marts(FIRST, SECOND)
    made = protect_release(tables, FIVE)
    protected = {name: (table, tables[name][1]) for name, table in made.tables.items()}
    verdicts = judge_release(protected, FIVE, made.certificates, who, {})
    failed = [(name, verdict.name) for name, its in verdicts.items() for verdict in its if not verdict.passed]
    assert failed == [("may", "same_persons_hidden_alike")]
    made = protect_alike(tables, who, FIVE, {}, {})
    protected = {name: (table, tables[name][1]) for name, table in made.tables.items()}
    assert all(v.passed for its in judge_release(protected, FIVE, made.certificates, who, {}).values() for v in its)
