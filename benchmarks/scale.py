"""Measures every stage from the twin to the release for growing numbers of persons, and how each of them grows.

Belongs here: what `make bench-scale` prints, as a table and as JSON. Does not belong here: any assertion about speed,
and the watching itself (`watching`). Figures go into benchmarks/README.md with the command, the date and the machine.

A stage's growth is the exponent of its CPU time between the two greatest numbers of persons: 1 is in proportion to
them, 1.08 is n log n, 2 would be the square. Stages of few seconds are mostly start-up and have none.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from multiplied import multiply
from run import CHECKOUT
from watching import NOTHING, Use, Watched, watch

from polku import demo
from polku.layout import DataRoot
from polku.research import storage
from polku.studies import load_study

STUDY = "espoo_skills_centre"
SIZES = (6_000, 60_000, 200_000)
LEAST_SECONDS = 3.0
"""Stages that take less say nothing of their growth."""


@dataclass(frozen=True)
class Stage:
    """One stage of one size; `output_mib` are files, `output_rows` a table (0 where there is none)."""

    name: str
    use: Use
    output_mib: float = 0
    output_rows: int = 0


def make(root: DataRoot) -> None:
    """The extracts of as many persons as the folder is named after."""
    demo.make_extracts(root, load_study(STUDY), int(root.path.parent.name), 1, print)


def seal(root: DataRoot) -> None:
    """Every party's keys, and every register's packages."""
    study = load_study(STUDY)
    demo.make_keys(root, study, print)
    for register in study.contracts:
        demo.seal_extract(root, study, register, print)


def relay(root: DataRoot) -> None:
    """Every package to the research platform's inbox."""
    demo.carry(root, load_study(STUDY), print)


STEPS: dict[str, tuple[Callable[[DataRoot], None], str]] = {
    "twin": (make, "authorities/*/extract/**/*.*"),
    "seal": (seal, "authorities/*/sealed/*.hpkg"),
    "relay": (relay, "linkage/outbox/*.hpkg"),
}
"""What comes before the night, each in a process of its own: the function and the files that it makes."""


def prepare(root: DataRoot) -> Iterator[Stage]:
    """From nothing to the inbox of the research platform."""
    for name, (_, files) in STEPS.items():
        watched = watch([sys.executable, __file__, "--step", name, str(root.path)], root.spill)
        yield Stage(name, watched.whole(), _mib(root, files))


def night(root: DataRoot) -> Iterator[Stage]:
    """The nightly run, by its stages, within dbt by model, and whole."""
    home = root.path / "dagster"
    home.mkdir(exist_ok=True)
    shutil.copyfile(CHECKOUT / "dagster.yaml", home / "dagster.yaml")
    os.environ |= {"POLKU_DATA": str(root.path.parent), "POLKU_STUDY": STUDY, "DAGSTER_HOME": str(home)}
    watched = watch([sys.executable, "-m", "orchestration.nightly"], root.spill)
    for name, use in _by_step(watched).items():
        yield Stage(name, use, _mib(root, FILES.get(name, "")))
    rows = _rows(root)
    for name, use in _by_node(root, watched).items():
        yield Stage(f"dbt {name}", use, output_rows=rows.get(name, 0))
    yield Stage("night", watched.whole())


FILES = {
    "landing": "landing/*/*/*.parquet",
    "dbt": "warehouse.duckdb",
    "snapshot": "marts.duckdb",
    "release": "release/*.parquet",
}
"""What stages of the night leave behind."""


def _by_step(watched: Watched) -> dict[str, Use]:
    """Steps of the run that Dagster has just recorded; registers land one after the other and count together."""
    import dagster as dg

    found: dict[str, Use] = {}
    with dg.DagsterInstance.get() as instance:
        [run] = instance.get_run_records(limit=1)
        events = [e for e in instance.all_logs(run.dagster_run.run_id) if e.dagster_event]
    began: dict[str, float] = {}
    judged: dict[str, float] = {}
    for entry in events:
        event = entry.get_dagster_event()
        step = event.step_key or ""
        if event.is_step_start:
            began[step] = entry.timestamp
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            judged[step] = entry.timestamp
        elif event.is_step_success:
            parts = [(_STAGES.get(step, "landing" if step.startswith("land_") else step), began[step], entry.timestamp)]
            if step == "marts__snapshot":
                parts = [("marts gate", began[step], judged[step]), ("snapshot", judged[step], entry.timestamp)]
            for name, first, last in parts:
                found[name] = found.get(name, NOTHING).with_(watched.between(first, last))
    return found


