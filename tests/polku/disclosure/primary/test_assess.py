"""Each primary rule on a table small enough to be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.disclosure import Policy, ReleaseSpec
from polku.disclosure.cells import read_cells
from polku.disclosure.policy import Rules
from polku.disclosure.primary import PRIMARY, CellTable, assess, small_cells
from polku.errors import Exit, Refusal
from tests.polku.disclosure.strategies import policy

LENIENT = policy(3, zeros=False, complements=False)
TOWNS = CellTable("rows", "who", ("town",), (("town",),))


def with_rules(**numbers: Any) -> Policy:
    return replace(LENIENT, rules=Rules(**numbers))


def reasons(rows: pd.DataFrame, table: CellTable, rule: Policy) -> dict[tuple[str, ...], set[str]]:
    """By cell, the rules that it breaks."""
    con = duckdb.connect()
    con.register("rows", rows)
    found = assess(con, table, rule).set_index(list(table.dimensions))
    broken = {
        key if isinstance(key, tuple) else (key,): {name for name in found if name != PRIMARY and row[name]}
        for key, row in found.iterrows()
    }
    assert {key: bool(names) for key, names in broken.items()} == {
        key if isinstance(key, tuple) else (key,): flag for key, flag in found[PRIMARY].items()
    }
    return broken


def people(**towns: int) -> pd.DataFrame:
    rows = [(f"{town}{i}", town) for town, number in towns.items() for i in range(number)]
    return pd.DataFrame(rows, columns=["who", "town"])


def amounts(*of_persons: float, town: str = "a") -> pd.DataFrame:
    rows = [(i, town, amount) for i, amount in enumerate(of_persons)]
    return pd.DataFrame(rows, columns=["who", "town", "eur"])


SUMS = replace(TOWNS, value="eur")


# ------------------------------------------------------------------------------------------------------ counts
def test_the_threshold_counts_persons_and_not_rows() -> None:
    rows = pd.concat([people(a=3, b=2), people(b=2), people(b=2)])
    assert reasons(rows, TOWNS, LENIENT) == {("a",): set(), ("b",): {"threshold"}}


def test_a_zero_is_primary_where_zeros_are_protected_and_somebody_could_be_there() -> None:
    rows = pd.DataFrame([(i, "a", "f") for i in range(9)] + [(i, "b", "m") for i in range(9, 18)])
    rows.columns = pd.Index(["who", "town", "sex"])
    table = CellTable("rows", "who", ("town", "sex"), (("town", "sex"),), structural_zeros=({"town": "b", "sex": "f"},))
    found = reasons(rows, table, policy(3, zeros=True, complements=False))
    assert found == {("a", "f"): set(), ("a", "m"): {"zero"}, ("b", "f"): set(), ("b", "m"): set()}
    published = reasons(rows, table, LENIENT)
    assert published[("a", "m")] == set()


def test_the_others_of_a_base_are_a_cell_too() -> None:
    """48 of 50 tells about two; 6 of 50 does not; of a base of two nothing is said."""
    rows = pd.DataFrame(
        [(i, 2020, "employed" if i < 48 else "other") for i in range(50)]
        + [(i, 2021, "employed" if i < 106 else "other") for i in range(100, 150)]
        + [(i, 2022, "employed") for i in (200, 201)],
        columns=["who", "year", "outcome"],
    )
    table = CellTable("rows", "who", ("year", "outcome"), (("year", "outcome"), ("year",)), base_by=("year",))
    found = reasons(rows, table, policy(3, zeros=False, complements=True))
    assert found[("2020", "employed")] == {"complement"}
    assert found[("2020", "other")] == {"threshold"}
    assert found[("2021", "employed")] == found[("2021", "other")] == set()
    assert found[("2022", "employed")] == {"threshold", "complement"}
    assert found[("2020", "Total")] == set()
    everybody = reasons(rows[rows["who"] < 48], table, policy(3, zeros=True, complements=True))
    assert everybody[("2020", "employed")] == {"complement"}, "all of a base is none of the others"


def test_who_is_in_several_cells_of_a_base_is_one_of_its_persons() -> None:
    """Four persons, all of whom use both services: nobody is without, whichever is looked at."""
    rows = pd.DataFrame([(i, s) for i in range(4) for s in ("course", "advice")], columns=["who", "service"])
    table = CellTable("rows", "who", ("service",), (("service",),), base_by=())
    found = reasons(rows, table, policy(3, zeros=True, complements=True))
    assert found == {("advice",): {"complement"}, ("course",): {"complement"}}


def test_a_row_with_nearly_everybody_in_one_category_tells_of_everybody_in_it() -> None:
    """In town a 19 of 20 are unemployed (95 %), in b 18 of 20 (90 %, which is not above)."""
    rows = pd.DataFrame(
        [(i, "a", "unemployed" if i < 19 else "employed") for i in range(20)]
        + [(i, "b", "unemployed" if i < 118 else "employed") for i in range(100, 120)],
        columns=["who", "town", "state"],
    )
    table = CellTable("rows", "who", ("town", "state"), (("town", "state"),))
    found = reasons(rows, table, replace(policy(1, zeros=False), rules=Rules(group_percent=90)))
    assert found == {
        ("a", "employed"): set(),
        ("a", "unemployed"): {"group"},
        ("b", "employed"): set(),
        ("b", "unemployed"): set(),
    }


def test_every_grouping_set_is_judged_and_a_total_is_called_so() -> None:
    rows = people(a=2, b=2)
    found = reasons(rows, replace(TOWNS, grouping_sets=(("town",), ())), LENIENT)
    assert found == {("Total",): set(), ("a",): {"threshold"}, ("b",): {"threshold"}}


# ----------------------------------------------------------------------------------------------------- amounts
def test_dominance_of_one_and_of_two() -> None:
    """80 of 100 is 80 %, 80 and 12 are 92 %; of 70, 15, 10, 5 the first has 70 % and the first two 85 %."""
    rows = pd.concat([amounts(80, 12, 5, 3), amounts(70, 15, 10, 5, town="b").assign(who=[10, 11, 12, 13])])
    found = reasons(rows, SUMS, with_rules(dominance=((1, 75), (2, 90))))
    assert found == {("a",): {"dominance(1,75)", "dominance(2,90)"}, ("b",): set()}


@pytest.mark.parametrize(("rest", "broken"), [(14, {"p(15)"}), (15, set())])
def test_the_second_largest_may_not_find_the_largest_within_p_percent(rest: float, broken: set[str]) -> None:
    """Of 100, 50 and a rest: she knows the largest within the rest."""
    assert reasons(amounts(100, 50, rest), SUMS, with_rules(p_percent=15)) == {("a",): broken}


@pytest.mark.parametrize(("rest", "broken"), [(29, {"pq(15,50)"}), (30, set())])
def test_what_is_known_beforehand_narrows_it(rest: float, broken: set[str]) -> None:
    """Others are known within 50 %: the rest must be 15 / 50 of the largest, 30 of 100."""
    assert reasons(amounts(100, 50, rest), SUMS, with_rules(prior_posterior=(15, 50))) == {("a",): broken}


def test_several_contributors_of_one_holding_are_one() -> None:
    """Four firms with 25 each; three of them belong together and have 75, more than 70 %."""
    rows = amounts(25, 24, 26, 25).assign(group=["x", "x", "x", None])
    rule = with_rules(dominance=((1, 70),))
    assert reasons(rows, SUMS, rule) == {("a",): set()}
    assert reasons(rows, replace(SUMS, holding="group"), rule) == {("a",): {"dominance(1,70)", "contributors"}}


def test_payers_of_wages_are_counted_beside_persons() -> None:
    """Twelve persons, paid by four firms of three holdings."""
    rows = pd.DataFrame(
        {
            "who": range(12),
            "town": "a",
            "eur": [100 + i for i in range(12)],
            "firm": [f"firm{i % 4}" for i in range(12)],
            "group": ["x" if i % 4 < 2 else None for i in range(12)],
        }
    )
    table = replace(SUMS, contributor="firm")
    assert reasons(rows, table, with_rules(payers=4)) == {("a",): set()}
    assert reasons(rows, replace(table, holding="group"), with_rules(payers=4)) == {("a",): {"contributors"}}
    assert reasons(rows, table, with_rules(payers=5)) == {("a",): {"contributors"}}


def test_records_of_a_contributor_are_added_up_first() -> None:
    """Two payments of 40 to one person are 80 of 100."""
    rows = pd.concat([amounts(40, 10, 10), amounts(40)])
    assert reasons(rows, SUMS, with_rules(dominance=((1, 75),))) == {("a",): {"dominance(1,75)"}}


def test_what_is_paid_back_counts_by_its_size() -> None:
    """-90 and 100: the sum of 20 says nothing of how far the largest reaches."""
    assert reasons(amounts(100, -90, 10), SUMS, with_rules(dominance=((1, 55),))) == {("a",): set()}
    assert reasons(amounts(100, -50, 10), SUMS, with_rules(dominance=((1, 55),))) == {("a",): {"dominance(1,55)"}}


def test_equal_amounts_are_told_by_their_mean() -> None:
    assert reasons(amounts(7, 7, 7), SUMS, LENIENT) == {("a",): {"all_equal"}}
    assert reasons(amounts(7, 7, 8), SUMS, LENIENT) == {("a",): set()}


def test_quantiles_need_the_threshold_on_both_sides_and_extremes_are_never_shown() -> None:
    """At threshold 3 a median needs 6 persons, a tenth 30."""
    five, six = amounts(*range(1, 6)), amounts(*range(1, 7))
    table = replace(SUMS, quantiles=(0.5, 0.9))
    assert reasons(five, table, LENIENT) == {("a",): {"quantile(0.5)", "quantile(0.9)"}}
    assert reasons(six, table, LENIENT) == {("a",): {"quantile(0.9)"}}
    assert reasons(amounts(*range(1, 31)), table, LENIENT) == {("a",): set()}
    extremes = replace(SUMS, quantiles=(0.0, 1.0))
    assert reasons(amounts(*range(1, 99)), extremes, LENIENT) == {("a",): {"quantile(0)", "quantile(1)"}}


def test_records_without_a_value_do_not_count() -> None:
    rows = amounts(5, 6, 7).assign(eur=[5, 6, None])
    assert reasons(rows, SUMS, LENIENT) == {("a",): {"threshold"}}


# --------------------------------------------------------------------------------------------------- properties
contributions = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["f", "m"]),
        st.integers(-20, 100),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40)
@given(contributions, st.lists(st.sampled_from(["x", "y", None]), min_size=9, max_size=9))
def test_seeing_holdings_never_makes_a_cell_safer(
    found: list[tuple[int, str, str, int]], holdings: list[str | None]
) -> None:
    rows = pd.DataFrame(found, columns=["who", "town", "sex", "eur"])
    rows["group"] = pd.Series([holdings[who] for who in rows["who"]], dtype=object)
    sets = (("town", "sex"), ("town",), ())
    table = CellTable("rows", "who", ("town", "sex"), sets, value="eur", quantiles=(0.5,))
    rule = with_rules(dominance=((1, 75), (2, 90)), p_percent=15, prior_posterior=(10, 50), group_percent=90)
    alone, together = reasons(rows, table, rule), reasons(rows, replace(table, holding="group"), rule)
    assert alone.keys() == together.keys()
    assert {cell for cell in alone if not alone[cell] <= together[cell]} == set()


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("fm"), st.integers(-20, 100)), min_size=1, max_size=30)
)
def test_more_records_of_the_same_persons_change_nothing(found: list[tuple[str, str, int]]) -> None:
    """Persons with one record each are counted by records, others are not: both ways must agree."""
    once = pd.DataFrame([(i, *row) for i, row in enumerate(found)], columns=["who", "town", "sex", "eur"])
    twice = pd.concat([once, once.assign(eur=0)])
    sets = (("town", "sex"), ("town",), ())
    table = CellTable("rows", "who", ("town", "sex"), sets, base_by=("town",), value="eur", quantiles=(0.5,))
    rule = replace(policy(5), rules=Rules(dominance=((1, 75), (2, 90)), p_percent=15, group_percent=90))
    assert reasons(once, table, rule) == reasons(twice, table, rule)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from([2020, 2021]), st.sampled_from("xyz")), min_size=1, max_size=60))
def test_cells_counted_here_and_cells_of_a_declared_table_are_judged_alike(found: list[tuple[int, str]]) -> None:
    rows = pd.DataFrame([(i, *row) for i, row in enumerate(found)], columns=["who", "year", "outcome"])
    counted = rows.groupby(["year", "outcome"], as_index=False).size().rename(columns={"size": "persons"})
    counted["base"] = counted.groupby("year")["persons"].transform("sum")
    spec = ReleaseSpec("t", ("year", "outcome"), "persons", base="base", base_by=("year",))
    rule = policy(5, zeros=False)
    small = small_cells(read_cells(counted, spec).values(), spec, rule)
    table = CellTable("rows", "who", ("year", "outcome"), (("year", "outcome"),), base_by=("year",))
    found_here = {(int(year), outcome) for (year, outcome), names in reasons(rows, table, rule).items() if names}
    assert found_here == small


# ------------------------------------------------------------------------------------------------------ refusals
def test_no_figure_comes_back() -> None:
    con = duckdb.connect()
    con.register("rows", amounts(5, 6, 7))
    found = assess(con, SUMS, with_rules(p_percent=15))
    assert set(found.drop(columns="town").dtypes.astype(str)) == {"bool"}


@pytest.mark.parametrize(
    ("rows", "table", "what"),
    [
        (amounts(1, 2).assign(who=1, group=["x", "y"]), replace(SUMS, holding="group"), "two holdings"),
        (amounts(1, 2, town="Total"), SUMS, "called `Total`"),
        (amounts(1), replace(SUMS, grouping_sets=(("age",),)), "`age` is no dimension"),
    ],
)
def test_tables_that_cannot_be_judged_are_refused(rows: pd.DataFrame, table: CellTable, what: str) -> None:
    with pytest.raises(Refusal, match=what) as refused:
        reasons(rows, table, LENIENT)
    assert refused.value.exit is Exit.CONTRACT_INVALID
