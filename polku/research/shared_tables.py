"""What Spark reads and builds on the share, and how it comes back to this machine.

Belongs here: versions of a study's tables on the share, the landed tables that are put there, the chances of entering
that SQL cannot express, and the views through which everybody else reads a finished version. Does not belong here: the
connection (`cluster`), the SQL of landed tables (`views`) and the models (dbt).

Spark's replacement of a table is not atomic. Every build therefore stands in schemas and a folder of its own, and
`warehouse.duckdb`, which for this engine holds nothing but views of one version's Parquet files, is swapped in whole.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from polku.effects import entering
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import storage, views
from polku.research.cluster import Cluster, Run
from polku.sql_text import text

LAYERS = ("landing", "staging", "intermediate", "marts")
PASSING = ("landing", "staging")
"""Layers that nobody reads once the others are built."""
VERSION = r"v\d{14}"
"""The name of a version: the second (UTC) at which its build began."""
CHANCES = "entry_chances"
PART_BYTES = "256MB"
"""About as much of a landed table is one file, so that workers share the reading."""


@dataclass(frozen=True)
class Version:
    """The tables of one build: in the folder of its study on the share, and in one schema of Spark's for each layer."""

    cluster: Cluster
    study: str
    name: str

    @property
    def prefix(self) -> str:
        """What the names of its schemas begin with."""
        return f"{self.study}__{self.name}"

    @property
    def folder(self) -> Path:
        """Its files."""
        return self.cluster.share / self.study / self.name

    def rows(self, layer: str, table: str) -> str:
        """SQL sub-query of a finished table in DuckDB."""
        return f"read_parquet({text(str(self.folder / layer / table / '*.parquet'))})"


def begin(cluster: Cluster, root: DataRoot, run: Run) -> Version:
    """A new version with empty schemas. What a killed build has left stays until the next one has succeeded."""
    version = Version(cluster, root.study, f"v{datetime.now(UTC):%Y%m%d%H%M%S}")
    version.folder.mkdir(parents=True)
    for layer in LAYERS:
        run(f"create schema {version.prefix}__{layer} location {text(f'file:{version.folder / layer}')}")
    return version


def put_landed(root: DataRoot, version: Version, run: Run) -> None:
    """Every source of the models as Parquet on the share, with resolved keys; registered as tables of Spark's."""
    with storage.connect(root) as con:
        for name, source in views.sources(root).items():
            _put(con, version, run, name, source.query, source.columns)


def put_chances(root: DataRoot, version: Version, run: Run) -> None:
    """The chances of entering (`entering`), out of the risk sets that have been built."""
    with storage.connect(root) as con:
        entering.register(con)
        con.execute(f"create temp view risk_sets as from {version.rows('intermediate', 'int_list_risk_sets')}")
        _put(con, version, run, CHANCES, "from entry_chances('risk_sets')", entering.SCORES)


def _put(
    con: duckdb.DuckDBPyConnection, version: Version, run: Run, name: str, query: str, columns: Mapping[str, str]
) -> None:
    folder = version.folder / "landing" / name
    folder.mkdir(parents=True)
    con.execute(
        f"copy ({query}) to {text(str(folder))} (format parquet, compression zstd, file_size_bytes '{PART_BYTES}')"
    )
    # Spark has no texts of any length called varchar.
    declared = ", ".join(f"{column} {'string' if kind == 'varchar' else kind}" for column, kind in columns.items())
    run(f"create table {version.prefix}__landing.{name} ({declared}) using parquet location {text(f'file:{folder}')}")


def publish(root: DataRoot, version: Version, tables: Iterable[tuple[str, str]]) -> None:
    """Let everybody read this version: its `tables` (layer, name) become the views of a new `warehouse.duckdb`.

    Refuses (ENGINE_UNREACHABLE) when one of them is not on the share; the version in use then stays.
    """
    new = root.warehouse.with_suffix(".duckdb.new")
    for left_over in (new, Path(f"{new}.wal")):
        left_over.unlink(missing_ok=True)
    with storage.connect(root) as con:
        storage.attach(con, root, new, "warehouse")
        for layer, name in tables:
            con.execute(f"create schema if not exists warehouse.{layer}")
            try:
                con.execute(f"create view warehouse.{layer}.{name} as from {version.rows(layer, name)}")
            except duckdb.IOException:
                raise Refusal(
                    Exit.ENGINE_UNREACHABLE,
                    f"the table {layer}.{name} that Spark has built is not on the share.",
                    "Is `share` the same folder here, at the thrift server and at every worker?",
                ) from None
        con.execute("checkpoint warehouse")
        con.execute("detach warehouse")
    new.replace(root.warehouse)


def remove_others(version: Version, run: Run) -> None:
    """Remove every other version of the study, and of this one what nobody reads any more."""
    for layer in PASSING:
        _remove(version, run, layer)
    for folder in version.folder.parent.iterdir():
        if folder.name != version.name and re.fullmatch(VERSION, folder.name):
            remove(Version(version.cluster, version.study, folder.name), run)


def remove(version: Version, run: Run) -> None:
    """Remove a version from Spark's catalog and from the share."""
    for layer in LAYERS:
        _remove(version, run, layer)
    shutil.rmtree(version.folder, ignore_errors=True)


def _remove(version: Version, run: Run, layer: str) -> None:
    run(f"drop schema if exists {version.prefix}__{layer} cascade")
    shutil.rmtree(version.folder / layer, ignore_errors=True)
