"""The attacker's intervals are those of trying every table: hierarchies, two breakdowns, linked tables, rounding."""

from __future__ import annotations

import tempfile
from math import inf
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.disclosure.attack.audit import audit
from tests.polku.disclosure.attack.brute import Cell, figures, grid, intervals, leaves_of, write

TREES: list[dict[str, list[list[str]]]] = [
    {"T": [["x", "y", "z"]]},
    {"T": [["p", "z"]], "p": [["x", "y"]]},
    {"T": [["p", "z"], ["x", "q"]], "p": [["x", "y"]], "q": [["y", "z"]]},
]
SEXES = {"S": [["f", "m"]]}


def codes(tree: dict[str, list[list[str]]]) -> list[str]:
    return list(dict.fromkeys([*tree, *(part for ways in tree.values() for way in ways for part in way)]))


@st.composite
def published(draw: st.DrawFn) -> tuple[Any, ...]:
    tree = draw(st.sampled_from(TREES))
    inner = grid("xyz", "fm")
    counts = draw(st.lists(st.integers(0, 2), min_size=len(inner), max_size=len(inner)))
    cells = grid(codes(tree), ["S", "f", "m"])
    hidden = draw(st.sets(st.sampled_from([cell for cell in cells if cell != ("T", "S")])))
    return tree, dict(zip(inner, counts, strict=True)), cells, hidden


def name(cell: Cell) -> str:
    named = [f"{d}={code}" for d, code, total in zip("as", cell, "TS", strict=True) if code != total]
    return ", ".join(named) or "total"


def spec_of(tree: Any, tables: list[Any], **options: Any) -> dict[str, Any]:
    dims = {"a": {"total": "T", "tree": tree}, "s": {"total": "S", "tree": SEXES}}
    return {"dims": dims, "tables": tables, "options": options}


def attacked(spec: dict[str, Any], tables: dict[str, Any], level: str, threshold: int | None = None) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        outcome = audit(write(Path(folder), spec, tables), level, threshold)
    return {each.cell: (each.low, each.high) for each in outcome.intervals}


def rows(cells: list[Cell], table: dict[Cell, int], hidden: set[Cell], primary: int = 3) -> list[dict[str, Any]]:
    marks = {c: int(c in hidden and table[c] < primary) for c in cells}
    return [{"a": c[0], "s": c[1], "count": "" if c in hidden else table[c], "primary": marks[c]} for c in cells]


def below(tree: Any) -> dict[str, frozenset[str]]:
    return {c: leaves_of(c, tree) for c in codes(tree)} | {c: leaves_of(c, SEXES) for c in ("S", "f", "m")}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(published(), st.sampled_from(["protected", "published", "marked"]))
def test_intervals_are_those_of_every_table(case: Any, knows: str) -> None:
    tree, inner, cells, hidden = case
    under = below(tree)
    table = figures(inner, cells, under)
    if knows != "protected":
        hidden = {cell for cell in hidden if table[cell]}
    allowed: dict[Cell, tuple[float, float]] = {c: (table[c], table[c]) for c in cells if c not in hidden}
    for cell in hidden:
        allowed[cell] = (0, 99) if knows == "protected" else (1, 99)
        if knows == "marked":
            allowed[cell] = (1, 2) if table[cell] < 3 else (3, 99)
    true = intervals(inner, cells, under, table["T", "S"], allowed)
    zeros = "protected" if knows == "protected" else "published"
    level = "A2" if knows == "marked" else "A1"
    found = attacked(spec_of(tree, ["t.csv"], zeros=zeros), {"t.csv": rows(cells, table, hidden)}, level, 3)
    assert found == {name(cell): tuple(map(float, true[cell])) for cell in hidden}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(published(), st.data())
def test_linked_tables_are_one_system(case: Any, data: st.DataObject) -> None:
    """Two tables that share cells, and leave out rows of which nothing is known, are as strong as all they show."""
    tree, inner, cells, hidden = case
    under = below(tree)
    table = figures(inner, cells, under)
    first = [c for c in cells if c[1] == "S" and data.draw(st.booleans())] or [("T", "S")]
    second = [c for c in cells if c[1] != "S" or data.draw(st.booleans())]
    shown = (set(first) | set(second)) - hidden | {("T", "S")}
    first = [*{*first, ("T", "S")}]
    true = intervals(inner, cells, under, table["T", "S"], {c: (table[c], table[c]) for c in shown})
    tables = {
        "first.csv": [{"a": a, "count": "" if (a, s) in hidden else table[a, s]} for a, s in first],
        "second.csv": [
            {"a": a, "s": s, "count": "" if (a, s) in hidden else table[a, s], "primary": 0} for a, s in second
        ],
    }
    found = attacked(spec_of(tree, list(tables), zeros="protected"), tables, "A1")
    gaps = (set(first) | set(second)) & hidden
    assert found == {name(cell): tuple(map(float, true[cell])) for cell in gaps}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(published(), st.sampled_from([2, 3]))
def test_rounded_figures_are_what_some_table_rounds_to(case: Any, base: int) -> None:
    tree, inner, cells, _ = case
    under = below(tree)
    table = figures(inner, cells, under)
    rounded = {cell: base * ((2 * n + base) // (2 * base)) for cell, n in table.items()}
    half = base // 2
    allowed = {cell: (max(n - half, 0), n + half) for cell, n in rounded.items()}
    totals = range(int(allowed["T", "S"][0]), int(allowed["T", "S"][1]) + 1)
    each = [intervals(inner, cells, under, total, allowed) for total in totals]
    true = {c: (min(i[c][0] for i in each if i), max(i[c][1] for i in each if i)) for c in cells}
    shown = [{"a": a, "s": s, "count": rounded[a, s]} for a, s in cells]
    found = attacked(spec_of(tree, ["t.csv"], round_base=base), {"t.csv": shown}, "A0")
    assert found == {name(cell): tuple(map(float, ends)) for cell, ends in true.items()}
    assert all(found[name(c)][0] <= table[c] <= found[name(c)][1] for c in cells)


def test_without_a_total_what_is_not_bounded_is_said_to_be_so() -> None:
    """Columns bound the cells of a two-way table though its total and the totals of rows are hidden."""
    tree = {"T": [["x", "y"]]}
    shown = {("T", "f"): 5, ("T", "m"): 6}
    cells = [("x", "f"), ("x", "m"), ("y", "f"), ("y", "m"), ("x", "S"), ("y", "S"), ("T", "S")]
    table = [{"a": a, "s": s, "count": shown.get((a, s), "")} for a, s in [*cells, *shown]]
    found = attacked(spec_of(tree, ["t.csv"]), {"t.csv": table}, "A0")
    assert found["total"] == (11, 11)
    assert found["a=x"] == (0, 11)
    assert found["a=x, s=f"] == (0, 5)
    del table[-1]
    found = attacked(spec_of(tree, ["t.csv"], zeros="protected"), {"t.csv": table}, "A1")
    assert found["total"] == (5, inf)
    assert found["a=x"] == (0, inf)
    assert found["a=x, s=f"] == (0, 5)
