"""CSV files as systems and people write them: read right because the contract says how, or refused with a reason."""

from __future__ import annotations

import codecs
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from polku.authority.extracts import Extract, read_extract
from polku.authority.transcoding import lay_pipe
from polku.contracts.model import Column, FileFormat, Table
from polku.errors import Exit, Refusal
from tests.polku.parties import EXTRACTED_ON, TEXT, contract

KEY = Column("hetu", "person_key", "identifier", "joins registers", required=True, domain="fi.hetu")
AMOUNT = Column("summa", "paid_eur", "amount", "how much")
NOTE = Column("selite", "kind_code", "code", "what", width=3)
LINES = ["hetu;summa;selite", "010190-999W;1234,50 \u20ac;ÄÄÄ", "131052-900W;;ö\u2013"]
ROWS = [("010190-999W", "1234,50 \u20ac", "ÄÄÄ"), ("131052-900W", None, "ö\u2013")]


def read(folder: Path, data: bytes, *columns: Column, on: date = EXTRACTED_ON, **format_: Any) -> tuple[Extract, Any]:
    """The extract and its rows, in file order."""
    made = contract("r", file_format=FileFormat(**format_))
    columns = columns or (KEY, AMOUNT, NOTE)
    table = Table("t", "t.csv", TEXT, "one row per test", ("person_key",), columns)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "t.csv").write_bytes(data)
    pipes = folder / "pipes"
    pipes.mkdir(exist_ok=True)
    for pipe in pipes.iterdir():
        pipe.unlink()
    with duckdb.connect() as con:
        lay_pipe(con, pipes)
        extract = read_extract(con, replace(made, tables=(table,)), table, columns, folder, on)
        names = ", ".join(column.name for column in columns)
        rows = con.execute(f"select {extract.source_row}, {names} from {extract.relation} order by rowid").fetchall()
        assert [row[0] for row in rows] == list(range(extract.first_row, extract.first_row + len(rows)))
        return extract, [row[1:] for row in rows]


def refused(folder: Path, data: bytes, *columns: Column, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(folder, data, *columns, **more)
    refusal = caught.value
    assert (refusal.exit, refusal.register, refusal.file) == (Exit.EXTRACT_BREAKS_CONTRACT, "r", "t.csv")
    assert refusal.__cause__ is None
    assert refusal.__context__ is None
    assert "010190" not in str(refusal)
    return refusal


def joined(lines: list[str], end: str = "\r\n") -> str:
    return end.join(lines) + end


# ------------------------------------------------------------------------------------------------- encodings
@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", joined(LINES).encode()),
        ("utf-8", joined(LINES).encode("utf-8-sig")),
        ("windows-1252", joined(LINES).encode("windows-1252")),
        ("utf-16", codecs.BOM_UTF16_LE + joined(LINES).encode("utf-16-le")),
        ("utf-16", codecs.BOM_UTF16_BE + joined(LINES).encode("utf-16-be")),
    ],
    ids=["utf-8", "utf-8 with a mark", "windows-1252", "utf-16", "utf-16, the other way round"],
)
def test_the_contracts_encoding_is_read(tmp_path: Path, encoding: str, written: bytes) -> None:
    assert read(tmp_path, written, encoding=encoding)[1] == ROWS


@pytest.mark.parametrize(
    ("encoding", "written", "said"),
    [
        ("utf-8", "utf-16", "written in UTF-16"),
        ("iso-8859-1", "utf-16", "written in UTF-16"),
        ("iso-8859-1", "utf-8", "written in UTF-8"),
        ("windows-1252", "utf-8", "written in UTF-8"),
        ("windows-1252", "utf-8-sig", "written in UTF-8"),
        ("utf-16", "utf-8-sig", "written in UTF-8"),
        ("utf-16", "utf-8", "without a byte order mark"),
        ("utf-8", "windows-1252", "not UTF-8"),
        ("iso-8859-1", "windows-1252", "not written in the encoding"),
    ],
)
def test_another_encoding_is_refused(tmp_path: Path, encoding: str, written: str, said: str) -> None:
    assert said in refused(tmp_path, joined(LINES).encode(written), encoding=encoding).what


