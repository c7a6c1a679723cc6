"""Risk sets and effects by the models, against their definitions written out in Python.

Belongs here: who is matched with whom, and what an estimate and its error are. Does not belong here: single rules (unit
tests beside the models), and whether the estimates are right (`benchmarks/effects.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import sqrt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt_project.conftest import Built
from tests.dbt_project.sql_of_models import Warehouse

OTHERS = 5
CALIPER = 0.2
AT_RISK = st.tuples(st.integers(0, 1), st.booleans(), st.integers(-20, 20))
"""Month, whether the person enters in it, and ten times the log odds of entering."""
many = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def matching(built: Built) -> Iterator[Warehouse]:
    warehouse = Warehouse(built, ["intermediate.int_match_risk_sets"])
    yield warehouse
    warehouse.close()


@many
@given(rows=st.lists(AT_RISK, min_size=3, max_size=30))
def test_clients_are_matched_with_the_nearest_others_of_their_month(
    matching: Warehouse, rows: list[tuple[int, bool, int]]
) -> None:
    at_risk = pd.DataFrame(rows, columns=["month_index", "is_entry", "tenths"])
    at_risk["person_key"] = range(1, len(rows) + 1)
    at_risk["entry_logit"] = at_risk.tenths / 10
    matching.frame("intermediate.int_list_risk_sets", at_risk[["person_key", "month_index", "is_entry"]])
    matching.frame("intermediate.int_score_risk_sets", at_risk[["person_key", "month_index", "entry_logit"]])
    matching.make()
    found = matching.query(
        "select person_key, entry_month_index, group_code, weight_60 from warehouse.intermediate.int_match_risk_sets"
    )

    expected: Counter[tuple[int, int, str]] = Counter()
    caliper = CALIPER * at_risk.entry_logit.std()
    for client in at_risk[at_risk.is_entry].itertuples():
        others = at_risk[(at_risk.month_index == client.month_index) & ~at_risk.is_entry]
        near = sorted(
            (round(abs(other.entry_logit - client.entry_logit), 9), other.entry_logit, other.person_key)
            for other in others.itertuples()
            if abs(other.entry_logit - client.entry_logit) <= caliper
        )[:OTHERS]
        for _, _, other_key in near:
            expected[other_key, client.month_index, "other"] += 60 // len(near)
        if near:
            expected[client.person_key, client.month_index, "client"] = 60
    assert {(key, month, group): weight for key, month, group, weight in found} == dict(expected)


FOLLOWED = st.tuples(
    st.integers(1, 6),  # person
    st.integers(0, 2),  # month of entry
    st.booleans(),  # client
    st.sampled_from([12, 15, 20, 30, 60]),  # sixtieths
    st.sampled_from([1.0, 1.5, 4.0]),  # weight of those who have not entered
    st.one_of(st.none(), st.booleans()),
)


@pytest.fixture(scope="module")
def estimating(built: Built) -> Iterator[Warehouse]:
    warehouse = Warehouse(built, ["marts.effect_by_months_since_entry"])
    warehouse.table(
        "marts.person_outcome",
        {
            "person_key": "bigint",
            "group_code": "varchar",
            "months_since_entry": "integer",
            "employed": "boolean",
            "studying": "boolean",
            "degree_completed": "boolean",
            "earnings_2024_eur": "decimal(14,2)",
            "benefit_unemployment_eur": "decimal(14,2)",
            "benefit_social_assistance_eur": "decimal(14,2)",
            "weight": "decimal(14,4)",
        },
        [],
    )
    warehouse.table(
        "marts.risk_set_balance",
        {"stage_code": "varchar", "standardised_difference": "decimal(18,6)", "share_of_clients": "decimal(9,8)"},
        [("matched", 0, 1)],
    )
    yield warehouse
    warehouse.close()


@many
@given(rows=st.lists(FOLLOWED, min_size=4, max_size=25, unique_by=lambda row: row[:2]))
def test_the_error_is_how_far_leaving_out_each_person_moves_the_difference(
    estimating: Warehouse, rows: list[tuple[int, int, bool, int, float, bool | None]]
) -> None:
    estimating.table(
        "intermediate.int_follow_risk_sets",
        {
            "person_key": "bigint",
            "group_code": "varchar",
            "entry_month_index": "integer",
            "months_since_entry": "integer",
            "weight_60": "integer",
            "is_before_own_entry": "boolean",
            "staying_weight": "decimal(10,6)",
            "employed": "boolean",
            "studying": "boolean",
            "degree_completed": "boolean",
            "earnings_2024_eur": "decimal(14,2)",
            "benefit_unemployment_eur": "decimal(14,2)",
            "benefit_social_assistance_eur": "decimal(14,2)",
        },
        [
            (person, "client" if client else "other", month, 3, weight, True, 1 if client else staying, employed)
            + (None,) * 5
            for person, month, client, weight, staying, employed in rows
        ],
    )
    estimating.make()
    found = estimating.query(
        "select mean_client, mean_other, difference, standard_error from warehouse.marts.effect_by_months_since_entry"
        " where design_code = 'until_own_entry' and outcome_code = 'employed'"
    )

    weights: dict[bool, dict[int, Fraction]] = {True: defaultdict(Fraction), False: defaultdict(Fraction)}
    sums: dict[bool, dict[int, Fraction]] = {True: defaultdict(Fraction), False: defaultdict(Fraction)}
    for person, _, client, weight, staying, employed in rows:
        if employed is not None:
            stands_for = weight * Fraction(1 if client else staying)
            weights[client][person] += stands_for
            sums[client][person] += stands_for * employed
    if min(len(weights[True]), len(weights[False])) < 2:
        assert found == []
        return

    def mean(client: bool, without: int | None = None) -> Fraction:
        persons = [person for person in weights[client] if person != without]
        return sum((sums[client][p] for p in persons), Fraction()) / sum(weights[client][p] for p in persons)

    difference = mean(True) - mean(False)
    moved = [difference - (mean(True, p) - mean(False, p)) for p in weights[True].keys() | weights[False].keys()]
    assert [float(figure) for figure in found[0]] == pytest.approx(
        [float(mean(True)), float(mean(False)), float(difference), sqrt(sum(m * m for m in moved))], abs=2e-6
    )
