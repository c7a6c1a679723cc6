"""Files of an extract: CSV or Parquet, one of them, and nothing of a person in their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.contracts.model import Column, FileFormat, Table
from polku.errors import Exit, Refusal
from tests.polku.parties import PERSONS, TEXT, Parties, contract, small_study

MEASURES = Table(
    name="measures", file="measures.csv", title=TEXT, grain="one row per measure", natural_key=("person_key",),
    columns=(
        Column("hetu", "person_key", "identifier", "joins registers", domain="fi.hetu"),
        Column("syntynyt", "birth_month", "month", "age", coarsen="month"),
        Column("alku", "started_on", "date", "timeline"),
        Column("kuukausi", "paid_month", "month", "timeline"),
        Column("kunta", "municipality_code", "code", "where", width=3),
        Column("summa", "paid_eur", "amount", "how much"),
        Column("aktiivinen", "is_active", "boolean", "whether"),
    ),
)  # fmt: skip
FORMAT = FileFormat(date_formats=("%m/%Y", "%d.%m.%Y", "%Y-%m-%d"), decimal_mark=",")
CSV_LINES = [
    "hetu;syntynyt;alku;kuukausi;kunta;summa;aktiivinen",
    "010190-999W;02.01.1990;31.12.2019;12/2019;49;1234,50;true",
    "131052-900W;;01.02.2020;;;;",
]
COLUMNS: dict[str, Any] = {
    "hetu": pa.array(["010190-999W", "131052-900W"]),
    "syntynyt": pa.array([date(1990, 1, 2), None]),
    "alku": pa.array([date(2019, 12, 31), date(2020, 2, 1)]),
    "kuukausi": pa.array([date(2019, 12, 1), None]),
    "kunta": pa.array([49, None], pa.int16()),
    "summa": pa.array([Decimal("1234.50"), None]),
    "aktiivinen": pa.array([True, None]),
}


def world(folder: Path) -> Parties:
    return Parties(folder, small_study(contract("measures", MEASURES, file_format=FORMAT)))


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return world(tmp_path)


def write(parties: Parties, **changes: pa.Array) -> Path:
    file = parties.extract("measures") / "measures.parquet"
    pq.write_table(pa.table(COLUMNS | changes), file)
    return file


def refusal_of(parties: Parties, register: str = "measures") -> Refusal:
    with pytest.raises(Refusal) as caught:
        parties.seal(register)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert not list((parties.root.authority(register) / "sealed").glob("*"))
    return caught.value


def rows_of(parties: Parties) -> list[dict[str, object]]:
    rows = parties.read(parties.deliver("measures"))["measures"]
    changing = ("row_no", "person_key")
    return sorted(({name: cell for name, cell in row.items() if name not in changing} for row in rows), key=str)


def test_a_parquet_file_gives_what_the_csv_would(tmp_path: Path) -> None:
    csv, parquet = world(tmp_path / "csv"), world(tmp_path / "parquet")
    csv.write("measures", "measures.csv", CSV_LINES)
    write(parquet)
    assert rows_of(parquet) == rows_of(csv)


def test_text_in_parquet_stays_as_it_is_written(parties: Parties) -> None:
    dictionary = pa.array(["0049", " 49"]).dictionary_encode()
    write(parties, kunta=dictionary, summa=pa.array(["1 234,5", "\u20ac"]))
    assert {(row["municipality_code"], row["paid_eur"]) for row in rows_of(parties)} == {
        ("0049", "1 234,5"),
        (" 49", "\u20ac"),
    }


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        pytest.param("kunta", pa.array([49.0, None]), id="float"),
        pytest.param("hetu", pa.array([10190999, 131052900]), id="identifier as a number"),
        pytest.param("hetu", pa.array([date(1990, 1, 1), None]), id="identifier as a date"),
        pytest.param("alku", pa.array([datetime(2020, 1, 1, 12), None]), id="time of day"),
        pytest.param("kunta", pa.array([b"049", None]), id="bytes"),
        pytest.param("kunta", pa.array([["049"], None]), id="list"),
    ],
)
def test_types_that_cannot_be_written_out_are_refused(parties: Parties, column: str, cells: pa.Array) -> None:
    write(parties, **{column: cells})
    refusal = refusal_of(parties)
    assert (refusal.exit, refusal.file, refusal.column) == (Exit.EXTRACT_BREAKS_CONTRACT, "measures.parquet", column)


def test_a_float_that_nobody_asked_for_harms_nothing(parties: Parties) -> None:
    file = write(parties, extra=pa.array([0.5, None]))
    assert file.exists()
    assert parties.seal("measures").tables[0].dropped == ("extra",)


def test_rows_of_parquet_are_counted_as_those_of_csv(parties: Parties) -> None:
    write(parties, hetu=pa.array(["010190-999W", "x"]))
    with pytest.raises(Refusal) as caught:
        parties.seal("measures", small_study(contract("measures", MEASURES, file_format=FORMAT, bad_row_limit=0.1)))
    assert caught.value.row_no == 3


def test_a_file_in_both_formats_is_refused(parties: Parties) -> None:
    parties.write("measures", "measures.csv", CSV_LINES)
    write(parties)
    assert refusal_of(parties).exit is Exit.EXTRACT_BREAKS_CONTRACT


def test_a_footer_in_parquet_is_no_record_and_stands_at_the_end(tmp_path: Path) -> None:
    study = small_study(contract("measures", MEASURES, file_format=replace(FORMAT, footers=("Yhteensä",))))
    rows = pa.table({name: cells.cast(pa.string()) for name, cells in COLUMNS.items() if name != "aktiivinen"})
    rows = rows.append_column("aktiivinen", pa.array(["true", None]))
    footer = pa.table(
        {name: ["Yhteensä" if name == "hetu" else None] for name in rows.column_names}, schema=rows.schema
    )
    parties = Parties(tmp_path, study)
    file = parties.extract("measures") / "measures.parquet"
    pq.write_table(pa.concat_tables([rows, footer]), file)
    (sealed,) = parties.seal("measures").tables
    assert (sealed.rows_read, sealed.footers) == (2, 1)
    pq.write_table(pa.concat_tables([rows, footer, rows]), file)
    with pytest.raises(Refusal, match="not at the end") as caught:
        parties.seal("measures")
    assert caught.value.row_no == 4


def test_a_missing_column_of_parquet_is_refused(parties: Parties) -> None:
    file = write(parties)
    pq.write_table(pq.read_table(file).drop_columns(["kunta"]), file)
    refusal = refusal_of(parties)
    assert (refusal.exit, refusal.column) == (Exit.EXTRACT_BREAKS_CONTRACT, "kunta")


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _emptied(content: bytes) -> bytes:
    return b""


def _flipped(content: bytes) -> bytes:
    return content[:40] + bytes(b ^ 0xFF for b in content[40:80]) + content[80:]


@pytest.mark.parametrize("break_", [_cut, _emptied, _flipped])
def test_a_broken_parquet_file_is_refused(parties: Parties, break_: Callable[[bytes], bytes]) -> None:
    file = write(parties)
    file.write_bytes(break_(file.read_bytes()))
    refusal = refusal_of(parties)
    assert (refusal.exit, refusal.file) == (Exit.EXTRACT_BREAKS_CONTRACT, "measures.parquet")


@pytest.mark.parametrize("name", ["010190-999W.pdf", "maksut 131052\u2013900W.csv", "0401234567.txt", "a.b@example.fi"])
def test_a_file_called_by_an_identifier_is_refused_and_not_repeated(parties: Parties, name: str) -> None:
    parties.write("measures", "measures.csv", CSV_LINES)
    (parties.extract("measures") / name).write_text("")
    refusal = refusal_of(parties)
    assert (refusal.exit, refusal.file) == (Exit.IDENTIFIER_IN_DATA, None)
    assert not any(part in str(refusal) for part in ("999W", "900W", "0401234567", "example"))


def test_usual_names_of_files_are_not_taken_for_identifiers(parties: Parties) -> None:
    parties.write("measures", "measures.csv", CSV_LINES)
    for name in ("measures_20240701.csv", "kela_maksut_2009-2024_v2.csv", "2024-07-01T02-28-46.log", "README"):
        (parties.extract("measures") / name).write_text("")
    assert parties.seal("measures").manifest.tables[0].rows == 2


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), min_size=1, max_size=6))
def test_any_text_in_parquet_travels_unchanged(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    parties = Parties(tmp_path_factory.mktemp("w"), small_study(contract("persons", PERSONS)))
    columns = {"hetu": ["010190-999W"] * len(cells), "syntymapaiva": ["1990-01-01"] * len(cells), "kieli": cells}
    pq.write_table(pa.table(columns), parties.extract("persons") / "persons.parquet")
    rows = parties.read(parties.deliver("persons"))["persons"]
    assert sorted(str(row["language_code"]) for row in rows) == sorted(cells)