def test_a_byte_that_the_encoding_does_not_have_is_refused(tmp_path: Path) -> None:
    data = joined(LINES).encode("windows-1252") + b"131052-900W;\x81;x\r\n"
    assert "encoding" in refused(tmp_path, data, encoding="windows-1252").what


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-16"])
def test_a_file_longer_than_a_pipe_holds_is_read_whole(tmp_path: Path, encoding: str) -> None:
    lines = [f"131052-900W;{no};ä" for no in range(100_000)]
    rows = read(tmp_path, joined([LINES[0], *lines]).encode(encoding), encoding=encoding)[1]
    assert [int(row[1]) for row in rows] == list(range(100_000))


# ------------------------------------------------------------------------------------- rows and their delimiters
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_breaks_within_quotation_marks_belong_to_the_cell(tmp_path: Path, end: str) -> None:
    data = joined([LINES[0], '131052-900W;1;"a\r\nb\n""c"";d"', "010190-999W;2;e"], end).encode()
    assert read(tmp_path, data)[1] == [("131052-900W", "1", 'a\r\nb\n"c";d'), ("010190-999W", "2", "e")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("131052-900W;1", "another number of columns"),
        ("131052-900W;1;a;b", "another number of columns"),
        ('131052-900W;1;"a', "quotation mark is not closed"),
        ("131052-900W,1,a", "another number of columns"),
    ],
)
@pytest.mark.parametrize("footers", [(), ("Yhteensä",)], ids=["", "with footers"])
def test_a_delimiter_too_many_or_too_few_is_refused(
    tmp_path: Path, row: str, said: str, footers: tuple[str, ...]
) -> None:
    data = joined([*LINES, row, "010190-999W;2;e"]).encode()
    refusal = refused(tmp_path, data, footers=footers)
    assert said in refusal.what
    assert refusal.row_no == 4


def test_lines_that_end_in_different_ways_are_refused(tmp_path: Path) -> None:
    data = (joined(LINES) + joined(LINES[1:], "\n")).encode()
    assert "lines do not all end alike" in refused(tmp_path, data).what


# -------------------------------------------------------------------------------------------- titles and footers
def test_title_rows_are_left_out_and_counted_as_rows_of_the_file(tmp_path: Path) -> None:
    data = joined(['Raportti "maksut";;', "Tulostettu 1.7.2024", *LINES]).encode()
    extract, rows = read(tmp_path, data, title_rows=2)
    assert (rows, extract.first_row) == (ROWS, 4)


def test_a_title_that_is_not_there_is_refused_and_so_is_one_too_many(tmp_path: Path) -> None:
    titled = joined(["Raportti", *LINES]).encode()
    assert "title rows" in refused(tmp_path, joined(LINES).encode(), title_rows=1).advice
    assert "lacks: hetu" in refused(tmp_path, titled).what
    assert "lacks: hetu" in refused(tmp_path, joined(["Raportti", "", *LINES]).encode(), title_rows=1).what


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-16"])
@pytest.mark.parametrize(
    "footers",
    [
        ["Yhteensä 2 riviä"],
        ["Yhteensä;1234,50;"],
        ["Yhteensä;1234,50;", "", '"Tulostettu 1.7.2024"'],
        ["Yhteensä", "Yhteensä;1234,50;", "Yhteensä;a;b;c;d"],
    ],
)
def test_footers_are_counted_and_no_records(tmp_path: Path, encoding: str, footers: list[str]) -> None:
    data = joined([*LINES, *footers]).encode(encoding)
    extract, rows = read(tmp_path, data, encoding=encoding, footers=("Yhteensä", "Tulostettu"))
    assert (rows, extract.rows, extract.footers) == (ROWS, 2, len([footer for footer in footers if footer]))


def test_a_footer_of_an_empty_file_is_none_of_its_records(tmp_path: Path) -> None:
    extract, rows = read(tmp_path, joined([LINES[0], "Yhteensä 0"]).encode(), footers=("Yhteensä",))
    assert (rows, extract.rows, extract.footers) == ([], 0, 1)


