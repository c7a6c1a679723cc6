"""The engines that can run the models: which one does, and what each must be able to do.

Belongs here: the choice (POLKU_ENGINE) and what a build asks of an engine. Does not belong here: how one engine does it
(its own module), and the models, which are the same on all of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from polku.errors import Exit, Refusal
from polku.layout import DataRoot

ENGINES = ("duckdb", "ducklake", "spark")
LAYERS_READ = ("intermediate", "marts")
"""Layers whose tables are read outside dbt."""


class Engine(Protocol):
    """What a build asks of an engine."""

    name: str
    """Its value of POLKU_ENGINE, and its target in dbt's `profiles.yml`."""
    exchanges_rows: bool
    """Whether it can put new rows of some persons in the place of their old ones; else every build is of everything."""

    def check(self, root: DataRoot) -> None:
        """Refuses (ENGINE_UNUSABLE, ENGINE_UNREACHABLE), within 30 seconds, when the engine could build nothing now."""
        ...

    def calls(self, root: DataRoot, manifest: Path, left_out: Sequence[str]) -> Generator[list[str], None, None]:
        """The arguments of each call of `dbt build` that together build all nodes but those `left_out`.

        What the engine needs is done before, between and after them; whoever iterates runs dbt at each. When they are
        through, `warehouse.duckdb` has the tables of `intermediate` and `marts`; when they are broken off, what was
        built before is as it was.
        """
        ...


def chosen_engine() -> Engine:
    """The engine that POLKU_ENGINE names; DuckDB where nothing is said. Refuses (ENGINE_UNUSABLE) a name of none."""
    name = os.environ.get("POLKU_ENGINE", ENGINES[0])
    if name not in ENGINES:
        advice = f"POLKU_ENGINE is one of {', '.join(ENGINES)}."
        raise Refusal(Exit.ENGINE_UNUSABLE, "there is no such engine.", advice)
    return cast("Engine", import_module(f"assets.engines.{name}"))


def leaving_out(nodes: Sequence[str], tests: str = "cautious") -> list[str]:
    """Arguments by which dbt leaves these nodes (`<layer>.<name>`) out, and tests only where everything that they read
    is left out (`cautious`) or where anything is (`eager`).

    Not by --select: dagster-dbt adds the selection of the whole project to it.
    """
    names = " ".join(node.split(".")[1] for node in nodes)
    return ["--exclude", names, "--indirect-selection", tests] if names else []


def tables_read(manifest: Path) -> list[tuple[str, str]]:
    """(layer, name) of every model whose table is read outside dbt."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    models = [(node["config"]["schema"], node["name"]) for node in nodes if node["resource_type"] == "model"]
    return [(layer, name) for layer, name in models if layer in LAYERS_READ]
