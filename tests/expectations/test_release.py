from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from expectations import judge_recoverable_together, judge_release, judge_with_earlier
from expectations.verdict import Verdict
from polku.disclosure import ReleaseSpec, load_policy, protect_release
from polku.disclosure.protection.release import ProtectedRelease
from tests.polku.disclosure.attack.nights import SPECS, history

POLICY = load_policy("fi_study_v1")
SPEC = ReleaseSpec(
    "state_share_by_month",
    dimensions=("month", "state_code"),
    count="persons",
    measures=("share",),
    additive=("state_code",),
)


NO_PROOF = pd.DataFrame(columns=["table", "certificate", "cell", "step"])


def made() -> ProtectedRelease:
    persons = {"employed": 40, "unemployed": 3, "in_service": 20, "other": 37}
    rows = [("2020-01", state, n, n / 100) for state, n in persons.items()]
    table = pd.DataFrame(rows, columns=["month", "state_code", "persons", "share"])
    return protect_release({SPEC.name: (table, SPEC)}, POLICY)


@pytest.fixture
def protected() -> pd.DataFrame:
    return made().tables[SPEC.name]


def judged(table: pd.DataFrame, certificates: pd.DataFrame = NO_PROOF) -> tuple[Verdict, ...]:
    return judge_release({SPEC.name: (table, SPEC)}, POLICY, certificates, {}, {})[SPEC.name]


def test_a_protected_table_passes(protected: pd.DataFrame) -> None:
    names = ["cells_large_enough", "cells_not_recoverable", "gaps_have_proof", "same_persons_hidden_alike"]
    assert [(v.name, v.passed) for v in judged(protected, made().certificates)] == [(name, True) for name in names]


def test_gaps_without_certificates_close_the_gate_and_are_named(protected: pd.DataFrame) -> None:
    _, _, proved, _ = judged(protected)
    assert not proved.passed
    assert any("state_code=unemployed" in failure for failure in proved.failures)


def test_a_small_cell_closes_the_gate_and_is_named(protected: pd.DataFrame) -> None:
    small = protected.state_code == "unemployed"
    protected.loc[small, ["persons", "share", "status"]] = [3, 0.03, "ok"]
    large, *_ = judged(protected)
    assert "state_share_by_month.persons: the policy asks for 10 persons: 1 found" in large.failures
    assert any("state_code=unemployed" in failure for failure in large.failures)
    assert not large.passed


def test_a_lone_gap_closes_the_gate(protected: pd.DataFrame) -> None:
    alone = protected.status == "secondary"
    state = protected.loc[alone, "state_code"].item()
    persons = {"employed": 40, "in_service": 20, "other": 37}[state]
    protected.loc[alone, ["persons", "share", "status"]] = [persons, persons / 100, "ok"]
    _, recoverable, *_ = judged(protected)
    assert not recoverable.passed
    assert any("state_code=unemployed" in failure for failure in recoverable.failures)


def test_a_table_unlike_its_declaration_is_not_judged(protected: pd.DataFrame) -> None:
    verdicts = judged(protected.drop(columns="share"))
    assert [verdict.could_judge for verdict in verdicts] == [False] * 4
    assert [verdict.passed for verdict in verdicts] == [False] * 4


def test_two_tables_each_safe_that_give_a_cell_away_together_close_the_gate() -> None:
    """Women are hidden in both tables, together with others: but the tables count the same persons."""
    policy = load_policy("threshold_5")
    by_sex = pd.DataFrame({"sex": ["f", "m", "all"], "persons": [None, None, 47], "status": [*2 * ["secondary"], "ok"]})
    both = pd.DataFrame(
        {
            "sex": ["f", "f", "f", "m", "m", "m"],
            "area": ["x", "y", "all"] * 2,
            "persons": [20, 7, 27, None, None, None],
            "status": ["ok", "ok", "ok", "secondary", "secondary", "secondary"],
        }
    )
    total = {"sex": "all", "area": "all"}
    specs = {
        "by_sex": ReleaseSpec("by_sex", ("sex",), "persons", additive=("sex",), total_code={"sex": "all"}),
        "both": ReleaseSpec("both", ("sex", "area"), "persons", additive=("sex", "area"), total_code=total),
    }
    tables = {"by_sex": by_sex, "both": both}
    alone = judge_release({name: (table, specs[name]) for name, table in tables.items()}, policy, NO_PROOF, {}, {})
    assert all(recoverable.passed for _, recoverable, *_ in alone.values())
    assert judge_recoverable_together({name: (t, specs[name]) for name, t in tables.items()}, policy).passed
    linked = {name: (t, replace(specs[name], population="clients")) for name, t in tables.items()}
    verdict = judge_recoverable_together(linked, policy)
    assert not verdict.passed
    assert verdict.name == "cells_not_recoverable"
    assert "persons at sex=f: the table both shows it" in verdict.failures
    assert any("persons at sex=m: it follows from the line along sex" in failure for failure in verdict.failures)
    assert not any("20" in failure for failure in verdict.failures)


def test_tables_are_judged_together_or_not_at_all(protected: pd.DataFrame) -> None:
    verdict = judge_recoverable_together({"t": (protected.drop(columns="share"), SPEC)}, POLICY)
    assert (verdict.could_judge, verdict.passed) == (False, False)


def test_what_earlier_releases_give_away_closes_the_gate_and_says_by_which_figures() -> None:
    """a is hidden behind b, and one person enters it: c and d, and all, tell that a has changed by one."""
    policy = load_policy("threshold_5")
    a, b, c, d = (set(range(start, start + size)) for start, size in ((0, 13), (50, 17), (100, 40), (200, 60)))
    gaps = {"a": "secondary", "b": "secondary"}
    first = ({"a": a, "b": b, "c": c, "d": d}, gaps)
    second = ({"a": a | {399}, "b": b, "c": c | set(range(300, 330)), "d": d | set(range(330, 360))}, gaps)
    verdict = judge_with_earlier(history(5, first), SPECS, policy)
    assert (verdict.name, verdict.passed) == ("not_recoverable_with_earlier_releases", True)
    verdict = judge_with_earlier(history(5, first, second), SPECS, policy)
    assert verdict.could_judge
    assert not verdict.passed
    (told,) = [failure for failure in verdict.failures if failure.startswith("persons at area=a of 2026-03-02")]
    assert "its change since 2026-03-01 is " in told
    assert "[areas.persons at area=c of 2026-03-01]" in told
