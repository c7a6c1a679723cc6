"""The nightly job from a shell: `python -m orchestration.nightly`, what `make nightly` runs.

Belongs here: starting the job in this process, progress that a person can read, and the exit code. Does
not belong here: the job. The run is recorded in DAGSTER_HOME, so that the user interface shows it.
"""

from __future__ import annotations

import sys
import time

import dagster as dg

from orchestration.definitions import defs, root, study
from polku.errors import Exit

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def main() -> int:
    """Run the job `nightly`; 0 when it succeeded, GATE_CLOSED when a check failed, else UNEXPECTED."""
    started = time.monotonic()
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def("nightly").execute_in_process(
            instance=instance, run_config=QUIET, raise_on_error=False
        )
    checks = result.get_asset_check_evaluations()
    for check in (c for c in checks if not c.passed):
        print(
            f"closed gate: {check.asset_key.to_user_string()} {check.check_name}: {check.description}",
            file=sys.stderr,
        )
    assets = len(result.get_asset_materialization_events())
    passed = sum(check.passed for check in checks)
    seconds = time.monotonic() - started
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


if __name__ == "__main__":
    sys.exit(main())
