"""From the months of persons to their exits by the model, against a walk through the months one by one.

Belongs here: any order of months. Does not belong here: single rules (unit tests beside the model) and curves
(`test_survival`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt_project.conftest import Built
from tests.dbt_project.sql_of_models import Warehouse

Follow = Callable[[list[list[str]]], list[tuple[int | None, int | None, str]]]
MONTHS_AFTER = 5
MONTH_KINDS = {
    "idle": ("other", 0, True, True),
    "works": ("employed", 1, True, True),
    "studies": ("vocational_education", 16, True, True),
    "unknown": ("other", 0, True, False),
    "works, studies unknown": ("employed", 1, True, False),
    "abroad": ("emigrated", 4096, False, False),
    "too old": ("other", 0, False, False),
    "dead": ("dead", 2048, False, False),
}
"""A month of a person: state, its bit, at risk, studies observed."""
lives = st.lists(st.sampled_from([*["idle"] * 4, *MONTH_KINDS]), max_size=MONTHS_AFTER + 3)


def walked(months: list[str]) -> tuple[int | None, int | None, str]:
    """Month by month from the entry: first and last month under observation, and what ended it."""
    start = None
    works, studies = False, False
    for month, kind in enumerate(months[: MONTHS_AFTER + 1]):
        is_seen = MONTH_KINDS[kind][3]
        if start is not None and kind in ("abroad", "dead"):
            return start, month, "emigration" if kind == "abroad" else "death"
        if start is not None and not is_seen:
            return start, month - 1, "age" if kind == "too old" else "not_observed"
        works, studies = works or kind.startswith("works"), studies or kind == "studies"
        if (works or studies) and start is not None:
            return start, month, "first_job" if works else "degree_started"
        if is_seen and (works or studies):
            return None, None, "had_event"
        start = month if start is None and is_seen else start
    if start is None:
        return None, None, "never_observed"
    return start, min(MONTHS_AFTER, len(months) - 1), "horizon" if len(months) > MONTHS_AFTER else "window_end"


@pytest.fixture(scope="module")
def follow(built: Built) -> Iterator[Follow]:
    """Exits by the mart over persons whose months (MONTH_KINDS) begin with that of the entry."""
    warehouse = Warehouse(built, ["marts.time_to_event"])
    warehouse.seed("states")
    warehouse.table("staging.stg_reference__study", {"months_after": "integer"}, [(MONTHS_AFTER,)])
    person = {"person_key": "bigint"}
    cohort = person | {"group_code": "varchar", "entry_month": "date"}
    cohort |= {"followed_until_month": "date", "followed_until_code": "varchar"}
    month = person | {"shard": "integer", "month_index": "integer", "state_code": "varchar"}
    month |= {"state_bits": "bigint", "is_at_risk": "boolean"}
    outcome = person | {"months_since_entry": "integer", "employed": "boolean", "studying": "boolean"}

    def run(people: list[list[str]]) -> list[tuple[int | None, int | None, str]]:
        entries = [(key, "client", date(2020, 1, 1), date(2030, 1, 1), "window_end") for key in range(len(people))]
        lived = [(key, k, *MONTH_KINDS[kind]) for key, months in enumerate(people) for k, kind in enumerate(months)]
        warehouse.table("marts.cohort", cohort, entries)
        warehouse.table("marts.person_month", month, [(key, key % 8, 24240 + k, *of[:3]) for key, k, *of in lived])
        outcomes = [
            (key, k, state == "employed", bit == 16 if seen else None)
            for key, k, state, bit, at_risk, seen in lived
            if at_risk
        ]
        warehouse.table("marts.person_outcome", outcome, outcomes)
        warehouse.make()
        rows = warehouse.query("""
            select observed_from_months, duration_months, exit_code
            from warehouse.marts.time_to_event
            order by person_key""")
        return [(start, until, exit_code) for start, until, exit_code in rows]

    yield run
    warehouse.close()


@settings(max_examples=40, deadline=None)
@given(people=st.lists(lives, min_size=1, max_size=12))
def test_exits_are_those_of_a_walk_through_the_months(follow: Follow, people: list[list[str]]) -> None:
    assert follow(people) == [walked(months) for months in people]
