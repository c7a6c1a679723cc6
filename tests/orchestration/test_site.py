"""A site's Dagster: runs wait in a queue and everything about them is in PostgreSQL, nothing of a person among it."""

from __future__ import annotations

import csv
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import yaml
from dagster._utils.tags import TagConcurrencyLimitsCounter
from dagster_postgres.event_log.event_log import CHANNEL_NAME, PostgresEventLogStorage

from orchestration.study_queue import LOCATION_TAG, StudyQueue
from polku.layout import CHECKOUT, DataRoot
from tests.conftest import SMALL_STUDY
from tests.postgres import SERVER, Postgres

DATABASE = "polku_dagster"
PATIENCE_S = 900
"""How long nothing may happen; daemon, code location and run take seconds each to start on a machine that is free."""
EXITED = "select 1 from event_logs where event like '%Process for run exited%'"
"""The last that Dagster tells of a run, after it has put its end on record."""
SITE = CHECKOUT / "deploy" / "dagster.yaml"


@pytest.fixture
def home(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DAGSTER_HOME of a site, whose database is empty."""
    postgres.database(DATABASE)
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(SITE, home)
    for name, value in {"DAGSTER_HOME": home, "PGSERVICEFILE": postgres.services}.items():
        monkeypatch.setenv(name, str(value))
    return home


def test_a_site_differs_from_a_checkout_in_storage_and_queue_alone() -> None:
    checkout, site = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (CHECKOUT / "dagster.yaml", SITE))
    different = {name for name in checkout | site if checkout.get(name) != site.get(name)}
    assert different == {"storage", "event_log_storage", "run_coordinator", "concurrency", "run_monitoring"}


def test_one_run_of_each_study_goes_at_a_time(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.run_coordinator, StudyQueue)
        queue = instance.get_concurrency_config().run_queue_config
        assert queue
        at_work = dg.DagsterRun(job_name="nightly", tags={LOCATION_TAG: "one"})
        counter = TagConcurrencyLimitsCounter(queue.tag_concurrency_limits, [at_work])
        assert counter.is_blocked(dg.DagsterRun(job_name="land", tags={LOCATION_TAG: "one"}))
        assert not counter.is_blocked(dg.DagsterRun(job_name="land", tags={LOCATION_TAG: "another"}))
        assert queue.max_concurrent_runs > 1
        assert instance.telemetry_enabled is False


def test_a_delivery_is_landed_by_a_queued_run_and_no_identifier_reaches_the_database(
    postgres: Postgres, home: Path, waiting: Path, tmp_path: Path
) -> None:
    """The daemon's sensor sees the deliveries, its queue starts the run, and a process of the code location lands."""
    root = DataRoot(SMALL_STUDY, tmp_path / SMALL_STUDY)
    shutil.copytree(waiting, root.path, symlinks=True)
    with dg.DagsterInstance.get() as instance:  # makes the tables
        assert isinstance(instance.event_log_storage, PostgresEventLogStorage)
        with daemon(tmp_path):
            wait_until(postgres, lambda: any(run.is_finished for run in instance.get_runs()))
        [run] = instance.get_runs()
        told = postgres.rows(DATABASE, "select event from event_logs where dagster_event_type like '%_FAILURE'")
        assert (run.job_name, run.status, run.tags[LOCATION_TAG]) == ("land", dg.DagsterRunStatus.SUCCESS, "polku"), (
            told
        )
        assert instance.get_latest_materialization_event(dg.AssetKey(["landing", "reference__study"]))
    kinds = {str(kind) for (kind,) in postgres.rows(DATABASE, "select dagster_event_type from event_logs")}
    assert {"PIPELINE_ENQUEUED", "PIPELINE_STARTING", "PIPELINE_SUCCESS", "ASSET_MATERIALIZATION"} <= kinds
    assert not list(root.inbox.glob("*.hpkg")), "everything has landed"
    assert not list(home.rglob("*.db")), "nothing is in SQLite"
    stored = everything_in(postgres)
    codes = identity_codes(root)
    assert len(codes) > 500
    assert run.run_id in stored
    assert {code for code in codes if code in stored} == set()


def everything_in(postgres: Postgres) -> str:
    """The text of every row of every table."""
    tables = postgres.rows(DATABASE, "select table_name from information_schema.tables where table_schema = 'public'")
    rows = (row for (name,) in tables for (row,) in postgres.rows(DATABASE, f"select t::text from {name} t"))
    return "\n".join(map(str, rows))


def identity_codes(root: DataRoot) -> set[str]:
    """Identity codes that the authorities hold."""
    found = set()
    for path in root.path.glob("authorities/*/extract/*.csv"):
        with path.open(encoding="utf-8") as file:
            found |= {row["hetu"] for row in csv.DictReader(file, delimiter=";") if row.get("hetu")}
    return found


@contextmanager
def daemon(data: Path) -> Iterator[None]:
    """Dagster's daemon over the checkout's workspace."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", "workspace.yaml"]
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={**os.environ, "POLKU_DATA": str(data), "POLKU_STUDY": SMALL_STUDY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        # Daemon and code server are a session of their own, of which some may not listen to a request.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(postgres: Postgres, happened: Callable[[], bool]) -> None:
    """Look again whenever Dagster tells PostgreSQL of an event."""
    with closing(psycopg2.connect(host=str(postgres.folder), user=SERVER, dbname=DATABASE)) as con:
        con.autocommit = True
        con.cursor().execute(f"listen {CHANNEL_NAME}")
        while not happened():
            assert select.select([con], [], [], PATIENCE_S)[0], "nothing happens any more"
            con.poll()
            con.notifies.clear()
