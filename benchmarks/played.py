"""A study that the twin has played through a finished night: its truth, the authorities' files, and who is who.

Belongs here: reading what the authorities have, to which nobody else has access, beside what the platform made of it.
Does not belong here: any comparison (`truth`, and the tests of the whole path). Persons are told apart by the
authorities' own lists of sealed rows, which the research platform never gets.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from polku.authority.row_map import source_rows
from polku.contracts.model import Table
from polku.layout import DataRoot
from polku.research import storage
from polku.studies import Study
from polku.twin.deliveries import Extract, schedule

Row = dict[str, str]
RowId = tuple[int, int]
"""Number of the extract, and of the row in its file as a spreadsheet counts."""


@dataclass(frozen=True)
class Played:
    """One study of the twin whose night has succeeded."""

    root: DataRoot
    study: Study

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the twin says of the whole."""
        facts: dict[str, Any] = json.loads((self._truth / "truth.json").read_text(encoding="utf-8"))
        return facts

    @cached_property
    def people(self) -> list[Row]:
        """One row per person, in the order of their numbers."""
        with (self._truth / "truth_person.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def _truth(self) -> Path:
        return self.root.authority("_truth")

    def tables(self) -> Iterator[tuple[str, str]]:
        """Register and table of every file."""
        return ((c.register, t.name) for c in self.study.contracts.values() for t in c.tables)

    def table(self, register: str, table: str) -> Table:
        """The contract's words for a table."""
        return self.study.contracts[register].table(table)

    def extracts(self, register: str) -> tuple[Extract, ...]:
        """The extracts of a register, oldest first."""
        return schedule(self.study, self.study.contracts[register])

    def rows(self, register: str, table: str) -> dict[RowId, Row]:
        """Rows of all extracts of a table, oldest first, under the contract's headers."""
        contract, described = self.study.contracts[register], self.table(register, table)
        file_format = contract.file_format
        encoding = file_format.encoding.replace("utf-8", "utf-8-sig")
        sources = {header: column.source for column in described.columns for header in column.also}
        found = {}
        for extract in self.extracts(register):
            path = self.root.authority(register) / "extract" / str(extract.number) / described.file
            with path.open(encoding=encoding, newline="") as lines:
                below = islice(lines, file_format.title_rows, None)
                rows = enumerate(csv.DictReader(below, delimiter=file_format.delimiter), 2 + file_format.title_rows)
                for row_no, row in rows:
                    if not next(iter(row.values())).startswith(file_format.footers or ("\n",)):
                        named = {sources.get(header, header): cell for header, cell in row.items()}
                        found[extract.number, row_no] = named
        return found

    def deliveries(self, register: str) -> dict[str, int]:
        """Number of the extract by the name of its delivery."""
        sealed = self.root.authority(register) / "sealed"
        names = sorted(path.name.removesuffix(".report.json") for path in sealed.glob("*.report.json"))
        return {name: number for number, name in enumerate(names, start=1)}

    def source_rows(self, register: str, table: str) -> dict[tuple[str, int], RowId]:
        """Row of the extracts by delivery and sealed row number."""
        found = {}
        for delivery, number in self.deliveries(register).items():
            path = self.root.authority(register) / "sealed" / f"{delivery}.{table}.rows.arrow"
            sealed = source_rows(path).to_pylist()
            found |= {(delivery, row_no): (number, source) for row_no, source in enumerate(sealed, start=1)}
        return found

    def refused_by_authority(self, register: str, table: str) -> set[RowId]:
        """Rows that the authority kept back."""
        name, refused = self.table(register, table).file, set()
        for delivery, number in self.deliveries(register).items():
            path = self.root.authority(register) / "quarantine" / f"{delivery}.csv"
            if path.is_file():
                with path.open(encoding="utf-8", newline="") as file:
                    refused |= {(number, int(row["row_no"])) for row in csv.DictReader(file) if row["file"] == name}
        return refused

    def refused_by_platform(self, register: str, table: str) -> set[RowId]:
        """Rows that the research platform put into quarantine."""
        source, refused = self.source_rows(register, table), set()
        with storage.connect(self.root) as con:
            for path in sorted((self.root.quarantine / register).glob("*.parquet")):
                query = f"select distinct row_no from {storage.parquet(path)} where table_name = ?"
                refused |= {source[path.stem, row_no] for (row_no,) in con.execute(query, [table]).fetchall()}
        return refused

    def valid(self, register: str, table: str) -> dict[RowId, Row]:
        """Rows that nobody refused and whose place no later delivery has taken, oldest first; of rows with one natural
        key all are there."""
        refused = self.refused_by_authority(register, table) | self.refused_by_platform(register, table)
        rows = {row_id: row for row_id, row in self.rows(register, table).items() if row_id not in refused}
        described, extracts = self.table(register, table), self.extracts(register)
        if described.replaces == "all":
            return {row_id: row for row_id, row in rows.items() if row_id[0] == extracts[-1].number}
        if described.replaces == "period" and described.period_by:
            placed = described.column(described.period_by).source
            formats = self.study.contracts[register].file_format.date_formats
            replaced = {
                row_id
                for row_id, row in rows.items()
                for later in extracts[row_id[0] :]
                if later.first <= day(row[placed], formats) <= later.last
            }
            return {row_id: row for row_id, row in rows.items() if row_id not in replaced}
        return rows

    @cached_property
    def person_no(self) -> dict[int, int]:
        """Number of the true person by person key, for everybody in the population register."""
        number = {row["hetu"]: int(row["person_no"]) for row in self.people}
        rows, source = self.rows("dvv", "persons"), self.source_rows("dvv", "persons")
        query = "select delivery_id, row_no, person_key from warehouse.landing.dvv__persons"
        with warehouse(self.root) as con:
            landed = con.execute(query).fetchall()
        return {key: number[plain(rows[source[delivery, row_no]]["hetu"])] for delivery, row_no, key in landed}


def plain(code: str) -> str:
    """An identity code without the twin's odd spellings."""
    return code.strip().upper().replace("\u2013", "-")


def day(text: str, formats: tuple[str, ...]) -> date:
    """A day in one of a contract's formats."""
    for each in formats:
        with suppress(ValueError):
            return datetime.strptime(text, each).date()
    raise ValueError("a day in none of the formats")


def month_number(month: str | date) -> int:
    """Months since the year 0 of `2020-01` or a day."""
    year, number = str(month).split("-")[:2]
    return int(year) * 12 + int(number) - 1


def warehouse(root: DataRoot) -> duckdb.DuckDBPyConnection:
    """The night's own file, read-only."""
    con = storage.connect(root)
    storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
    return con
