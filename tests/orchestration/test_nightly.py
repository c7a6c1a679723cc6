"""Starting the nightly job from a shell: whose unfinished runs are closed."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from orchestration.nightly import STARTED_HERE, _close_killed_runs


def test_only_killed_runs_of_this_study_and_of_a_shell_are_closed(home: Path) -> None:
    """Studies share Dagster's storage: another one may be at work at this very moment."""
    tags = {
        "killed": STARTED_HERE,
        "another_study": STARTED_HERE | {"polku/study": "another"},
        "from_the_interface": {},
    }
    with dg.DagsterInstance.get() as instance:
        for job, its in tags.items():
            instance.add_run(dg.DagsterRun(job_name=job, tags=its, status=dg.DagsterRunStatus.STARTED))
        _close_killed_runs(instance)
        found = {run.job_name: run.status for run in instance.get_runs()}
    started = dg.DagsterRunStatus.STARTED
    assert found == {
        "killed": dg.DagsterRunStatus.FAILURE,
        "another_study": started,
        "from_the_interface": started,
    }
