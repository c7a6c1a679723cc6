"""The event log is Dagster's own, only that its databases stay open."""

from __future__ import annotations

from pathlib import Path
from queue import Queue

import dagster as dg
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.event_log import MOST_OPEN, OpenEventLog


@dg.asset
def counted() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 7})


def run_once(instance: dg.DagsterInstance) -> str:
    return dg.materialize([counted], instance=instance).run_id


def events_of(log: SqliteEventLogStorage, run_id: str) -> list[str]:
    entries = (record.event_log_entry for record in log.get_records_for_run(run_id).records)
    return [str(entry.dagster_event_type) for entry in entries if entry.is_dagster_event]


def test_dagsters_own_log_reads_every_event_while_it_is_open_and_reads_it_from_the_database(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, OpenEventLog)
        run_id = run_once(instance)
        told = events_of(instance.event_log_storage, run_id)
        folder = home / "history" / "runs"
        assert "DagsterEventType.ASSET_MATERIALIZATION" in told
        assert events_of(SqliteEventLogStorage(str(folder)), run_id) == told
        materialized = instance.get_latest_materialization_event(counted.key)
        assert materialized is not None
        assert materialized.run_id == run_id


def test_who_follows_a_run_as_the_user_interface_does_hears_of_an_event(home: Path) -> None:
    heard: Queue[str] = Queue()
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_once(instance))
        log = SqliteEventLogStorage(str(home / "history" / "runs"))
        log.watch(run.run_id, None, lambda entry, _: heard.put(entry.message))
        instance.report_engine_event("said at last", run)
        while heard.get(timeout=60) != "said at last":
            pass
        log.dispose()


def test_a_log_that_dagster_has_kept_so_far_goes_on(home: Path) -> None:
    settings = (home / "dagster.yaml").read_text(encoding="utf-8")
    before = {key: value for key, value in yaml.safe_load(settings).items() if key != "event_log_storage"}
    (home / "dagster.yaml").write_text(yaml.safe_dump(before), encoding="utf-8")
    with dg.DagsterInstance.get() as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        first = run_once(instance)
        told = events_of(instance.event_log_storage, first)
    (home / "dagster.yaml").write_text(settings, encoding="utf-8")
    with dg.DagsterInstance.get() as instance:
        second = run_once(instance)
        assert isinstance(instance.event_log_storage, OpenEventLog)
        assert events_of(instance.event_log_storage, first) == told
        assert len(instance.fetch_materializations(counted.key, limit=10).records) == 2
        assert second != first


def test_few_databases_are_open_at_a_time_and_none_after_the_log_is_wiped(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        runs = [run_once(instance) for _ in range(MOST_OPEN + 2)]
        log = instance.event_log_storage
        assert isinstance(log, OpenEventLog)
        assert len(log._engines) == MOST_OPEN
        assert all(events_of(log, run) for run in runs)
        log.wipe()
        assert [events_of(log, run) for run in runs] == [[] for _ in runs]
        assert events_of(log, run_once(instance))
