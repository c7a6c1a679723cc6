"""The dbt-duckdb plugin that opens a study's encrypted warehouse for dbt.

Belongs here: how dbt's connection gets its database file and limits, and what dbt may say of a failed
statement. Does not belong here: any model or any key (`polku.research.storage` alone handles those).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection

from polku.effects import entering
from polku.layout import DEFAULT_STUDY, DataRoot
from polku.research import rebuilding, views
from polku.research.storage import attach, prepare, without_values


@contextmanager
def _quiet(self: DuckDBConnectionManager, sql: str, connection_name: str = "master") -> Iterator[None]:
    """In place of the adapter's handler, which copies DuckDB's message into dbt's log and results."""
    try:
        yield
    except DbtRuntimeError:
        raise
    except Exception as error:
        message = without_values(error)
    else:
        return
    self.rollback_if_open()
    raise DbtRuntimeError(message) from None


class Plugin(BasePlugin):
    """Attaches `warehouse.duckdb` of the study named by POLKU_STUDY as the database `warehouse`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Find the study's data root, and keep values out of dbt's messages."""
        DuckDBConnectionManager.exception_handler = _quiet  # type: ignore[method-assign]
        self.root = DataRoot.of(os.environ.get("POLKU_STUDY", DEFAULT_STUDY), os.environ.get("POLKU_AS_OF"))
        self.touched = rebuilding.touched_file(self.root)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Give dbt's connection the keys, the warehouse, its sources and the one function that SQL lacks.

        Called once per process.
        """
        prepare(conn, self.root)
        self.attach_warehouse(conn)
        views.create(conn, self.root, self.touched)
        entering.register(conn)

    def attach_warehouse(self, conn: DuckDBPyConnection) -> None:
        """The study's own file."""
        self.root.warehouse.parent.mkdir(parents=True, exist_ok=True)
        attach(conn, self.root, self.root.warehouse, "warehouse")

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Tell every cursor what is rebuilt; DuckDB keeps variables per cursor."""
        cursor.execute("set variable touched_only = $only", {"only": self.touched is not None})
