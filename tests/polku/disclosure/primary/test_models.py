"""Degrees of freedom and steps of survival curves."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pandas as pd
import pytest

from polku.disclosure.policy import Rules
from polku.disclosure.primary import assess_survival, model_is_unsafe
from tests.polku.disclosure.strategies import policy

RULE = replace(policy(3, zeros=False), rules=Rules(degrees_of_freedom=10))


@pytest.mark.parametrize(("persons", "parameters", "unsafe"), [(20, 10, False), (19, 10, True), (10, 10, True)])
def test_a_model_keeps_ten_persons_that_it_does_not_need(persons: int, parameters: int, unsafe: bool) -> None:
    assert model_is_unsafe(persons, parameters, RULE) is unsafe


def test_a_saturated_model_is_unsafe_whatever_the_profile_asks() -> None:
    assert model_is_unsafe(50, 50, policy(3))


def steps(*rows: tuple[str, int, int, int]) -> dict[tuple[str, int], set[str]]:
    con = duckdb.connect()
    con.register("curve", pd.DataFrame(rows, columns=["curve_group", "month", "at_risk", "events"]))
    found = assess_survival(con, "curve", ["curve_group"], "month", "at_risk", "events", RULE)
    rules = [name for name in found if name not in ("curve_group", "month", "primary")]
    assert (found[rules].any(axis=1) == found["primary"]).all()
    return {(row["curve_group"], row["month"]): {r for r in rules if row[r]} for _, row in found.iterrows()}


def test_steps_of_a_curve_by_hand() -> None:
    """20 at risk; 4 events and 6 in all leave; of 14 one has the event, and four leave; of 10 eight have it."""
    assert steps(("a", 1, 20, 4), ("a", 2, 14, 1), ("a", 3, 10, 8), ("a", 4, 2, 0)) == {
        ("a", 1): set(),
        ("a", 2): {"events"},
        ("a", 3): {"survivors"},
        ("a", 4): {"at_risk"},
    }


def test_two_who_are_censored_show_between_steps() -> None:
    assert steps(("a", 1, 20, 0), ("a", 2, 18, 0)) == {("a", 1): {"leavers"}, ("a", 2): set()}


def test_curves_do_not_follow_each_other() -> None:
    assert steps(("a", 1, 20, 5), ("b", 1, 19, 5)) == {("a", 1): set(), ("b", 1): set()}


def test_where_zeros_are_published_everybody_may_have_the_event() -> None:
    assert steps(("a", 1, 20, 20)) == {("a", 1): set()}
