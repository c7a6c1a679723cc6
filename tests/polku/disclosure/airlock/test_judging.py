"""The rules of an output over invented members: each refuses what it is there for, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from polku.disclosure import load_policy
from polku.disclosure.airlock.comparing import codes_of
from polku.disclosure.airlock.proposing import merges, protected_form
from polku.disclosure.airlock.table_file import as_csv
from tests.polku.disclosure.airlock.judged import POLICY, described, judged, members, rules

STRICT = load_policy("fi_study_v1")
FOUR = {("a", "1"): 20, ("a", "2"): 30, ("b", "1"): 25, ("b", "2"): 15}
TREE = (
    '[dimensions.area]\ntree = {Total = ["north", "south"], north = ["a", "b"], south = ["c", "d"]}\n[dimensions.sex]\n'
)


def csv(cells: dict[tuple[str, ...], int | None], names: str = "area,sex") -> str:
    return f"{names},n\n" + "".join(f"{','.join(codes)},{'' if n is None else n}\n" for codes, n in cells.items())


def test_a_table_of_large_cells_may_leave_with_and_without_totals(tmp_path: Path) -> None:
    assert judged(tmp_path, described(), members(FOUR), csv(FOUR)).reasons == ()
    totals = {("a", "Total"): 50, ("Total", "1"): 45, ("Total", "Total"): 90}
    assert judged(tmp_path, described(), members(FOUR), csv({**FOUR, **totals})).reasons == ()


def test_a_wrong_total_is_found_without_its_figure(tmp_path: Path) -> None:
    judgement = judged(tmp_path, described(), members(FOUR), csv({**FOUR, ("a", "Total"): 49}))
    assert set(rules(judgement)) == {"file"}
    assert "50" not in str(judgement.reasons[0])


def test_a_small_cell_is_refused_and_a_lonely_gap_too(tmp_path: Path) -> None:
    cells = {**FOUR, ("b", "2"): 3}
    assert rules(judged(tmp_path, described(), members(cells), csv(cells)))["threshold"] == {("b", "2")}
    lonely = judged(tmp_path, described(), members(cells), csv({**cells, ("b", "2"): None}))
    assert rules(lonely) == {"recoverable": {("b", "2")}}
    square = csv(dict.fromkeys(cells))
    assert judged(tmp_path, described(), members(cells), square + "a,Total,50\n").reasons == ()


def test_a_category_that_is_left_out_still_follows_from_the_total(tmp_path: Path) -> None:
    people = members({("a",): 20, ("b",): 30, ("c",): 2}, ["area"])
    flat = described(dimensions="[dimensions.area]\n")
    told = csv({("a",): 20, ("b",): 30, ("Total",): 52}, "area")
    assert rules(judged(tmp_path, flat, people, told)) == {"recoverable": {("c",)}}


def test_a_small_code_between_two_shown_levels_is_found(tmp_path: Path) -> None:
    """c is told by nobody: it is the south without d."""
    cells = {("a", "1"): 20, ("b", "1"): 30, ("c", "1"): 3, ("d", "1"): 40}
    told = {("north", "1"): 50, ("south", "1"): 43, ("d", "1"): 40, ("a", "1"): 20, ("b", "1"): 30}
    judgement = judged(tmp_path, described(dimensions=TREE), members(cells), csv(told))
    assert ("c", "1") in rules(judgement)["recoverable"]
    safe = {("north", "1"): 50, ("south", "1"): 43}
    assert judged(tmp_path, described(dimensions=TREE), members(cells), csv(safe)).reasons == ()


def test_a_row_that_is_left_out_says_zero(tmp_path: Path) -> None:
    three = {codes: n for codes, n in FOUR.items() if codes != ("b", "2")}
    assert rules(judged(tmp_path, described(), members(FOUR), csv(three))) == {"left_out": {("b", "2")}}
    assert judged(tmp_path, described(), members(three), csv(three)).reasons == (), "zeros are published"
    assert rules(judged(tmp_path, described(), members(three), csv(three), STRICT)) == {"zero": {("b", "2")}}
    impossible = described('structural_zeros = [{area = "b", sex = "2"}]\n')
    assert judged(tmp_path, impossible, members(three), csv(three), STRICT).reasons == ()


def test_few_others_of_a_declared_base_are_refused(tmp_path: Path) -> None:
    cells = {("a", "yes"): 48, ("a", "no"): 2}
    only = csv({("a", "yes"): 48})
    assert judged(tmp_path, described(), members(cells), csv({("a", "Total"): 50})).reasons == ()
    assert ("a", "yes") in rules(judged(tmp_path, described('base_by = ["area"]\n'), members(cells), only))[
        "complement"
    ]


def test_months_do_not_add_up_and_are_no_hierarchy(tmp_path: Path) -> None:
    """The same persons in two months: nothing follows from one about the other."""
    one = members({("jan", "1"): 20, ("jan", "2"): 30})
    both = pd.concat([one, one.assign(area="feb")])
    cells = {("jan", "1"): 20, ("jan", "2"): 30, ("feb", "1"): 20, ("feb", "2"): 30, ("Total", "1"): 20}
    judgement = judged(tmp_path, described(), both, csv(cells))
    assert judgement.reasons == ()
    assert judgement.truth.apart == {"area"}


MEASURE = '[measures.mean_eur]\nkind = "mean"\nvalue = "eur"\n'


@pytest.mark.parametrize(
    ("amounts", "rule"),
    [
        ([100.0] * 12, "all_equal"),
        ([*range(10, 20), 5000.0, 6000.0], "dominance(2,90)"),
        ([float(n) for n in range(100, 112)], None),
    ],
)
def test_amounts_of_few_or_all_alike_are_refused(tmp_path: Path, amounts: list[float], rule: str | None) -> None:
    people = members({("a",): 12, ("b",): 12}, ["area"]).assign(eur=amounts + [float(n) for n in range(200, 212)])
    means = people.groupby("area")["eur"].mean().round().astype(int)
    flat = described(dimensions="[dimensions.area]\n" + MEASURE)
    told = f"area,n,mean_eur\na,12,{means['a']}\nb,12,{means['b']}\n"
    found = rules(judged(tmp_path, flat, people, told))
    assert found.get(rule or "", set()) == ({("a",)} if rule else set())
    assert bool(found) == bool(rule)


def test_measures_are_made_anew_and_fall_with_their_cell(tmp_path: Path) -> None:
    people = members({("a",): 12, ("b",): 3, ("c",): 3}, ["area"]).assign(eur=[float(n) for n in range(100, 118)])
    flat = described(dimensions="[dimensions.area]\n" + MEASURE)
    assert judged(tmp_path, flat, people, "area,n,mean_eur\na,12,106\nb,,\nc,,\n").reasons == ()
    assert "file" in rules(judged(tmp_path, flat, people, "area,n,mean_eur\na,12,107\nb,,\nc,,\n"))
    assert rules(judged(tmp_path, flat, people, "area,n,mean_eur\na,12,106\nb,,113\nc,,\n")) == {
        "left_standing": {("b",)}
    }
    assert set(rules(judged(tmp_path, flat, people, "area,n,mean_eur\na,12,105.5\nb,,\nc,,\n"))) == {"decimals"}


def test_a_share_tells_of_those_who_are_so_and_of_the_others(tmp_path: Path) -> None:
    people = members({("a",): 20, ("b",): 20}, ["area"])
    flat = described(dimensions='[dimensions.area]\n[measures.own_share]\nkind = "share"\nvalue = "own"\n')
    people["own"] = [*([True] * 10 + [False] * 10), *([True] * 18 + [False] * 2)]
    found = rules(judged(tmp_path, flat, people, "area,n,own_share\na,20,0.5\nb,20,0.9\n"))
    assert found["share"] == {("b",)}


# ---------------------------------------------------------------------------------------------------------- proposals
@pytest.mark.parametrize("dimensions", ["[dimensions.area]\n[dimensions.sex]\n", TREE])
def test_the_proposed_form_keeps_the_rules(tmp_path: Path, dimensions: str) -> None:
    rng = np.random.default_rng(1)
    cells = {(area, sex): int(rng.integers(2, 30)) for area in "abcd" for sex in "123"}
    description = described(dimensions=dimensions)
    refused = judged(tmp_path, description, members(cells), csv(cells))
    assert "threshold" in rules(refused)
    proposed = protected_form(refused, POLICY)
    assert proposed is not None
    assert judged(tmp_path, description, members(cells), as_csv(proposed)).reasons == ()
    kept = {c for c, gap in zip(codes_of(proposed.frame, description), proposed.is_gap, strict=True) if not gap}
    assert kept
    assert all(cells[codes] >= 5 for codes in kept)


def test_merges_name_codes_and_no_figure_of_a_cell(tmp_path: Path) -> None:
    cells = {("a", "1"): 20, ("b", "1"): 2, ("c", "1"): 3, ("d", "1"): 40}
    refused = judged(tmp_path, described(dimensions=TREE), members(cells), csv(cells))
    assert any("area" in line for line in merges(refused.truth, POLICY))


def test_an_untrue_table_has_no_protected_form(tmp_path: Path) -> None:
    assert protected_form(judged(tmp_path, described(), members(FOUR), csv({**FOUR, ("a", "1"): 21})), POLICY) is None