@pytest.mark.parametrize(("footer", "row_no"), [("Yhteensä 1", None), ("Yhteensä;1;2", 3)])
def test_a_footer_before_the_end_is_refused(tmp_path: Path, footer: str, row_no: int | None) -> None:
    data = joined([LINES[0], LINES[1], footer, LINES[2]]).encode()
    refusal = refused(tmp_path, data, footers=("Yhteensä",))
    assert "not at the end" in refusal.what
    assert refusal.row_no == row_no
    assert "not at the end" in refused(tmp_path, data + b"Yhteens\xc3\xa4 2\r\n", footers=("Yhteensä",)).what


def test_a_footer_that_no_contract_names_is_refused(tmp_path: Path) -> None:
    data = joined([*LINES, "Yhteensä 2"]).encode()
    assert "another number of columns" in refused(tmp_path, data).what
    assert refused(tmp_path, data, footers=("Summa",)).row_no == 4


# ------------------------------------------------------------------------------------------------------- headers
CHANGED = replace(AMOUNT, also=("maksettu", "määrä"))


@pytest.mark.parametrize("heading", ["summa", "maksettu", "määrä"])
def test_a_column_is_found_under_each_of_its_headers(tmp_path: Path, heading: str) -> None:
    data = joined([f"{heading};hetu", "1;131052-900W"]).encode()
    extract, rows = read(tmp_path, data, KEY, CHANGED)
    assert (rows, extract.dropped) == ([("131052-900W", "1")], ())


def test_a_column_under_none_or_two_of_its_headers_is_refused(tmp_path: Path) -> None:
    none = refused(tmp_path, joined(["hetu", "131052-900W"]).encode(), KEY, CHANGED)
    assert "lacks: summa (or maksettu, määrä)" in none.what
    assert none.column == "summa"
    two = refused(tmp_path, joined(["hetu;määrä;summa", "131052-900W;1;2"]).encode(), KEY, CHANGED)
    assert "twice: määrä and summa" in two.what


COMING = replace(AMOUNT, since=date(2021, 1, 1), until=date(2023, 12, 31))
WITH, WITHOUT = joined(["hetu;summa", "131052-900W;1"]).encode(), joined(["hetu", "131052-900W"]).encode()


@pytest.mark.parametrize("on", [date(2020, 12, 31), date(2024, 1, 1)])
def test_a_column_that_extracts_of_the_day_do_not_have_is_empty(tmp_path: Path, on: date) -> None:
    extract, rows = read(tmp_path, WITHOUT, KEY, COMING, on=on)
    assert (rows, extract.absent) == ([("131052-900W", None)], {"paid_eur"})
    assert "no longer or not yet have: summa" in refused(tmp_path, WITH, KEY, COMING, on=on).what


@pytest.mark.parametrize("on", [date(2021, 1, 1), date(2023, 12, 31)])
def test_a_column_that_extracts_of_the_day_have_must_be_there(tmp_path: Path, on: date) -> None:
    extract, rows = read(tmp_path, WITH, KEY, COMING, on=on)
    assert (rows, extract.absent) == ([("131052-900W", "1")], frozenset())
    assert "lacks: summa" in refused(tmp_path, WITHOUT, KEY, COMING, on=on).what


# ---------------------------------------------------------------------------------------------------- properties
CELLS = st.text(st.characters(codec="cp1252", exclude_categories=("Cc",)), max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(CELLS, CELLS), max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-16", "windows-1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
    titles=st.integers(0, 2),
    footers=st.sampled_from([[], ["Yhteensä;;"], ["Yhteensä"]]),
)
def test_cells_are_read_as_written_whatever_stands_around_them(
    tmp_path: Path, cells: list[tuple[str, str]], encoding: str, end: str, titles: int, footers: list[str]
) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = ["Otsikko"] * titles + ["hetu;summa;selite"]
    lines += [f"131052-900W;{quoted(one)};{quoted(other)}" for one, other in cells] + footers
    data = joined(lines, end).encode(encoding)
    # Letters of windows-1252 that all happen to make some of UTF-8 are taken for it, and refused.
    assume(encoding != "windows-1252" or data.isascii() or not _is_utf8(data))
    extract, rows = read(tmp_path, data, encoding=encoding, title_rows=titles, footers=("Yhteensä",))
    assert rows == [("131052-900W", one or None, other or None) for one, other in cells]
    assert extract.footers == len(footers)


def _is_utf8(data: bytes) -> bool:
    return data == data.decode(errors="replace").encode()
