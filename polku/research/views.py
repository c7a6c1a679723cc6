"""The landed tables as the models see them: views of the rows that stand, under the keys of persons.

Belongs here: the SQL of these views and their making in the warehouse. Does not belong here: which rows of one
natural key counts (the staging models), whose keys are whose (`crosswalk`), and what has changed (`rebuilding`).

Rows keep the keys under which they landed; here they get the keys of persons (reference table `person_keys`), so that
a merge or its undoing rewrites nothing. Rows about a person under restriction are left out. A table without a delivery
is an empty view, a column that a delivery lacks is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from polku.contracts.landed_tables import LandedTable, landed_tables
from polku.layout import RULES, DataRoot
from polku.research import landed, storage
from polku.research.crosswalk import PERSON_KEYS
from polku.research.reference import REFERENCE_TABLES

SCHEMA = "landing"
TOUCHED = "touched"
"""The table of the keys that a night rebuilds (column `entity_key`); empty and unused when it rebuilds everything."""


_tables = cache(landed_tables)


def tables() -> dict[str, LandedTable]:
    """Every source by its name; contracts and studies are read once in a process."""
    return _tables(RULES)


def create(con: duckdb.DuckDBPyConnection, root: DataRoot, touched: Path | None) -> None:
    """Make every source of the models in the attached database `warehouse`.

    `touched` is the Parquet file of the keys to be rebuilt: the views then hold the rows about them alone. Sources that
    the study does not use are there and empty.
    """
    con.execute(f"create schema if not exists warehouse.{SCHEMA}")
    keys = storage.parquet(touched) if touched else "(select null::bigint as entity_key where false)"
    con.execute(f"create or replace table warehouse.{SCHEMA}.{TOUCHED} as from {keys}")
    for name, source in sources(root, f"warehouse.{SCHEMA}.{TOUCHED}" if touched else None).items():
        con.execute(f"create or replace view warehouse.{SCHEMA}.{name} as {source.query}")


@dataclass(frozen=True)
class Source:
    """A source of the models: types of its columns, and the SQL of its rows in DuckDB."""

    columns: Mapping[str, str]
    query: str


def sources(root: DataRoot, within: str | None = None) -> dict[str, Source]:
    """Every source by its name; `within` restricts landed tables to rows about the keys of that relation."""
    found = {
        name: Source(table.columns, select(root, table, landed.standing(root, table.register, table.table), within))
        for name, table in tables().items()
    }
    for name, reference in REFERENCE_TABLES.items():
        found[f"reference__{name}"] = Source(reference.columns, _typed(reference.columns, _file(root, name)))
    return found


def select(root: DataRoot, table: LandedTable, rows: str | None, within: str | None = None) -> str:
    """SQL of one landed table (`rows`: landed rows as a sub-query) with resolved keys; `within` restricts it to rows
    about the keys of that relation."""
    joins, columns, allowed = [], [], []
    for name, kind in table.columns.items():
        if name not in table.keys:
            columns.append(f"landed.{name}")
            continue
        joins.append(f"left join person_keys as {name}__keys on landed.{name} = {name}__keys.entity_key")
        allowed.append(f"coalesce(not {name}__keys.is_restricted, true)")
        resolved = table.keys[name].is_person
        value = f"coalesce({name}__keys.person_key, landed.{name})" if resolved else f"landed.{name}"
        columns.append(f"cast({value} as {kind}) as {name}")
    where = f"where {' and '.join(allowed)}" if allowed else ""
    query = f"""
        with person_keys as ({_typed(_PERSON_KEYS, _file(root, PERSON_KEYS))}),
        landed as ({_typed(table.columns, rows)})
        select {", ".join(columns)} from landed {" ".join(joins)} {where}"""
    if within is None or not table.subjects:
        return query
    about = " or ".join(f"{name} in (select entity_key from {within})" for name in table.subjects)
    return f"select * from ({query}) where {about}"


_PERSON_KEYS = {"entity_key": "bigint", "person_key": "bigint", "is_restricted": "boolean"}


def _file(root: DataRoot, reference: str) -> str | None:
    file = root.reference(reference)
    return storage.parquet(file) if file.is_file() else None


def _typed(columns: Mapping[str, str], rows: str | None) -> str:
    """`rows` with exactly these columns and types; no rows when there are none."""
    empty = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
    if rows is None:
        return f"select {empty} where false"
    casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in columns.items())
    return f"select {casts} from (select {empty} where false union all by name from {rows})"
