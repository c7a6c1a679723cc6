"""Rounded tables add up, hold no small count, and stay near the truth."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.disclosure.dimensions import Dimension
from polku.disclosure.margins import margins_of
from polku.disclosure.rounding import round_small
from polku.errors import Exit, Refusal
from tests.polku.disclosure.hierarchies import inner_cells, parts_that_do_not_add_up

FLAT = {"town": Dimension("town", "Total", {}), "sex": Dimension("sex", "Total", {})}


def inner(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["town", "sex", "count"])


@given(inner_cells(), st.sampled_from([2, 3, 5, 10]))
def test_whatever_the_hierarchies_rounded_tables_keep_what_they_promise(
    found: tuple[pd.DataFrame, dict[str, Dimension]], base: int
) -> None:
    cells, dims = found
    rounded = round_small(cells, dims, base)
    assert parts_that_do_not_add_up(rounded.table, dims) == []
    assert not rounded.table["count"].between(1, base - 1).any()
    both = rounded.table.merge(cells, on=list(dims), suffixes=("", "_true"))
    assert len(both) == len(cells)
    assert ((both["count"] - both["count_true"]).abs() < base).all()
    kept = (both["count_true"] == 0) | (both["count_true"] >= base)
    assert (both["count"] == both["count_true"])[kept].all()
    margins = margins_of(cells, dims)
    true = margins.cells.assign(true=margins.add_up(cells["count"].to_numpy()))
    changes = rounded.table.merge(true, on=list(dims)).eval("(count - true).abs()", engine="python")
    assert len(changes) == len(true) == len(rounded.table)
    assert changes.max() == rounded.max_change
    shuffled = round_small(cells.sample(frac=1, random_state=1), dims, base)
    pd.testing.assert_frame_equal(shuffled.table, rounded.table)


def test_a_table_is_as_near_as_can_be() -> None:
    """Four counts of 2 at base 5: a total of 8 is nearest at 10, so two become 5, one in each town and sex."""
    rounded = round_small(inner(("a", "f", 2), ("a", "m", 2), ("b", "f", 2), ("b", "m", 2)), FLAT, 5)
    figures = rounded.table.set_index(["town", "sex"])["count"]
    assert figures["Total", "Total"] == 10
    assert [figures[town, "Total"] for town in "ab"] == [5, 5]
    assert [figures["Total", sex] for sex in "fm"] == [5, 5]
    assert rounded.max_change == 3


def test_only_the_asked_tables_are_published_and_shared_cells_stand_once() -> None:
    cells = inner(("a", "f", 7), ("a", "m", 1), ("b", "f", 9), ("b", "m", 8))
    rounded = round_small(cells, FLAT, 5, tables=[["town"], ["sex"]])
    codes = sorted(rounded.table[["town", "sex"]].itertuples(index=False, name=None))
    assert codes == [("Total", "Total"), ("Total", "f"), ("Total", "m"), ("a", "Total"), ("b", "Total")]


def test_the_table_tells_its_guarantee_and_not_what_changed() -> None:
    rounded = round_small(inner(("a", "f", 2), ("b", "m", 20)), FLAT, 5)
    assert list(rounded.table) == ["town", "sex", "count"]
    assert "no figure is more than 2 from the truth" in rounded.guarantee
    assert "1 to 4" in rounded.guarantee


def test_nothing_small_is_nothing_changed() -> None:
    rounded = round_small(inner(("a", "f", 20), ("b", "m", 0)), FLAT, 5)
    assert rounded.max_change == 0


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        (inner(("a", "f", -1)), "negative"),
        (inner(("a", "f", 2), ("a", "f", 3)), "same codes"),
    ],
)
def test_tables_that_cannot_be_rounded_are_refused(cells: pd.DataFrame, what: str) -> None:
    with pytest.raises(Refusal, match=what) as refused:
        round_small(cells, FLAT, 5)
    assert refused.value.exit is Exit.CONTRACT_INVALID


def test_a_code_outside_its_tree_and_breakdowns_that_differ_are_named() -> None:
    town = Dimension("town", "Total", {"Total": (("north", "south"),), "north": (("a",),), "south": (("b",),)})
    with pytest.raises(Refusal, match="code `c` is no leaf of dimension `town`"):
        round_small(inner(("c", "f", 2)), FLAT | {"town": town}, 5)
    apart = Dimension("town", "Total", {"Total": (("a", "b"), ("coast", "inland"))})
    with pytest.raises(Refusal, match="the breakdowns of `Total` in dimension `town`"):
        round_small(inner(("a", "f", 2)), FLAT | {"town": apart}, 5)
    with pytest.raises(Refusal, match="names `age`"):
        round_small(inner(("a", "f", 2)), FLAT, 5, tables=[["age"]])


def test_a_base_that_rounds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="base below 2"):
        round_small(inner(("a", "f", 2)), FLAT, 1)
