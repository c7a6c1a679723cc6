"""The files that Dagster is started with."""

from __future__ import annotations

import tomllib
from pathlib import Path

import dagster as dg
import yaml

from polku.layout import CHECKOUT


def test_nothing_is_told_to_others_and_one_run_goes_at_a_time(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1


def test_dagster_and_dg_find_the_same_location() -> None:
    workspace = yaml.safe_load((CHECKOUT / "workspace.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["dg"]["project"]
    (location,) = workspace["load_from"]
    assert location["python_module"] == {
        "module_name": project["code_location_target_module"],
        "location_name": project["code_location_name"],
    }
