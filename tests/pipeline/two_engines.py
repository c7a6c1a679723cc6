"""Compares what two engines have built of the same landing, row by row.

Belongs here: a copy that has still to be built, and the comparison. Does not belong here: the engines.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from duckdb import DuckDBPyConnection as Connection

from assets.engines import LAYERS_READ
from polku.layout import DataRoot
from polku.research import storage

NINE_DECIMALS = "round({0}, 9)"
SINGLES = "cast(round({0}, 9) as real)"
"""Seven digits: another engine adds in another order, and sums of a thousand amounts differ in the tenth."""


def differences(of_duckdb: DataRoot, of_other: DataRoot, doubles: str = NINE_DECIMALS) -> dict[str, int]:
    """By table: rows that are in one alone, equal ones counted as often as they are there. Tables, columns and types
    must be the same; doubles of tables between are compared as `doubles` says, marts as they are."""
    with storage.connect(of_other) as con:
        # Views of DuckDB's warehouse name it by its catalog.
        for name, root in (("warehouse", of_duckdb), ("other", of_other)):
            storage.attach(con, root, root.warehouse, name, read_only=True)
        tables = columns_of(con, "warehouse")
        assert {"marts.person_month", "intermediate.int_resolve_persons"} <= tables.keys()
        assert columns_of(con, "other") == tables
        return {table: rows for table, columns in tables.items() if (rows := difference(con, table, columns, doubles))}


def columns_of(con: Connection, database: str) -> dict[str, list[tuple[str, str]]]:
    """Columns and types of each table and view that is read outside dbt."""
    where = "table_catalog = $1 and list_contains($2, table_schema)"
    query = f"select table_schema || '.' || table_name from information_schema.tables where {where} order by all"
    tables = con.execute(query, [database, list(LAYERS_READ)]).fetchall()
    described = {table: con.execute(f"describe {database}.{table}").fetchall() for (table,) in tables}
    return {table: [(name, kind) for name, kind, *_ in columns] for table, columns in described.items()}


def difference(con: Connection, table: str, columns: list[tuple[str, str]], doubles: str) -> int:
    """Rows of one table that are in one database alone.

    The last bits of a sum of doubles follow the order of its rows; no mart has such a sum that is not rounded.
    """
    is_mart = table.startswith("marts.")
    values = ", ".join(
        name if is_mart or kind != "DOUBLE" else f"{doubles.format(name)} as {name}" for name, kind in columns
    )
    one, two = (f"select {values} from {database}.{table}" for database in ("warehouse", "other"))
    query = f"select count(*) from (({one} except all {two}) union all ({two} except all {one}))"
    [(rows,)] = con.execute(query).fetchall()
    return int(rows)


def unbuilt_copy(source: DataRoot, base: Path) -> DataRoot:
    """The study in another folder, as it was when everything had landed and nothing was built."""
    root = DataRoot(source.study, base / source.study)
    shutil.copytree(source.path, root.path, symlinks=True)
    for made in (root.marts, root.warehouse):
        made.unlink()
    for made in ("built", "release", "release_ledger", "published"):
        shutil.rmtree(root.path / made)
    return root


def different_files(one: DataRoot, other: DataRoot) -> list[str]:
    """Names of released tables whose bytes are not the same, or that only one has; the first must have some."""
    of_one, of_other = (
        {path.name: path.read_bytes() for path in (root.published / "current").glob("*.csv")} for root in (one, other)
    )
    assert of_one
    return sorted(name for name in of_one | of_other if of_one.get(name) != of_other.get(name))
