"""Real data through the whole path: the timeline must give back the figures published by others.

McVicar & Anyadike-Danes 2002; Gabadinho et al. 2011, Journal of Statistical Software 40(4), section 6.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from polku.layout import CHECKOUT

pytestmark = pytest.mark.pipeline

STATES = {
    "EM": "employed",
    "FE": "vocational_education",
    "HE": "higher_education",
    "JL": "unemployed",
    "SC": "general_education",
    "TR": "in_service",
}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
CALENDAR_SHIFT_YEARS = 25


def published(prefix: str) -> list[dict[str, str]]:
    with (CHECKOUT / "examples" / "mvad" / "expected.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["metric"].startswith(prefix)]


def rounded(value: Any, digits: str) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(digits), ROUND_HALF_EVEN)


def test_monthly_state_shares_are_the_48_published_ones(finished: Callable[[str], Any]) -> None:
    found = {
        (str(month), state): share
        for month, state, share in finished("mvad").query(
            "select month, state_code, weighted_share from state_share_by_month"
        )
    }
    expected = {}
    for row in published("weighted_state_share_"):
        month, year = row["metric"].rsplit("_", 1)[1].split(".")
        first_day = f"{1900 + int(year) + CALENDAR_SHIFT_YEARS}-{MONTHS.index(month) + 1:02d}-01"
        expected[first_day, STATES[row["group"]]] = rounded(row["value"], "0.001")
    assert len(expected) == 48
    assert {key: rounded(found[key], "0.001") for key in expected} == expected


@pytest.mark.parametrize("column", ["rate", "weighted_rate"])
def test_transition_rates_are_the_36_published_ones(finished: Callable[[str], Any], column: str) -> None:
    query = f"select from_state_code, to_state_code, {column} from state_transition_rate"
    found = {(a, b): rate for a, b, rate in finished("mvad").query(query)}
    expected = {
        (STATES[row["group"]], STATES[row["metric"].rsplit("_", 1)[1]]): rounded(row["value"], "0.01")
        for row in published("transition_rate_to_")
    }
    assert len(expected) == 36
    assert {key: rounded(found.get(key, 0), "0.01") for key in expected} == expected


def test_entropies_are_the_8_published_ones(finished: Callable[[str], Any]) -> None:
    """Gabadinho et al. 2011, section 6.2; further figures of sequences in tests/dbt_project/test_sequences.py."""
    rows = finished("mvad").query("select weighted_entropy from sequence_entropy order by months_since_entry limit 8")
    assert [str(entropy) for (entropy,) in rows if entropy is not None] == [
        "0.72", "0.73", "0.73", "0.74", "0.75", "0.76", "0.77", "0.77",
    ]  # fmt: skip


def test_all_712_persons_have_a_state_in_each_of_the_70_months(finished: Callable[[str], Any]) -> None:
    counts = finished("mvad").query(
        "select count(distinct person_key), count(distinct month), count(*), min(month), max(month) from person_month"
    )
    assert [str(value) for value in counts[0]] == ["712", "70", "49840", "2018-09-01", "2024-06-01"]
    assert finished("mvad").query("select count(*) from person") == [(712,)]


def test_outcomes_are_those_that_the_registers_of_the_study_tell_of(finished: Callable[[str], Any]) -> None:
    """The study has no incomes, no benefits and, of the client register, no services: a zero would be wrong."""
    rows = finished("mvad").query(
        "select outcome_code, count(share) from outcome_by_months_since_entry group by outcome_code order by all"
    )
    assert rows == [("degree_started", 70), ("employed", 70), ("studying", 70)]


def test_only_the_table_that_gives_no_other_away_is_released(finished: Callable[[str], Any]) -> None:
    published_files = {p.name for p in (finished("mvad").root.published / "current").glob("*.csv")}
    assert published_files == {"state_share_by_month.csv"}


def test_weights_are_those_of_the_study(finished: Callable[[str], Any]) -> None:
    assert [str(row[0]) for row in finished("mvad").query("select sum(weight) from person")] == ["711.5700"]
