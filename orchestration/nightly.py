"""The nightly job from a shell: `python -m orchestration.nightly`, what `make nightly` runs.

Belongs here: starting the job in this process, progress that a person can read, and the exit code. Does
not belong here: the job. The run is recorded in DAGSTER_HOME, so that the user interface shows it.
"""

from __future__ import annotations

import logging
import os
import sys
import time

import dagster as dg

from assets.engines import chosen_engine
from orchestration.shell import QUIET, alone
from polku.errors import Exit, Refusal
from polku.layout import DEFAULT_STUDY, DataRoot
from polku.research import opening
from polku.studies import Study, load_study


def main() -> int:
    """Run the job `nightly`; 0 when it succeeded, GATE_CLOSED when a check failed, else UNEXPECTED.

    ANOTHER_RUN when one started here is still at work on the study; STUDY_INVALID or CONTRACT_INVALID, before anything
    runs, when the study or a contract has faults; ENGINE_UNUSABLE or ENGINE_UNREACHABLE when no mart could be built.
    """
    try:
        study = load_study(os.environ.get("POLKU_STUDY", DEFAULT_STUDY))
        root = DataRoot.of(study.code)
        chosen_engine().check(root)
    except Refusal as refusal:
        print(f"refused ({refusal.exit.name}): {refusal}", file=sys.stderr)
        return refusal.exit
    with alone(root) as free:
        return _run(study, root) if free else Exit.ANOTHER_RUN


def started_here(study: str) -> dict[str, str]:
    """Tags of a run that this module starts; studies share Dagster's storage, but not their locks."""
    return {"polku/started_by": "shell", "polku/study": study}


def _run(study: Study, root: DataRoot) -> int:
    # Only now: loading the definitions loads the study, of which a faulty one would end as a traceback.
    from orchestration.definitions import defs

    # Marts that stay as they were are not tested again; Dagster would warn of each of their checks.
    logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)
    started = time.monotonic()
    with dg.DagsterInstance.get() as instance:
        _close_killed_runs(instance, study.code)
        result = defs.resolve_job_def("nightly").execute_in_process(
            instance=instance, run_config=QUIET, raise_on_error=False, tags=started_here(study.code)
        )
    checks = result.get_asset_check_evaluations()
    failed = [check for check in checks if not check.passed]
    for check in (c for c in failed if c.blocking or c.description):
        what = "closed gate" if check.blocking else "to be looked at"
        print(f"{what}: {check.asset_key.to_user_string()} {check.check_name}: {check.description}", file=sys.stderr)
    # dbt's warnings have no words of their own; most are of what marts of persons are like (docs/microdata.md).
    if warned := sorted(c.check_name for c in failed if not c.blocking and not c.description):
        print(f"to be looked at: {len(warned)} warnings of dbt: {', '.join(warned)}", file=sys.stderr)
    assets = len(result.get_asset_materialization_events())
    passed = sum(check.passed for check in checks)
    seconds = time.monotonic() - started
    if waiting := len(opening.waiting(root, study)):
        print(f"{waiting} delivery(ies) wait in the inbox for another part or an earlier delivery.", file=sys.stderr)
    print(f"{study.title.en}: {assets} assets written, {passed} of {len(checks)} checks passed, {seconds:.0f} s")
    if result.success:
        print(f"Released tables: {root.published}")
        print(
            f'Marts:           .venv/bin/polku query --study {study.code} "select * from state_share_by_month limit 5"'
        )
        print("Look:            make ui")
        return Exit.OK
    steps = ", ".join(event.step_key or "" for event in result.all_events if event.is_step_failure) or "a closed gate"
    print(f"The run failed ({steps}). Marts and releases are as they were before.", file=sys.stderr)
    return Exit.GATE_CLOSED if passed < len(checks) else Exit.UNEXPECTED


def _close_killed_runs(instance: dg.DagsterInstance, study: str) -> None:
    """A killed run of this study would count as running for ever, and the daemon would start no other."""
    unfinished = dg.RunsFilter(tags=started_here(study), statuses=[dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(unfinished):
        instance.report_run_failed(run, "The process was killed; its successor closed the run.")


if __name__ == "__main__":
    sys.exit(main())
