"""Runs the SQL of built models on invented rows, without landing, dbt or encryption.

Belongs here: an empty warehouse in memory, tables in it, and the compiled models in their order. Does not belong here:
any expectation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import pandas as pd

from tests.dbt_project.conftest import Built
from tests.dbt_project.landed import PROJECT


class Warehouse:
    """Tables and models under the names that models read them by (`intermediate.int_x`)."""

    def __init__(self, built: Built, models: Iterable[str]) -> None:
        """`models` are made in this order (`make`, `compute`) of what is there (`table`, `seed`)."""
        self._con = duckdb.connect()
        self._con.execute("attach ':memory:' as warehouse")
        self._models = [(model, built.compiled(model.split(".")[1])) for model in models]
        for schema in ("staging", "intermediate", "marts"):
            self._con.execute(f"create schema warehouse.{schema}")

    def table(self, name: str, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
        """A table in place of the former one. Rows have no value of a column that is reckoned (`integer as (...)`)."""
        declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        self._con.execute(f"create or replace table warehouse.{name} ({declared})")
        if rows:
            places = ", ".join("?" for kind in columns.values() if " as (" not in kind)
            self._con.executemany(f"insert into warehouse.{name} values ({places})", rows)

    def frame(self, name: str, rows: pd.DataFrame) -> None:
        """A table in place of the former one, with the columns of a data frame."""
        self._con.register("rows_of_frame", rows)
        self._con.execute(f"create or replace table warehouse.{name} as from rows_of_frame")
        self._con.unregister("rows_of_frame")

    def seed(self, name: str) -> None:
        """A seed of the project."""
        file = PROJECT / "seeds" / f"{name}.csv"
        self._con.execute(f"create or replace table warehouse.staging.{name} as from read_csv('{file}', header = true)")

    def make(self) -> None:
        """Make the models as views, once all that they read is there; a query computes all that it reads anew."""
        self._make("view")

    def compute(self) -> None:
        """Make the models as tables of what they read now: a chain of views is computed once for each reader of it."""
        self._make("table")

    def _make(self, kind: str) -> None:
        for model, sql in self._models:
            self._con.execute(f"create or replace {kind} warehouse.{model} as {sql}")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self._con.execute(sql).fetchall()

    def close(self) -> None:
        """Forget everything."""
        self._con.close()
