"""What leaves: small cells hidden, nothing to subtract, nothing else changed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from polku.disclosure import (
    STATUS,
    Policy,
    ReleaseSpec,
    Status,
    protect,
    protect_release,
    recover,
    recover_all,
    smallest_cells,
)
from polku.disclosure.cells import is_amount, is_share, read_cells
from polku.disclosure.protection.check import faults_of_release
from tests.polku.disclosure import known
from tests.polku.disclosure.strategies import exits, policies, policy, tables

Case = tuple[pd.DataFrame, ReleaseSpec]

some = settings(deadline=None, max_examples=60)


def statuses(table: pd.DataFrame) -> list[str]:
    return list(table[STATUS])


def can_be_protected(case: Case, rule: Policy) -> bool:
    """Whether anything helps: where zeros are published a gap is at least one, and a total of two persons in two gaps
    gives both away even when no other figure is left."""
    table, spec = case
    everything = [key for key, cell in read_cells(table, spec).items() if cell.figures[spec.count]]
    return rule.protect_zeros or recover(protect(table, spec, rule, forced=everything), spec, rule) == []


@some
@given(tables, policies)
def test_an_outsider_recovers_nothing_and_sees_nothing_small(case: Case, rule: Policy) -> None:
    table, spec = case
    assume(can_be_protected(case, rule))
    released = protect(table, spec, rule)
    assert recover(released, spec, rule) == []
    assert smallest_cells(released, spec, rule) == []


@some
@given(tables, policies)
def test_every_small_cell_is_primary(case: Case, rule: Policy) -> None:
    table, spec = case
    released = read_cells(protect(table, spec, rule), spec)
    for key, cell in read_cells(table, spec).items():
        persons, base = cell.figures[spec.count], cell.figures.get(spec.base or "")
        others_too_few = base is not None and rule.protect_complements and rule.too_small(base - persons)
        small = rule.too_small(persons) or others_too_few or (base is not None and rule.too_small(base))
        assert (released[key].status is Status.PRIMARY) == (small and not cell.structural)


@some
@given(tables, policies)
def test_what_is_shown_is_the_mart_rounded_and_what_is_hidden_is_null(case: Case, rule: Policy) -> None:
    table, spec = case
    released = read_cells(protect(table, spec, rule), spec)
    for key, cell in read_cells(table, spec).items():
        for column in spec.with_cell:
            shown, true = released[key].figures[column], cell.figures[column]
            if released[key].status in (Status.OK, Status.STRUCTURAL_ZERO):
                assert shown == (true if true is None else pytest.approx(true, abs=5.1e-5))
            else:
                assert shown is None


@some
@given(tables, policies, st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(case: Case, rule: Policy, chance: random.Random) -> None:
    table, spec = case
    order = list(range(len(table)))
    chance.shuffle(order)
    pd.testing.assert_frame_equal(
        protect(table, spec, rule), protect(table.iloc[order].reset_index(drop=True), spec, rule)
    )


@some
@given(tables, policies)
def test_its_own_gaps_need_no_more_gaps(case: Case, rule: Policy) -> None:
    table, spec = case
    assume(can_be_protected(case, rule))
    released = protect(table, spec, rule)
    gaps = [key for key, cell in read_cells(released, spec).items() if cell.status.hidden]
    pd.testing.assert_frame_equal(protect(table, spec, rule, forced=gaps), released)


@some
@given(exits(), policies)
def test_a_base_is_shown_everywhere_or_nowhere(case: Case, rule: Policy) -> None:
    table, spec = case
    released = protect(table, spec, rule)
    assert all(
        n in (0, len(rows)) for _, rows in released.groupby("year", dropna=False) for n in [rows[spec.base].count()]
    )


def test_the_textbook_case() -> None:
    released = protect(known.truth("textbook_safe"), known.GRID, policy(5))
    expected = known.seen("textbook_safe").sort_values(["a", "b"])
    assert statuses(released) == list(expected[STATUS])


def test_a_printed_answer_is_contained_and_its_marks_are_not_enough() -> None:
    """The printed pattern is safe only for a reader who cannot tell primary gaps from the others."""
    table = pd.read_csv(known.FOLDER / "two_way_countries.csv")
    rule = policy(2)
    printed = table.assign(freq=table["freq"].astype("Int64").mask(table["suppressed"]))
    printed[STATUS] = [
        ("primary" if primary else "secondary") if gap else "ok"
        for primary, gap in zip(table["primary"], table["suppressed"], strict=True)
    ]
    assert recover(printed, known.COUNTRIES, rule)
    released = protect(table[["age", "geo", "freq"]], known.COUNTRIES, rule)
    gaps = {key for key, cell in read_cells(released, known.COUNTRIES).items() if cell.status.hidden}
    assert gaps >= {tuple(row) for row in table.loc[table["primary"], ["age", "geo"]].itertuples(index=False)}
    assert recover(released, known.COUNTRIES, rule) == []


def test_two_gaps_in_every_line_can_still_give_one_away() -> None:
    """Sixteen numbers whose gaps are given: the one that follows from five lines gets company."""
    rule = policy(1, zeros=False)
    pattern = known.seen("four_by_four_unsafe")
    gaps = [tuple(row) for row in pattern.loc[pattern["count"].isna(), ["a", "b"]].itertuples(index=False)]
    released = protect(known.truth("four_by_four_unsafe"), known.GRID, rule, forced=gaps)
    assert recover(pattern, known.GRID, rule)
    assert recover(released, known.GRID, rule) == []
    assert sum(released[STATUS] == Status.SECONDARY) == len(gaps) + 1


SHARES = ReleaseSpec("s", ("month", "state_code"), "persons", measures=("share",), additive=("state_code",))


def shares(**counts: list[int]) -> pd.DataFrame:
    months = [date(2020, 1 + i, 1) for i in range(len(next(iter(counts.values()))))]
    rows = [(month, state, n[i]) for state, n in counts.items() for i, month in enumerate(months)]
    table = pd.DataFrame(rows, columns=["month", "state_code", "persons"])
    return table.assign(share=table["persons"] / table.groupby("month")["persons"].transform("sum"))


def test_a_lone_gap_takes_the_smallest_other_cell_of_its_month() -> None:
    released = protect(shares(employed=[60, 60], other=[3, 30], pension=[40, 40]), SHARES, policy(10))
    hidden = released[released[STATUS] != "ok"]
    assert list(zip(hidden["state_code"], hidden[STATUS], strict=True)) == [
        ("other", "primary"),
        ("pension", "secondary"),
    ]
    assert hidden[["persons", "share"]].isna().all(axis=None)


def test_gaps_that_are_few_persons_together_take_another_cell() -> None:
    released = protect(shares(employed=[60], other=[3], pension=[2], student=[50]), SHARES, policy(10))
    assert statuses(released) == ["ok", "primary", "primary", "secondary"]


def test_persons_who_may_be_the_same_do_not_add_up_to_enough() -> None:
    """Five and six persons in two hidden transitions may be six persons in all."""
    spec = ReleaseSpec("t", ("target",), "persons", counts=("moves",), measures=("rate",), additive=("target",))
    table = pd.DataFrame({"target": list("abcd"), "persons": [5, 6, 30, 40], "moves": [20, 20, 60, 100]})
    released = protect(table.assign(rate=table["moves"] / 200), spec, policy(10))
    assert statuses(released) == ["primary", "primary", "secondary", "ok"]


def test_a_row_that_the_mart_leaves_out_is_a_hidden_zero() -> None:
    table = shares(employed=[60, 60], other=[30, 30], pension=[40, 0], student=[50, 50])
    sparse = table[table["persons"] > 0]
    rule = policy(10)
    assert len(protect(sparse, SHARES, rule)) == len(table)
    assert statuses(protect(sparse, SHARES, rule)) == statuses(protect(table, SHARES, rule))
    nobody = replace(SHARES, structural_zeros=({"state_code": "pension"},))
    assert statuses(protect(sparse, nobody, rule)) == ["ok"] * len(sparse)
    milder = policy(10, zeros=False)
    assert statuses(protect(sparse, SHARES, milder)) == ["ok"] * len(sparse)


def test_structural_zeros_and_what_was_not_observed_are_told_apart() -> None:
    spec = ReleaseSpec("t", ("region",), "persons", measures=("share",), structural_zeros=({"region": "b"},))
    table = pd.DataFrame(
        {
            "region": ["a", "b", "c", "d"],
            "persons": [20, 0, 0, None],
            "share": [1.0, 0.0, 0.0, 0.5],
        }
    )
    released = protect(table, spec, policy(5))
    assert statuses(released) == ["ok", "structural_zero", "primary", "not_observed"]
    assert [pd.isna(n) for n in released["persons"]] == [False, False, True, True]
    assert [pd.isna(n) for n in released["share"]] == [False, False, True, True]


def test_shares_and_amounts_are_rounded_and_counts_are_not() -> None:
    spec = ReleaseSpec("t", ("region",), "persons", measures=("share", "mean_amount_eur"))
    table = pd.DataFrame({"region": ["a"], "persons": [12345], "share": [0.123456], "mean_amount_eur": [1234.56]})
    released = protect(table, spec, policy(5))
    assert released.iloc[0].to_dict() == {
        "region": "a",
        "persons": 12345,
        "share": 0.1235,
        "mean_amount_eur": 1235.0,
        "status": "ok",
    }
    assert (is_share("weighted_rate"), is_amount("mean_amount_eur")) == (True, True)


def test_a_forced_cell_is_hidden_with_company() -> None:
    released = protect(
        shares(employed=[60], other=[30], pension=[40]), SHARES, policy(10), [(date(2020, 1, 1), "employed")]
    )
    assert statuses(released) == ["secondary", "secondary", "ok"]


def test_what_everybody_knows_already_protects_nothing() -> None:
    """The smallest other cell was public before: another one is hidden in its place."""
    table = shares(employed=[60], other=[3], pension=[20], student=[50])
    known_already = [(date(2020, 1, 1), "pension")]
    assert statuses(protect(table, SHARES, policy(10))) == ["ok", "primary", "secondary", "ok"]
    assert statuses(protect(table, SHARES, policy(10), kept=known_already)) == ["ok", "primary", "ok", "secondary"]


def test_a_released_form_is_not_protected_again() -> None:
    released = protect(shares(employed=[60], other=[30]), SHARES, policy(10))
    with pytest.raises(ValueError, match="released form"):
        protect(released, SHARES, policy(10))


def linked() -> dict[str, Case]:
    """Persons by region in counties, and by kind of region: each table is safe alone (sdcTools issue 136)."""
    by_county = {"A": 12, "B": 12, "I": 18, "J": 18, "K": 3, "N": 17, "L": 13, "M": 13}
    small = {"A": 12, "B": 12, "I": 18, "J": 18, "K": 3, "N": 17}

    def spec(name: str, dimensions: tuple[str, ...]) -> ReleaseSpec:
        return ReleaseSpec(name, dimensions, "persons", additive=("region",), population="everybody")

    county = pd.DataFrame(
        [("one" if region in "ABIJ" else "two", region, n) for region, n in by_county.items()],
        columns=["county", "region", "persons"],
    )
    kind = pd.DataFrame([(region, n) for region, n in small.items()], columns=["region", "persons"])
    total = pd.DataFrame({"county": ["one", "two"], "persons": [60, 46]})
    counties = ReleaseSpec("counties", ("county",), "persons", population="everybody")
    return {
        "county": (county, spec("county", ("county", "region"))),
        "kind": (kind.assign(county=["one"] * 4 + ["two"] * 2), spec("kind", ("region", "county"))),
        "counties": (total, counties),
    }


def test_tables_of_one_population_are_protected_as_one() -> None:
    rule = policy(10, zeros=False)
    released = protect_release(linked(), rule).tables
    hidden = {
        name: set(table.loc[table[STATUS] != "ok", "region"]) for name, table in released.items() if "region" in table
    }
    assert "K" in hidden["county"] & hidden["kind"]
    assert hidden["kind"] <= hidden["county"]
    assert recover_all({name: (released[name], spec) for name, (_, spec) in linked().items()}, rule) == []


@some
@given(tables, policies)
def test_every_gap_of_a_release_has_a_certificate(case: Case, rule: Policy) -> None:
    assume(can_be_protected(case, rule))
    spec = case[1]
    made = protect_release({spec.name: case}, rule)
    shown = {spec.name: (made.tables[spec.name], spec)}
    assert faults_of_release(shown, made.certificates) == []
    gaps = sum(Status(status).hidden for status in made.tables[spec.name][STATUS])
    assert len(faults_of_release(shown, made.certificates.head(0))) == gaps


def test_a_certificate_that_changes_a_sum_or_a_published_cell_is_found() -> None:
    table = shares(employed=[60], other=[3], pension=[20], student=[50])
    made = protect_release({"s": (table, SHARES)}, policy(10))
    shown = {"s": (made.tables["s"], SHARES)}
    assert faults_of_release(shown, made.certificates) == []
    sum_changed = made.certificates.assign(step=[2, *made.certificates["step"][1:]])
    assert "a sum along state_code" in str(faults_of_release(shown, sum_changed)[0])
    elsewhere = made.certificates.assign(cell=made.certificates["cell"].str.replace("pension", "student"))
    assert "a cell that is published" in str(faults_of_release(shown, elsewhere)[0])


def test_certificates_of_linked_tables_hold_for_each() -> None:
    rule = policy(10, zeros=False)
    made = protect_release(linked(), rule)
    shown = {name: (made.tables[name], spec) for name, (_, spec) in linked().items()}
    assert faults_of_release(shown, made.certificates) == []
    assert set(made.certificates["table"]) == {"county", "kind"}


def test_a_year_without_anybody_is_hidden_with_a_proof_across_years() -> None:
    """Its base is hidden, so nobody knows what its outcomes are together; only the years tell."""
    years = {2018: (0, 0), 2019: (66, 136), 2020: (94, 217), None: (160, 353)}
    rows = [
        (year, outcome, sum(counts), n)
        for year, counts in years.items()
        for outcome, n in zip(("work", "else"), counts, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["year", "outcome", "leavers", "persons"])
    made = protect_release({"exits": (table, known.EXITS)}, policy(10))
    assert faults_of_release({"exits": (made.tables["exits"], known.EXITS)}, made.certificates) == []
    assert recover(made.tables["exits"], known.EXITS, policy(10)) == []
    assert statuses(made.tables["exits"])[:2] == ["primary", "primary"]


def test_a_cell_that_its_mark_would_give_away_protects_nothing() -> None:
    """Of ten leavers all ten found work: hidden and not small, it would be ten. The total is hidden instead."""
    spec = replace(known.EXITS, additive=("year",))
    rows = [(2019, "work", 11, 1), (2020, "work", 0, 0), (2021, "work", 10, 10), (None, "work", 21, 11)]
    table = pd.DataFrame(rows, columns=["year", "outcome", "leavers", "persons"])
    rule = policy(10, complements=False)
    released = protect(table, spec, rule)
    assert recover(released, spec, rule) == []
    assert statuses(released) == ["primary", "primary", "ok", "secondary"]
