"""Reading an authority's CSV or Parquet file into DuckDB as text, as the contract says it is written.

Belongs here: file formats, header, row numbers, columns that are dropped. Does not belong here: what the
values mean, identifiers and tokens (`sealing`).
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from polku.authority.residuals import kinds_of
from polku.contracts.model import Column, Contract, Table
from polku.errors import Exit, Refusal
from polku.sql_text import quoted, text, texts

PARQUET = ".parquet"
IDENTIFYING = "identifying "
"""Starts the names of columns that only serve to look for the person elsewhere: no column of a contract has a blank."""

SOURCE_ROW = "rowid + 2"
"""SQL for the row of the file: the table of an extract is filled in file order, and the header is row 1. A Parquet
file has no header; its rows are counted as those of the same table in CSV."""

_DUCKDB_ENCODINGS = {"utf-8": "utf-8", "iso8859-1": "latin-1", "utf-16": "utf-16"}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WRITTEN_OUT = frozenset(("BOOLEAN", *_INTEGERS, *(f"U{each}" for each in _INTEGERS)))
_LINE = re.compile(r"CSV Error on Line: ([0-9]+)")
_CAUSES = {
    "Expected Number of Columns": "a row has another number of columns than the header",
    "unterminated quote": "a quotation mark is not closed",
    "Invalid Input Error: Invalid unicode": "a text is not UTF-8",
    "Parquet": "it is not a whole Parquet file",
    "encoded": "it is not written in the encoding that the contract names",
}


Cell = tuple[str, Callable[["Column | None"], str]]
"""A column of a file: its name, and SQL for its text when it is read as a column of the contract (None: as no such)."""


@dataclass(frozen=True)
class Extract:
    """One file of an extract as a table of text, in file order, with the contract's columns under their names.

    `file` is its name as it was delivered. Rows are counted as a spreadsheet does, but for empty lines.
    `identifying` are the names, in that table, of columns that name the person and only serve to look for them
    elsewhere. `dropped` are the columns that stay, these included.
    """

    table: Table
    file: str
    columns: tuple[Column, ...]
    relation: str
    rows: int
    dropped: tuple[str, ...]
    identifying: tuple[str, ...] = ()


def read_extract(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    columns: tuple[Column, ...],
    folder: Path,
) -> Extract:
    """Load `folder`/`table.file`, or the Parquet file of that name, into the table `extract_<name>` of `con`.

    Refuses a missing file (EXTRACT_MISSING), a file there in both formats, a missing or doubled column, an unreadable
    row or type (EXTRACT_BREAKS_CONTRACT), and a file called by a person's identifier (IDENTIFIER_IN_DATA). Columns
    that the contract neither keeps nor calls identifying never reach a table.
    """
    file = _file(contract, table, folder)
    read = _parquet if file.suffix == PARQUET else _csv
    source, cells = read(con, contract, file)
    wanted = {column.source: column for column in columns}
    header = [name for name, _ in cells]
    # Free text is kept only where the person can be looked for in it.
    needed = (*wanted, *(table.identifying if any(column.free_text for column in columns) else ()))
    for fault, names in {
        "the file lacks": [name for name in needed if name not in header],
        "the file has twice": sorted({name for name in wanted if header.count(name) > 1}),
    }.items():
        if names:
            raise Refusal(
                Exit.EXTRACT_BREAKS_CONTRACT,
                f"{fault}: {', '.join(names)}.",
                "Order the extract again with these columns, or have the contract changed.",
                register=contract.register,
                file=file.name,
                column=names[0],
            )
    by_name = dict(cells)
    selected = [f"{by_name[name](column)} as {quoted(column.name)}" for name, column in wanted.items()]
    identifying = [name for name in table.identifying if name in by_name]
    selected += [f"{by_name[name](None)} as {quoted(IDENTIFYING + name)}" for name in identifying]
    relation = f"extract_{table.name}"
    try:
        con.execute(f"create table {relation} as select {', '.join(selected)} from {source}")
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        refusal = _unreadable(contract, file, str(error))
    else:
        count = con.execute(f"select count(*) from {relation}").fetchone()
        dropped = tuple(name for name in header if name not in wanted)
        kept = tuple(IDENTIFYING + name for name in identifying)
        return Extract(table, file.name, columns, relation, count[0] if count else 0, dropped, kept)
    # Outside the handler: DuckDB's message repeats the line, and must not hang on to the refusal.
    raise refusal


def given(contract: Contract, cell: str) -> str:
    """SQL condition: the cell is not one of the contract's texts for nothing (nor null)."""
    return f"trim({cell}) not in ({texts(each.strip() for each in contract.file_format.null_texts)})"


