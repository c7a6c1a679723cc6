"""Coarsened exact matching: strata by hand, and weights against their definition."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.effects.comparing import compare
from polku.effects.matched import same_class
from polku.effects.plan import COARSENED, Comparison
from polku.effects.strata import strata_of

PERSONS = {
    1: ("client", 29, "work"),
    2: ("client", 30, "work"),
    3: ("client", 44, "work"),
    4: ("client", 30, None),
    5: ("never_client", 44.9, "work"),
    6: ("never_client", 30, "work"),
    7: ("never_client", 45, "work"),
    8: ("never_client", None, "work"),
    9: ("never_client", 31, None),
    10: ("never_client", 28, "family"),
}
CLASSES = Comparison(("age_years", "ground"), COARSENED, cuts={"age_years": (30.0, 45.0)})


def mart() -> pd.DataFrame:
    rows = [(key, group, "age_years", age, None) for key, (group, age, _) in PERSONS.items() if age is not None]
    rows += [(key, group, "ground", None, ground) for key, (group, _, ground) in PERSONS.items() if ground is not None]
    rows += [(key, group, "unused", float(key), None) for key, (group, *_) in PERSONS.items()]
    columns = ["person_key", "group_code", "covariate_code", "value_number", "value_code"]
    return pd.DataFrame(rows, columns=columns).astype({"value_number": float})


def strata(comparison: Comparison) -> pd.Series[int]:
    with duckdb.connect() as con:
        con.register("covariates", mart())
        return strata_of(con, "covariates", comparison)


def test_a_class_begins_at_its_cut_and_what_is_not_known_is_a_class() -> None:
    found = strata(CLASSES)
    together = {tuple(found.index[found == stratum]) for stratum in set(found)}
    assert together == {(1,), (2, 3, 5, 6), (4, 9), (7,), (8,), (10,)}


def test_a_number_without_cuts_counts_as_it_is() -> None:
    found = strata(Comparison(("age_years",), COARSENED))
    assert {tuple(found.index[found == stratum]) for stratum in set(found)} >= {(2, 4, 6), (3,), (5,)}


def test_others_weigh_the_clients_of_their_stratum() -> None:
    compared = compare(mart()[lambda rows: rows.covariate_code != "unused"], CLASSES, strata(CLASSES))
    persons = compared.design.persons
    assert persons[compared.matched.clients].tolist() == [2, 3, 4]
    weights = dict(zip(persons.tolist(), compared.matched.weights.tolist(), strict=True))
    assert {key: weight for key, weight in weights.items() if weight} == {5: 1.0, 6: 1.0, 9: 1.0}
    assert compared.share_matched == 3 / 4


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40))
def test_weights_are_clients_by_others_of_the_stratum(people: list[tuple[int, bool]]) -> None:
    of, treated = np.array([stratum for stratum, _ in people]), np.array([t for _, t in people])
    matched = same_class(of, treated)
    for i, (stratum, is_treated) in enumerate(people):
        clients, others = ((of == stratum) & treated).sum(), ((of == stratum) & ~treated).sum()
        assert matched.weights[i] == pytest.approx(0 if is_treated or not clients else clients / others)
        assert (i in matched.clients) == bool(is_treated and others)
    values = np.arange(len(people)) ** 2.0
    for client, mean in zip(matched.clients, matched.beside(values), strict=True):
        assert mean == pytest.approx(values[(of == of[client]) & ~treated].mean())
