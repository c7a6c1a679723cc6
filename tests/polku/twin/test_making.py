from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from polku.authority.extracts import read_extract
from polku.authority.transcoding import lay_pipe
from polku.contracts.model import Contract, Table
from polku.contracts.sql import typed_query
from polku.errors import Exit, Refusal
from polku.exchange.identifiers import Refused, canonical_hetu
from polku.layout import DataRoot
from polku.sql_text import quoted
from polku.studies import Study
from polku.twin import make_twin
from polku.twin.deliveries import schedule
from polku.twin.people import CodeBooks
from polku.twin.registers import REGISTERS
from polku.twin.world import make_world

FAULT_OF_MISTAKE = {
    "unknown_code": "unknown_code",
    "code_not_valid_then": "code_not_valid_then",
    "unreadable_date": "unreadable",
    "missing": "missing",
    "starts_after_end": "starts_after_end",
}
EXTRACTED_ON = date(2025, 6, 29)


def every_file(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(study: Study, tmp_path: Path) -> None:
    for name, seed in (("first", 5), ("again", 5), ("other", 6)):
        make_twin(DataRoot(study.code, tmp_path / name), study, persons=150, seed=seed)
    first, again, other = (every_file(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert set(first) == set(other)
    alike = [name for name in first if first[name] == other[name]]
    assert all(first[name].count(b"\n") == 1 for name in alike)  # nothing but a header
    assert len(alike) < len(first) / 8


@pytest.mark.parametrize("register", REGISTERS)
def test_contract_finds_the_injected_faults_and_no_others(made, register: str, tmp_path: Path) -> None:
    """Everything else in the files (codes, dates, amounts, odd spellings) is read as the contract says."""
    contract = made.study.contracts[register]
    for table in contract.tables:
        for number, truth in enumerate(made.truth["files"][register][table.name]["deliveries"], start=1):
            pipes = tmp_path / f"{table.name} {number}"
            pipes.mkdir()
            faults = faults_found(contract, table, made.folder(register, number), truth["rows"], pipes)
            expected = {FAULT_OF_MISTAKE[m]: n for m, n in truth["mistakes"].items() if m in FAULT_OF_MISTAKE}
            assert Counter(fault.split(":")[1] for fault in faults) == expected, (table.name, number)
            assert len(faults) == truth["quarantined_by_platform"]


def faults_found(contract: Contract, table: Table, folder: Path, rows: int, pipes: Path) -> list[str]:
    """First fault of every row that has one, as landing finds it."""
    with duckdb.connect() as con:
        lay_pipe(con, pipes)
        extract = read_extract(con, contract, table, table.columns, folder, EXTRACTED_ON)
        assert extract.rows == rows
        # What the sealer does to identifiers and coarsened dates, without keys.
        cells = {c.name: f"(hash({c.name}) >> 1)::bigint" for c in table.identifiers}
        day = contract.file_format.date_formats[0]
        cells |= {c.name: f"strftime(strptime({c.name}, '{day}'), '%Y-%m-01')" for c in table.columns if c.coarsen}
        con.execute(
            f"create view sealed as select {extract.source_row} as row_no, * replace "
            f"({', '.join(f'{cell} as {quoted(name)}' for name, cell in cells.items())}) from {extract.relation}"
        )
        query = f"select faults from ({typed_query(contract, table, 'sealed')}) where len(faults) > 0"
        return [fault for (faults,) in con.execute(query).fetchall() for fault in faults[:1]]


@pytest.mark.parametrize("register", REGISTERS)
def test_every_identity_code_is_of_the_test_range_and_only_the_injected_ones_are_wrong(made, register: str) -> None:
    for table in made.study.contracts[register].tables:
        if "hetu" not in {column.source for column in table.columns}:
            continue
        wrong = 0
        for row in made.rows(register, table.name):
            if row["hetu"].strip() in ("", "NULL", "-"):
                continue
            code = canonical_hetu(row["hetu"], EXTRACTED_ON)
            wrong += isinstance(code, Refused)
            assert row["hetu"].strip()[7:10] >= "900"
        assert wrong == made.truth["files"][register][table.name]["quarantined_by_authority"]


@pytest.mark.parametrize("register", REGISTERS)
def test_bad_rows_stay_below_the_contract_s_limit(made, register: str) -> None:
    """Files of a few rows have none at all: one would be above the limit."""
    contract = made.study.contracts[register]
    limit, files = contract.bad_row_limit, len(schedule(made.study, contract))
    for file in made.truth["files"][register].values():
        bad = file["quarantined_by_authority"] + file["quarantined_by_platform"]
        assert bad <= limit * file["rows"]
        assert bad or limit * file["rows"] < 2 * files


def test_each_authority_writes_its_own_format(made) -> None:
    files = {file.name: file.read_bytes() for file in made.root.path.glob("authorities/*/extract/1/*.csv")}
    assert files["koski_opiskeluoikeudet.csv"].startswith(b"\xef\xbb\xbfhetu;")
    assert b"2020-" in files["koski_opiskeluoikeudet.csv"]
    assert "MYÖ".encode("iso-8859-1") in files["kela_etuusjaksot.csv"]
    assert b'"11.11.2222"' in files["ura_ytyoll.csv"]
    assert "kyllä".encode() in files["osaamiskeskus_asiakkaat.csv"]
    months = {row["kohdekk"][2] == "/" for row in made.rows("kela", "payments") if row["kohdekk"]}
    assert months == {True, False}
    assert any(
        "\u00a0" in row["palkkatulo"] and "," in row["palkkatulo"] for row in made.rows("vero", "annual_incomes")
    )
    assert any(row["bruttomaara"].startswith("-") for row in made.rows("kela", "payments"))


def test_extracts_hold_what_the_study_may_not_have(made) -> None:
    """So that a sealer that forgets to drop it is found out."""
    people = {(person["surname"], person["first_names"]) for person in made.persons}
    assert {(row["sukunimi"], row["etunimet"]) for row in made.rows("dvv", "persons")} == people
    codes = {person["hetu"] for person in made.persons}
    assert {row["puolison_hetu"] for row in made.rows("dvv", "persons")} <= codes
    assert all(
        any(code in row["muistiinpanot"] for code in codes) for row in made.rows("osaamiskeskus", "clients")[:20]
    )


def test_persons_whose_codes_differ_only_in_the_separator_exist(made) -> None:
    by_rest = Counter(person["hetu"][:6] + person["hetu"][7:] for person in made.persons)
    assert sum(count > 1 for count in by_rest.values()) >= 3
    assert len({person["hetu"] for person in made.persons}) == len(made.persons)


def test_temporary_codes_are_met_but_never_in_the_population_register(made) -> None:
    temporary = {p["temporary_hetu"]: p for p in made.persons if p["temporary_hetu"]}
    assert temporary
    assert all(p["temporary_hetu"][7:9] == "99" and p["hetu"][7:9] != "99" for p in temporary.values())
    assert not temporary.keys() & {row["hetu"] for row in made.rows("dvv", "persons")}
    for register, table in (("ura", "employment_spells"), ("kela", "payments")):
        assert temporary.keys() & {row["hetu"] for row in made.rows(register, table)}


def test_only_test_studies_and_enough_persons(study: Study, tmp_path: Path) -> None:
    root = DataRoot(study.code, tmp_path)
    with pytest.raises(Refusal) as refused:
        make_twin(root, replace(study, test=False), persons=150)
    assert refused.value.exit == Exit.STUDY_INVALID
    with pytest.raises(Refusal) as refused:
        make_twin(root, replace(study, permanent_until=899), persons=150)
    assert refused.value.exit == Exit.STUDY_INVALID
    with pytest.raises(Refusal) as refused:
        make_twin(root, study, persons=10)
    assert refused.value.exit == Exit.USAGE
    assert not list(tmp_path.iterdir())


def test_blocks_of_persons_share_one_header_and_no_identifier(study: Study, tmp_path: Path) -> None:
    root = DataRoot(study.code, tmp_path)
    report = make_twin(root, study, persons=240, seed=4, block=120)
    with report.truth.with_name("truth_person.csv").open(encoding="utf-8", newline="") as lines:
        persons = list(csv.DictReader(lines))
    assert [int(person["person_no"]) for person in persons] == list(range(240))
    for kind in ("hetu", "temporary_hetu", "former_hetu", "second_hetu", "migri_number"):
        codes = [person[kind] for person in persons if person[kind]]
        assert len(set(codes)) == len(codes), kind
    for register, contract in study.contracts.items():
        for table in contract.tables:
            text = (root.authority(register) / "extract" / "1" / table.file).read_bytes()
            header = text.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf")
            assert text.count(header) == 1


def test_numbers_of_registers_are_of_one_block_alone(study: Study) -> None:
    """Numbers of persons, and those that alone tell one row from another."""
    books = CodeBooks()
    blocks = [make_world(study, 150, 4, first, books) for first in (0, 150)]
    for register, contract in study.contracts.items():
        one, other = (REGISTERS[register](world) for world in blocks)
        for table in contract.tables:
            for column in table.identifiers:
                here, there = (set(frames[table.name].columns[column.source]) for frames in (one, other))
                numbered = column.name in table.natural_key and not any(
                    table.column(k).is_subject for k in table.natural_key
                )
                if column.is_subject or numbered:
                    assert here & there <= {""}, (register, table.name, column.source)
