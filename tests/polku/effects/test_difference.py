"""The table of differences: by formulas written out, and the words that it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import example, given
from hypothesis import strategies as st

from polku.effects.balance import covariate_balance
from polku.effects.comparing import compare
from polku.effects.difference import LEAST_MATCHED, matched_difference
from polku.effects.plan import MAHALANOBIS, Comparison

Person = tuple[bool, int, int, int]
"""Client, age, another number, outcome."""

PEOPLE = st.lists(
    st.tuples(st.booleans(), st.integers(0, 8), st.integers(0, 3), st.integers(0, 50)), min_size=8, max_size=40
).filter(lambda people: 2 <= sum(p[0] for p in people) <= len(people) - 4)


def mart(people: list[Person]) -> pd.DataFrame:
    rows = [
        (key, "client" if client else "never_client", name, float(value), None)
        for key, (client, age, other, _) in enumerate(people)
        for name, value in (("age_years", age), ("months_since_arrival", other))
    ]
    return pd.DataFrame(rows, columns=["person_key", "group_code", "covariate_code", "value_number", "value_code"])


def differences(people: list[Person], **settings: object) -> pd.DataFrame:
    compared = compare(mart(people), Comparison(("age_years", "months_since_arrival"), **settings))  # type: ignore[arg-type]
    table = matched_difference(compared, covariate_balance(compared), np.array([float(p[3]) for p in people]))
    return table.set_index("estimator_code")


@given(PEOPLE)
@example([(False, 0, 0, 0)] * 6 + [(True, 0, 0, 0)] * 2)  # all are alike
@example([(False, 0, 0, 0)] * 5 + [(False, 2, 0, 0), (True, 0, 0, 0), (True, 0, 1, 0)])  # one client is left
def test_estimates_are_those_of_the_definition(people: list[Person]) -> None:
    comparison = Comparison(("age_years", "months_since_arrival"), MAHALANOBIS, replacement=True)
    compared = compare(mart(people), comparison)
    outcome = np.array([float(p[3]) for p in people])
    table = matched_difference(compared, covariate_balance(compared), outcome).set_index("estimator_code")
    if not len(compared.matched.clients):
        assert table.difference.isna().tolist() == [False, True, True]
        return
    where = {int(row): i for i, row in enumerate(compared.supported)}
    points, treated = compared.points, compared.design.treated
    clients = [i for i in where if treated[i]]
    others = [i for i in where if not treated[i]]

    def apart(one: int, other: int) -> float:
        return float(np.linalg.norm(points[where[one]] - points[where[other]]))

    share = {}
    for client in clients:
        near = [o for o in others if apart(client, o) <= min(apart(client, p) for p in others) + 1e-9]
        share |= {(client, o): 1 / len(near) for o in near}
    weight = {o: sum(share.get((c, o), 0) for c in clients) for o in others}
    used = [o for o in others if weight[o]]
    columns = sm.add_constant(np.array([p[1:3] for p in people], dtype=float), has_constant="add")
    beyonds = {"matched": outcome}
    # Where the matched others span no plane, the regression has many solutions, each right among them alone.
    if np.linalg.matrix_rank(columns[used]) == 3:
        fit = sm.WLS(outcome[used], columns[used], weights=[weight[o] for o in used]).fit()
        beyonds["bias_corrected"] = outcome - fit.predict(columns)
    for name, beyond in beyonds.items():
        each = [beyond[c] - sum(share.get((c, o), 0) * beyond[o] for o in others) for c in clients]
        assert table.difference[name] == pytest.approx(np.mean(each), abs=1e-6)
        variance = sum((d - np.mean(each)) ** 2 for d in each)
        for o in others:
            added = weight[o] ** 2 - sum(share.get((c, o), 0) ** 2 for c in clients)
            rest = sorted(apart(o, p) for p in others if p != o)
            near = [p for p in others if p == o or apart(o, p) <= rest[min(1, len(rest) - 1)] + 1e-9]
            variance += added * outcome[near].var(ddof=1) if added > 1e-9 else 0
        expected = np.sqrt(variance) / len(clients) if len(clients) > 1 else np.nan
        assert table.standard_error[name] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_the_error_of_pairs_is_that_of_their_differences() -> None:
    people = [
        (True, 1, 0, 10),
        (True, 5, 1, 4),
        (True, 3, 0, 7),
        *((False, age, age % 2, age * age) for age in range(7)),
    ]
    compared = compare(mart(people), Comparison(("age_years", "months_since_arrival"), MAHALANOBIS))
    outcome = np.array([float(p[3]) for p in people])
    each = outcome[compared.matched.clients] - compared.matched.beside(outcome)
    matched = differences(people, method=MAHALANOBIS).loc["matched"]
    assert matched.effective_others == matched.persons_other == 3
    assert matched.standard_error == pytest.approx(each.std(ddof=0) / np.sqrt(3))


def test_a_regression_of_the_truth_takes_the_whole_bias_out() -> None:
    """The outcome is a line in age and clients gain five: nearest others are older, but the slope tells by how much."""
    people = [(True, age, 0, 3 * age + 5) for age in (13, 25, 37)]
    people += [(False, age, age // 50, 3 * age) for age in (15, 28, 41, 60)]
    table = differences(people, method=MAHALANOBIS, replacement=True)
    assert table.difference["bias_corrected"] == pytest.approx(5)
    assert table.difference["matched"] != pytest.approx(5)


TWINS = [(client, age, age % 3, age) for age in range(8) for client in (True, False)]


def test_only_where_matched_groups_are_alike_it_may_be_called_an_effect() -> None:
    table = differences(TWINS, method=MAHALANOBIS, replacement=True)
    assert table.is_effect.to_dict() == {"unmatched": False, "matched": True, "bias_corrected": True}
    assert table.reason_code["unmatched"] == "not_matched"
    assert table.reason_code[["matched", "bias_corrected"]].isna().all()
    older = [(client, age + 1 * client, other, outcome) for client, age, other, outcome in TWINS]
    assert set(differences(older, method=MAHALANOBIS).reason_code[1:]) == {"groups_differ"}
    assert not differences(older, method=MAHALANOBIS).is_effect.any()


def test_few_matched_clients_stand_for_others_than_they_seem_to() -> None:
    alone = [(True, 60 + i, 0, 1) for i in range(3)]
    table = differences([*TWINS, *alone], method=MAHALANOBIS, replacement=True, caliper=0.01)
    assert table.persons_client["matched"] == 8
    assert LEAST_MATCHED > 8 / 11
    assert set(table.reason_code[1:]) == {"few_matched"}
    assert not table.is_effect.any()
