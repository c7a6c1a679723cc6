"""The dbt-duckdb plugin that opens a study's lake for dbt, in place of its warehouse.

Belongs here: what is different in a lake. Does not belong here: everything else of dbt's connection
(`encrypted_warehouse`).
"""

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection

from assets import encrypted_warehouse
from polku.research import lake


class Plugin(encrypted_warehouse.Plugin):
    """Attaches the lake of the study named by POLKU_STUDY as the database `warehouse`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Let dbt leave out what a lake cannot do: it looks for lakes in its own profile alone."""
        super().initialize(plugin_config)
        if self.creds:
            self.creds._ducklake_dbs.add("warehouse")

    def attach_warehouse(self, conn: DuckDBPyConnection) -> None:
        """The lake."""
        lake.attach(conn, self.root, "warehouse")
