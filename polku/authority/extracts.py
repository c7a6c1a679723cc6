"""Reading an authority's CSV or Parquet file into DuckDB as text, as the contract says it is written.

Belongs here: which file it is, which of its columns and rows are read, and how rows are counted. Does not belong here:
file formats (`csv_files`, `parquet_files`), headers (`headings`), what the values mean, identifiers (`tokenising`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from polku.authority.csv_files import csv_source, footer_within, short_footers
from polku.authority.headings import headings_of
from polku.authority.parquet_files import SUFFIX, parquet_source
from polku.authority.residuals import kinds_of
from polku.authority.sources import unreadable
from polku.contracts.model import Column, Contract, Table
from polku.errors import Exit, Refusal
from polku.sql_text import quoted, text

IDENTIFYING = "identifying "
"""Starts the names of columns that only serve to look for the person elsewhere: no column of a contract has a blank."""

_FOOTER = "is footer"


@dataclass(frozen=True)
class Extract:
    """One file of an extract as a table of text, in file order, with the contract's columns under their names.

    `file` is its name as it was delivered. Rows are counted as a spreadsheet does, but for empty lines, from
    `first_row`; `footers` were left out. `absent` are columns that extracts of this day do not have; they are null.
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
    absent: frozenset[str] = frozenset()
    first_row: int = 2
    footers: int = 0

    @property
    def source_row(self) -> str:
        """SQL for the row of the file: the table of an extract is filled in file order."""
        return f"rowid + {self.first_row}"


def read_extract(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    columns: tuple[Column, ...],
    folder: Path,
    extracted_on: date,
) -> Extract:
    """Load `folder`/`table.file`, or the Parquet file of that name, into the table `extract_<name>` of `con`.

    Refuses a missing file (EXTRACT_MISSING), a file there in both formats, a missing or doubled column, one that
    extracts of that day do not have, an unreadable row or type, a footer that is not at the end
    (EXTRACT_BREAKS_CONTRACT), and a file called by a person's identifier (IDENTIFIER_IN_DATA). Columns that the
    contract neither keeps nor calls identifying never reach a table.
    """
    file = _file(contract, table, folder)
    opened = parquet_source if file.suffix == SUFFIX else csv_source
    footers, refusal = contract.file_format.footers, None
    with opened(con, contract, file) as source:
        by_name = {cell.name: cell.as_text for cell in source.cells}
        header = [cell.name for cell in source.cells]
        headings = headings_of(contract, table, columns, header, file, extracted_on)
        selected = []
        for column in columns:
            heading = headings[column.name]
            value = "null::varchar" if heading is None else by_name[heading](column)
            selected.append(f"{value} as {quoted(column.name)}")
        identifying = [name for name in table.identifying if name in by_name]
        selected += [f"{by_name[name](None)} as {quoted(IDENTIFYING + name)}" for name in identifying]
        if footers:
            first = f"coalesce(trim({source.cells[0].as_text(None)}), '')"
            begins = " or ".join(f"starts_with({first}, {text(footer)})" for footer in footers)
            selected.append(f"{begins} as {quoted(_FOOTER)}")
        relation = f"extract_{table.name}"
        try:
            con.execute(f"create table {relation} as select {', '.join(selected)} from {source.relation}")
        except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
            refusal = unreadable(contract, file, str(error))
    if refusal:
        # Outside the handler: DuckDB's message repeats the line, and must not hang on to the refusal.
        raise refusal
    left_out = _without_footers(con, contract, relation, file, source.first_row) if footers else 0
    ((rows,),) = con.execute(f"select count(*) from {relation}").fetchall()
    return Extract(
        table=table,
        file=file.name,
        columns=columns,
        relation=relation,
        rows=int(rows),
        dropped=tuple(name for name in header if name not in headings.values()),
        identifying=tuple(IDENTIFYING + name for name in identifying),
        absent=frozenset(name for name, heading in headings.items() if heading is None),
        first_row=source.first_row,
        footers=left_out,
    )


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
    there = [name for name in (asked.name, asked.with_suffix(SUFFIX).name) if name in names]
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


def _without_footers(
    con: duckdb.DuckDBPyConnection, contract: Contract, relation: str, file: Path, first_row: int
) -> int:
    """Take the footers out of the table; returns how many there were in the file."""
    flag = quoted(_FOOTER)
    ((rows, long, first),) = con.execute(
        f"select count(*), count_if({flag}), min(rowid) filter ({flag}) from {relation}"
    ).fetchall()
    # DuckDB counts no rows as null.
    if long and first + long != rows:
        raise footer_within(contract, file, first + first_row)
    short = 0 if file.suffix == SUFFIX else short_footers(con, contract, file, long or 0)
    con.execute(f"delete from {relation} where {flag}")
    con.execute(f"alter table {relation} drop column {flag}")
    return short + (long or 0)
