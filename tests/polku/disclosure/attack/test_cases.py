"""Audits with known answers: expected cells, intervals of another program, counts of an independent attacker."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from polku.cli import main
from polku.disclosure.attack.audit import Outcome, audit
from polku.errors import Refusal
from polku.layout import CHECKOUT

CASES = CHECKOUT / "tests" / "data" / "disclosure" / "audit"
EXPECTED = json.loads((CASES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda e: f"{e['case']}/{e['spec']}")
def test_known_answers(expected: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["audit", str(CASES / expected["case"] / expected["spec"]), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["exit"], found["n_disclosed"]) == (expected["exit"], expected["exit"], expected["n_disclosed"])
    assert sorted(found["disclosed"]) == sorted(expected.get("disclosed", found["disclosed"]))


def test_intervals_are_those_of_sdctable() -> None:
    folder = CASES / "08_sdctable_4x4"
    outcome = audit(folder / "spec_SIMPLEHEURISTIC.json")
    with (folder / "intervals_SIMPLEHEURISTIC.csv").open(encoding="utf-8") as file:
        theirs = {f"a={r['a']}, b={r['b']}": (float(r["min"]), float(r["max"])) for r in csv.DictReader(file)}
    assert {i.cell: (i.low, i.high) for i in outcome.intervals if i.cell in theirs} == theirs


PATTERNS = ("S_gauss", "S_SIMPLEHEURISTIC", "S_tauMOD", "S_tauOPT")


def bench(name: str, level: str) -> Outcome:
    return audit(CASES / "18_bench" / f"spec_{name}.json", level, 5)


def true_figures(name: str) -> dict[str, float]:
    with (CASES / "18_bench" / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    dims = [column for column in rows[0] if column in ("muni", "origin", "sex")]
    return {", ".join(f"{d}={r[d]}" for d in dims if r[d] != "Total") or "total": float(r["truth"]) for r in rows}


@pytest.mark.parametrize(("name", "given_away"), list(zip(PATTERNS, (4, 97, 128, 151), strict=True)))
def test_patterns_of_other_programs_at_a0_and_a1(name: str, given_away: int) -> None:
    """The figures of peer_results.json: nothing at A0; so many once gaps are known to be at least 1."""
    assert bench(name, "A0").disclosed == ()
    outcome, truth = bench(name, "A1"), true_figures(name)
    assert len(outcome.disclosed) == given_away
    assert all(each.low <= truth[each.cell] <= each.high for each in outcome.intervals)
    assert all(each.why for each in outcome.disclosed)


@pytest.mark.parametrize(("name", "given_away"), list(zip(PATTERNS, (191, 223, 308, 325), strict=True)))
def test_knowing_only_which_gaps_are_primary(name: str, given_away: int, tmp_path: Path) -> None:
    """peer_results.json: primary gaps are 1 to 4, and nothing is said of the others (their mark is left empty)."""
    shutil.copy(CASES / "18_bench" / f"spec_{name}.json", tmp_path)
    with (CASES / "18_bench" / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "primary": "1" if row["primary"] == "1" else ""} for row in rows)
    outcome = audit(tmp_path / f"spec_{name}.json", "A2", 5)
    assert len([each for each in outcome.disclosed if each.mark]) == given_away


@pytest.mark.parametrize("name", PATTERNS)
def test_knowing_the_other_gaps_too_gives_more_away(name: str) -> None:
    marked, truth = bench(name, "A2"), true_figures(name)
    assert len(marked.disclosed) > 250
    assert all(each.low <= truth[each.cell] <= each.high for each in marked.intervals)
    with_insider = {each.cell for each in bench(name, "A3").disclosed}
    assert with_insider > {each.cell for each in marked.disclosed}


def test_a2_needs_a_threshold() -> None:
    with pytest.raises(Refusal, match="--threshold"):
        audit(CASES / "14_plain_two_way" / "spec_safe.json", "A2")


def test_the_explanation_names_published_cells() -> None:
    (found,) = audit(CASES / "05_usersupport136_linked" / "spec_unsafe.json").disclosed
    assert (found.cell, found.low) == ("region=K", 3)
    assert found.why == "[region=county-2] - [region=BIG] - [region=N]"
