"""When jobs run, and who hears of a failure.

Belongs here: the schedule and the sensors. Does not belong here: what runs (`jobs`, `assets/`).
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import dagster as dg

from orchestration.jobs import land, nightly
from polku.layout import DataRoot
from polku.research import opening
from polku.studies import Study

nightly_at_two = dg.ScheduleDefinition(
    name="nightly_at_two",
    job=nightly,
    cron_schedule="0 2 * * *",
    execution_timezone="Europe/Helsinki",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Everything, every night at two.",
)


def new_deliveries(root: DataRoot, study: Study) -> dg.SensorDefinition:
    """Lands deliveries as they arrive. The ledger is the authority on what has landed; the run key only
    keeps one state of the inbox from starting two runs."""

    @dg.sensor(
        job=land,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts `land` when both halves of a delivery are in the inbox.",
    )
    def new_deliveries() -> dg.RunRequest | dg.SkipReason:
        deliveries = opening.pending(root, study)
        if not deliveries:
            return dg.SkipReason(f"Deliveries that wait for another part: {len(opening.waiting(root, study))}.")
        digests = "".join(delivery.digest for delivery in deliveries)
        return dg.RunRequest(run_key=hashlib.sha256(digests.encode()).hexdigest())

    return new_deliveries


def alert_on_failure(root: DataRoot) -> dg.SensorDefinition:
    """Writes one line per failed run to `alerts.jsonl` of the data root: run, job, steps and failed checks.

    Names only, never a message: an exception may quote data. A mail or pager watches that file.
    """

    @dg.run_failure_sensor(
        default_status=dg.DefaultSensorStatus.RUNNING, description="Writes a line to alerts.jsonl for each failed run."
    )
    def alert_on_failure(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        closed, broken = dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.STEP_FAILURE
        records = context.instance.get_records_for_run(run.run_id, of_type={closed, broken}).records
        events = [event for record in records if (event := record.event_log_entry.dagster_event)]
        checks = [event.asset_check_evaluation_data for event in events if event.event_type is closed]
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "run_id": run.run_id,
            "job": run.job_name,
            "steps": [event.step_key for event in events if event.event_type is broken],
            "checks": [
                f"{check.asset_key.to_user_string()}:{check.check_name}" for check in checks if not check.passed
            ],
        }
        with (root.path / "alerts.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    return alert_on_failure
