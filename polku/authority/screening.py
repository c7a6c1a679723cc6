"""Which rows of an extract may leave the authority, in which form, and which may not and why.

Belongs here: coarsening, refused rows, the search for stray identifiers. Does not belong here: reading
files (`extracts`), tokens (`tokenising`), packages (`sealing`).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv

from polku.authority.extracts import SOURCE_ROW, Extract, given
from polku.authority.residuals import kinds_of, may_hold
from polku.authority.tokenising import identifier_table
from polku.contracts.model import Column, Contract
from polku.errors import Exit, Refusal
from polku.exchange.identifiers import MIGRI_CLIENT
from polku.sql_text import quoted, text, texts

KEPT = "kept_"
"""Views of what may leave: the contract's columns, identifiers by their numbers, and this one."""
FILE_ROW = "_file_row"

_BATCH_ROWS = 100_000


def screen(con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract]) -> None:
    """Make the table `refused` (file, row_no, column, reason) and a view `kept_<table>` for each file."""
    con.execute("create table refused (file varchar, row_no bigint, column_name varchar, reason varchar)")
    for extract in extracts:
        selected, joins = [f"r.{SOURCE_ROW} as {FILE_ROW}"], []
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
                unreadable = f"{day} is null and {given(contract, value)}"
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


def refuse_identifiers(con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract]) -> None:
    """Search every distinct text that would leave; one that looks like an identifier stops the delivery."""
    for extract in extracts:
        for column in extract.columns:
            if column.type != "identifier" and not column.coarsen:
                _refuse_identifiers_in(con, contract, extract, column)


def _refuse_identifiers_in(
    con: duckdb.DuckDBPyConnection, contract: Contract, extract: Extract, column: Column
) -> None:
    asked = any(c.domain == MIGRI_CLIENT for t in contract.tables for c in t.identifiers)
    # A text that is a date by the contract is one, even where its digits could be a number to call.
    dates = f"and {_day(contract, 'text')} is null" if column.type in ("date", "month") else ""
    # A table of its own, or DuckDB would examine every cell instead of every distinct one.
    con.execute(
        f"create or replace temp table texts as select distinct {quoted(column.name)} as text from {extract.relation}"
    )
    suspects = con.execute(f"from texts where {may_hold('text')} {dates}")
    found = [
        {"text": text, "kind": kind}
        for batch in suspects.to_arrow_reader(_BATCH_ROWS)
        for text in batch.column(0).to_pylist()
        for kind in kinds_of(text, client_numbers=asked)
    ]
    if found:
        _refuse_found(con, contract, extract, column, pa.Table.from_pylist(found))


def _refuse_found(
    con: duckdb.DuckDBPyConnection, contract: Contract, extract: Extract, column: Column, found: pa.Table
) -> None:
    """Refuse the delivery when one of these texts is in a row that may leave."""
    con.from_arrow(found).create_view("found", replace=True)
    hits = con.execute(
        f"select kind, count(*), min(r.{SOURCE_ROW}) from {extract.relation} r "
        f"join found on found.text = r.{quoted(column.name)} anti join refused f on {_same_row(extract)} "
        "group by kind order by kind"
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
        f"insert into refused select ?, r.{SOURCE_ROW}, ?, {reason} from {extract.relation} r {join} "
        f"where {reason} is not null",
        [extract.table.file, column.source],
    )


def _same_row(extract: Extract) -> str:
    return f"f.row_no = r.{SOURCE_ROW} and f.file = {text(extract.table.file)}"


def _day(contract: Contract, cell: str) -> str:
    return f"try_strptime(trim({cell}), [{texts(contract.file_format.date_formats)}])"


def _real(contract: Contract, day: str) -> str:
    """A day that only says that there is no end is no date."""
    ends = texts(end.isoformat() for end in contract.file_format.open_ends)
    return f"case when {day}::date::varchar not in ({ends}) then {day} end" if ends else day
