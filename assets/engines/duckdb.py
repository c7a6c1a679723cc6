"""DuckDB as the engine of the models: one call of dbt, which opens the encrypted warehouse by its plugin.

Belongs here: what a build needs before dbt. Does not belong here: how dbt gets the warehouse (`encrypted_warehouse`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from assets.engines import leaving_out
from polku.layout import DataRoot
from polku.research import storage

name = "duckdb"
exchanges_rows = True


def check(root: DataRoot) -> None:
    """It is always there."""


def calls(root: DataRoot, manifest: Path, left_out: Sequence[str]) -> Generator[list[str], None, None]:
    """Everything in one call."""
    if _is_of_another_engine(root):
        root.warehouse.unlink()
    yield leaving_out(left_out)


def _is_of_another_engine(root: DataRoot) -> bool:
    """Others leave views of their tables, in whose place dbt could not put its own."""
    if not root.warehouse.exists():
        return False
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        query = "from duckdb_views() where database_name = 'warehouse' and schema_name = 'marts'"
        return con.execute(query).fetchone() is not None