_STAGES = {"landing__reference__person_keys": "crosswalk", "warehouse": "dbt", "published__tables": "published"}


def _by_node(root: DataRoot, watched: Watched) -> dict[str, Use]:
    """Models of dbt by name; tests and seeds together. What is left of dbt's time is its start."""
    found: dict[str, Use] = {}
    results = json.loads((root.path / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    for result in results:
        kind, _, name, *_ = result["unique_id"].split(".")
        for timing in (timing for timing in result["timing"] if timing["name"] == "execute"):
            first, last = (datetime.fromisoformat(timing[when]).timestamp() for when in ("started_at", "completed_at"))
            name = name if kind == "model" else f"{kind}s"
            found[name] = found.get(name, NOTHING).with_(watched.between(first, last))
    return found


def _rows(root: DataRoot) -> dict[str, int]:
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        query = "select table_name, estimated_size from duckdb_tables() where database_name = 'warehouse'"
        return dict(con.execute(query).fetchall())


def _mib(root: DataRoot, pattern: str) -> float:
    files = root.path.glob(pattern) if pattern else ()
    return sum(path.stat().st_size for path in files if path.is_file()) / 2**20


def growth(stages: dict[int, list[Stage]]) -> dict[str, float]:
    """By stage, the exponent of CPU time between the two greatest numbers of persons."""
    if len(stages) < 2:
        return {}
    fewer, more = sorted(stages)[-2:]
    before = {stage.name: stage.use.cpu_seconds for stage in stages[fewer]}
    return {
        stage.name: round(math.log(stage.use.cpu_seconds / before[stage.name]) / math.log(more / fewer), 2)
        for stage in stages[more]
        if stage.use.cpu_seconds >= LEAST_SECONDS and before.get(stage.name)
    }


def show(stages: list[Stage]) -> None:
    """One line for each stage."""
    print(f"{'stage':44} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9} {'spill MiB':>9} {'out MiB':>9} {'rows':>12}")
    for stage in stages:
        use = stage.use
        print(
            f"{stage.name:44} {use.wall_seconds:8.1f} {use.cpu_seconds:8.1f} {use.peak_mib:9.0f} "
            f"{use.spilled_mib:9.0f} {stage.output_mib:9.1f} {stage.output_rows:12}",
            flush=True,
        )


def as_json(stages: dict[int, list[Stage]]) -> dict[str, Any]:
    """What was measured, for programs."""
    sizes = {persons: {stage.name: asdict(stage) for stage in its} for persons, its in stages.items()}
    return {"study": STUDY, "cores": os.cpu_count(), "persons": sizes, "growth": growth(stages)}


def main() -> None:
    """Measure each size in a folder of its own. A size whose packages are there already begins with the night."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/scale.py 6000 60000 --folder /var/tmp/s")
    parser.add_argument("persons", type=int, nargs="*", default=SIZES, help="sizes of the twin, smallest first")
    parser.add_argument("--folder", type=Path, required=True, help="where the data go: 20 GB for 200,000 persons")
    parser.add_argument("--times", type=int, help="at last, so many persons for each of the last size, from landing on")
    args = parser.parse_args()
    stages: dict[int, list[Stage]] = {}
    for persons in args.persons:
        root = DataRoot(STUDY, args.folder / str(persons) / STUDY)
        print(f"{STUDY}, {persons} persons, {os.cpu_count()} cores")
        stages[persons] = [*(() if root.inbox.is_dir() else prepare(root)), *night(root)]
        show(stages[persons])
    if args.times:
        persons *= args.times
        many = DataRoot(STUDY, args.folder / str(persons) / STUDY)
        if not many.landing.is_dir():
            multiply(root, many, load_study(STUDY), args.times)
        print(f"{STUDY}, {persons} persons from landing on, {os.cpu_count()} cores", flush=True)
        stages[persons] = list(night(many))
        show(stages[persons])
    for name, exponent in growth(stages).items():
        print(f"{name:44} {exponent:8.2f}")
    (args.folder / "scale.json").write_text(json.dumps(as_json(stages), indent=1), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        STEPS[sys.argv[2]][0](DataRoot(STUDY, Path(sys.argv[3])))
    else:
        main()
