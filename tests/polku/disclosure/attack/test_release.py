"""The gate's attacker finds exactly what trying every table finds, in linked tables, at every level it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.disclosure import STATUS, ReleaseSpec, recover_all
from tests.polku.disclosure.attack.brute import Cell, figures, grid, intervals
from tests.polku.disclosure.strategies import policy

THRESHOLD = 3
RULE = policy(THRESHOLD, complements=False)
BELOW = {"all": frozenset("xyzfm"), **{code: frozenset(code) for code in "xyzfm"}}
INNER = grid("xyz", "fm")
CELLS = grid(["x", "y", "z", "all"], ["f", "m", "all"])
BOTH = ReleaseSpec("both", ("a", "s"), "n", additive=("a", "s"), total_code={"a": "all", "s": "all"})
BY_A = ReleaseSpec("by_a", ("a",), "n", additive=("a",), total_code={"a": "all"})


def protected(cells: list[Cell], counts: dict[Cell, int], hidden: set[Cell], spec: ReleaseSpec) -> pd.DataFrame:
    """Rows of the table, gaps with their marks; a cell is (a, s), of which `spec` may have only a."""
    rows = [
        (*cell[: len(spec.dimensions)], None, "primary" if counts[cell] < THRESHOLD else "secondary")
        if cell in hidden
        else (*cell[: len(spec.dimensions)], counts[cell], "ok")
        for cell in cells
    ]
    return pd.DataFrame(rows, columns=[*spec.dimensions, spec.count, STATUS])


def marked(counts: dict[Cell, int], hidden: set[Cell]) -> dict[Cell, tuple[float, float]]:
    bounds: dict[Cell, tuple[float, float]] = {cell: (n, n) for cell, n in counts.items() if cell not in hidden}
    for cell in hidden:
        bounds[cell] = (0, THRESHOLD - 1) if counts[cell] < THRESHOLD else (THRESHOLD, 99)
    return bounds


def name(cell: Cell) -> str:
    return f"a={cell[0]}, s={cell[1]}"


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[Cell, int], set[Cell]]:
    inner = dict(zip(INNER, draw(st.lists(st.integers(0, 3), min_size=6, max_size=6)), strict=True))
    hidden = draw(st.sets(st.sampled_from([cell for cell in CELLS if cell != ("all", "all")])))
    return figures(inner, CELLS, BELOW), hidden


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_a_table_gives_away_what_only_one_table_explains(case: Any) -> None:
    counts, hidden = case
    true = intervals(INNER, CELLS, BELOW, counts["all", "all"], marked(counts, hidden))
    found = recover_all({"both": (protected(CELLS, counts, hidden, BOTH), BOTH)}, RULE)
    assert {each.cell for each in found} == {name(c) for c in hidden if true[c][0] == true[c][1]}
    assert all("line" in each.why or "by itself" in each.why for each in found)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.data())
def test_tables_of_one_population_are_one_system(case: Any, data: st.DataObject) -> None:
    """One table by a, another by a and s with other gaps among the same totals: as strong as both together."""
    counts, hidden = case
    margin = [cell for cell in CELLS if cell[1] == "all"]
    elsewhere = {cell for cell in margin if cell != ("all", "all") and data.draw(st.booleans())}
    tables = {
        "by_a": (protected(margin, counts, elsewhere, BY_A), replace(BY_A, population="p")),
        "both": (protected(CELLS, counts, hidden, BOTH), replace(BOTH, population="p")),
    }
    gaps = {cell for cell in CELLS if cell in hidden and (cell not in margin or cell in elsewhere)}
    true = intervals(INNER, CELLS, BELOW, counts["all", "all"], marked(counts, gaps))
    found = {(each.table, each.cell) for each in recover_all(tables, RULE)}
    exact = {cell for cell, (low, high) in true.items() if low == high}
    expected = {("both", name(cell)) for cell in hidden & exact} | {("by_a", f"a={c[0]}") for c in elsewhere & exact}
    assert found == expected


@pytest.mark.parametrize(("level", "given_away"), [("A0", []), ("A1", ["a=x", "a=y"]), ("A2", ["a=x", "a=y"])])
def test_levels(level: str, given_away: list[str]) -> None:
    """Two gaps of 2 in all, where zeros are published: 1 and 1."""
    table = pd.DataFrame({"a": ["x", "y", "all"], "n": [None, None, 2], STATUS: ["primary", "primary", "ok"]})
    found = recover_all({"by_a": (table, BY_A)}, policy(THRESHOLD, zeros=False), level)
    assert [each.cell for each in found] == given_away


def test_an_untrue_mark_hides_nothing_that_follows_without_it() -> None:
    """x is 2 by its line, though marked as at least 3; the other line is judged by its marks all the same."""
    rows = [
        ("x", "f", None, "secondary"), ("y", "f", 5, "ok"), ("all", "f", 7, "ok"),
        ("x", "m", None, "primary"), ("y", "m", None, "primary"), ("all", "m", 0, "ok"),
    ]  # fmt: skip
    spec = ReleaseSpec("t", ("a", "s"), "n", additive=("a",), total_code={"a": "all"})
    table = pd.DataFrame(rows, columns=["a", "s", "n", STATUS])
    found = recover_all({"t": (table, spec)}, RULE)
    assert {each.cell for each in found} == {"a=x, s=f", "a=x, s=m", "a=y, s=m"}
