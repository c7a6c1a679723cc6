"""The attacker finds what is known to follow, says from where, and cries no wolf."""

from __future__ import annotations

import pandas as pd
import pytest

from polku.disclosure import STATUS, ReleaseSpec, recover
from tests.polku.disclosure import known
from tests.polku.disclosure.strategies import policy

RULE = policy(5)


def cells(table: pd.DataFrame, spec: ReleaseSpec) -> list[str]:
    return [finding.cell for finding in recover(table, spec, RULE)]


@pytest.mark.parametrize(
    ("name", "given_away"),
    [
        ("textbook_safe", []),
        ("textbook_primary_only", ["a=A, b=x", "a=B, b=y"]),
        ("textbook_row_only", ["a=A, b=x", "a=A, b=y", "a=B, b=y", "a=B, b=z"]),
        ("four_by_four_safe", []),
        ("four_by_four_unsafe", ["a=w, b=b"]),
    ],
)
def test_known_answers(name: str, given_away: list[str]) -> None:
    assert sorted(cells(known.seen(name, marks=False), known.GRID)) == given_away


def test_the_lines_are_named_and_no_figure_is() -> None:
    (finding,) = recover(known.seen("four_by_four_unsafe", marks=False), known.GRID, RULE)
    assert "the line along b at a=w" in finding.why
    assert "47" not in str(finding)


def test_marks_are_read() -> None:
    """Two gaps of 5 in all, one marked as at least 5: the other is 0. Of 7 in all it may be 0, 1 or 2."""
    spec = ReleaseSpec("t", ("a",), "n", additive=("a",), total_code={"a": "all"})
    table = pd.DataFrame({"a": ["x", "y", "all"], "n": [None, None, 5], STATUS: ["primary", "secondary", "ok"]})
    assert cells(table, spec) == ["a=x", "a=y"]
    table["n"] = [None, None, 7]
    assert cells(table, spec) == []


SHARES = ReleaseSpec("s", ("state_code",), "persons", measures=("share",), additive=("state_code",))


def shares(**states: tuple[int | None, float | None, str]) -> pd.DataFrame:
    rows = [(state, *seen) for state, seen in states.items()]
    return pd.DataFrame(rows, columns=["state_code", "persons", "share", STATUS])


def test_a_share_gives_the_total_and_the_total_the_lone_gap() -> None:
    table = shares(a=(60, 0.6, "ok"), b=(37, 0.37, "ok"), c=(None, None, "primary"))
    assert cells(table, SHARES) == ["state_code=c"]


def test_rounded_shares_narrow_the_total_until_gaps_are_exact() -> None:
    """50 at 1.0000 are 50 in all: the gaps are zeros, however many they are."""
    table = shares(a=(50, 1.0, "ok"), b=(None, None, "primary"), c=(None, None, "primary"))
    assert cells(table, SHARES) == ["state_code=b", "state_code=c"]


def test_rates_tell_the_total_of_their_own_direction_only() -> None:
    """45 at 0.9 are 50 moves out of a, not 50 moves into a (which would leave the gaps there exact)."""
    spec = ReleaseSpec(
        "t", ("source", "target"), "persons", counts=("moves",), measures=("rate",), additive=("target", "source")
    )
    rows = [
        ("a", "a", 20, 45, 0.9, "ok"),
        ("a", "b", 5, 5, 0.1, "ok"),
        ("a", "c", 0, 0, 0.0, "structural_zero"),
        ("b", "a", None, None, None, "primary"),
        ("b", "b", None, None, None, "secondary"),
        ("b", "c", 9, 30, 0.5, "ok"),
        ("c", "a", None, None, None, "secondary"),
        ("c", "b", None, None, None, "secondary"),
        ("c", "c", 9, 30, 0.5, "ok"),
    ]
    table = pd.DataFrame(rows, columns=["source", "target", "persons", "moves", "rate", STATUS])
    assert cells(table, spec) == []


def test_a_figure_left_standing_gives_its_cell_away() -> None:
    table = shares(a=(60, 0.6, "ok"), b=(None, 0.04, "primary"), c=(None, None, "secondary"))
    assert [(f.cell, f.column) for f in recover(table, SHARES, RULE)] == [("state_code=b", "share")]


EXITS = ReleaseSpec(
    "e",
    ("year", "outcome_code"),
    "persons",
    base="leavers",
    base_by=("year",),
    measures=("share",),
    additive=("year",),
    total_code={"year": None},
)


def exits(bases: list[int | None], others: list[int | None]) -> pd.DataFrame:
    rows = []
    for outcome, column in (("employed", bases), ("studying", others)):
        for year, base in zip([2020, 2021, None], column, strict=True):
            rows.append((year, outcome, base, None, None, "secondary"))
    return pd.DataFrame(rows, columns=["year", "outcome_code", "leavers", "persons", "share", STATUS])


def test_a_lone_hidden_base_follows_from_all_years() -> None:
    assert "year=2020" in cells(exits([None, 40, 44], [None, 40, 44]), EXITS)


def test_a_base_that_another_row_shows_is_not_hidden() -> None:
    findings = recover(exits([None, None, 44], [20, 24, 44]), EXITS, RULE)
    assert {(f.cell, f.column) for f in findings} >= {("year=2020, outcome_code=employed", "leavers")}


def test_a_table_without_marks_clears_nothing() -> None:
    table = shares(a=(60, 0.6, "ok")).drop(columns=STATUS)
    assert {finding.column for finding in recover(table, SHARES, RULE)} == {"persons", "share"}
