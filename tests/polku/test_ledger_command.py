"""`polku ledger` on a ledger of real encrypted files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from polku.cli import main
from polku.disclosure.ledger.conclusion import conclude
from polku.disclosure.ledger.decision import decide
from polku.disclosure.ledger.release_ledger import Draft
from polku.errors import Exit
from polku.layout import DataRoot
from polku.research.release_ledger import release_ledger
from tests.polku.disclosure.ledger.cells import SPEC, present, record_keys

RECORDS = record_keys(100)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    """Two releases: twenty persons go from b to a, of which the second hides b."""
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    root = DataRoot.of("mvad")
    ledger = release_ledger(root)
    for day, first, hidden in ((1, 30, []), (2, 50, ["b"])):
        cells = {"a": set(range(first)), "b": set(range(first, 100))}
        rows = [
            (area, None if area in hidden else len(p), "secondary" if area in hidden else "ok")
            for area, p in cells.items()
        ]
        table = pd.DataFrame(rows, columns=["area", "persons", "status"]).astype({"persons": "Int64"})
        decision = decide(present(cells, RECORDS), ledger.history().get("areas", []), 10)
        concluded = conclude(table, SPEC, decision, day, np.datetime64(f"2026-03-0{day}"))
        draft = Draft(
            f"{day}{day}aa", date(2026, 3, day), {}, "p", None, {"areas": concluded}, {"areas": ("area",)}, {}
        )
        ledger.append(draft, ledger.head())
    return root


def ledger(*arguments: str) -> int:
    step, *rest = arguments
    return main(["ledger", step, "--study", "mvad", *rest])


def test_releases_and_withdrawals_are_listed(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger("withdraw", "11", "--reason", "told of another year") == Exit.OK
    assert ledger("list") == Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "     1  2026-03-01  11aa  1 tables, 2 cells; withdrawn: told of another year",
        "     2  2026-03-02  22aa  1 tables, 2 cells",
    ]


def test_a_cell_is_told_release_by_release_and_never_what_was_hidden(
    root: DataRoot, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ledger("cell", "areas", "a") == ledger("cell", "areas", "b") == Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "     1  2026-03-01  ok of 2026-03-01: persons 30",
        "     2  2026-03-02  ok of 2026-03-02: persons 50",
        "     1  2026-03-01  ok of 2026-03-01: persons 70",
        "     2  2026-03-02  secondary: persons -",
    ]


@pytest.mark.parametrize(("arguments", "word"), [(["areas", "z"], "area"), (["zones", "a"], "areas")])
def test_a_cell_that_never_was_is_refused(
    root: DataRoot, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert ledger("cell", *arguments) == Exit.USAGE
    assert word in capsys.readouterr().err


def test_a_whole_ledger_is_verified_and_a_changed_one_refused(
    root: DataRoot, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ledger("verify") == Exit.OK
    assert capsys.readouterr().out.startswith("whole: 2 entries, chain ")
    file = root.release_ledger / "000001.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    assert ledger("verify") == Exit.LEDGER_BROKEN


def test_cells_and_sketches_are_encrypted_at_rest(root: DataRoot) -> None:
    content = (root.release_ledger / "000001.parquet").read_bytes()
    assert b"secondary" not in content
    assert b"areas" not in content
    assert content[:4] == b"PARE"


def test_a_ledger_that_is_not_there_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path / "new"))
    assert ledger("list") == Exit.OK
    assert "nothing has been released" in capsys.readouterr().err
