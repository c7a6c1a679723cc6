"""Measures the models of outcomes, matching and effects where clients are few among many others.

Belongs here: others of a finished study again under other keys, and the models' own SQL on them, part by part as dbt
builds it. Does not belong here: how right estimates are (`effects`), and the whole night (`scale`). Run after a night
of `scale`, whose folder of one size it takes:
    python benchmarks/many_others.py /var/tmp/scale/60000 --persons 200000
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import yaml
from effects import COMPILED, MODELS, STUDY
from multiplied import masks_of

from polku.effects import entering
from polku.layout import CHECKOUT, DataRoot
from polku.progress import stepped
from polku.research import storage, views

BY_PERSON = (
    "intermediate.int_build_residence_spells",
    "intermediate.int_find_eligible_persons",
    "intermediate.int_resolve_persons",
    "intermediate.int_union_benefit_months",
    "intermediate.int_union_degrees",
    "intermediate.int_union_earnings",
    "intermediate.int_union_incomes",
    "intermediate.int_union_service_spells",
    "marts.person",
    "marts.person_month",
)
OF_NOBODY = ("intermediate.int_list_observed_months", "staging.consumer_prices", "staging.states")
"""Tables from which the models begin."""

REFERENCES = ("staging/stg_reference__coverage", "staging/stg_reference__study", "staging/stg_reference__subgroups")

_VARS = yaml.safe_load((CHECKOUT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
SHARDS, PERSONS_AT_ONCE = _VARS["shards"], _VARS["persons_at_once"]


@dataclass(frozen=True)
class Took:
    """What one model took, and the memory of the process at its most until then."""

    model: str
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


def main() -> None:
    """Print what each model took, and all of them."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/many_others.py F/60000 --persons 200000")
    parser.add_argument("folder", type=Path, help="data folder of a finished night")
    parser.add_argument("--persons", type=int, default=200_000, help="at least so many (200,000)")
    args = parser.parse_args()
    root = DataRoot(STUDY, args.folder / STUDY)
    with TemporaryDirectory(dir=root.path) as folder, storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "few", read_only=True)
        storage.attach(con, root, Path(folder) / "warehouse.duckdb", "warehouse")
        persons, clients = multiply(con, args.persons)
        print(f"{persons} persons, {clients} clients", flush=True)
        took = build(con, root, persons)
    for each in sorted(took, key=lambda each: -each.cpu_seconds):
        print(f"{each.model:40} {each.cpu_seconds:8.1f} CPU s {each.wall_seconds:8.1f} s {each.peak_mib:8.0f} MiB")
    cpu, wall = sum(each.cpu_seconds for each in took), sum(each.wall_seconds for each in took)
    print(f"{'together':40} {cpu:8.1f} CPU s {wall:8.1f} s {took[-1].peak_mib:8.0f} MiB")


def multiply(con: duckdb.DuckDBPyConnection, least: int) -> tuple[int, int]:
    """All persons of `few`, and its others again until there are `least`; how many persons and clients there are."""
    for schema in ("staging", "intermediate", "marts"):
        con.execute(f"create schema warehouse.{schema}")
    query = "select count(*), count(*) filter (is_client) from few.intermediate.int_resolve_persons"
    [(persons, clients)] = con.execute(query).fetchall()
    times = math.ceil((least - persons) / (persons - clients))
    for table in OF_NOBODY:
        con.execute(f"create table warehouse.{table} as from few.{table}")
    for table in stepped(BY_PERSON, "tables"):
        columns = [name for name, *_ in con.execute(f"describe few.{table}").fetchall()]
        con.execute(f"create table warehouse.{table} as from few.{table}")
        for mask in masks_of(times):
            key = f"xor(person_key, {mask})"
            others = [f"{key} as person_key", *([f"{key} % {SHARDS} as shard"] if "shard" in columns else [])]
            con.execute(
                f"insert into warehouse.{table} select * replace ({', '.join(others)}) from few.{table}"
                " where person_key not in (select person_key from few.intermediate.int_resolve_persons where is_client)"
            )
    return persons + times * (persons - clients), clients


def build(con: duckdb.DuckDBPyConnection, root: DataRoot, persons: int) -> list[Took]:
    """Every model as dbt builds it: views, tables, and tables in parts of the persons."""
    entering.register(con)
    views.create(con, root, None)
    nodes = json.loads((root.path / "dbt" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    at_once = math.ceil(SHARDS / math.ceil(persons / PERSONS_AT_ONCE))
    whole = f"between 0 and {SHARDS - 1}"
    took = []
    for model in stepped((*REFERENCES, *MODELS), "models"):
        name = model.replace("/", ".")
        sql = (root.path / COMPILED / f"{model}.sql").read_text(encoding="utf-8")
        is_view = nodes[f"model.polku.{model.split('/')[1]}"]["config"]["materialized"] == "view"
        cpu, wall = time.process_time(), time.perf_counter()
        if is_view or whole not in sql:
            con.execute(f"create {'view' if is_view else 'table'} warehouse.{name} as {sql}")
        else:
            for first in range(0, SHARDS, at_once):
                part = sql.replace(whole, f"between {first} and {first + at_once - 1}")
                con.execute(f"create table if not exists warehouse.{name} as {part} limit 0")
                con.execute(f"insert into warehouse.{name} {part}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        took.append(Took(name, time.process_time() - cpu, time.perf_counter() - wall, peak))
    return took


if __name__ == "__main__":
    main()
