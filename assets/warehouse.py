"""The dbt project as assets: staging, intermediate and marts, with dbt's tests as their checks.

Belongs here: how dbt is called. Does not belong here: what the models mean (`dbt_project/`).
"""

import fcntl
import json
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets
from dagster_dbt.compat import DBT_PYTHON_VERSION

from assets.engines import Engine
from assets.quiet import without_values
from polku.layout import CHECKOUT, DataRoot
from polku.research import rebuilding


class QuickDbt(DbtCliResource):
    """dbt in a process of its own, without what dagster-dbt does before each call: 4.5 seconds of it.

    It starts dbt once more to ask for its version, and loads an adapter in this process, which nothing here reads from.
    """

    @property
    def _cli_version(self) -> Any:
        return DBT_PYTHON_VERSION

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        return None


def dbt_resource(project: DbtProject) -> DbtCliResource:
    """The dbt of this environment, also where its folder is not on the PATH."""
    dbt = str(Path(sys.executable).with_name("dbt"))
    return QuickDbt(project_dir=str(project.project_dir), target=project.target, dbt_executable=dbt)


def prepared_project(engine: Engine, folder: Path = CHECKOUT / "dbt_project") -> DbtProject:
    """The dbt project with a manifest that is not older than any of its files; parsing takes seconds.

    One process parses at a time. Others wait for it: until dbt has written the whole manifest, nobody can read it.
    """
    # Each engine's manifest lies in a folder of its own; DuckDB's in dbt's usual one.
    target_path = Path("target" if engine.name == "duckdb" else f"target_{engine.name}")
    project = DbtProject(folder, target=engine.name, target_path=target_path)
    sources = [path for path in folder.rglob("*") if path.suffix in (".sql", ".yml", ".csv", ".md")]
    newest = max(path.stat().st_mtime for path in sources if not path.relative_to(folder).parts[0].startswith("target"))
    project.manifest_path.parent.mkdir(exist_ok=True)
    with project.manifest_path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < newest:
            dbt_resource(project).cli(["parse", "--quiet"], target_path=project.target_path).wait()
    return project


def warehouse_assets(root: DataRoot, project: DbtProject, engine: Engine) -> dg.AssetsDefinition:
    """All models in one step, on the engine; unit tests run with the tests instead.

    Only what can have changed since the last build is built (`polku.research.rebuilding`). Marts that stay as they were
    are materialised all the same, so that what follows them runs; their metadata say so.
    """

    @dbt_assets(manifest=project.manifest_path, project=project, name="warehouse")
    def warehouse(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        with without_values():
            code = f"{engine.name} {rebuilding.code_digest(CHECKOUT)}"
            plan = rebuilding.plan(root, code, by_parts=engine.exchanges_rows)
        context.log.info("Build of %s: %s.", plan.extent, plan.why)
        untouched = [] if plan.sources is None else untouched_nodes(project.manifest_path, plan.sources)
        # First: Dagster wants to hear of an asset before those that are made of it, and none of these is.
        for node in untouched:
            if node.startswith("marts."):
                yield dg.Output(None, node.replace(".", "__"), metadata={"polku/unchanged": True})
        if plan.is_empty:
            return
        rebuilding.begin(root)
        with closing(engine.calls(root, project.manifest_path, untouched)) as calls:
            for arguments in calls:
                build = ["build", "--exclude-resource-type", "unit_test", *arguments]
                yield from dbt.cli(build, context=context, target_path=root.path / "dbt").stream()
        with without_values():
            rebuilding.finish(root, code)

    return warehouse


def untouched_nodes(manifest_path: Path, sources: Collection[str]) -> list[str]:
    """Models and seeds (`<schema>.<name>`) that none of the sources feeds, each after those that it is made of."""
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    nodes = {
        id_: f"{node['config']['schema']}.{node['name']}"
        for id_, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    parents = {id_: set(above) for id_, above in manifest["parent_map"].items()}
    touched = {f"source.polku.landing.{source}" for source in sources}
    order = list(TopologicalSorter(parents).static_order())
    for id_ in order:
        if parents.get(id_, set()) & touched:
            touched.add(id_)
    return [nodes[id_] for id_ in order if id_ in nodes and id_ not in touched]


def marts_of(project: DbtProject) -> dict[str, dict[str, Any]]:
    """dbt's own record of each mart (`config`, `columns`, ...) by name."""
    nodes = json.loads(project.manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return {n["name"]: n for n in nodes if n["resource_type"] == "model" and n["config"].get("schema") == "marts"}
