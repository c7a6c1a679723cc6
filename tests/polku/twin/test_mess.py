"""The twin's files are as messy as their contract allows, are read right all the same, and every oddity is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from polku.authority.extracts import read_extract
from polku.authority.transcoding import lay_pipe
from polku.contracts.model import Code, Column, Contract, FileFormat, Table
from polku.contracts.sql import typed_query
from polku.twin.files import as_text, write_file
from polku.twin.registers.frame import Frame
from polku.twin.respellings import respell
from tests.polku.parties import TEXT, contract

MESSY = FileFormat(
    date_formats=("%d.%m.%Y", "%m/%Y", "%Y-%m"), open_ends=(date(2222, 11, 11),), empty_dates=(date(1900, 1, 1),),
    null_texts=("", "NULL", "-", "TYHJÄ"), excel_serials=True, footers=("Yhteensä",), title_rows=2,
)  # fmt: skip
SUMS = Table(
    name="sums", file="sums.csv", title=TEXT, grain="one row per sum", natural_key=("seq_no",),
    columns=(
        Column("nro", "seq_no", "integer", "order", required=True),
        Column("alku", "started_on", "date", "when", also=("alkaa", "alkupäivä")),
        Column("kk", "paid_month", "month", "when"),
        Column("summa", "paid_eur", "amount", "how much", also=("maksettu", "määrä")),
        Column("kunta", "municipality_code", "code", "where", width=3, codes="kunta"),
    ),
    anonymous=True,
)  # fmt: skip
CODES = {"kunta": tuple(Code(f"{no:03}", TEXT) for no in range(1, 100))}
ROWS = 3000


def frame() -> Frame:
    rng = np.random.default_rng(1)
    day = np.datetime64("1950-01-01") + rng.integers(0, 27_000, ROWS)
    day[::5], day[1::50] = np.datetime64("NaT"), np.datetime64("2222-11-11")
    return Frame(
        np.arange(ROWS),
        {
            "nro": np.arange(ROWS),
            "alku": day,
            "kk": (np.datetime64("2009-01") + rng.integers(0, 190, ROWS)).astype("datetime64[D]"),
            "summa": rng.integers(-10_000_000, 99_999_999, ROWS),
            "kunta": np.array([f"{no:03}" for no in rng.integers(1, 100, ROWS)], dtype=object),
        },
    )


def written(path: Path, made: Contract, seed: int) -> Counter[str]:
    rng, rows = np.random.default_rng(seed), frame()
    texts, counts = respell(as_text(rows, SUMS, made.file_format), rows, SUMS, made, rng)
    halves = ({name: cells.slice(start, ROWS // 2) for name, cells in texts.items()} for start in (0, ROWS // 2))
    return counts + write_file(path / "sums.csv", halves, SUMS, made, rng)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mark", [",", "."])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252", "iso-8859-1"])
def test_every_oddity_is_read_right(tmp_path: Path, encoding: str, mark: str, seed: int) -> None:
    format_ = replace(MESSY, encoding=encoding, decimal_mark=mark)
    made = contract("r", SUMS, file_format=format_, codes=CODES)
    counts = written(tmp_path, made, seed)
    pipes = tmp_path / "pipes"
    pipes.mkdir()
    with duckdb.connect() as con:
        lay_pipe(con, pipes)
        extract = read_extract(con, made, SUMS, SUMS.columns, tmp_path, date(2024, 7, 1))
        con.execute(f"create view sealed as select {extract.source_row} as row_no, * from {extract.relation}")
        rows = con.execute(f"from ({typed_query(made, SUMS, 'sealed')}) order by row_no").to_arrow_table()
    assert (extract.rows, extract.footers, extract.first_row) == (ROWS, 1, 4)
    assert not any(rows["faults"].to_pylist())
    true = frame().columns
    day = np.where(true["alku"] == np.datetime64("2222-11-11"), np.datetime64("NaT"), true["alku"])
    assert rows["seq_no"].to_pylist() == list(range(ROWS))
    assert rows["started_on"].equals(pa.chunked_array([pa.array(day.astype("datetime64[D]"))]))
    assert rows["paid_month"].equals(pa.chunked_array([pa.array(true["kk"])]))
    assert [int(each * 100) for each in rows["paid_eur"].to_pylist()] == true["summa"].tolist()
    assert rows["municipality_code"].to_pylist() == true["kunta"].tolist()
    kinds = {"thousands_mark", "excel_serial", "empty_date", "null_text", "lost_leading_zero", "other_month_format"}
    assert kinds | {"title_row", "footer"} <= set(counts)
    assert ("currency" in counts) == (encoding != "iso-8859-1")  # which has no sign for the euro


def test_the_truth_counts_what_the_file_holds(tmp_path: Path) -> None:
    made = contract("r", SUMS, file_format=MESSY, codes=CODES)
    seen: Counter[str] = Counter()
    for seed in range(6):
        counts = written(tmp_path, made, seed)
        lines = (tmp_path / "sums.csv").read_text(encoding="utf-8").splitlines()
        assert sum(line.startswith("Poiminta") for line in lines) == counts["title_row"] == 2
        assert sum(line.startswith("Yhteensä") for line in lines) == counts["footer"] == 1
        assert sum("€" in line for line in lines) == counts["currency"]
        assert sum(line.split(";")[1].strip('"').isdigit() for line in lines[3:-1]) == counts["excel_serial"]
        header = lines[2].replace('"', "").split(";")
        assert len(set(header) - {column.source for column in SUMS.columns}) == counts["other_header"]
        seen += counts
    assert 2 <= seen["other_header"] <= 10
