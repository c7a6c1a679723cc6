"""The dbt project as assets: staging, intermediate and marts, with dbt's tests as their checks.

Belongs here: how dbt is called. Does not belong here: what the models mean (`dbt_project/`).
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from polku.layout import CHECKOUT, DataRoot


def dbt_resource(project: DbtProject) -> DbtCliResource:
    """The dbt of this environment, also where its folder is not on the PATH."""
    return DbtCliResource(project, dbt_executable=str(Path(sys.executable).with_name("dbt")))


def prepared_project(folder: Path = CHECKOUT / "dbt_project") -> DbtProject:
    """The dbt project with a manifest that is not older than any of its files; parsing takes seconds."""
    project = DbtProject(folder)
    sources = [path for path in folder.rglob("*") if path.suffix in (".sql", ".yml", ".csv", ".md")]
    newest = max(path.stat().st_mtime for path in sources if project.target_path.name not in path.parts)
    if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < newest:
        dbt_resource(project).cli(["parse", "--quiet"], target_path=project.target_path).wait()
    return project


def warehouse_assets(root: DataRoot, project: DbtProject) -> dg.AssetsDefinition:
    """All models in one step. dbt alone writes `warehouse.duckdb`; unit tests run with the tests instead."""

    @dbt_assets(manifest=project.manifest_path, project=project, name="warehouse")
    def warehouse(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        build = ["build", "--exclude-resource-type", "unit_test"]
        yield from dbt.cli(build, context=context, target_path=root.path / "dbt").stream()

    return warehouse


def marts_of(project: DbtProject) -> dict[str, dict[str, Any]]:
    """dbt's own record of each mart (`config`, `columns`, ...) by name."""
    nodes = json.loads(project.manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return {n["name"]: n for n in nodes if n["resource_type"] == "model" and n["config"].get("schema") == "marts"}
