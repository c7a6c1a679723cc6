"""Time to event by the models, against its definitions in exact fractions and printed answers.

Belongs here: what the models make of invented and of real follow-up times. Does not belong here: single rules (unit
tests beside the models).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import sqrt
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.layout import CHECKOUT
from tests.dbt_project.conftest import Built
from tests.dbt_project.landed import PROJECT
from tests.dbt_project.sql_of_models import Warehouse
from tests.dbt_project.survival_by_definition import EVENTS, Definition, Subject

COLUMNS = {
    "group_code": "varchar",
    "observed_from_months": "integer",
    "duration_months": "integer",
    "person_months": "integer",
    "exit_code": "varchar",
}
many = settings(max_examples=20, deadline=None)


@dataclass(frozen=True)
class Row:
    """What the mart says of one group, month and event."""

    at_risk: int
    with_event: int
    censored: int
    person_years: Fraction
    survival: Fraction
    survival_variance: Fraction | None
    incidence: Fraction
    incidence_variance: Fraction
    chi_square: Fraction | None


Rows = dict[tuple[str, int, str], Row]
Estimate = Callable[[list[Subject]], Rows]


def check(rows: Rows, subjects: list[Subject]) -> None:
    """The mart's rows are all that there should be, and each is as defined."""
    defined = {
        (group, event): Definition(subjects, group, event) for group in {s.group for s in subjects} for event in EVENTS
    }
    assert set(rows) == {
        (group, t, event) for (group, event), of in defined.items() for t, n in enumerate(of.at_risk) if n
    }
    for (group, month, event), row in rows.items():
        of = defined[group, event]
        assert row.at_risk == of.at_risk[month]
        assert row.with_event == of.events[month]
        assert row.censored == len(of.exits[month]) - of.any_event[month]
        assert close(row.person_years, Fraction(sum(of.at_risk[: month + 1]), 12), 4)
        assert close(row.survival, of.survival[month], 8)
        assert (row.survival == 0) is (of.survival[month] == 0)
        assert close(row.survival_variance, of.survival_variance(month), 12)
        assert close(row.incidence, of.incidence[month], 8)
        assert close(row.incidence_variance, of.incidence_variance(month), 12)
        assert close(row.chi_square, of.chi_square(month), 6)


def close(found: Fraction | None, expected: Fraction | None, decimals: int) -> bool:
    """The same number when rounded, but for the last digit of a tie."""
    if found is None or expected is None:
        return found is expected
    return bool(abs(found - expected) <= Fraction(501, 1000) / 10**decimals)


# ---------------------------------------------------------------------------------------------------- the models
@pytest.fixture(scope="module")
def estimate(built: Built) -> Iterator[Estimate]:
    """The mart over subjects in the order in which they are given."""
    warehouse = Warehouse(built, ["marts.survival_by_months_since_entry"])
    warehouse.table("staging.stg_reference__study", {"months_after": "integer"}, [(120,)])
    warehouse.table("marts.time_to_event", COLUMNS, [])
    warehouse.make()

    def run(subjects: list[Subject]) -> Rows:
        rows = [(s.group, s.start, s.until, s.until - s.start, s.exit) for s in subjects]
        warehouse.table("marts.time_to_event", COLUMNS, rows)
        found = warehouse.query("""
            select group_code, months_since_entry, event_code, persons_at_risk, persons_with_event, persons_censored,
                person_years, survival, survival_variance, cumulative_incidence, cumulative_incidence_variance,
                log_rank_chi_square
            from warehouse.marts.survival_by_months_since_entry""")
        exact = [(*row[:6], *(None if number is None else Fraction(number) for number in row[6:])) for row in found]
        return {(row[0], row[1], row[2]): Row(*row[3:]) for row in exact}

    yield run
    warehouse.close()


# ----------------------------------------------------------------------------------------- patients of Dickman's course
with (CHECKOUT / "tests/data/survival/colon_sample.csv").open(encoding="utf-8", newline="") as file:
    PATIENTS = list(csv.DictReader(file))


