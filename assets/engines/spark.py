"""Spark as the engine of the models: dbt over thrift, on tables that lie on a share.

Belongs here: the order in which tables are put on the share, built, and read back, and how dbt is told where. Does not
belong here: each of these steps (`polku.research.shared_tables`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from assets.engines import leaving_out, tables_read
from assets.quiet import without_values
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import shared_tables
from polku.research.cluster import ENGINE, read_cluster
from polku.research.shared_tables import Version

name = ENGINE
exchanges_rows = False
DBT_PATH = str(Path(__file__).with_name("dbt_path"))
SCORED = "int_score_risk_sets"
"""The model that reads the chances of entering, which are estimated when all that it is made of is there."""


def check(root: DataRoot) -> None:
    """The site's settings, and a session at the thrift server."""
    if root.as_of is not None:
        advice = "Rebuild with POLKU_ENGINE=duckdb: both engines give the same marts."
        raise Refusal(Exit.ENGINE_UNUSABLE, "marts as known at an earlier time are not built on Spark.", advice)
    with read_cluster(root).session() as run:
        run("select 1")


def calls(root: DataRoot, manifest: Path, left_out: Sequence[str]) -> Generator[list[str], None, None]:
    """What comes before the chances of entering, then the rest, in schemas of a new version; all of it, always."""
    check(root)
    cluster = read_cluster(root)
    nodes = json.loads(manifest.read_text(encoding="utf-8"))
    above, rest = _divided(nodes)
    with cluster.session() as run:
        version = shared_tables.begin(cluster, root, run)
    os.environ["PYTHONPATH"] = os.pathsep.join([DBT_PATH, *filter(None, [os.environ.get("PYTHONPATH")])])
    where = ["--vars", json.dumps(_settings(version))]
    try:
        with without_values(), cluster.session() as run:
            shared_tables.put_landed(root, version, run)
        yield [*leaving_out(rest, "eager"), *where]
        with without_values(), cluster.session() as run:
            shared_tables.put_chances(root, version, run)
        yield [*leaving_out(above), *where]
        with without_values():
            shared_tables.publish(root, version, tables_read(manifest))
    except BaseException:
        # Where the cluster is lost, what it has built goes after the next success.
        with suppress(Refusal), cluster.session() as run:
            shared_tables.remove(version, run)
        raise
    with cluster.session() as run:
        shared_tables.remove_others(version, run)


def _settings(version: Version) -> dict[str, Any]:
    """What `profiles.yml` asks for."""
    cluster = version.cluster
    settings = {"host": cluster.host, "port": cluster.port, "user": cluster.user, "schema": version.prefix}
    if cluster.kerberos_service:
        settings |= {"auth": "KERBEROS", "kerberos_service": cluster.kerberos_service}
    return {f"spark_{key}": value for key, value in settings.items()}


def _divided(manifest: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Models and seeds (`<layer>.<name>`) of which `SCORED` is made, and all others."""
    nodes = {
        id_: f"{node['config']['schema']}.{node['name']}"
        for id_, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    above: set[str] = set()
    todo = [f"model.polku.{SCORED}"]
    while todo:
        parents = [id_ for id_ in manifest["parent_map"][todo.pop()] if id_ in nodes and id_ not in above]
        above |= set(parents)
        todo += parents
    return [nodes[id_] for id_ in above], [nodes[id_] for id_ in nodes if id_ not in above]
