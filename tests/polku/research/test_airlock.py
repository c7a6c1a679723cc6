"""`polku check-output` on real encrypted marts: from the check to what leaves, and everything that stops it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polku.errors import Exit
from polku.layout import DataRoot
from polku.research.airlock import queue_of
from tests.polku.research.outputs_world import SEX_BY_GROUND, check_output, describe, fill_marts, make_world, table

NOBODY = 'structural_zeros = [{sex_code = "2", residence_ground_code = "study"}]'
WITHOUT_ONE = {
    "sql": "select sex_code, residence_ground_code, count(*) as persons from person where person_key <> 3 group by all",
    "members": "select sex_code, residence_ground_code, person_key from person where person_key <> 3",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    return make_world(tmp_path, SEX_BY_GROUND)


def check(folder: Path, cells: dict[tuple[str, str], int | None], **described: str) -> int:
    return check_output(table(folder, cells), "--describe", describe(folder, NOBODY, **described))


def approve(no: int, by: str) -> int:
    return check_output("--approve", no, "--as", by, "--undertaking", "I have read it in full.")


def release(no: int, by: str) -> int:
    return check_output("--release", no, "--as", by)


def released(folder: Path) -> None:
    assert check(folder, {**SEX_BY_GROUND}) == Exit.OK
    assert approve(1, "Olli Officer") == release(1, "Siiri Second") == Exit.OK


def test_two_people_let_a_table_leave_with_their_names(root: DataRoot, tmp_path: Path) -> None:
    released(tmp_path)
    folder = root.published / "outputs" / "000001"
    assert (folder / "table.csv").read_text("utf-8") == (tmp_path / "table.csv").read_text("utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert [(s["did"], s["name"]) for s in manifest["signatures"]] == [
        ("approved", "Olli Officer"),
        ("released", "Siiri Second"),
    ]
    assert manifest["signatures"][0]["undertaking"] == "I have read it in full."
    assert manifest["analyst"] == "Aino Analyst"
    assert set(manifest["files"]) == {"table.csv", "description.toml"}
    content = (root.airlock / "000001.parquet").read_bytes()
    assert content[:4] == b"PARE"


@pytest.mark.parametrize("name", ["aino  ANALYST", "Ville Visitor", "Nobody Known"])
def test_neither_the_analyst_nor_one_without_the_role_approves(root: DataRoot, tmp_path: Path, name: str) -> None:
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.OK
    assert approve(1, name) == Exit.GATE_CLOSED
    assert queue_of(root).request(1).state == "checked"


@pytest.mark.parametrize("name", ["Olli Officer", "olli officer ", "Aino Analyst", "Ville Visitor"])
def test_the_second_person_is_another_one(root: DataRoot, tmp_path: Path, name: str) -> None:
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.OK
    assert release(1, "Siiri Second") == Exit.GATE_CLOSED, "nobody has approved it"
    assert approve(1, "Olli Officer") == Exit.OK
    assert release(1, name) == Exit.GATE_CLOSED
    assert not root.published.exists()


def test_a_refused_table_cannot_be_approved(root: DataRoot, tmp_path: Path) -> None:
    assert check(tmp_path, {**SEX_BY_GROUND, ("1", "work"): 41}) == Exit.GATE_CLOSED
    assert approve(1, "Olli Officer") == Exit.GATE_CLOSED


@pytest.mark.parametrize("file", ["table.csv", "description.toml"])
def test_a_file_that_changed_after_its_check_does_not_leave(root: DataRoot, tmp_path: Path, file: str) -> None:
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.OK
    kept = root.airlock / "000001" / file
    whole = kept.read_bytes()
    kept.write_bytes(whole + b"\n")
    assert approve(1, "Olli Officer") == Exit.GATE_CLOSED
    kept.write_bytes(whole)
    assert approve(1, "Olli Officer") == Exit.OK
    kept.write_bytes(whole + b"\n")
    assert release(1, "Siiri Second") == Exit.GATE_CLOSED
    assert not root.published.exists()


def test_changed_marts_ask_for_a_new_check(root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.OK
    fill_marts(root, SEX_BY_GROUND, "update snapshot.marts.person set person_key = 190 where person_key = 3")
    assert approve(1, "Olli Officer") == Exit.GATE_CLOSED
    assert "have changed since the check" in capsys.readouterr().err
    fill_marts(root, SEX_BY_GROUND)
    assert approve(1, "Olli Officer") == Exit.OK, "the same persons again"


def test_a_wrong_file_is_refused_by_column_and_number_of_cells(
    root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, {**SEX_BY_GROUND, ("1", "work"): 41, ("2", "work"): 31}) == Exit.GATE_CLOSED
    told = capsys.readouterr().err
    assert "in 2 cells of column `persons`" in told
    assert "40" not in told


def test_a_cell_that_one_person_tells_from_a_released_one_is_refused(
    root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    released(tmp_path)
    cells = {**SEX_BY_GROUND, ("1", "work"): 39}
    assert check(tmp_path, cells, **WITHOUT_ONE) == Exit.GATE_CLOSED
    told = capsys.readouterr().err
    assert "differencing" in told
    assert "output 1: sex_code=1, residence_ground_code=work" in told
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.OK, "the same persons tell nothing new"


def test_a_cell_that_an_output_hides_is_not_shown_by_the_next(
    root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hiding = {**SEX_BY_GROUND, ("1", "work"): None, ("2", "work"): None, ("1", "family"): None, ("2", "family"): None}
    assert check(tmp_path, hiding) == Exit.OK
    assert approve(1, "Olli Officer") == release(1, "Siiri Second") == Exit.OK
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.GATE_CLOSED
    assert "hidden_elsewhere" in capsys.readouterr().err


def test_of_two_waiting_outputs_the_second_is_compared_with_the_first(root: DataRoot, tmp_path: Path) -> None:
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.OK
    assert check(tmp_path, {**SEX_BY_GROUND, ("1", "work"): 39}, **WITHOUT_ONE) == Exit.OK
    assert approve(1, "Olli Officer") == approve(2, "Olli Officer") == Exit.OK
    assert release(1, "Siiri Second") == Exit.OK
    assert release(2, "Siiri Second") == Exit.GATE_CLOSED


def test_queue_and_history_are_listed(root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    released(tmp_path)
    assert check(tmp_path, {**SEX_BY_GROUND, ("1", "work"): 41}) == Exit.GATE_CLOSED
    capsys.readouterr()
    assert check_output("--list") == Exit.OK
    first, second = capsys.readouterr().out.splitlines()
    assert "released" in first
    assert "Siiri Second" in first
    assert "refused" in second
    assert "file 1" in second


def test_a_changed_history_is_refused(root: DataRoot, tmp_path: Path) -> None:
    released(tmp_path)
    chain = root.airlock / "chain.jsonl"
    whole = chain.read_bytes()
    chain.write_bytes(whole.replace(b"Olli Officer", b"Olga Officer"))
    assert check_output("--list") == Exit.LEDGER_BROKEN
    chain.write_bytes(whole)
    cells = root.airlock / "000001.parquet"
    cells.write_bytes(cells.read_bytes()[:-1])
    assert check(tmp_path, {**SEX_BY_GROUND}) == Exit.LEDGER_BROKEN


def test_a_release_that_was_killed_before_its_folder_is_finished(root: DataRoot, tmp_path: Path) -> None:
    released(tmp_path)
    folder = root.published / "outputs" / "000001"
    folder.rename(tmp_path / "away")
    assert release(1, "Siiri Second") == Exit.OK
    assert sorted(file.name for file in folder.iterdir()) == ["description.toml", "manifest.json", "table.csv"]
    assert release(1, "Siiri Second") == Exit.GATE_CLOSED, "it has left"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--list", "--as", "Olli Officer"],
        ["--approve", "1", "--as", "Olli Officer"],
        ["--release", "1"],
        ["--approve", "7", "--as", "Olli Officer", "--undertaking", "read"],
    ],
)
def test_words_that_do_not_go_together_are_refused(root: DataRoot, words: list[str]) -> None:
    assert check_output(*words) == Exit.USAGE
