"""A file that cannot be audited is refused with one message that names the place, and exit code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polku.cli import main

CSV = "a,count\nx,3\ny,\nz,4\nTotal,12\n"
SPEC = {"dims": {"a": {"total": "Total"}}, "tables": [{"file": "t.csv", "dims": ["a"]}]}
TREE = {"a": {"total": "Total", "tree": {"Total": ["x", "y", "z"]}}}

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def audited(spec: Any, *options: str, **files: str) -> tuple[int, str]:
        for name, text in ({"t": CSV} | files).items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        text = spec if isinstance(spec, str) else json.dumps(spec)
        (tmp_path / "spec.json").write_text(text, encoding="utf-8")
        code = main(["audit", str(tmp_path / "spec.json"), *options])
        return code, capsys.readouterr().err

    return audited


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        ("a,count\nx,3\nx,3\ny,\nTotal,12\n", ["t.csv", "row 3", "a=x", "twice"]),
        ("a,count\nx,3\ny,4\nz,4\nTotal,12\n", ["does not add up", "total", "along a", "t.csv"]),
        ("a,count\nx,3\nw,\nTotal,12\n", ["t.csv", "dimension a", "`w`", "row 3"]),
        ("a,count\nx,three\ny,\nTotal,12\n", ["t.csv", "count", "row 2", "text"]),
        ("a,count\nx,inf\ny,\nTotal,12\n", ["t.csv", "count", "row 2", "text"]),
        ("a,count\nx,-3\ny,\nTotal,12\n", ["t.csv", "count", "row 2", "negative"]),
        ("a,count\n,3\ny,\nTotal,12\n", ["t.csv", "column a", "row 2", "no code"]),
        ("b,count\nx,3\n", ["t.csv", "column a", "lacks"]),
        ("a,n\nx,3\n", ["t.csv", "column count", "lacks"]),
        ("a,count\nx,3,4\ny\n", ["t.csv", "as many values"]),
        ("a,count\n", ["t.csv", "no rows"]),
        ("", ["t.csv"]),
        ("a,a,count\nx,x,1\n", ["t.csv", "same name"]),
        ("a,count\nx,3\ny,\nz,13\nTotal,12\n", ["contradict", "along a"]),
    ],
)
def test_faults_of_a_table(run: Run, csv: str, said: list[str]) -> None:
    code, message = run(SPEC | {"dims": TREE}, t=csv)
    assert code == 2
    assert message.startswith("polku audit: not judged: ")
    assert "Traceback" not in message
    assert [word for word in said if word not in message] == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{", ["not valid JSON"]),
        ("[]", ["JSON object"]),
        ({"tables": SPEC["tables"]}, ["dims"]),
        ({"dims": {"a": {}}}, ["no table"]),
        (SPEC | {"tables": [{"file": "t.csv", "dims": ["b"]}]}, ["t.csv", "unknown dimension `b`"]),
        (SPEC | {"tables": [{"file": "no.csv", "dims": ["a"]}]}, ["no.csv", "cannot be read"]),
        (SPEC | {"tables": [{"file": "t.csv", "mising": "zero"}]}, ["did you mean `missing`"]),
        (SPEC | {"tables": [{"file": "t.csv", "missing": "none"}]}, ["`unknown` or `zero`"]),
        (SPEC | {"tables": [{"dims": ["a"]}]}, ["`file` is missing"]),
        (SPEC | {"tables": 5}, ["tables"]),
        (SPEC | {"dims": {"a": {"tree": {"Total": ["x", "Total"]}}}}, ["part of itself"]),
        (SPEC | {"dims": {"a": {"tree": {"Total": ["x"], "q": ["y"]}}}}, ["`q`"]),
        (SPEC | {"measures": [{"total": "m", "parts": ["m"]}]}, ["measure 1"]),
        (SPEC | {"measures": [{"total": "m"}]}, ["`parts` is missing"]),
        (SPEC | {"equations": [{"terms": [{"cell": {"b": "x"}}], "equals": 1}]}, ["equation 1", "dimension `b`"]),
        (SPEC | {"equations": [{"terms": [{"cell": {"a": "w"}}], "equals": 1}]}, ["equation 1", "no code `w`"]),
        (SPEC | {"equations": [{"terms": [{"cell": {"a": "x"}}]}]}, ["equation 1", "neither"]),
        (SPEC | {"equations": [{"terms": [{"cell": {"a": "x"}}], "equals": "one"}]}, ["equation 1", "text"]),
        (SPEC | {"equations": [{"terms": [{"cell": {"a": "x"}}], "low": 3, "high": 1}]}, ["above its high end"]),
        (SPEC | {"equations": [{"terms": [{"cell": {"a": "x"}}], "equals": 9}]}, ["contradict", "equation 1"]),
        (SPEC | {"rates": [{"numerator": "m", "denominator": "n"}]}, ["rate 1", "digits"]),
        (SPEC | {"rates": 7}, ["rate"]),
        (SPEC | {"options": {"round_base": "five"}}, ["round_base", "number"]),
        (SPEC | {"options": {"round_base": 5}}, ["t.csv", "round_base", "row 2"]),
        (SPEC | {"options": {"zeros": "maybe"}}, ["zeros"]),
        (SPEC | {"releases": [{"name": "a", "cohort": "shrinks"}]}, ["release 1", "cohort"]),
        (SPEC | {"releases": ["a", "a"]}, ["two releases"]),
    ],
)
def test_faults_of_the_file(run: Run, spec: Any, said: list[str]) -> None:
    if isinstance(spec, dict) and "equations" in spec:
        spec = spec | {"dims": TREE}
    code, message = run(spec)
    assert code == 2
    assert "failed" not in message
    assert [word for word in said if word not in message] == []


def test_one_figure_published_in_two_ways_is_a_contradiction(run: Run) -> None:
    tables = [{"file": "t.csv"}, {"file": "u.csv"}]
    code, message = run(SPEC | {"tables": tables}, u="a,count\nx,4\n")
    assert code == 2
    assert "t.csv and u.csv" in message
    assert "a=x" in message


def test_what_only_whole_lines_contradict_is_said_by_these_lines(run: Run) -> None:
    """Each line has room for its gaps, but the rows leave 2 + 2 and the columns 1 + 1."""
    table = "a,b,count\nx,p,\nx,q,\nx,T,2\ny,p,\ny,q,\ny,T,2\nT,p,1\nT,q,1\nT,T,\n"
    spec = {"dims": {"a": {"total": "T"}, "b": "T"}, "tables": ["t.csv"]}
    code, message = run(spec, t=table)
    assert code == 2
    assert "contradict" in message


def test_no_message_holds_a_figure(run: Run) -> None:
    _, message = run(SPEC | {"dims": TREE}, t="a,count\nx,3\ny,4\nz,4\nTotal,7777\n")
    assert "7777" not in message


def test_a_missing_spec_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path / "none.json"), "--json"]) == 2
    out = capsys.readouterr()
    assert json.loads(out.out)["exit"] == 2
    assert "cannot be read" in out.err


def test_unknown_keys_are_told_of(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(SPEC | {"dims": TREE, "weather": "fine", "comment": "read over"})
    main(["audit", str(tmp_path / "spec.json")])
    said = capsys.readouterr().out
    assert "`weather`" in said
    assert "comment" not in said
