from __future__ import annotations

import pandas as pd
import pytest

from expectations import judge_release
from polku.disclosure import ReleaseSpec, load_policy, protect

POLICY = load_policy("fi_study_v1")
SPEC = ReleaseSpec(
    "state_share_by_month",
    dimensions=("month", "state_code"),
    count="persons",
    measures=("share",),
    additive=("state_code",),
)


@pytest.fixture
def protected() -> pd.DataFrame:
    persons = {"employed": 40, "unemployed": 3, "in_service": 20, "other": 37}
    rows = [("2020-01", state, n, n / 100) for state, n in persons.items()]
    return protect(pd.DataFrame(rows, columns=["month", "state_code", "persons", "share"]), SPEC, POLICY)


def test_a_protected_table_passes(protected: pd.DataFrame) -> None:
    large, recoverable = judge_release(protected, SPEC, POLICY)
    assert (large.name, large.passed) == ("cells_large_enough", True)
    assert (recoverable.name, recoverable.passed) == ("cells_not_recoverable", True)


def test_a_small_cell_closes_the_gate_and_is_named(protected: pd.DataFrame) -> None:
    small = protected.state_code == "unemployed"
    protected.loc[small, ["persons", "share", "status"]] = [3, 0.03, "ok"]
    large, _ = judge_release(protected, SPEC, POLICY)
    assert "state_share_by_month.persons: the policy asks for 10 persons: 1 found" in large.failures
    assert any("state_code=unemployed" in failure for failure in large.failures)
    assert not large.passed


def test_a_lone_gap_closes_the_gate(protected: pd.DataFrame) -> None:
    alone = protected.status == "secondary"
    state = protected.loc[alone, "state_code"].item()
    persons = {"employed": 40, "in_service": 20, "other": 37}[state]
    protected.loc[alone, ["persons", "share", "status"]] = [persons, persons / 100, "ok"]
    _, recoverable = judge_release(protected, SPEC, POLICY)
    assert not recoverable.passed
    assert any("state_code=unemployed" in failure for failure in recoverable.failures)


def test_a_table_unlike_its_declaration_is_not_judged(protected: pd.DataFrame) -> None:
    verdicts = judge_release(protected.drop(columns="share"), SPEC, POLICY)
    assert [verdict.could_judge for verdict in verdicts] == [False, False]
    assert [verdict.passed for verdict in verdicts] == [False, False]
