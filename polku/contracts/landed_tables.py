"""The landed tables of all contracts and studies together: what dbt's sources and the views over landing are made of.

Belongs here: which columns a source has. Does not belong here: the text of dbt's files (`dbt_files`) and SQL of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from polku.contracts.faults import read_toml
from polku.contracts.model import Column, Contract, Table
from polku.contracts.reading import load_contracts
from polku.contracts.sql import PROVENANCE, empty_columns
from polku.errors import Exit
from polku.studies import parse_study


@dataclass(frozen=True)
class LandedTable:
    """One source: name and SQL type of every column, those that studies add among them, and its provenance.

    `keys` are the columns that stand for a person, whoever she is in the row. `descriptions` are by column;
    `covariates` are the types of the columns by which persons may be compared.
    """

    contract: Contract
    table: Table
    columns: dict[str, str]
    keys: dict[str, Column]
    descriptions: dict[str, str]
    covariates: dict[str, str]

    @property
    def register(self) -> str:
        """The register that delivers it."""
        return self.contract.register

    @property
    def subjects(self) -> list[str]:
        """Columns with a key of the person whom a row is about."""
        return [name for name, column in self.keys.items() if column.is_subject]


def landed_tables(folder: Path) -> dict[str, LandedTable]:
    """By name (`<register>__<table>`); `folder` holds `contracts/` and `studies/`."""
    contracts = load_contracts(folder / "contracts")
    files = sorted((folder / "studies").glob("*.toml"))
    studies = [parse_study(read_toml(file, Exit.STUDY_INVALID), file.name, contracts) for file in files]
    extended = [contract for study in studies for contract in study.contracts.values()]
    return {
        f"{contract.register}__{table.name}": _landed(contract, table, extended)
        for contract in contracts.values()
        for table in contract.tables
    }


def _landed(contract: Contract, table: Table, extended: list[Contract]) -> LandedTable:
    versions = [table]
    for other in extended:
        versions += [t for t in other.tables if other.register == contract.register and t.name == table.name]
    columns: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    covariates: dict[str, str] = {}
    for version in versions:
        columns = columns | {n: kind for n, kind in empty_columns(version).items() if n not in (*columns, *PROVENANCE)}
        for column in version.columns:
            descriptions.setdefault(column.name, " ".join(filter(None, (column.description, column.why))))
            if column.covariate:
                covariates[column.name] = columns[column.name]
    keys = {c.name: c for c in table.columns if c.is_person or c.is_subject}
    return LandedTable(contract, table, columns | PROVENANCE, keys, descriptions, covariates)
