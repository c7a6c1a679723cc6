"""A small study of the real contracts, built once per test session by dbt in this process.

Belongs here: the invented persons and the build. Does not belong here: what the build must give.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from polku.layout import DataRoot
from polku.research import storage
from polku.research.coverage import Extract
from polku.research.crosswalk import PERSON_KEYS as PERSON_KEYS_TABLE
from polku.research.reference import write_reference
from polku.studies import load_study
from tests.dbt_project.landed import PROJECT, land
from tests.once import made_once

STUDY = "espoo_skills_centre"
MARKED_COUNTRY = "plaintext-marker"
OPENED = date(2018, 10, 1)

# Four persons: 1 is a client, 2 was never one and dies, 3 is of Finnish background, 4 is a client who came
# back under a new client number. Client number 99 has no identity code.
PERSONS = [
    {"person_key": 1, "birth_month": "1990-05-01", "sex_code": "2", "origin_code": "22", "mother_tongue_code": "ar"},
    {
        "person_key": 2,
        "birth_month": "1985-01-01",
        "sex_code": "1",
        "origin_code": "22",
        "birth_country_code": MARKED_COUNTRY,
        "died_on": "2021-11-15",
    },
    {"person_key": 3, "birth_month": "1985-01-01", "sex_code": "1", "origin_code": "11", "mother_tongue_code": "fi"},
    {"person_key": 4, "birth_month": "1980-01-01", "sex_code": "2", "origin_code": "22"},
]
MOVES = [
    {"person_key": 1, "move_type_code": "41", "moved_on": "2020-03-10", "to_municipality_code": "049"},
    {
        "person_key": 2,
        "move_type_code": "43",
        "moved_on": "2012-05-01",
        "from_municipality_code": "091",
        "to_municipality_code": "049",
    },
    {"person_key": 3, "move_type_code": "43", "moved_on": "2012-05-01", "to_municipality_code": "049"},
    {"person_key": 4, "move_type_code": "41", "moved_on": "2015-02-01", "to_municipality_code": "049"},
    {"person_key": 4, "move_type_code": "42", "moved_on": "2022-02-15", "from_municipality_code": "049"},
    {"person_key": 4, "move_type_code": "41", "moved_on": "2022-06-15", "to_municipality_code": "091"},
]
CLIENTS = [
    {"client_key": 11, "person_key": 1, "started_on": "2020-08-20"},
    {"client_key": 41, "person_key": 4, "started_on": "2019-01-10"},
    {"client_key": 42, "person_key": 4, "started_on": "2020-10-01"},
    {"client_key": 99, "person_key": None, "started_on": "2020-10-01"},
]
SERVICES = [
    {
        "client_key": 11,
        "service_code": "skills_assessment",
        "started_on": "2020-09-05",
        "ended_on": "2020-10-31",
        "status_code": "completed",
    },
    {
        "client_key": 11,
        "service_code": "skills_assessment",
        "started_on": "2020-11-15",
        "ended_on": "2020-12-31",
        "status_code": "completed",
    },
    {"client_key": 11, "service_code": "job_search", "started_on": "2020-10-01", "status_code": "cancelled"},
    {"client_key": 41, "service_code": "job_search", "started_on": "2019-02-01", "ended_on": "2019-02-28"},
    {"client_key": 42, "service_code": "job_search", "started_on": "2020-10-01", "ended_on": "2020-10-31"},
    {"client_key": 99, "service_code": "job_search", "started_on": "2020-10-01", "ended_on": "2020-10-31"},
]
EXITS = [
    {"client_key": 11, "exited_on": "2021-06-30", "exit_code": "employed"},
    {"client_key": 41, "exited_on": "2019-06-30", "exit_code": "dropped_out"},
    {"client_key": 42, "exited_on": "2021-06-30", "exit_code": "degree_education"},
]
UNEMPLOYED = {"person_key": 1, "employment_code": "02", "started_on": "2020-04-01"}
STUDIES = [
    {
        "person_key": 2,
        "study_right_key": 7,
        "education_form_code": "ammatillinenkoulutus",
        "started_on": "2020-08-01",
        "ended_on": "2021-05-31",
        "period_state_code": "lasna",
    }
]
PAYMENTS = [
    {
        "person_key": 1,
        "benefit_code": "FM",
        "payment_type_code": kind,
        "payment_no": number,
        "paid_on": paid_on,
        "benefit_month": "2020-10-01",
        "amount_eur": amount,
    }
    for number, (kind, paid_on, amount) in enumerate([("S", "2020-10-20", "700"), ("P", "2021-01-20", "-50")])
]
INCOMES = [{"person_key": 1001, "tax_year": 2021, "wages_eur": "24000"}]
# 1001 is person 1 under a temporary code. Person 5, a client too, is under restriction.
RESTRICTED = PERSONS[0] | {"person_key": 5}
RESTRICTED_CLIENT = CLIENTS[0] | {"client_key": 51, "person_key": 1005}
PERSON_KEYS = [(1001, 1, False), (5, 5, True), (1005, 5, True), (51, 5, True)]
COVERED = [
    ("osaamiskeskus", "clients"),
    ("osaamiskeskus", "services"),
    ("osaamiskeskus", "exits"),
    ("dvv", "persons"),
    ("dvv", "moves"),
    ("ura", "employment_spells"),
    ("koski", "study_periods"),
    ("kela", "payments"),
    ("vero", "annual_incomes"),
]
EXTRACT = Extract(date(2025, 11, 1))
STATUSES = "statuses.json"


@dataclass(frozen=True)
class Built:
    """The data root of the build, dbt's results by node, and its files."""

    root: DataRoot
    statuses: dict[str, str]
    target: Path
    logs: Path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with storage.connect(self.root) as con:
            storage.attach(con, self.root, self.root.warehouse, "warehouse", read_only=True)
            return con.execute(sql).fetchall()

    def compiled(self, model: str) -> str:
        """The SQL of a model as it was built; what unit tests put in its place lies one folder deeper."""
        return self._compiled(f"*/{model}.sql")

    def compiled_test(self, name: str) -> str:
        """The SQL of a data test of a model."""
        return self._compiled(f"*/*.yml/{name}.sql")

    def _compiled(self, pattern: str) -> str:
        [path] = self.target.glob(f"compiled/polku/models/{pattern}")
        return path.read_text(encoding="utf-8")


