"""Empty marts as dbt's contracts declare them.

Belongs here: making their tables. Does not belong here: any row.
"""

from __future__ import annotations

from functools import cache

import duckdb
import yaml

from polku.layout import CHECKOUT


def make(con: duckdb.DuckDBPyConnection) -> None:
    """Every mart of the project in the schema `marts` of the attached database `snapshot`."""
    con.execute("create schema snapshot.marts")
    for mart, columns in _declared().items():
        con.execute(f"create table snapshot.marts.{mart} ({columns})")


@cache
def _declared() -> dict[str, str]:
    found = {}
    for file in sorted((CHECKOUT / "dbt_project" / "models" / "marts").glob("*.yml")):
        (model,) = yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
        found[model["name"]] = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
    return found
