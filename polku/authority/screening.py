"""Which rows of an extract may leave the authority, in which form, and which may not and why.

Belongs here: coarsening, refused rows, the search for stray identifiers. Does not belong here: reading
files (`extracts`), tokens (`tokenising`), packages (`sealing`).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.csv

from polku.authority.echoes import find_echoes, learn_names
from polku.authority.extracts import Extract
from polku.authority.residuals import kinds_of, may_hold
from polku.authority.tokenising import identifier_table
from polku.contracts import cells
from polku.contracts.model import Column, Contract
from polku.errors import Exit, Refusal
from polku.exchange.identifiers import MIGRI_CLIENT
from polku.sql_text import quoted, text

KEPT = "kept_"
"""Views of what may leave: the contract's columns, identifiers by their numbers, and this one."""
FILE_ROW = "_file_row"

_BATCH_ROWS = 100_000
_FIRST_ROWS = 5


def screen(con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract]) -> None:
    """Make the table `refused` (file, row_no, column, reason) and a view `kept_<table>` for each file.

    `redacted` (file, column, row_no) is for cells that are going to be emptied, `names` for whom to look for.
    """
    learn_names(con, extracts)
    con.execute("create table redacted (file varchar, column_name varchar, row_no bigint)")
    con.execute("create table found_cells (row_no bigint, kind varchar)")
    con.execute("create table refused (file varchar, row_no bigint, column_name varchar, reason varchar)")
    for extract in extracts:
        selected, joins = [f"r.{extract.source_row} as {FILE_ROW}"], []
        for i, column in enumerate(extract.columns):
            name = quoted(column.name)
            value = f"r.{name}"
            if column.type == "identifier":
                known = identifier_table(column.domain or "")
                _refuse(con, extract, column, f"join {known} i on i.text = r.{name}", "i.reason")
                joins.append(f"left join {known} i{i} on i{i}.text = r.{name}")
                value = f"i{i}.no"
            elif column.coarsen:
                day = _day(contract, value)
                unreadable = f"{day} is null and {cells.given(value, contract.file_format)}"
                _refuse(con, extract, column, "", f"case when {unreadable} then 'date_form' end")
                value = f"strftime(date_trunc('{column.coarsen}', {_real(contract, day)}), '%Y-%m-%d')"
            selected.append(f"{value} as {name}")
        con.execute(
            f"create view {KEPT}{extract.table.name} as "
            f"select {', '.join(selected)} "
            f"from {extract.relation} r {' '.join(joins)} anti join refused f on {_same_row(extract)}"
        )


def kept_rows(con: duckdb.DuckDBPyConnection, extract: Extract) -> int:
    """Rows of a file that may leave."""
    (refused,) = con.execute(
        "select count(distinct row_no) from refused where file = ?", [extract.table.file]
    ).fetchall()[0]
    return extract.rows - int(refused)


def repaired_rows(con: duckdb.DuckDBPyConnection, extract: Extract) -> int:
    """Rows that may leave with an identifier that was respelled."""
    respelled = " or ".join(
        f"r.{quoted(c.name)} in (select text from {identifier_table(c.domain or '')} where repaired)"
        for c in extract.columns
        if c.type == "identifier"
    )
    (count,) = con.execute(
        f"select count(*) from {extract.relation} r anti join refused f on {_same_row(extract)} "
        f"where {respelled or 'false'}"
    ).fetchall()[0]
    return int(count)


class Fault(NamedTuple):
    """Rows of a file that are refused for one reason in one column, with the first few of their numbers."""

    column: str
    reason: str
    rows: int
    first_rows: list[int]


def faults(con: duckdb.DuckDBPyConnection, extract: Extract) -> tuple[Fault, ...]:
    """Why rows of a file are refused, by column; a row with two faults counts under both."""
    found = con.execute(
        f"select column_name, reason, count(*), min(row_no, {_FIRST_ROWS}) from refused where file = ? "
        "group by all order by all",
        [extract.table.file],
    )
    return tuple(Fault(*row) for row in found.fetchall())


def refused_rows(con: duckdb.DuckDBPyConnection, extract: Extract) -> dict[str, int]:
    """Refused rows of a file by reason; a row with two faults counts under both."""
    counts = con.execute(
        "select reason, count(distinct row_no) from refused where file = ? group by 1 order by 1", [extract.table.file]
    )
    return dict(counts.fetchall())


def list_refused(con: duckdb.DuckDBPyConnection, file: Path) -> Path | None:
    """Write file, row, column and reason of every fault to the authority's own list; never a value."""
    rows = con.execute("from refused order by all").to_arrow_table()
    if not rows.num_rows:
        return None
    write_csv(file, rows.rename_columns(["file", "row_no", "column", "reason"]))
    return file


def refuse_too_many(con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract]) -> None:
    """Above the contract's share of bad rows it is the extract that is wrong, not a row of it."""
    bad = con.execute(
        "select file, count(distinct row_no), min(row_no) from refused group by file order by 2 desc"
    ).fetchall()
    refused, rows = sum(count for _, count, _ in bad), sum(extract.rows for extract in extracts)
    if refused > contract.bad_row_limit * rows:
        raise Refusal(
            Exit.EXTRACT_BREAKS_CONTRACT,
            f"{refused} of {rows} rows of the extract are refused, more than the {contract.bad_row_limit:.1%} that "
            "the contract allows; the file with most of them is named.",
            "Rows, columns and reasons are listed in the authority's quarantine folder.",
            register=contract.register,
            file=bad[0][0],
            row_no=bad[0][2],
        )


