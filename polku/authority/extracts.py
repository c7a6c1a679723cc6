"""Reading an authority's CSV file into DuckDB as text, as the contract says it is written.

Belongs here: file format, header, row numbers, columns that are dropped. Does not belong here: what the
values mean, identifiers and tokens (`sealing`).
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from polku.contracts.model import Column, Contract, Table
from polku.errors import Exit, Refusal
from polku.sql_text import quoted, text, texts

SOURCE_ROW = "rowid + 2"
"""SQL for the row of the file: the table of an extract is filled in file order, and the header is row 1."""


_DUCKDB_ENCODINGS = {"utf-8": "utf-8", "iso8859-1": "latin-1", "utf-16": "utf-16"}
_LINE = re.compile(r"CSV Error on Line: ([0-9]+)")
_CAUSES = {
    "Expected Number of Columns": "a row has another number of columns than the header",
    "unterminated quote": "a quotation mark is not closed",
    "encoded": "it is not written in the encoding that the contract names",
}


@dataclass(frozen=True)
class Extract:
    """One file of an extract as a table of text, in file order, with the contract's columns under their names.

    Rows are counted as a spreadsheet does, but for empty lines. `dropped` are the columns nobody asked for.
    """

    table: Table
    columns: tuple[Column, ...]
    relation: str
    rows: int
    dropped: tuple[str, ...]


def read_extract(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    columns: tuple[Column, ...],
    folder: Path,
) -> Extract:
    """Load `folder`/`table.file` into the table `extract_<name>` of `con`.

    Refuses a missing file (EXTRACT_MISSING), a missing or doubled column and an unreadable row
    (EXTRACT_BREAKS_CONTRACT). Columns that the contract does not name never reach a table.
    """
    file = folder / table.file
    if not file.is_file():
        raise Refusal(
            Exit.EXTRACT_MISSING,
            "the file is not there.",
            f"The extract needs: {', '.join(t.file for t in contract.tables)}.",
            register=contract.register,
            file=table.file,
        )
    header = _header(contract, file)
    wanted = {column.source: column for column in columns}
    for fault, names in {
        "the file lacks": [name for name in wanted if name not in header],
        "the file has twice": sorted({name for name in wanted if header.count(name) > 1}),
    }.items():
        if names:
            raise Refusal(
                Exit.EXTRACT_BREAKS_CONTRACT,
                f"{fault}: {', '.join(names)}.",
                "Order the extract again with these columns, or have the contract changed.",
                register=contract.register,
                file=table.file,
                column=names[0],
            )
    relation = f"extract_{table.name}"
    selected = ", ".join(f"c{header.index(name)} as {quoted(column.name)}" for name, column in wanted.items())
    fields = ", ".join(f"'c{i}': 'varchar'" for i in range(len(header)))
    format_ = contract.file_format
    try:
        con.execute(
            f"create table {relation} as select {selected} from read_csv({text(str(file))}, auto_detect = false, "
            f"header = true, columns = {{{fields}}}, delim = {text(format_.delimiter)}, quote = {text(format_.quote)}, "
            f"escape = {text(format_.quote)}, encoding = {text(_DUCKDB_ENCODINGS[_encoding(contract)])})"
        )
    except duckdb.InvalidInputException as error:
        refusal = _unreadable(contract, file, str(error))
    else:
        count = con.execute(f"select count(*) from {relation}").fetchone()
        dropped = tuple(name for name in header if name not in wanted)
        return Extract(table, columns, relation, count[0] if count else 0, dropped)
    # Outside the handler: DuckDB's message repeats the line, and must not hang on to the refusal.
    raise refusal


def given(contract: Contract, cell: str) -> str:
    """SQL condition: the cell is not one of the contract's texts for nothing (nor null)."""
    return f"trim({cell}) not in ({texts(text.strip() for text in contract.file_format.null_texts)})"


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
    cause = next((text for mark, text in _CAUSES.items() if mark in message), "it is not the CSV of the contract")
    return Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"the file cannot be read: {cause}.",
        "Mend the row in the source system's export, or save the file in the contract's format.",
        register=contract.register,
        file=file.name,
        row_no=int(line[1]) if line else None,
    )
