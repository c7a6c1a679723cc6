"""The dbt project as assets: staging, intermediate and marts, with dbt's tests as their checks.

Belongs here: how dbt is called. Does not belong here: what the models mean (`dbt_project/`).
"""

import json
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from assets.quiet import without_values
from polku.layout import CHECKOUT, DataRoot
from polku.research import rebuilding


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
    """All models in one step. dbt alone writes `warehouse.duckdb`; unit tests run with the tests instead.

    Of the tables by person only the rows that can have changed since the last build are built
    (`polku.research.rebuilding`), and nothing when nothing has. Marts that stay as they were are then materialised all
    the same, so that what follows them runs; their metadata say so. Every model is named to dbt each time: dagster-dbt
    adds the selection of the whole project to any other one.
    """

    @dbt_assets(manifest=project.manifest_path, project=project, name="warehouse")
    def warehouse(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        with without_values():
            code = rebuilding.code_digest(CHECKOUT)
            plan = rebuilding.plan(root, code)
        context.log.info("Build of %s: %s.", plan.extent, plan.why)
        if plan.is_empty:
            for mart in _marts_in_order(project):
                yield dg.Output(None, f"marts__{mart}", metadata={"polku/unchanged": True})
            return
        rebuilding.begin(root)
        build = ["build", "--exclude-resource-type", "unit_test"]
        yield from dbt.cli(build, context=context, target_path=root.path / "dbt").stream()
        with without_values():
            rebuilding.finish(root, code)

    return warehouse


def _marts_in_order(project: DbtProject) -> list[str]:
    """Every mart, each after those that it is made of: in this order Dagster wants to hear of them."""
    manifest = json.loads(project.manifest_path.read_text(encoding="utf-8"))
    marts = {f"model.polku.{name}": name for name in marts_of(project)}
    order = TopologicalSorter({id_: set(above) for id_, above in manifest["parent_map"].items()}).static_order()
    return [marts[id_] for id_ in order if id_ in marts]


def marts_of(project: DbtProject) -> dict[str, dict[str, Any]]:
    """dbt's own record of each mart (`config`, `columns`, ...) by name."""
    nodes = json.loads(project.manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return {n["name"]: n for n in nodes if n["resource_type"] == "model" and n["config"].get("schema") == "marts"}
