"""The same night on two engines: DuckDB, and a Spark cluster of real processes. Every table must be the same.

One cluster for all tests of this file; the machine must have Java.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.engines import spark as engine
from assets.warehouse import prepared_project
from polku.errors import Exit
from polku.research.cluster import read_cluster
from tests.pipeline.cluster import Running, cluster, free_ports, write_settings
from tests.pipeline.two_engines import SINGLES, differences, different_files, unbuilt_copy

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
]

STUDY = "espoo_skills_centre"


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def on_spark(finished: Callable[[str], Any], spark: Running, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The study after a night on Spark, beside the one that DuckDB has built."""
    source = finished(STUDY)
    base, share = tmp_path_factory.mktemp("on_spark"), tmp_path_factory.mktemp("share")
    unbuilt_copy(source.root, base)
    platform = type(source)(base, STUDY)
    write_settings(platform.root, spark.thrift_port, share)
    done = platform.run("orchestration.nightly", POLKU_ENGINE="spark")
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-4000:])
    return platform


def test_the_cluster_is_a_real_one(spark: Running, on_spark: Any) -> None:
    state = spark.state()
    assert state["aliveworkers"] == 2
    assert state["url"].startswith("spark://")
    assert [worker["coresused"] for worker in state["workers"]] == [1, 1], "both work for the one application"


def test_every_table_of_both_engines_is_the_same(finished: Callable[[str], Any], on_spark: Any) -> None:
    assert differences(finished(STUDY).root, on_spark.root, SINGLES) == {}


def test_every_released_table_of_both_engines_is_the_same(finished: Callable[[str], Any], on_spark: Any) -> None:
    assert different_files(finished(STUDY).root, on_spark.root) == []


def test_dagster_hears_of_every_model_once(on_spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A progress bar between dbt's lines once swallowed events, and the run counted as a success."""
    monkeypatch.setenv("DAGSTER_HOME", str(on_spark.base / "dagster"))
    with dg.DagsterInstance.get() as instance:
        [run] = instance.get_runs(limit=1)
        events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    told = Counter(
        e.dagster_event.asset_key.to_user_string() for e in events if e.dagster_event and e.dagster_event.asset_key
    )
    of_dbt = {key: times for key, times in told.items() if key.startswith(("staging/", "intermediate/", "marts/"))}
    nodes = models_and_seeds()
    assert {key for key in of_dbt if key not in nodes} == {"marts/snapshot"}
    assert {key: of_dbt.get(key) for key in nodes} == dict.fromkeys(nodes, 1)


def models_and_seeds() -> set[str]:
    nodes = json.loads(prepared_project(engine).manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return {f"{n['config']['schema']}/{n['name']}" for n in nodes if n["resource_type"] in ("model", "seed")}


def test_the_share_keeps_one_version_and_no_landed_row(on_spark: Any) -> None:
    [version] = (read_cluster(on_spark.root).share / STUDY).iterdir()
    assert {path.name for path in version.iterdir()} == {"intermediate", "marts"}


def test_a_dead_engine_is_told_at_once_and_nothing_is_touched(on_spark: Any, tmp_path: Path) -> None:
    shutil.copytree(on_spark.root.path, tmp_path / STUDY, symlinks=True)
    platform = type(on_spark)(tmp_path, STUDY)
    [nobody] = free_ports(1)
    write_settings(platform.root, nobody, tmp_path)
    before = platform.root.marts.read_bytes()
    night = platform.run("orchestration.nightly", POLKU_ENGINE="spark")
    assert night.returncode == Exit.ENGINE_UNREACHABLE
    assert str(nobody) in night.stderr
    assert platform.root.marts.read_bytes() == before
