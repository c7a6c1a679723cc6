"""Interval algebra of the models, for any set of spells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt_project.conftest import Built
from tests.dbt_project.sql_of_models import Warehouse

Spell = tuple[int, int | None]  # first day and day after the last, counted from DAY_ZERO; None is open
Merge = Callable[[list[Spell], int], list[Spell]]
DAY_ZERO = date(2020, 1, 1)
HORIZON = 100
SPELLS = st.lists(
    st.tuples(st.integers(0, 60), st.one_of(st.none(), st.integers(1, 20))).map(
        lambda spell: (spell[0], None if spell[1] is None else spell[0] + spell[1])
    ),
    min_size=1,
    max_size=8,
)
GAPS = st.integers(0, 5)
COLUMNS = {
    "person_key": "bigint",
    "channel_code": "varchar",
    "service_code": "varchar",
    "started_on": "date",
    "ended_on": "date",
    "gap_days": "integer",
}
many = settings(max_examples=40, deadline=None)


def day(number: int) -> date:
    return DAY_ZERO + timedelta(number)


def days_of(spells: list[Spell]) -> set[int]:
    return {number for start, end in spells for number in range(start, HORIZON if end is None else end)}


@pytest.fixture(scope="module")
def merge(built: Built) -> Iterator[Merge]:
    """Episodes of one person and service by the built SQL."""
    warehouse = Warehouse(built, ["intermediate.int_merge_service_episodes"])

    def run(spells: list[Spell], gap_days: int) -> list[Spell]:
        rows = [(1, "c", "s", day(start), None if end is None else day(end), gap_days) for start, end in spells]
        warehouse.table("intermediate.int_union_service_spells", COLUMNS, rows)
        warehouse.make()
        query = "select started_on, ended_on from warehouse.intermediate.int_merge_service_episodes order by started_on"
        return [
            ((start - DAY_ZERO).days, None if end is None else (end - DAY_ZERO).days)
            for start, end in warehouse.query(query)
        ]

    yield run
    warehouse.close()


@many
@given(spells=SPELLS, gap_days=GAPS)
def test_merging_again_changes_nothing(merge: Merge, spells: list[Spell], gap_days: int) -> None:
    episodes = merge(spells, gap_days)
    assert merge(episodes, gap_days) == episodes


@many
@given(spells=SPELLS, gap_days=GAPS, shuffled=st.randoms())
def test_the_order_and_repetition_of_rows_do_not_matter(
    merge: Merge, spells: list[Spell], gap_days: int, shuffled: Any
) -> None:
    again = [*spells, *spells[:2]]
    shuffled.shuffle(again)
    assert merge(again, gap_days) == merge(spells, gap_days)


def test_spells_that_are_alike_are_one_however_many_they_are(built: Built) -> None:
    """Windows over many rows leave those that are alike in any order, each window in its own."""
    persons, starts, repeated = 100, 3, 1500
    numbers = np.random.default_rng(1).permutation(persons * starts * repeated)
    started_on = pd.Timestamp(DAY_ZERO) + pd.to_timedelta(numbers % starts * 20, unit="D")
    spells = pd.DataFrame(
        {
            "person_key": numbers // starts % persons,
            "channel_code": "c",
            "service_code": "s",
            "started_on": started_on,
            "ended_on": started_on + pd.Timedelta(days=10),
            "gap_days": 0,
        }
    )
    warehouse = Warehouse(built, ["intermediate.int_merge_service_episodes"])
    try:
        warehouse.frame("intermediate.int_union_service_spells", spells)
        warehouse.make()
        query = "select merged_spells from warehouse.intermediate.int_merge_service_episodes"
        assert warehouse.query(query) == [(repeated,)] * persons * starts
    finally:
        warehouse.close()


@many
@given(spells=SPELLS)
def test_without_a_gap_exactly_the_covered_days_are_covered(merge: Merge, spells: list[Spell]) -> None:
    assert days_of(merge(spells, 0)) == days_of(spells)


@many
@given(spells=SPELLS, gap_days=GAPS)
def test_only_gaps_within_the_limit_are_filled(merge: Merge, spells: list[Spell], gap_days: int) -> None:
    """Episodes lie further apart than the gap; what they add to the spells' days are runs no longer than it."""
    episodes = merge(spells, gap_days)
    for (_, end), (start, _) in pairwise(episodes):
        assert end is not None
        assert start - end > gap_days
    added = sorted(days_of(episodes) - days_of(spells))
    run = 0
    for i, number in enumerate(added):
        run = run + 1 if i and added[i - 1] == number - 1 else 1
        assert run <= gap_days
    assert days_of(spells) <= days_of(episodes)


@many
@given(spells=SPELLS, opened=st.integers(0, 60), gap_days=GAPS)
def test_an_open_end_absorbs_all_that_follows(merge: Merge, spells: list[Spell], opened: int, gap_days: int) -> None:
    *_, (start, end) = merge([*spells, (opened, None)], gap_days)
    assert end is None
    assert start <= opened


@pytest.mark.parametrize(("gap_days", "episodes"), [(0, 2), (1, 1)])
def test_spells_that_touch_are_one_and_a_day_between_parts_them(merge: Merge, gap_days: int, episodes: int) -> None:
    """Half-open, so touching is one ending on the day on which the next begins."""
    assert merge([(0, 10), (10, 20)], gap_days) == [(0, 20)]
    assert len(merge([(0, 10), (11, 20)], gap_days)) == episodes
