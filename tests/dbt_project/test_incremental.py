"""Nights that build only what new deliveries touch end with the same tables as a build of everything.

Random deliveries of random registers in random order, with corrections, merged and restricted persons; after the last
of them every table equals, row for row, that of a platform which has had all of them at once, and built its tables a
few persons at a time.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from assets.engines import leaving_out
from assets.warehouse import untouched_nodes
from polku.contracts.landed_tables import landed_tables
from polku.layout import RULES, DataRoot
from polku.research import rebuilding, storage
from polku.research.coverage import Extract
from polku.research.crosswalk import PERSON_KEYS
from polku.research.reference import write_reference
from polku.studies import load_study
from tests.dbt_project.landed import PROJECT, land

STUDY = "espoo_skills_centre"
PEOPLE = range(1, 61)
UNTIL = date(2022, 12, 31)
Row = dict[str, Any]


def day(rng: Random, first: int = 2015, last: int = 2022) -> date:
    return date(first, 1, 1) + timedelta(days=rng.randrange(365 * (last - first + 1)))


def spell(rng: Random) -> Row:
    start = day(rng)
    return {"started_on": start, "ended_on": rng.choice([None, start + timedelta(days=rng.randrange(900))])}


def client_number(person: int) -> int:
    return 1000 + person


MAKE: dict[str, Callable[[Random, int], Row]] = {
    "dvv__persons": lambda rng, p: {
        "person_key": p,
        "birth_month": date(1960 + p % 40, 1 + p % 12, 1),
        "sex_code": rng.choice("12"),
        "origin_code": rng.choice(["22", "22", "22", "11"]),
        "died_on": rng.choice([None] * 9 + [day(rng, 2020)]),
    },
    "dvv__moves": lambda rng, p: {
        "person_key": p,
        "move_type_code": rng.choice(["41", "41", "43", "42"]),
        "moved_on": day(rng),
        "from_municipality_code": rng.choice(["049", "091"]),
        "to_municipality_code": rng.choice(["049", "049", "091"]),
    },
    "osaamiskeskus__clients": lambda rng, p: {
        "client_key": client_number(p),
        "person_key": p,
        "started_on": day(rng, 2019, 2021),
    },
    "osaamiskeskus__services": lambda rng, p: {
        "client_key": client_number(p),
        "service_code": rng.choice(["job_search", "skills_assessment"]),
        "status_code": rng.choice(["completed", "cancelled"]),
        **spell(rng),
    },
    "osaamiskeskus__exits": lambda rng, p: {
        "client_key": client_number(p),
        "exited_on": day(rng, 2020),
        "exit_code": rng.choice(["employed", "degree_education"]),
    },
    "ura__employment_spells": lambda rng, p: {
        "person_key": p,
        "employment_code": rng.choice(["01", "02", "07"]),
        **spell(rng),
    },
    "koski__study_periods": lambda rng, p: {
        "person_key": p,
        "study_right_key": 5000 + p,
        "education_form_code": "ammatillinenkoulutus",
        "period_state_code": "lasna",
        **spell(rng),
    },
    "kela__payments": lambda rng, p: {
        "person_key": p,
        "benefit_code": "FM",
        "payment_type_code": rng.choice("SP"),
        "payment_no": rng.randrange(5),
        "paid_on": day(rng, 2020),
        "benefit_month": day(rng, 2020).replace(day=1),
        "amount_eur": rng.randrange(-500, 900),
    },
    "vero__annual_incomes": lambda rng, p: {
        "person_key": p,
        "tax_year": rng.randrange(2018, 2023),
        "wages_eur": rng.randrange(0, 40000),
    },
}
REGISTERS = ("dvv", "osaamiskeskus", "ura", "koski", "kela", "vero")


class Deliveries:
    """Registers that deliver again and again, and what they have delivered."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.parts: list[tuple[str, list[Row], str]] = []
        self.held: dict[str, list[Row]] = {name: [] for name in MAKE}
        self.keys: dict[int, tuple[int, bool]] = {}
        self.replaces = {name: table.table.replaces for name, table in landed_tables(RULES).items()}
        for register in REGISTERS:
            self.deliver(register, [*PEOPLE], 1)

    def deliver(self, register: str, people: list[int], number: int) -> list[tuple[str, list[Row], str]]:
        """One delivery: everything again where the table wants it, else rows of these persons; some repeat a key."""
        delivery = f"{register}-{20230101 + number}-{number:04d}"
        made = []
        for name in (n for n in MAKE if n.startswith(f"{register}__")):
            rows = [MAKE[name](self.rng, person) for person in people for _ in range(self.rng.randrange(3))]
            old = [dict(row) for row in self.held[name] if self.rng.random() < 0.1]
            rows += [row | ({"ended_on": UNTIL} if "ended_on" in row else {}) for row in old]
            if self.replaces[name] == "all":
                rows = [row for row in self.held[name] if self.rng.random() < 0.95] + rows
            self.held[name] = rows if self.replaces[name] == "all" else self.held[name] + rows
            recorded = {"recorded_on": date(2023, 1, 1) + timedelta(days=number)}
            made.append((name, [row | recorded for row in rows], delivery))
        self.parts += made
        return made

    def merge(self) -> None:
        """Two keys turn out to be one person's, and somebody is restricted."""
        one, other, restricted = self.rng.sample([p for p in PEOPLE if p not in self.keys], 3)
        self.keys |= {other: (one, False), restricted: (restricted, True)}


@dataclasses.dataclass(frozen=True)
class Parsed:
    """The project as dbt has parsed it, for dbt and as the file that Dagster reads."""

    manifest: Manifest
    file: Path


