"""Which engine is chosen, and how one takes over from another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets.engines import ENGINES, Engine, chosen_engine, duckdb, leaving_out, spark
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT, DataRoot
from polku.research import storage


def test_duckdb_is_the_engine_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLKU_ENGINE", raising=False)
    assert chosen_engine() is duckdb


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_has_a_target_of_its_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("POLKU_ENGINE", name)
    engine: Engine = chosen_engine()
    assert engine.name == name
    assert f"\n    {name}:\n" in (CHECKOUT / "dbt_project" / "profiles.yml").read_text(encoding="utf-8")


def test_an_engine_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLKU_ENGINE", "trino")
    with pytest.raises(Refusal, match="duckdb, ducklake, spark") as refusal:
        chosen_engine()
    assert refusal.value.exit is Exit.ENGINE_UNUSABLE


def test_duckdb_begins_anew_where_another_engine_left_views(tmp_path: Path) -> None:
    root = DataRoot("mvad", tmp_path)
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create schema warehouse.marts")
        con.execute("create table warehouse.marts.person as select 1 as person_key")
    assert list(duckdb.calls(root, tmp_path, [])) == [[]]
    assert root.warehouse.exists()
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create view warehouse.marts.cohort as select 1 as person_key")
    assert list(duckdb.calls(root, tmp_path, ["staging.states"])) == [leaving_out(["staging.states"])]
    assert not root.warehouse.exists()


def test_marts_of_another_time_are_not_built_on_spark(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="earlier time") as refusal:
        spark.check(DataRoot("mvad", tmp_path, "2024-01-01"))
    assert refusal.value.exit is Exit.ENGINE_UNUSABLE


PATCHED = """
from dbt.plugins.manager import PluginManager
from dbt.adapters.spark.connections import PyhiveConnectionWrapper, SparkConnectionManager
PluginManager.from_modules("polku")
print(PyhiveConnectionWrapper(None).poll_interval, SparkConnectionManager.exception_handler.__module__)
"""


def test_dbt_asks_spark_often_and_copies_no_message_of_it() -> None:
    env = os.environ | {"PYTHONPATH": spark.DBT_PATH}
    done = subprocess.run([sys.executable, "-c", PATCHED], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0.1", "dbt_withheld"]


def test_what_the_chances_are_made_of_is_built_before_them() -> None:
    def node(kind: str, schema: str, name: str) -> dict[str, object]:
        return {"resource_type": kind, "name": name, "config": {"schema": schema}}

    names = {
        "seed.polku.states": node("seed", "staging", "states"),
        "model.polku.int_list_risk_sets": node("model", "intermediate", "int_list_risk_sets"),
        f"model.polku.{spark.SCORED}": node("model", "intermediate", spark.SCORED),
        "model.polku.person": node("model", "marts", "person"),
    }
    parents = {
        f"model.polku.{spark.SCORED}": ["model.polku.int_list_risk_sets"],
        "model.polku.int_list_risk_sets": ["seed.polku.states", "source.polku.landing.dvv__persons"],
        "seed.polku.states": [],
        "model.polku.person": ["source.polku.landing.dvv__persons"],
    }
    above, rest = spark._divided(json.loads(json.dumps({"nodes": names, "parent_map": parents})))
    assert sorted(above) == ["intermediate.int_list_risk_sets", "staging.states"]
    assert sorted(rest) == [f"intermediate.{spark.SCORED}", "marts.person"]
