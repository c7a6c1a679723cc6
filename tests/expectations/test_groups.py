"""Who is in the study is enough people to publish anything of, in every group, or nothing goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from expectations import Verdict, judge_groups
from polku.disclosure import load_policy
from polku.layout import DataRoot
from polku.studies import Study, load_study
from tests.expectations.small_marts import build_warehouse

POLICY = load_policy("fi_study_v1")
OTHERS = "the group `never_client` has the 10 persons below which profile fi_study_v1 publishes nothing"


def judged(root: DataRoot, study: Study, clients: int, others: int) -> Verdict:
    rows = (
        f"delete from {{mart}}; insert into {{mart}} select i, 'client', date '2020-01-01' from range({clients}) t (i)"
        f" union all select 1000 + i, 'never_client', date '2020-01-01' from range({others}) t (i)"
    )
    build_warehouse(root, cohort=rows)
    return judge_groups(root, study, POLICY)


def test_groups_that_are_large_enough_go_on(root: DataRoot) -> None:
    verdict = judged(root, load_study("matchit614"), 10, 10)
    assert verdict.passed, verdict
    assert verdict.checked == 3


@pytest.mark.parametrize("others", [0, 1, 9])
def test_a_group_that_is_too_small_is_named_and_its_number_is_not_told(root: DataRoot, others: int) -> None:
    verdict = judged(root, load_study("matchit614"), 10, others)
    assert verdict.failures == (f"cohort: {OTHERS}: 1 found",), "the same words whatever the number"
    assert verdict.could_judge


def test_a_cohort_of_nobody_is_named(root: DataRoot) -> None:
    verdict = judged(root, load_study("mvad"), 0, 0)
    assert any("somebody is in the study" in failure for failure in verdict.failures)
    assert any("`client`" in failure for failure in verdict.failures)


def test_a_group_is_empty_where_the_study_says_so_and_only_there(root: DataRoot) -> None:
    study = load_study("mvad")
    assert judged(root, study, 10, 0).passed
    verdict = judged(root, study, 10, 20)
    assert verdict.failures == ("cohort: nobody is in the group `never_client`, as the study says: 1 found",)


def test_the_profile_of_the_study_sets_the_least_number(root: DataRoot) -> None:
    study = replace(load_study("matchit614"), release_profile="threshold_3")
    judged(root, study, 3, 3)
    assert judge_groups(root, study, load_policy("threshold_3")).passed
    assert not judge_groups(root, study, POLICY).passed


def test_a_missing_cohort_is_not_judged(root: DataRoot) -> None:
    build_warehouse(root, cohort="drop table {mart}")
    assert not judge_groups(root, load_study("mvad"), POLICY).could_judge
