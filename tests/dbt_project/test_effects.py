"""Risk sets and effects by the models, against their definitions written out in Python.

Belongs here: who is matched with whom, and what an estimate and its error are. Does not belong here: single rules (unit
tests beside the models), and whether the estimates are right (`benchmarks/effects.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import sqrt

import numpy as np
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
    at_risk["stratum_code"] = at_risk["subgroup_code"] = "all"
    matching.frame(
        "intermediate.int_list_subgroups", at_risk[["person_key", "month_index", "stratum_code", "subgroup_code"]]
    )
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
OUTCOMES = {
    "employed": "integer",
    "studying": "integer",
    "degree_completed": "integer",
    "earnings": "decimal(14,2)",
    "benefit_unemployment": "decimal(14,2)",
    "benefit_social_assistance": "decimal(14,2)",
}
SHARD = "integer as (cast(person_key % 64 as integer))"
FOLLOWED_COLUMNS = {
    "person_key": "bigint",
    "group_code": "varchar",
    "entry_month_index": "integer",
    "months_since_entry": "integer",
    "months_since_own_entry": "integer",
    "staying_weight": "decimal(10,6)",
    **OUTCOMES,
    "shard": SHARD,
}
MATCHED_COLUMNS = {
    "stratum_code": "varchar",
    "subgroup_code": "varchar",
    "person_key": "bigint",
    "group_code": "varchar",
    "entry_month_index": "integer",
    "weight_60": "integer",
    "shard": SHARD,
}


@pytest.fixture(scope="module")
def estimating(built: Built) -> Iterator[Warehouse]:
    sums = ("sum_persons", "sum_blocks", "count_persons", "total_groups", "leave_persons_out")
    names = ("weigh_risk_sets", "share_entrants", "carry_gains", "estimate_gains", *sums, "estimate_effects")
    warehouse = Warehouse(built, [f"intermediate.int_{name}" for name in names])
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
    yield warehouse
    warehouse.close()


@pytest.mark.parametrize(("design", "subgroup"), [("until_own_entry", "all"), ("as_assigned", "men")])
@many
@given(rows=st.lists(FOLLOWED, min_size=4, max_size=25, unique_by=lambda row: row[:2]))
def test_the_error_is_how_far_leaving_out_each_person_or_block_moves_the_difference(
    estimating: Warehouse,
    design: str,
    subgroup: str,
    rows: list[tuple[int, int, bool, int, float, bool | None]],
) -> None:
    """Of the whole each person is left out; of a subgroup each block, here of two persons each."""
    keys = {person: person % 3 + 100 * person for person in range(1, 7)}
    group_of = {True: "client", False: "other"}
    estimating.table(
        "intermediate.int_match_risk_sets",
        MATCHED_COLUMNS,
        [
            ("all" if subgroup == "all" else "sex", subgroup, keys[person], group_of[client], month, weight)
            for person, month, client, weight, _, _ in rows
        ],
    )
    estimating.table(
        "intermediate.int_follow_risk_sets",
        FOLLOWED_COLUMNS,
        [
            (keys[person], group_of[client], month, 3, None, 1 if client else staying, employed, *(None,) * 5)
            for person, month, client, _, staying, employed in rows
        ],
    )
    estimating.compute()
    found = estimating.query(
        "select mean_client, mean_other, difference, standard_error, degrees_of_freedom, persons_client, persons_other"
        f" from warehouse.intermediate.int_estimate_effects where design_code = '{design}'"
        f" and subgroup_code = '{subgroup}' and outcome_code = 'employed'"
    )

    weights: dict[bool, dict[int, Fraction]] = {True: defaultdict(Fraction), False: defaultdict(Fraction)}
    sums: dict[bool, dict[int, Fraction]] = {True: defaultdict(Fraction), False: defaultdict(Fraction)}
    firsts: dict[tuple[int, bool], bool] = {}
    known: dict[bool, set[int]] = {True: set(), False: set()}
    for person, _, client, weight, staying, employed in sorted(rows, key=lambda row: row[:2]):
        is_known = employed is not None
        if firsts.setdefault((person, client), is_known) or (subgroup == "all" and is_known):
            known[client].add(person)
        if employed is not None:
            unit = person if subgroup == "all" else keys[person] % 100
            stands_for = weight * Fraction(1 if client or subgroup != "all" else staying)
            weights[client][unit] += stands_for
            sums[client][unit] += stands_for * employed
    if min(len(known[True]), len(known[False])) < 2:
        assert found == []
        return

    def mean(client: bool, without: int | None = None) -> Fraction:
        units = [unit for unit in weights[client] if unit != without] or list(weights[client])
        return sum((sums[client][u] for u in units), Fraction()) / sum(weights[client][u] for u in units)

    difference = mean(True) - mean(False)
    moved = [difference - (mean(True, u) - mean(False, u)) for u in weights[True].keys() | weights[False].keys()]
    squares, fourths = (sum(m**power for m in moved) for power in (2, 4))
    expected = [mean(True), mean(False), difference, sqrt(squares)]
    assert [float(figure) for figure in found[0][:4]] == pytest.approx([float(figure) for figure in expected], abs=2e-6)
    # Where nothing moves, doubles may still move by their last bit.
    if squares:
        assert found[0][4] == pytest.approx(float(squares**2 / fourths), rel=1e-6)
    assert found[0][5:] == (len(known[True]), len(known[False]))


ENTERED = st.tuples(
    st.integers(1, 6),  # person
    st.booleans(),  # client
    st.sampled_from([20, 30, 60]),  # sixtieths
    st.one_of(st.none(), st.integers(1, 3)),  # months until the own entry
    st.lists(st.booleans(), min_size=4, max_size=4),  # employed, by months since the entry
)


@many
@given(rows=st.lists(ENTERED, min_size=5, max_size=12, unique_by=lambda row: row[:2]))
def test_what_others_gained_by_entering_is_removed_month_by_month(
    estimating: Warehouse, rows: list[tuple[int, bool, int, int | None, list[bool]]]
) -> None:
    """By its definition: the gain of a month is the difference when others who entered have lost the gain of as many
    months as they have been in; and its error is that of a system of equations."""
    months = range(4)
    group_of = {True: ("client", 0), False: ("other", 1)}
    estimating.table(
        "intermediate.int_match_risk_sets",
        MATCHED_COLUMNS,
        [("all", "all", person, *group_of[client], weight) for person, client, weight, _, _ in rows],
    )
    estimating.table(
        "intermediate.int_follow_risk_sets",
        FOLLOWED_COLUMNS,
        [
            (person, *group_of[client], k, None if client or k < (lag or 9) else k - lag, 1, employed[k], *(None,) * 5)
            for person, client, _, lag, employed in rows
            for k in months
        ],
    )
    estimating.compute()
    found = estimating.query(
        "select difference, standard_error from warehouse.intermediate.int_estimate_effects"
        " where design_code = 'own_gains_removed' and outcome_code = 'employed' and span_code = 'month'"
        " order by months_since_entry"
    )

    clients = [row for row in rows if row[1]]
    others = [row for row in rows if not row[1]]
    if min(len(clients), len(others)) < 2:
        assert found == []
        return
    persons = sorted({row[0] for row in rows})
    share, moved, gains = np.zeros((4, 4)), np.zeros((4, len(persons))), np.zeros(4)
    for k in months:
        adjusted = [
            (person, weight, employed[k] - (gains[k - lag] if lag and k >= lag else 0))
            for person, _, weight, lag, employed in others
        ]
        for sign, group in ((1, [(p, w, employed[k]) for p, _, w, _, employed in clients]), (-1, adjusted)):
            total = sum(w for _, w, _ in group)
            mean = sum(w * y for _, w, y in group) / total
            gains[k] += sign * mean
            for p, w, y in group:
                moved[k, persons.index(p)] += sign * w * (y - mean) / (total - w)
        for _, _, weight, lag, _ in others:
            if lag and k >= lag:
                share[k, k - lag] += weight / sum(row[2] for row in others)
    errors = np.linalg.solve(np.eye(4) - share, moved)
    assert [float(row[0]) for row in found] == pytest.approx(gains, abs=1e-5)
    assert [float(row[1]) for row in found] == pytest.approx(np.sqrt((errors**2).sum(axis=1)), abs=1e-5)