def write_person_keys(root: DataRoot) -> None:
    """What the crosswalk writes."""
    rows = [dict(zip(("entity_key", "person_key", "is_restricted"), row, strict=True)) for row in PERSON_KEYS]
    with storage.connect(root) as con:
        con.register("rows", pa.Table.from_pylist(rows))
        storage.write_parquet(con, "from rows", root.landing / "reference" / PERSON_KEYS_TABLE / "current.parquet")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Everything built and every data and unit test run on four persons; two URA deliveries tell of one spell."""
    base = made_once(tmp_path_factory, "dbt", build)
    statuses = json.loads((base / STATUSES).read_text(encoding="utf-8"))
    return Built(DataRoot(STUDY, base / STUDY), statuses, base / "target", base / "logs")


def build(base: Path) -> None:
    """Land the rows and let dbt build; its results by node are left in a file beside its own."""
    root = DataRoot(STUDY, base / STUDY)
    land(root, "dvv__persons", [*PERSONS, RESTRICTED])
    land(root, "dvv__moves", MOVES)
    land(root, "osaamiskeskus__clients", [*CLIENTS, RESTRICTED_CLIENT])
    land(root, "osaamiskeskus__services", SERVICES)
    land(root, "osaamiskeskus__exits", EXITS)
    land(root, "ura__employment_spells", [UNEMPLOYED], delivery="d1")
    land(root, "ura__employment_spells", [UNEMPLOYED | {"ended_on": "2021-02-27"}], delivery="d2")
    land(root, "koski__study_periods", STUDIES)
    land(root, "kela__payments", PAYMENTS)
    land(root, "vero__annual_incomes", INCOMES)
    write_person_keys(root)
    study = dataclasses.replace(load_study(STUDY), window_from=date(2020, 1, 1), window_until=date(2022, 12, 31))
    write_reference(root, study, {key: [EXTRACT] for key in COVERED})

    target, logs = base / "target", base / "logs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLKU_DATA", str(base))
        patch.setenv("POLKU_STUDY", STUDY)
        patch.setenv("DO_NOT_TRACK", "1")
        folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
        done = dbtRunner().invoke(["build", "--quiet", *folders, "--log-path", str(logs)])
        DuckDBConnectionManager.close_all_connections()
    assert done.exception is None
    statuses = {result.node.unique_id: str(result.status) for result in done.result}
    (base / STATUSES).write_text(json.dumps(statuses), encoding="utf-8")
