from __future__ import annotations

import pytest

from expectations import judge_marts
from polku.layout import DataRoot
from polku.research import storage
from polku.studies import Study
from tests.expectations.small_marts import build_warehouse, two_month_study


@pytest.fixture
def study() -> Study:
    return two_month_study()


def test_sound_marts_are_plausible(root: DataRoot, study: Study) -> None:
    build_warehouse(root)
    verdict = judge_marts(root, study)
    assert verdict.failures == ()
    assert verdict.passed


@pytest.mark.parametrize(
    ("mart", "change", "failure"),
    [
        ("person", "update {mart} set died_on = date '1989-01-01'", "nobody died before being born: 2 found"),
        ("person", "update {mart} set birth_year = 2021", "born in time to be in the study: 2 of 2 rows"),
        ("cohort", "update {mart} set entry_month = date '2020-03-01'", "within the study's window: 2 of 2"),
        ("cohort", "update {mart} set entry_month = date '1980-01-01'", "nobody enters before being born: 2"),
        ("person_month", "delete from {mart} where person_key = 1", "2 persons of the cohort in each of 2 months: 2"),
        ("person_month", "update {mart} set month = month + interval 2 month", "within the study's window: 4 of 4"),
        ("person_outcome", "update {mart} set months_since_entry = 3", "within the study's follow-up: 2 of 2"),
        ("state_share_by_month", "update {mart} set persons = 2", "not more than the 2 persons of the cohort: 1 found"),
        ("exit_outcome", "update {mart} set persons_in_base = 3", "not more than the 2 persons of the cohort: 2 of 2"),
    ],
)
def test_an_implausible_mart_is_named(root: DataRoot, study: Study, mart: str, change: str, failure: str) -> None:
    build_warehouse(root, **{mart: change})
    verdict = judge_marts(root, study)
    assert verdict.could_judge
    assert not verdict.passed
    assert any(told.startswith(mart) and failure in told for told in verdict.failures)


def test_a_missing_mart_is_not_judged(root: DataRoot, study: Study) -> None:
    build_warehouse(root, exit_outcome="drop table {mart}")
    assert judge_marts(root, study).could_judge is False


def test_the_warehouse_is_free_for_dbt_afterwards(root: DataRoot, study: Study) -> None:
    build_warehouse(root)
    judge_marts(root, study)
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create table warehouse.marts.later as select 1 as one")