def _file(contract: Contract, table: Table, folder: Path) -> Path:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    # As they are, and without what joins their words: after a number, `.txt` reads as if the number went on.
    kinds = sorted({kind for name in names for said in (name, re.sub("[._]", " ", name)) for kind in kinds_of(said)})
    if kinds:
        raise Refusal(
            Exit.IDENTIFIER_IN_DATA,
            f"the name of a file in the folder of the extract looks as if it held an identifier ({', '.join(kinds)}).",
            "Rename or remove it: names of files get into logs and mails. It is not repeated here.",
            register=contract.register,
        )
    asked = Path(table.file)
    there = [name for name in (asked.name, asked.with_suffix(PARQUET).name) if name in names]
    if not there:
        raise Refusal(
            Exit.EXTRACT_MISSING,
            "the file is not there, neither as CSV nor as Parquet.",
            f"The extract needs: {', '.join(t.file for t in contract.tables)}.",
            register=contract.register,
            file=table.file,
        )
    if len(there) > 1:
        raise Refusal(
            Exit.EXTRACT_BREAKS_CONTRACT,
            "the file is there as CSV and as Parquet.",
            "Nobody can tell which of them is meant: take the wrong one away.",
            register=contract.register,
            file=table.file,
        )
    return folder / there[0]


def _csv(con: duckdb.DuckDBPyConnection, contract: Contract, file: Path) -> tuple[str, list[Cell]]:
    """SQL of a relation of text, and its columns by the names of the header. Nothing is guessed from the content."""
    names, format_ = _header(contract, file), contract.file_format
    fields = ", ".join(f"'c{i}': 'varchar'" for i in range(len(names)))
    # Literals, since DuckDB fills a table more slowly from a statement with parameters.
    source = (
        f"read_csv({text(str(file))}, auto_detect = false, header = true, columns = {{{fields}}}, "
        f"delim = {text(format_.delimiter)}, quote = {text(format_.quote)}, escape = {text(format_.quote)}, "
        f"encoding = {text(_DUCKDB_ENCODINGS[_encoding(contract)])})"
    )
    return source, [(name, partial(_as_it_is, f"c{i}")) for i, name in enumerate(names)]


def _as_it_is(cell: str, _: Column | None) -> str:
    return cell


def _parquet(con: duckdb.DuckDBPyConnection, contract: Contract, file: Path) -> tuple[str, list[Cell]]:
    """SQL of a relation, and its columns by name, each as the text that the contract's CSV would have."""
    source = f"read_parquet({text(str(file))}, hive_partitioning = false)"
    try:
        described = con.execute(f"describe from {source}").fetchall()
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        refusal = _unreadable(contract, file, str(error))
    else:
        return source, [(row[0].strip(), partial(_written, contract, file, row[0], row[1])) for row in described]
    raise refusal


def _written(contract: Contract, file: Path, name: str, kind: str, column: Column | None) -> str:
    """SQL for a cell of a Parquet column (`kind` is its type in DuckDB) as the contract's CSV would have it.

    Text stays as it is. Whole numbers, booleans and decimals (with the contract's mark) are written out, but
    identifiers must be text: a number has lost its leading zeros. Days are written in the contract's first format for
    the column. Floats have lost zeros and digits, and a time of day is finer than any contract: they are refused.
    """
    cell, format_ = quoted(name), contract.file_format
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return f"{cell}::varchar"
    is_key = column is not None and column.type == "identifier"
    if kind == "DATE" and not is_key:
        month = column is not None and column.type == "month" and not column.coarsen
        formats = [f for f in format_.date_formats if ("%d" in f) != month]
        return f"strftime({cell}, {text(formats[0])})" if formats else f"{cell}::varchar"
    if kind.startswith("DECIMAL") and not is_key:
        return f"replace({cell}::varchar, '.', {text(format_.decimal_mark)})"
    if kind in _WRITTEN_OUT and not is_key:
        return f"{cell}::varchar"
    why = "has lost its leading zeros" if is_key else "cannot be written out without guessing"
    raise Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"the column is of the Parquet type {kind}, which {why}.",
        "Export it as text; dates may be dates and amounts decimals.",
        register=contract.register,
        file=file.name,
        column=name.strip(),
    )


def _header(contract: Contract, file: Path) -> list[str]:
    encoding = _encoding(contract)
    format_ = contract.file_format
    # What cannot be decoded is no column of the contract; the rows are decoded strictly, by DuckDB.
    with file.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="replace", newline="") as lines:
        names = next(csv.reader(lines, delimiter=format_.delimiter, quotechar=format_.quote), [])
    return [name.strip() for name in names]


def _encoding(contract: Contract) -> str:
    encoding = codecs.lookup(contract.file_format.encoding).name
    if encoding not in _DUCKDB_ENCODINGS:
        raise Refusal(
            Exit.CONTRACT_INVALID,
            f"files in {encoding} cannot be read.",
            f"Encodings that can: {', '.join(_DUCKDB_ENCODINGS)}.",
            register=contract.register,
        )
    return encoding


def _unreadable(contract: Contract, file: Path, message: str) -> Refusal:
    line = _LINE.search(message)
    cause = next((said for mark, said in _CAUSES.items() if mark in message), "it is not written as the contract says")
    return Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"the file cannot be read: {cause}.",
        "Mend the row in the source system's export, or save the file in the contract's format.",
        register=contract.register,
        file=file.name,
        row_no=int(line[1]) if line else None,
    )
