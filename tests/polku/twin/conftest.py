"""A small twin, made once for all tests of this folder."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from polku.layout import DataRoot
from polku.studies import Study, load_study
from polku.twin import make_twin
from polku.twin.world import World, make_world

PERSONS, SEED = 600, 3


@dataclass(frozen=True)
class Made:
    study: Study
    root: DataRoot
    truth: dict[str, Any]
    persons: list[dict[str, str]]

    def deliveries(self, register: str) -> list[tuple[int, dict[str, Any]]]:
        """Number and facts of a register's deliveries, oldest first."""
        return list(enumerate(self.truth["extracts"][register], start=1))

    def folder(self, register: str, number: int) -> Path:
        """Where the files of a delivery are."""
        return self.root.authority(register) / "extract" / str(number)

    def delivery(self, register: str, table: str, number: int) -> list[dict[str, str]]:
        """Rows of a file as its authority wrote them."""
        contract = self.study.contracts[register]
        format_, table_ = contract.file_format, contract.table(table)
        encoding = format_.encoding.replace("utf-8", "utf-8-sig")
        with (self.folder(register, number) / table_.file).open(encoding=encoding, newline="") as lines:
            found = list(csv.DictReader(islice(lines, format_.title_rows, None), delimiter=format_.delimiter))
        sources = {header: column.source for column in table_.columns for header in column.also}
        return [
            {sources.get(header, header): cell for header, cell in row.items()}
            for row in found
            if not format_.footers or not next(iter(row.values())).startswith(format_.footers)
        ]

    def rows(self, register: str, table: str) -> list[dict[str, str]]:
        """Rows of all deliveries of a table, oldest first."""
        return [row for n, _ in self.deliveries(register) for row in self.delivery(register, table, n)]


@pytest.fixture(scope="package")
def study() -> Study:
    return load_study("espoo_skills_centre")


@pytest.fixture(scope="package")
def made(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = DataRoot(study.code, tmp_path_factory.mktemp("twin"))
    report = make_twin(root, study, persons=PERSONS, seed=SEED)
    with report.truth.with_name("truth_person.csv").open(encoding="utf-8", newline="") as lines:
        persons = list(csv.DictReader(lines))
    return Made(study, root, json.loads(report.truth.read_text(encoding="utf-8")), persons)


@pytest.fixture(scope="package")
def world(study: Study) -> World:
    """The same world before any register writes it down."""
    return make_world(study, PERSONS, SEED)