class Warehouse:
    """A platform without landing: its parts are written by hand, its models built as the asset builds them."""

    def __init__(self, base: Path, parsed: Parsed, patch: pytest.MonkeyPatch) -> None:
        self.root = DataRoot(STUDY, base / STUDY)
        self._base, self._parsed, self._patch = base, parsed, patch
        study = dataclasses.replace(load_study(STUDY), window_from=date(2018, 1, 1), window_until=UNTIL)
        covered = {tuple(name.split("__")): [Extract(date(2024, 12, 31))] for name in MAKE}
        write_reference(self.root, study, covered)  # type: ignore[arg-type]

    def land(self, parts: list[tuple[str, list[Row], str]], keys: dict[int, tuple[int, bool]]) -> None:
        for name, rows, delivery in parts:
            if rows:
                land(self.root, name, rows, delivery)
        made = [{"entity_key": e, "person_key": p, "is_restricted": r} for e, (p, r) in keys.items()]
        schema = pa.schema([("entity_key", pa.int64()), ("person_key", pa.int64()), ("is_restricted", pa.bool_())])
        with storage.connect(self.root) as con:
            con.register("made", pa.Table.from_pylist(made, schema=schema))
            storage.write_parquet(con, "from made order by entity_key", self.root.reference(PERSON_KEYS))

    def build(self, persons_at_once: int = 50_000) -> rebuilding.Plan:
        plan = rebuilding.plan(self.root, "code", by_parts=True)
        if not plan.is_empty:
            rebuilding.begin(self.root)
            self._patch.setenv("POLKU_DATA", str(self._base))
            self._patch.setenv("POLKU_STUDY", STUDY)
            select = [] if plan.sources is None else leaving_out(untouched_nodes(self._parsed.file, plan.sources))
            folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--log-path", str(self._base)]
            folders += ["--target-path", str(self._base / "target")]
            folders += ["--vars", json.dumps({"persons_at_once": persons_at_once})]
            models = ["--exclude-resource-type", "unit_test", "test"]
            done = dbtRunner(self._parsed.manifest).invoke(["build", "--quiet", *folders, *models, *select])
            DuckDBConnectionManager.close_all_connections()
            assert done.success, done.exception
            rebuilding.finish(self.root, "code")
        return plan

    def shown(self) -> int:
        """Rows of the population register in the view over landing, between two nights."""
        with storage.connect(self.root) as con:
            storage.attach(con, self.root, self.root.warehouse, "warehouse", read_only=True)
            return len(con.execute("from warehouse.landing.dvv__persons").fetchall())

    def differences(self, other: Warehouse) -> dict[str, int]:
        """By table: rows that only one of the two has."""
        with storage.connect(self.root) as con:
            storage.attach(con, self.root, self.root.warehouse, "mine", read_only=True)
            storage.attach(con, other.root, other.root.warehouse, "theirs", read_only=True)
            tables = con.execute("""
                select schema_name || '.' || table_name from duckdb_tables()
                where database_name = 'mine' and schema_name in ('intermediate', 'marts')""").fetchall()
            assert len(tables) > 20
            return {
                table: len(
                    con.execute(f"""
                    (from mine.{table} except all from theirs.{table}) union all
                    (from theirs.{table} except all from mine.{table})""").fetchall()
                )
                for (table,) in tables
            }


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    target = tmp_path_factory.mktemp("parsed")
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
    manifest = dbtRunner().invoke(["parse", "--quiet", *folders]).result
    assert isinstance(manifest, Manifest)
    return Parsed(manifest, target / "manifest.json")


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DO_NOT_TRACK", "1")
        yield patch


@pytest.mark.parametrize("seed", [1, 2])
def test_nights_in_any_order_end_as_a_build_of_everything(
    tmp_path: Path, parsed: Parsed, patch: pytest.MonkeyPatch, seed: int
) -> None:
    deliveries = Deliveries(seed)
    nights = Warehouse(tmp_path / "nights", parsed, patch)
    nights.land(deliveries.parts, deliveries.keys)
    assert nights.build().is_whole
    for number in range(2, 5):
        for register in deliveries.rng.sample(REGISTERS, deliveries.rng.randrange(1, 3)):
            people = deliveries.rng.sample(PEOPLE, 2)
            nights.land(deliveries.deliver(register, people, number), deliveries.keys)
        if number == 3:
            deliveries.merge()
            nights.land([], deliveries.keys)
        assert nights.build().sources, "the night should have built a part"
        assert nights.build().is_empty
    whole = Warehouse(tmp_path / "whole", parsed, patch)
    whole.land(deliveries.parts, deliveries.keys)
    assert whole.build(persons_at_once=7).is_whole
    assert {table: rows for table, rows in nights.differences(whole).items() if rows} == {}
    assert nights.shown() == whole.shown() > 0


def test_tables_that_are_built_whole_read_no_rows_of_touched_persons_alone(parsed: Parsed) -> None:
    """During a night that builds a part, the staging models show the touched persons and nobody else."""
    nodes = parsed.manifest.nodes
    of_persons = {name for name, table in landed_tables(RULES).items() if table.subjects}

    def is_restricted(id_: str) -> bool:
        if id_.startswith("source."):
            return id_.split(".")[-1] in of_persons
        return nodes[id_].config.materialized == "view" and any(map(is_restricted, nodes[id_].depends_on_nodes))

    whole = [n for n in nodes.values() if n.config.materialized in ("table", "compared_table", "sharded_table")]
    assert len(whole) > 5
    assert {n.name for n in whole if any(map(is_restricted, n.depends_on_nodes))} == set()