def patients(by: str | None = None, other: str = "death") -> list[Subject]:
    """Under exits that the mart knows; `other` is that of deaths of other causes."""
    exits = {"Dead: cancer": "first_job", "Dead: other": other, "Alive": "window_end"}
    return [Subject(p[by] if by else "all", 0, int(p["surv_mm"]), exits[p["status"]]) for p in PATIENTS]


# Cause-specific, other deaths being censored: months, at risk, events, survival and its standard error as printed.
PRINTED = """
  2 35 1 0.971 0.0282
  3 33 1 0.942 0.0398
  5 32 1 0.913 0.0482
  7 31 1 0.883 0.0549
  8 30 1 0.854 0.0605
  9 29 1 0.824 0.0652
 11 28 1 0.795 0.0692
 22 24 1 0.762 0.0738
 27 22 1 0.727 0.0781
 28 20 1 0.691 0.0823
 32 19 2 0.618 0.0882
 33 16 1 0.579 0.0908
 43 13 1 0.535 0.0941
 46 12 1 0.490 0.0962
102  4 1 0.368 0.1284
"""


def test_cause_specific_survival_of_the_patients_is_the_printed_one(estimate: Estimate) -> None:
    rows = estimate(patients(other="window_end"))
    printed = [line.split() for line in PRINTED.strip().splitlines()]
    found = {month: row for (_, month, event), row in rows.items() if event == "first_job" and row.with_event}
    assert [str(month) for month in sorted(found)] == [line[0] for line in printed]
    for month, at_risk, events, survival, error in printed:
        row = found[int(month)]
        assert (row.at_risk, row.with_event) == (int(at_risk), int(events))
        assert f"{float(row.survival):.3f}" == survival
        assert row.survival_variance is not None
        assert f"{sqrt(row.survival_variance):.4f}" == error


@pytest.mark.parametrize("by", [None, "sex", "stage"])
def test_patients_with_competing_causes_of_death_by_hand(estimate: Estimate, by: str | None) -> None:
    """Survival of all causes, incidence of cancer and other causes, person-years and log-rank by sex and by stage."""
    check(estimate(patients(by)), patients(by))


def test_figures_of_the_patients_that_can_be_counted_on_paper(estimate: Estimate) -> None:
    rows = estimate(patients())
    assert close(rows["all", 2, "first_job"].survival, Fraction(33, 35), 8)  # two of 35 die in month 2, one of cancer
    assert close(rows["all", 2, "first_job"].incidence, Fraction(1, 35), 8)
    assert close(rows["all", 19, "first_job"].survival, Fraction(27, 35) * Fraction(24, 25), 8)  # two censored between
    assert close(rows["all", 103, "death"].survival, rows["all", 102, "death"].survival * Fraction(2, 3), 8)
    assert close(rows["all", 108, "death"].person_years, Fraction(1504, 12), 4)


def test_actuarial_survival_of_the_patients_is_the_printed_one() -> None:
    """The macro's product over yearly intervals, in which the censored are at risk for one half."""
    text = "".join((PROJECT / "macros" / file).read_text("utf-8") for file in ("ratio.sql", "survival.sql"))
    macros = jinja2.Environment(autoescape=False).from_string(text).module
    window = "order by year rows between unbounded preceding and current row"
    survival = macros.running_product("2 * n - lost - 2 * dead", "2 * n - lost", window)  # type: ignore[attr-defined]
    query = f"""
        with years as (
            select cast(surv_mm as integer) // 12 as year, count(*) as left_by,
                count(*) filter (status = 'Dead: cancer') as dead, left_by - dead as lost
            from patients group by year
        ), at_risk as (
            select *, sum(left_by) over (order by year desc) as n from years
        )
        select year, n, lost, dead, round({survival}, 2) from at_risk order by year"""
    with duckdb.connect() as con:
        con.execute("create table patients (surv_mm varchar, status varchar)")
        con.executemany("insert into patients values (?, ?)", [(p["surv_mm"], p["status"]) for p in PATIENTS])
        found = con.execute(query).fetchall()
    at_risk = [(0, 35, 1, 7), (1, 27, 3, 1), (2, 23, 4, 5), (3, 14, 1, 2), (4, 11, 1, 0), (6, 10, 3, 0), (7, 7, 1, 0)]
    assert [row[:4] for row in found] == [*at_risk, (8, 6, 4, 1), (9, 1, 1, 0)]
    assert [row[4] for row in found] == [0.80, 0.77, 0.58, 0.50, 0.50, 0.50, 0.50, 0.37, 0.37]


