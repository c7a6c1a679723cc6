"""The authority's folder: one run at a time, nothing left behind, and nothing touched beside it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from polku.authority.folder import alone, workbench
from polku.errors import Exit, Refusal
from tests.polku.parties import Parties

GOOD = ["hetu;syntymapaiva;kieli;nimi", "010190-999W;01.01.1990;fi;Matti"]


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    made = Parties(tmp_path)
    made.write("persons", "persons.csv", GOOD)
    return made


def test_two_runs_do_not_take_each_others_files(parties: Parties) -> None:
    authority = parties.root.authority("persons")
    with alone(authority), pytest.raises(Refusal) as caught:
        parties.seal("persons")
    assert caught.value.exit is Exit.ANOTHER_RUN
    assert parties.seal("persons").delivery_id == "persons-20240701-0001"


def test_what_a_killed_run_left_is_gone_after_the_next(parties: Parties) -> None:
    authority = parties.root.authority("persons")
    first = parties.seal("persons")
    kept = {path.name for path in first.data_part.parent.iterdir()}
    left = [
        authority / ".spill" / "duckdb_temp_storage_DEFAULT-0.tmp",
        authority / "sealed" / ".persons-20240701-0002.rows.csv.part",
        authority / "sealed" / ".persons-20240701-0002.id.hpkg.part",
        authority / "sealed" / "persons-20240701-0009.rows.csv",
        authority / "sealed" / "persons-20240701-0009.report.html",
        authority / "sealed" / "persons-20240701-0009.report.json",
        authority / "quarantine" / ".persons-20240701-0002.csv.part",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("010190-999W")
    second = parties.seal("persons")
    assert [path for path in left if path.exists()] == []
    names = {path.name for path in first.data_part.parent.iterdir()}
    assert names == kept | {name.replace(first.delivery_id, second.delivery_id) for name in kept}


def test_an_extract_is_found_by_any_path_to_it(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    extract = parties.extract("persons")
    (parties.path / "link").symlink_to(extract)
    monkeypatch.chdir(parties.path)
    for path in (extract.relative_to(parties.path), Path("link"), extract / ".." / "extract"):
        monkeypatch.setattr(parties, "extract", lambda _, path=path: path)
        assert parties.seal("persons").tables[0].rows_read == 1


def test_nothing_is_left_in_the_spill_folder(parties: Parties) -> None:
    parties.seal("persons")
    assert not (parties.root.authority("persons") / ".spill").exists()


def test_file_names_hold_register_day_and_number_only(parties: Parties) -> None:
    report = parties.seal("persons")
    names = {path.name.removeprefix("persons-20240701-0001") for path in report.data_part.parent.iterdir()}
    names = {name for name in names if not name.endswith(".sha256")}
    assert names == {".id.hpkg", ".data.hpkg", ".persons.rows.arrow", ".report.html", ".report.json"}


REACHES = {
    "read another file": "from read_csv('{outside}')",
    "write a file": "copy (select 1) to '{outside}.copy'",
    "write beside the extract": "copy (select 1) to '{inside}/../leak.csv'",
    "attach a database": "attach '{outside}.duckdb'",
    "install an extension": "install json",
    "log statements": "set enable_logging = true",
    "profile statements": "set profiling_output = '{outside}.json'",
    "open up again": "set enable_external_access = true",
}


@pytest.mark.parametrize("reach", REACHES)
def test_duckdb_touches_nothing_but_the_extract(tmp_path: Path, reach: str) -> None:
    outside, inside = tmp_path / "outside.csv", tmp_path / "authority" / "extract"
    inside.mkdir(parents=True)
    outside.write_text("a\n1\n")
    (inside / "a.csv").write_text("a\n1\n")
    with workbench(inside.parent, inside) as con:
        assert con.execute("from read_csv(?)", [str(inside / "a.csv")]).fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            con.execute(REACHES[reach].format(outside=outside, inside=inside))


def test_what_does_not_fit_into_memory_still_finds_its_place(tmp_path: Path) -> None:
    inside = tmp_path / "authority" / "extract"
    inside.mkdir(parents=True)
    with workbench(inside.parent, inside) as con:
        sorted_out_of_core = (
            "select count(*) from (select hash(i), repeat('x', 100) from range(12000000) r(i) order by 1)"
        )
        assert con.execute("select current_setting('temp_file_encryption')").fetchone() == (True,)
        assert con.execute(sorted_out_of_core).fetchone() == (12_000_000,)
