"""The dbt-duckdb plugin that opens a study's encrypted warehouse for dbt.

Belongs here: how dbt's connection gets its database file and limits. Does not belong here: any model
or any key (`polku.research.storage` alone handles those).
"""

from __future__ import annotations

import os
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from polku.layout import DataRoot
from polku.research.storage import attach, prepare

DEFAULT_STUDY = "espoo_skills_centre"
MEMORY_LIMIT = "1GB"


class Plugin(BasePlugin):
    """Attaches `warehouse.duckdb` of the study named by POLKU_STUDY as the database `warehouse`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Find the study's data root."""
        self.root = DataRoot.of(os.environ.get("POLKU_STUDY", DEFAULT_STUDY))

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Give dbt's connection the keys and the warehouse; called once per process."""
        prepare(conn, self.root)
        conn.execute("set memory_limit = $limit", {"limit": MEMORY_LIMIT})
        attach(conn, self.root, self.root.warehouse, "warehouse")

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        """Tell every cursor where the landed parts are; DuckDB keeps variables per cursor."""
        cursor.execute("set variable landing_root = $path", {"path": str(self.root.landing)})