def redacted_cells(con: duckdb.DuckDBPyConnection, extract: Extract) -> dict[str, int]:
    """Cells of a file that were emptied because of what was found in them, by column."""
    counts = con.execute(
        "select column_name, count(*) from redacted where file = ? group by 1 order by 1", [extract.table.file]
    )
    return dict(counts.fetchall())


def searched_columns(extract: Extract) -> list[Column]:
    """The columns that leave as they were written."""
    return [column for column in extract.columns if column.type != "identifier" and not column.coarsen]


def refuse_identifiers(con: duckdb.DuckDBPyConnection, contract: Contract, extract: Extract, column: Column) -> None:
    """Search every text of a column that would leave, for identifiers of anybody and the persons of the delivery.

    A find stops the delivery (IDENTIFIER_IN_DATA); in free text that is to be redacted it empties the cell.
    """
    _search(con, contract, extract, column)
    if column.free_text == "redact":
        _redact(con, extract, column)
    else:
        _refuse_found(con, contract, extract, column)


def _search(con: duckdb.DuckDBPyConnection, contract: Contract, extract: Extract, column: Column) -> None:
    """Fill `found_cells` (row_no, kind) with the cells of one column that hold something like an identifier."""
    asked = any(c.domain == MIGRI_CLIENT for t in contract.tables for c in t.identifiers)
    # A text that is a date by the contract is one, even where its digits could be a number to call.
    dates = f"and {_day(contract, 'text')} is null" if column.type in ("date", "month") else ""
    # A table of its own, or DuckDB would examine every cell instead of every distinct one.
    con.execute(
        f"create or replace temp table texts as select distinct {quoted(column.name)} as text from {extract.relation}"
    )
    con.execute("truncate found_cells")
    suspects = con.execute(f"from texts where {may_hold('text')} {dates}")
    found = [
        {"text": text, "kind": kind}
        for batch in suspects.to_arrow_reader(_BATCH_ROWS)
        for text in batch.column(0).to_pylist()
        for kind in kinds_of(text, client_numbers=asked)
    ]
    if found:
        con.from_arrow(pa.Table.from_pylist(found)).create_view("found", replace=True)
        con.execute(
            f"insert into found_cells select r.{extract.source_row}, kind from {extract.relation} r "
            f"join found on found.text = r.{quoted(column.name)}"
        )
    find_echoes(con, extract, column)
    con.execute(
        "delete from found_cells where row_no in (select row_no from refused where file = ?)", [extract.table.file]
    )


def _redact(con: duckdb.DuckDBPyConnection, extract: Extract, column: Column) -> None:
    """Empty the cells found, as a whole: what is left of a sentence would still tell whom it was about."""
    con.execute("insert into redacted select distinct ?, ?, row_no from found_cells", [extract.table.file, column.name])
    con.execute(
        f"update {extract.relation} set {quoted(column.name)} = null "
        f"where {extract.source_row} in (select row_no from found_cells)"
    )


def _refuse_found(con: duckdb.DuckDBPyConnection, contract: Contract, extract: Extract, column: Column) -> None:
    """Refuse the delivery when anything was found."""
    hits = con.execute(
        "select kind, count(distinct row_no), min(row_no) from found_cells group by kind order by kind"
    ).fetchall()
    if hits:
        kinds = ", ".join(f"{kind} in {cells} rows" for kind, cells, _ in hits)
        raise Refusal(
            Exit.IDENTIFIER_IN_DATA,
            f"there are cells that look like an identifier: {kinds}; the first row is named.",
            "Remove them at the source, or have the column taken out of the contract.",
            register=contract.register,
            file=extract.table.file,
            column=column.source,
            row_no=min(row_no for _, _, row_no in hits),
        )


def write_csv(file: Path, rows: pa.Table) -> None:
    """Write a small list of the authority's own (mode 0600), whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(f".{file.name}.part")
    part.touch(mode=0o600)
    pyarrow.csv.write_csv(rows, part)
    part.replace(file)


def _refuse(con: duckdb.DuckDBPyConnection, extract: Extract, column: Column, join: str, reason: str) -> None:
    """Add the rows of a file that have a reason to be refused for this column."""
    con.execute(
        f"insert into refused select ?, r.{extract.source_row}, ?, {reason} from {extract.relation} r {join} "
        f"where {reason} is not null",
        [extract.table.file, column.source],
    )


def _same_row(extract: Extract) -> str:
    return f"f.row_no = r.{extract.source_row} and f.file = {text(extract.table.file)}"


def _day(contract: Contract, cell: str) -> str:
    return cells.day(cells.bare(cell), contract.file_format, or_month=True)


def _real(contract: Contract, day: str) -> str:
    """A day that only says that there is no end, or that none is known, is no date."""
    sentinels = cells.dates((*contract.file_format.open_ends, *contract.file_format.empty_dates))
    return f"case when {day} not in ({sentinels}) then {day} end" if sentinels else day
