"""What a file states beside its hierarchies: equations in the forms people write, rates, measures and releases."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

from polku.disclosure.attack.audit import Outcome, audit
from polku.errors import Refusal
from tests.polku.disclosure.attack.brute import write

DIMS = {"a": {"total": "T", "tree": {"T": ["x", "y", "z"]}}}
TABLE = [{"a": "x", "count": ""}, {"a": "y", "count": ""}, {"a": "z", "count": 2}, {"a": "T", "count": 12}]


def outcome(folder: Path, level: str | None = None, tables: Any = None, files: Any = None, **spec: Any) -> Outcome:
    path = write(folder, {"dims": DIMS, "tables": tables or ["t.csv"]} | spec, files or {"t.csv": TABLE})
    return audit(path, level)


def ends(found: Outcome) -> dict[str, tuple[float, float]]:
    return {each.cell: (each.low, each.high) for each in found.intervals}


@pytest.mark.parametrize(
    "equation",
    [
        {"terms": [{"coefficient": 1, "cell": {"a": "x"}}, {"coefficient": -1, "cell": {"a": "y"}}], "equals": 4},
        {"terms": [{"cell": {"a": "x"}}, {"coef": -1, "cell": {"a": "y"}}], "low": 4, "high": 4},
        {"terms": [[1, {"a": "x"}], [{"a": "y"}, -1]], "value": 4},
        {"terms": [{"a": "x", "weight": 2}, {"a": "y", "weight": -2}], "rhs": 8},
        {"plus": [{"a": "x"}], "minus": ["a=y"], "equals": 4},
        {"left": "a=x", "right": [{"a": "y"}, [2, {"a": "z"}]]},
        {"total": "a=x", "parts": ["a=y", "a=z", "a=z"]},
        {"terms": ["a=x"], "range": [7, 7]},
        {"terms": [{"coefficient": 0.5, "cell": {"a": "x"}}], "equals": 3.5},
    ],
)
def test_equations_in_every_form(equation: Any, tmp_path: Path) -> None:
    assert ends(outcome(tmp_path, equations=[equation])) == {"a=x": (7, 7), "a=y": (3, 3)}


def test_an_inequality_narrows(tmp_path: Path) -> None:
    found = outcome(tmp_path, equations=[{"terms": ["a=x"], "at_least": 6}])
    assert ends(found) == {"a=x": (6, 10), "a=y": (0, 4)}


def test_a_cell_of_an_equation_need_not_be_in_a_table(tmp_path: Path) -> None:
    """An outsider knows of another source that x and z together are 9: z has no row, x has."""
    table = [row for row in TABLE if row["a"] != "z"]
    equations = [{"terms": ["a=x", "a=z"], "equals": 9}, {"terms": ["a=z"], "equals": 2}]
    assert ends(outcome(tmp_path, files={"t.csv": table}, equations=equations)) == {"a=x": (7, 7), "a=y": (3, 3)}


def test_a_row_that_is_left_out_is_unknown_or_zero(tmp_path: Path) -> None:
    table = [row for row in TABLE if row["a"] not in "yz"]
    unknown = outcome(tmp_path, files={"t.csv": table})
    zero = outcome(tmp_path, tables=[{"file": "t.csv", "missing": "zero"}], files={"t.csv": table})
    assert (ends(unknown), ends(zero)) == ({"a=x": (0, 12)}, {"a=x": (12, 12)})


def test_a_gap_that_another_table_publishes_is_given_away(tmp_path: Path) -> None:
    files = {"t.csv": TABLE, "u.csv": [{"a": "x", "count": 7}]}
    found = outcome(tmp_path, tables=["t.csv", "u.csv"], files=files)
    assert {each.cell: each.why for each in found.disclosed}["a=x"] == "published in u.csv"
    assert ends(found)["a=y"] == (3, 3)


def test_status_is_read_like_primary(tmp_path: Path) -> None:
    marks = {"x": "primary", "y": "secondary", "z": "ok", "T": "ok"}
    table = [row | {"status": marks[str(row["a"])]} for row in TABLE]
    path = write(tmp_path, {"dims": DIMS, "tables": ["t.csv"]}, {"t.csv": table})
    assert ends(audit(path, "A2", 5)) == {"a=x": (1, 4), "a=y": (6, 9)}
    table[0]["status"] = "not_observed"
    write(tmp_path, {"dims": DIMS, "tables": ["t.csv"]}, {"t.csv": table})
    assert list(ends(audit(path, "A2", 5))) == ["a=y"]


def test_primary_gaps_shown_to_be_small_are_told_apart(tmp_path: Path) -> None:
    table = [row | {"primary": int(row["a"] in "xy")} for row in TABLE]
    table[3]["count"] = 6
    path = write(tmp_path, {"dims": DIMS, "tables": ["t.csv"]}, {"t.csv": table})
    found = audit(path, "A0", 5)
    assert (found.exit, [each.cell for each in found.shown_small]) == (0, ["a=x", "a=y"])


# --------------------------------------------------------------------------------------------------------- rates
MEASURED = {
    "n.csv": [{"a": "x", "count": ""}, {"a": "y", "count": ""}, {"a": "z", "count": 3}, {"a": "T", "count": 15}],
    "d.csv": [{"a": "x", "count": 40}, {"a": "y", "count": 50}, {"a": "z", "count": 10}, {"a": "T", "count": 100}],
}
TWO = [{"file": "n.csv", "measure": "employed"}, {"file": "d.csv", "measure": "all"}]
RATE = {"numerator": "employed", "denominator": "all", "digits": 2}


def test_a_published_rate_gives_its_numerator_away(tmp_path: Path) -> None:
    """0.12 of 40, whatever was rounded, is between 4.6 and 5.0."""
    files = MEASURED | {"r.csv": [{"a": "x", "rate": "0.12"}, {"a": "y", "rate": ""}]}
    found = outcome(tmp_path, "A1", tables=TWO, files=files, rates=[RATE | {"file": "r.csv"}])
    assert ends(found)["employed a=x"] == (5, 5)
    assert ends(outcome(tmp_path, "A0", tables=TWO, files=files, rates=[RATE | {"file": "r.csv"}]))[
        "employed a=x"
    ] == pytest.approx((4.6, 5.0))


def test_a_rate_of_one_cell_in_percent(tmp_path: Path) -> None:
    one = {
        "numerator": {"measure": "employed", "cell": {"a": "x"}},
        "denominator": {"measure": "all", "cell": {"a": "x"}},
        "rate": 12.5,
        "digits": 1,
        "percent": True,
    }
    found = outcome(tmp_path, "A1", tables=TWO, files=MEASURED, rates=[one])
    assert ends(found) == {"employed a=x": (5, 5), "employed a=y": (7, 7)}


def test_a_share_of_the_total(tmp_path: Path) -> None:
    """The total has no row, but 2 are 0.2 of it: then 0.5 and 0.3 give the gaps as well."""
    files = {"t.csv": TABLE[:3], "s.csv": [{"a": a, "rate": r} for a, r in zip("xyz", (0.5, 0.3, 0.2), strict=True)]}
    share = {"numerator": {"measure": ""}, "denominator": {"cell": {"a": "T"}}, "digits": 1, "file": "s.csv"}
    found = outcome(tmp_path, "A1", files=files, rates=[share])
    assert ends(found)["a=x"] == (4, 7)
    assert all(high < inf for _, high in ends(found).values())


# ------------------------------------------------------------------------------------------------------ releases
LATER = [{"a": "x", "count": 7}, {"a": "y", "count": ""}, {"a": "z", "count": 2}, {"a": "T", "count": ""}]


def two_releases(folder: Path, level: str | None, **later: Any) -> Outcome:
    releases = [{"name": "1", "tables": ["t.csv"]}, {"name": "2", "tables": ["u.csv"], **later}]
    path = write(folder, {"dims": DIMS, "releases": releases}, {"t.csv": TABLE, "u.csv": LATER})
    return audit(path, level)


def test_releases_are_joined_at_a4_and_by_what_the_file_states(tmp_path: Path) -> None:
    """Each release is safe alone. The same cohort: all is known. One that grows, by one at most: nearly."""
    alone = two_releases(tmp_path, "A0", cohort="same")
    assert alone.disclosed == ()
    assert ends(alone)["1 a=x"] == (0, 10)
    for level in ("A0", None)[1:]:
        same = two_releases(tmp_path, level, cohort="same")
        assert {each.cell: each.low for each in same.disclosed} == {
            "1 a=x": 7, "1 a=y": 3, "2 a=y": 3, "2 total": 12,
        }  # fmt: skip
    grows = ends(two_releases(tmp_path, None, cohort="grows", newcomers=["p"]))
    assert grows == {"1 a=x": (6, 7), "1 a=y": (3, 4), "2 a=y": (3, 4), "2 total": (12, 13)}
    assert ends(two_releases(tmp_path, None, cohort="grows"))["2 total"] == (12, inf)
    assert two_releases(tmp_path, None).disclosed == ()


def test_tables_name_their_release_too(tmp_path: Path) -> None:
    tables = [{"file": "t.csv", "release": "1"}, {"file": "u.csv", "release": "2"}]
    spec = {"dims": DIMS, "tables": tables, "releases": ["1", {"name": "2", "cohort": "same"}]}
    found = audit(write(tmp_path, spec, {"t.csv": TABLE, "u.csv": LATER}), None)
    assert len(found.disclosed) == 4


def test_an_equation_links_releases(tmp_path: Path) -> None:
    terms = [{"release": "2", "cell": {"a": "x"}}, {"coefficient": -1, "release": "1", "cell": {"a": "x"}}]
    tables = [{"file": "t.csv", "release": "1"}, {"file": "u.csv", "release": "2"}]
    spec = {"dims": DIMS, "tables": tables, "releases": ["1", "2"], "equations": [{"terms": terms, "equals": 0}]}
    path = write(tmp_path, spec, {"t.csv": TABLE, "u.csv": LATER})
    assert [each.cell for each in audit(path).disclosed] == ["1 a=x", "1 a=y"]
    assert audit(path, "A0").disclosed == ()
    spec["equations"][0]["terms"][0]["release"] = "3"
    with pytest.raises(Refusal, match="no release `3`"):
        audit(write(tmp_path, spec, {"t.csv": TABLE, "u.csv": LATER}))


# ----------------------------------------------------------------------------------------------- levels, insiders
def test_levels_know_more_and_more(tmp_path: Path) -> None:
    table = [row | {"primary": int(row["a"] == "x")} for row in TABLE]
    path = write(tmp_path, {"dims": DIMS, "tables": ["t.csv"]}, {"t.csv": table})
    assert [ends(audit(path, level, 5))["a=x"] for level in ("A0", "A1", "A2")] == [(0, 10), (1, 9), (1, 4)]
    insider = audit(path, "A3", 5)
    assert insider.disclosed == ()
    table = [row | {"primary": int(row["a"] in "xy")} for row in TABLE]
    table[3]["count"] = 7
    write(tmp_path, {"dims": DIMS, "tables": ["t.csv"]}, {"t.csv": table})
    assert audit(path, "A2", 5).disclosed == ()
    assert [each.why for each in audit(path, "A3", 5).disclosed] == [
        "whoever is alone in [a=y] works it out",
        "whoever is alone in [a=x] works it out",
    ]


def test_three_gaps_of_a_line_protect_each_other_from_insiders(tmp_path: Path) -> None:
    table = [{"a": a, "count": "", "primary": 1} for a in "xyz"] + [{"a": "T", "count": 6, "primary": 0}]
    path = write(tmp_path, {"dims": DIMS, "tables": ["t.csv"]}, {"t.csv": table})
    assert audit(path, "A3", 5).disclosed == ()


def test_the_file_may_state_that_zeros_are_published_or_which_level_to_take(tmp_path: Path) -> None:
    table = [*TABLE[:3], {"a": "T", "count": 4}]
    for options, expected in (({}, (0, 2)), ({"zeros": "published"}, (1, 1)), ({"level": "A1"}, (1, 1))):
        found = outcome(tmp_path, files={"t.csv": table}, options=options)
        assert ends(found)["a=x"] == expected
    assert ends(outcome(tmp_path, "A1", files={"t.csv": table}, options={"zeros": "protected"}))["a=x"] == (0, 2)


@pytest.mark.parametrize("dims", [["a"], {"a": None}, {"a": "T"}, {"a": {"tree": {"T": {"p": ["x", "y"], "z": []}}}}])
def test_dimensions_in_every_form(dims: Any, tmp_path: Path) -> None:
    total = "T" if isinstance(dims, dict) and dims["a"] else "Total"
    if isinstance(dims, dict) and isinstance(dims["a"], dict):
        dims["a"]["total"] = "T"
    table = [*TABLE[:3], {"a": total, "count": 12}]
    spec = {"dims": dims, "tables": [{"file": "t.csv"}]}
    assert ends(audit(write(tmp_path, spec, {"t.csv": table}))) == {"a=x": (0, 10), "a=y": (0, 10)}
