"""Rounded and noisy tables over nights: what leaves, what stands, and what the gate says of it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.disclosure.inexact.protections import Protection
from polku.disclosure.inexact.rounded import rounded
from polku.errors import Exit, Refusal
from tests.polku.disclosure.inexact.register import EXITS, POLICY, RATES, STATES, Register

T = POLICY.threshold
SIZES = st.one_of(st.integers(0, T), st.integers(0, 60))


def groups(sizes: list[int], start: int = 0) -> list[set[int]]:
    """Persons of groups of these sizes, nobody in two."""
    next_person = count(start)
    return [{next(next_person) for _ in range(size)} for size in sizes]


def exits(*sizes: int, start: int = 0) -> dict[tuple[object, ...], set[int]]:
    """Leavers of the years from 2020 on, by three outcomes each."""
    found = groups(list(sizes), start)
    return {(2020 + i // 3, "abc"[i % 3]): persons for i, persons in enumerate(found)}


def figures(table: pd.DataFrame, column: str = "persons") -> dict[tuple[object, ...], int | None]:
    rows = table[["year", "outcome", column]].itertuples(index=False)
    return {(None if pd.isna(y) else int(y), o): None if pd.isna(n) else int(n) for y, o, n in rows}


# ------------------------------------------------------------------------------------------------------------ rounding
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SIZES, min_size=6, max_size=6))
def test_a_rounded_table_adds_up_and_has_no_small_count(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    register = Register(tmp_path_factory.mktemp("ledger"), EXITS, Protection.ROUNDING)
    outcome, found = register.night(exits(*sizes))
    assert found == []
    table = outcome.tables["exits"].table
    shown = figures(table)
    for year in (2020, 2021):
        assert sum(shown[year, o] for o in "abc") == figures(table, "leavers")[year, "a"]
    assert all(shown[None, o] == shown[2020, o] + shown[2021, o] for o in "abc")
    assert table["mean_days"].isna().all()


def test_counts_and_the_others_of_their_base_are_rounded_apart(tmp_path: Path) -> None:
    """Of 53 persons 50 are counted: the 3 others become nobody or ten, and so the base is 50 or 60."""
    counted, others, few, many = groups([50, 3, 4, 80])  # 50 and 80 may be rounded for all that anybody knows
    register = Register(tmp_path, RATES, Protection.ROUNDING)
    outcome, found = register.night({("a",): counted, ("b",): few}, {("a",): others, ("b",): many})
    assert found == []
    table = outcome.tables["rates"].table.set_index("area")
    assert table.loc["a", "persons"] == 50
    assert table.loc["a", "observed"] in (50, 60)
    assert table.loc["b", "persons"] in (0, 10)
    assert table.loc["b", "observed"] - table.loc["b", "persons"] == 80
    assert table.loc["a", "share"] == round(50 / table.loc["a", "observed"], 4)


def test_who_knows_the_true_total_of_a_line_learns_no_small_count(tmp_path: Path) -> None:
    """3, 45 and 62 persons: with 3 rounded alone, 110 less the two others would tell it. So 45 is rounded as well."""
    outcome, found = Register(tmp_path, EXITS, Protection.ROUNDING).night(exits(3, 45, 62))
    assert found == []
    shown = figures(outcome.tables["exits"].table)
    assert shown[2020, "a"] in (0, 10)
    assert shown[2020, "b"] in (40, 50)
    assert shown[2020, "c"] == 62
    assert abs(sum(shown[2020, o] for o in "abc") - 110) <= 5, "sums stay near"


def test_a_table_waits_while_a_small_count_would_be_the_only_rounded_one_of_its_line(tmp_path: Path) -> None:
    """Ten left the first group; the true figures of both others have been public and are true still."""
    register = Register(tmp_path, EXITS, Protection.ROUNDING)
    before = exits(15, 45, 62)
    first, _ = register.night(before)
    assert figures(first.tables["exits"].table)[2020, "a"] == 15
    later, found = register.night(before | {(2020, "a"): set(sorted(before[2020, "a"])[:5])})
    assert not later.is_new
    assert found == []
    assert figures(later.tables["exits"].table) == figures(first.tables["exits"].table)


def test_a_rounded_table_stands_whole_until_enough_persons_have_come_everywhere(tmp_path: Path) -> None:
    register = Register(tmp_path, EXITS, Protection.ROUNDING)
    before = exits(3, 40, 60, 25, 4, 70)
    first, _ = register.night(before)
    old = figures(first.tables["exits"].table)

    newcomers = set(range(1000, 1030))
    few = before | {(2020, "b"): before[2020, "b"] | newcomers, (2021, "c"): before[2021, "c"] | {2000}}
    second, found = register.night(few)
    assert not second.is_new
    assert found == []
    assert figures(second.tables["exits"].table) == old
    assert set(second.tables["exits"].table["status"]) == {"held_back"}

    enough = before | {
        (2020, "b"): before[2020, "b"] | newcomers,
        (2021, "b"): before[2021, "b"] | set(range(2000, 2020)),
    }
    third, found = register.night(enough)
    assert third.is_new
    assert found == []
    new = figures(third.tables["exits"].table)
    assert new[2020, "b"] == 70
    assert new[2020, "a"] == old[2020, "a"], "the same three persons have the same figure"
    assert set(third.tables["exits"].table["status"]) == {"ok"}


def test_the_same_few_persons_have_the_same_figure_whatever_is_around_them(tmp_path: Path) -> None:
    """Others come and go in tens; five groups of a few stay, and no search turns any of them."""
    register = Register(tmp_path, EXITS, Protection.ROUNDING)
    small = exits(4, 5, 6, 5, 40, 5)
    shown = []
    for extra in (0, 13, 29, 47):
        cells = small | {(2021, "b"): small[2021, "b"] | set(range(1000, 1000 + extra))}
        outcome, found = register.night(cells)
        assert outcome.is_new
        assert found == []
        table = figures(outcome.tables["exits"].table)
        shown.append([table[key] for key in small if key != (2021, "b")])
    assert shown == [shown[0]] * 4


def test_a_row_that_is_new_waits_with_its_table(tmp_path: Path) -> None:
    register = Register(tmp_path, EXITS, Protection.ROUNDING)
    before = exits(13, 40, 60)
    first, _ = register.night(before)
    newcomers = zip("abc", groups([2, 30, 30], 1000), strict=True)
    second, found = register.night(before | {(2021, outcome): persons for outcome, persons in newcomers})
    assert not second.is_new
    assert found == []
    assert figures(second.tables["exits"].table) == figures(first.tables["exits"].table)


def test_cells_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    register = Register(tmp_path, EXITS, Protection.ROUNDING)
    register.night(exits(13, 40, 60))
    assert register.plan is not None
    mart, spec = register.plan.tables["exits"]
    decision = register.plan.decisions["exits"]
    with pytest.raises(Refusal) as refused:
        rounded(mart.assign(leavers=100), spec, POLICY, decision, [])
    assert refused.value.exit is Exit.GATE_CLOSED


# --------------------------------------------------------------------------------------------------------------- noise
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SIZES, min_size=6, max_size=6), st.integers(0, 3000))
def test_a_noisy_table_keeps_its_promise(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], start: int
) -> None:
    register = Register(tmp_path_factory.mktemp("ledger"), EXITS, Protection.CELL_KEY)
    outcome, found = register.night(exits(*sizes, start=start))
    assert found == []
    shown = outcome.tables["exits"].table.dropna(subset=["persons"])
    assert (shown["persons"] >= T).all()
    assert shown["mean_days"].isna().all()
    assert ((shown["share"] - shown["persons"] / shown["leavers"]).abs() < 0.0001).all()


def test_the_same_persons_have_the_same_noise_in_another_table(tmp_path: Path) -> None:
    every = groups([40] * 30)
    one, two = (
        Register(tmp_path / "a", STATES, Protection.CELL_KEY),
        Register(tmp_path / "b", EXITS, Protection.CELL_KEY),
    )
    states, found = one.night({("2020-01", f"s{i}"): persons for i, persons in enumerate(every)})
    left, other = two.night({(2020, f"s{i}"): persons for i, persons in enumerate(every)})
    assert found == other == []
    first = states.tables["states"].table.set_index("state")["persons"]
    second = left.tables["exits"].table
    assert first.to_dict() == second[second["year"].notna()].set_index("outcome")["persons"].to_dict()
    assert set(first - 40) - {0}, "and it is noise"
    assert (first - 40).abs().max() <= POLICY.noise.max_change


def test_shares_of_a_table_without_bases_are_of_a_noisy_total(tmp_path: Path) -> None:
    cells = {("2020-01", state): persons for state, persons in zip("abcd", groups([40, 60, 80, 0]), strict=True)}
    outcome, found = Register(tmp_path, STATES, Protection.CELL_KEY).night(cells)
    assert found == []
    table = outcome.tables["states"].table.set_index("state")
    totals = {round(table.loc[s, "persons"] / table.loc[s, "share"]) for s in "abc"}
    assert len(totals) == 1
    assert abs(totals.pop() - 180) <= POLICY.noise.max_change
    assert table.loc["d", "status"] == "primary"


def test_noisy_figures_change_only_when_enough_persons_have_come(tmp_path: Path) -> None:
    register = Register(tmp_path, EXITS, Protection.CELL_KEY)
    before = exits(30, 40, 60)
    first, _ = register.night(before)
    second, _ = register.night(before | {(2020, "a"): before[2020, "a"] | {1000}})
    assert not second.is_new
    third, found = register.night(before | {(2020, "a"): before[2020, "a"] | set(range(1000, 1040))})
    assert third.is_new
    assert found == []
    old, new = figures(first.tables["exits"].table), figures(third.tables["exits"].table)
    assert abs(new[2020, "a"] - 70) <= POLICY.noise.max_change
    assert new[2020, "b"] == old[2020, "b"]


# ----------------------------------------------------------------------------------------------------------- both
def test_a_table_keeps_its_protection(tmp_path: Path) -> None:
    cells = exits(30, 40, 60)
    Register(tmp_path, EXITS, Protection.ROUNDING).night(cells)
    for other in (Protection.CELL_KEY, Protection.GAPS):
        with pytest.raises(Refusal, match="was public with the protection `rounding`") as refused:
            Register(tmp_path, EXITS, other, day=1).night(cells)
        assert refused.value.exit is Exit.STUDY_INVALID


def test_the_ledger_holds_the_figures_that_were_public_and_by_which_protection(tmp_path: Path) -> None:
    register = Register(tmp_path, EXITS, Protection.ROUNDING)
    outcome, _ = register.night(exits(3, 40, 60))
    (entry,) = register.ledger.entries()
    assert entry.tables["exits"].protection == "rounding"
    (public,) = register.ledger.releases()
    assert public.protections == {"exits": "rounding"}
    states = public.begun("exits")
    shown = outcome.tables["exits"].table
    assert sorted(states.figures[:, 0]) == sorted(shown["persons"])
