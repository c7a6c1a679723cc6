"""Which days landed deliveries can speak of, by contract and dates alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from polku.contracts.model import Contract, Table
from polku.research.coverage import Days, Extract, chain_of, days_of, months_before
from polku.studies import load_study

STUDY = load_study("espoo_skills_centre")
"""Its window is 2009-2024."""
YEAR_2023 = (date(2023, 1, 1), date(2023, 12, 31))


def days(*extracts: Extract, table: dict[str, object] | None = None, **contract: object) -> Days:
    """Of Kela's payments, with parts of its contract or table replaced."""
    kela: Contract = replace(STUDY.contracts["kela"], **contract)  # type: ignore[arg-type]
    payments: Table = replace(kela.table("payments"), **(table or {}))  # type: ignore[arg-type]
    return days_of(STUDY, kela, payments, extracts)


def test_without_a_delivery_only_the_contract_is_known() -> None:
    assert days() == Days(date(2009, 1, 1), None, None, None, None)


def test_recent_months_are_received_but_not_final() -> None:
    found = days(Extract(date(2024, 2, 10), YEAR_2023))
    assert (found.received_from, found.received_until) == YEAR_2023
    assert found.observed_until == date(2023, 11, 10)


def test_an_extract_without_a_period_speaks_of_everything_until_then() -> None:
    found = days(Extract(date(2024, 2, 10)))
    assert (found.received_from, found.received_until) == (date(2009, 1, 1), date(2024, 2, 10))


def test_each_delivery_matures_for_itself() -> None:
    """The later one is of an earlier year: what it says of 2022 does not make 2023 final."""
    found = days(
        Extract(date(2024, 1, 31), YEAR_2023), Extract(date(2025, 6, 1), (date(2022, 1, 1), date(2022, 12, 31)))
    )
    assert (found.received_from, found.received_until) == (date(2022, 1, 1), date(2023, 12, 31))
    assert found.observed_until == date(2023, 10, 31)


def test_nothing_outside_the_window_is_told() -> None:
    """So that one more extract after the window leaves the coverage, and with it every mart, as it was."""
    assert days(Extract(date(2025, 11, 1))) == days(Extract(date(2025, 11, 1)), Extract(date(2026, 11, 1)))


def test_the_tables_own_coverage_and_maturity_stand_before_the_registers() -> None:
    found = days(Extract(date(2024, 2, 10)), table={"covered_from": date(2017, 1, 1), "maturity_months": 0})
    assert (found.observed_from, found.observed_until) == (date(2017, 1, 1), date(2024, 2, 10))


@pytest.mark.parametrize(
    ("extracted_on", "final"),
    [
        (date(2024, 10, 30), date(2022, 12, 31)),
        (date(2024, 10, 31), date(2023, 12, 31)),
        (date(2025, 5, 1), date(2023, 12, 31)),
    ],
)
def test_a_year_is_final_as_a_whole(extracted_on: date, final: date) -> None:
    assert days(Extract(extracted_on), maturity_months=10, matures_yearly=True).observed_until == final


def test_what_was_landed_before_the_source_deleted_it_is_kept() -> None:
    extracts = (Extract(date(2021, 6, 1)), Extract(date(2024, 6, 1)))
    assert days(*extracts).purged_before is None
    assert days(*extracts, purge_after_months=48).purged_before == date(2017, 6, 1)
    whole = days(*extracts, purge_after_months=48, table={"replaces": "all"})
    assert whole.purged_before == date(2020, 6, 1)


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        (date(2024, 2, 29), 48, date(2020, 2, 29)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2024, 5, 31), 3, date(2024, 2, 29)),
    ],
)
def test_a_day_that_a_month_lacks_becomes_its_last(day: date, months: int, earlier: date) -> None:
    assert months_before(day, months) == earlier


def test_registers_that_follow_each_other_are_one_chain() -> None:
    links = {"kela": None, "ura": "kela", "koski": "ura", "vero": "migri", "migri": "vero", "dvv": "nowhere"}
    contracts = {name: replace(STUDY.contracts[name], continues=before) for name, before in links.items()}
    study = replace(STUDY, contracts=contracts)
    assert {name: chain_of(study, name) for name in ("kela", "ura", "koski", "dvv")} == {
        "kela": "kela",
        "ura": "kela",
        "koski": "kela",
        "dvv": "dvv",
    }
    assert chain_of(study, "vero") in links, "a circle ends"
