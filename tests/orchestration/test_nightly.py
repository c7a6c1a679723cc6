"""Starting the nightly job from a shell: whose unfinished runs are closed, and what a faulty study ends in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration.nightly import _close_killed_runs, started_here
from polku.errors import Exit
from polku.layout import CHECKOUT


def test_only_killed_runs_of_this_study_and_of_a_shell_are_closed(home: Path) -> None:
    """Studies share Dagster's storage: another one may be at work at this very moment."""
    tags = {
        "killed": started_here("mine"),
        "another_study": started_here("another"),
        "from_the_interface": {},
    }
    with dg.DagsterInstance.get() as instance:
        for job, its in tags.items():
            instance.add_run(dg.DagsterRun(job_name=job, tags=its, status=dg.DagsterRunStatus.STARTED))
        _close_killed_runs(instance, "mine")
        found = {run.job_name: run.status for run in instance.get_runs()}
    started = dg.DagsterRunStatus.STARTED
    assert found == {
        "killed": dg.DagsterRunStatus.FAILURE,
        "another_study": started,
        "from_the_interface": started,
    }


@pytest.mark.parametrize("command", [["orchestration.nightly"], ["orchestration.as_of", "2024-06-30"]])
def test_a_faulty_study_is_refused_with_its_faults_before_anything_runs(tmp_path: Path, command: list[str]) -> None:
    checkout, data = tmp_path / "checkout", tmp_path / "data"
    for name in ("polku", "orchestration", "contracts", "studies"):
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", checkout)
    study = checkout / "studies" / "mvad.toml"
    study.write_text(study.read_text(encoding="utf-8").replace('"statfin_v1"', '"mine"'), encoding="utf-8")
    settings = os.environ | {"POLKU_STUDY": "mvad", "POLKU_DATA": str(data), "PYTHONPATH": str(checkout)}
    started = [sys.executable, "-m", *command]
    done = subprocess.run(started, cwd=checkout, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.STUDY_INVALID, done.stderr
    assert "`rule_set` must be one of" in done.stderr
    assert "Traceback" not in done.stderr
    assert not data.exists()
