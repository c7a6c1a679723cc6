"""Compares what two engines have built of the same landing, row by row.

Belongs here: the comparison. Does not belong here: how either of them came to be built.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection as Connection

from assets.engines import LAYERS_READ
from polku.layout import DataRoot
from polku.research import storage


def differences(of_duckdb: DataRoot, of_other: DataRoot) -> dict[str, int]:
    """By table: rows that are in one alone, equal ones counted as often as they are there. Tables, columns and types
    must be the same."""
    with storage.connect(of_other) as con:
        # Views of DuckDB's warehouse name it by its catalog.
        for name, root in (("warehouse", of_duckdb), ("other", of_other)):
            storage.attach(con, root, root.warehouse, name, read_only=True)
        tables = columns_of(con, "warehouse")
        assert {"marts.person_month", "intermediate.int_resolve_persons"} <= tables.keys()
        assert columns_of(con, "other") == tables
        return {table: rows for table, columns in tables.items() if (rows := difference(con, table, columns))}


def columns_of(con: Connection, database: str) -> dict[str, list[tuple[str, str]]]:
    """Columns and types of each table and view that is read outside dbt."""
    where = "table_catalog = $1 and list_contains($2, table_schema)"
    query = f"select table_schema || '.' || table_name from information_schema.tables where {where} order by all"
    tables = con.execute(query, [database, list(LAYERS_READ)]).fetchall()
    described = {table: con.execute(f"describe {database}.{table}").fetchall() for (table,) in tables}
    return {table: [(name, kind) for name, kind, *_ in columns] for table, columns in described.items()}


def difference(con: Connection, table: str, columns: list[tuple[str, str]]) -> int:
    """Rows of one table that are in one database alone.

    The last bits of a sum of doubles follow the order of its rows; no mart has such a sum that is not rounded.
    """
    is_mart = table.startswith("marts.")
    values = ", ".join(
        name if is_mart or kind != "DOUBLE" else f"cast(round({name}, 9) as real) as {name}" for name, kind in columns
    )
    one, two = (f"select {values} from {database}.{table}" for database in ("warehouse", "other"))
    query = f"select count(*) from (({one} except all {two}) union all ({two} except all {one}))"
    [(rows,)] = con.execute(query).fetchall()
    return int(rows)
