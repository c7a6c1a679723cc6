"""How often a model reads tables where an engine keeps no CTE: Spark computes one anew wherever it is read.

A select for each column that becomes rows once made it some hundred for covariates, and more for effects.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import Built
from tests.dbt_project.landed import PROJECT

MOST = 50
"""Tables that a model may read so, those of staging views among them; most models read fewer than twenty."""


class Reads:
    """Counts them in the SQL of models by their names, which DuckDB parses."""

    def __init__(self, sql: dict[str, str], views: set[str]) -> None:
        self._sql, self._views = sql, views

    @cache  # noqa: B019 - as long as the test
    def of_model(self, name: str) -> int:
        with duckdb.connect() as con:
            [(parsed,)] = con.execute("select json_serialize_sql($1)", [self._sql[name]]).fetchall()
        return self._of_node(json.loads(parsed)["statements"][0], {})

    def _of_node(self, node: Any, ctes: dict[str, int]) -> int:
        if isinstance(node, list):
            return sum(self._of_node(part, ctes) for part in node)
        if not isinstance(node, dict):
            return 0
        if node.get("type") == "BASE_TABLE":
            name = node["table_name"]
            if not node["schema_name"] and name in ctes:
                return ctes[name]
            return self.of_model(name) if name in self._views else 1
        if "cte_map" in node:
            ctes = ctes.copy()
            for cte in node["cte_map"]["map"]:
                ctes[cte["key"]] = self._of_node(cte["value"]["query"], ctes)
        return sum(self._of_node(part, ctes) for key, part in node.items() if key != "cte_map")


def test_no_model_reads_its_tables_again_and_again(built: Built) -> None:
    models = {path.stem: path.parent.name for path in PROJECT.glob("models/*/*.sql")}
    staged = {name for name, layer in models.items() if layer == "staging"}
    reads = Reads({name: built.compiled(name) for name in models}, staged)
    counted = {name: reads.of_model(name) for name in models}
    assert counted["person_month"] > 4, "each of its timelines, at least"
    assert {name: times for name, times in counted.items() if times > MOST} == {}


@pytest.mark.parametrize(
    ("sql", "times"),
    [
        ("select * from a.t", 1),
        ("with c as (select * from a.t) select * from c union all select * from c", 2),
        ("with c as (select * from a.t join a.u using (k)), d as (select * from c) select * from d, c, a.t", 5),
        ("select * from stage", 2),
    ],
)
def test_ctes_and_views_of_staging_are_counted_where_they_are_read(sql: str, times: int) -> None:
    assert Reads({"one": sql, "stage": "select * from a.t, a.u"}, {"stage"}).of_model("one") == times