# --------------------------------------------------------------------------------------------------------- any lives
codes = st.sampled_from([*EVENTS, "horizon", "not_observed"])
groups = st.sampled_from(["client", "never_client"])
subjects = st.lists(
    st.builds(
        lambda g, start, long, end: Subject(g, start, start + long, end),
        groups,
        st.integers(0, 4),
        st.integers(0, 6),
        codes,
    ),
    min_size=1,
    max_size=14,
)
complete = st.lists(
    st.builds(lambda until, end: Subject("client", 0, until, end), st.integers(1, 6), st.sampled_from(EVENTS)),
    min_size=1,
    max_size=14,
)


@many
@given(people=subjects)
def test_curves_are_as_defined(estimate: Estimate, people: list[Subject]) -> None:
    """With ties, censoring at the time of events, delayed entry and months in which nobody is left without event."""
    check(estimate(people), people)


@many
@given(people=complete)
def test_without_censoring_the_curves_are_shares_of_the_persons(estimate: Estimate, people: list[Subject]) -> None:
    """Their variances are those of shares."""
    for (_, month, event), row in estimate(people).items():
        free = Fraction(sum(s.until > month for s in people), len(people))
        struck = Fraction(sum(s.until <= month and s.exit == event for s in people), len(people))
        assert close(row.survival, free, 8)
        assert close(row.incidence, struck, 8)
        assert close(row.incidence_variance, struck * (1 - struck) / len(people), 12)
        assert close(row.survival_variance, free * (1 - free) / len(people) if free else None, 12)


@many
@given(people=subjects)
def test_everybody_is_free_or_struck_by_one_event_and_stays_so(estimate: Estimate, people: list[Subject]) -> None:
    rows = estimate(people)
    for group in {s.group for s in people}:
        months = sorted({month for of, month, _ in rows if of == group})
        for month in months:
            total = sum(rows[group, month, event].incidence for event in EVENTS)
            assert abs(total + rows[group, month, "death"].survival - 1) <= Fraction(5, 2) / 10**8
        for one, other in pairwise(months):
            assert rows[group, one, "death"].survival >= rows[group, other, "death"].survival >= 0
            assert all(rows[group, one, e].incidence <= rows[group, other, e].incidence <= 1 for e in EVENTS)


@many
@given(people=subjects, shift=st.integers(1, 3))
def test_who_is_censored_before_the_first_event_changes_nothing(
    estimate: Estimate, people: list[Subject], shift: int
) -> None:
    later = [Subject(s.group, s.start + shift, s.until + shift, s.exit) for s in people]
    without = estimate(later)
    rows = estimate([*later, Subject("client", 0, shift, "not_observed")])
    for key, row in without.items():
        assert (rows[key].survival, rows[key].survival_variance) == (row.survival, row.survival_variance)
        assert (rows[key].incidence, rows[key].incidence_variance) == (row.incidence, row.incidence_variance)
        assert rows[key].chi_square == row.chi_square


@many
@given(people=subjects, shuffled=st.randoms())
def test_the_order_of_persons_does_not_matter(estimate: Estimate, people: list[Subject], shuffled: Any) -> None:
    again = list(people)
    shuffled.shuffle(again)
    assert estimate(again) == estimate(people)
