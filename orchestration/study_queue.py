"""Dagster's queue of runs, in which each run tells whose study it is.

Belongs here: the tag by which a queue that many studies share lets one run of each go at a time. Does not belong here:
the limits themselves (`deploy/dagster.yaml`) and what a run does.
"""

from __future__ import annotations

from dagster import DagsterRun
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext

LOCATION_TAG = "polku/location"


class StudyQueue(QueuedRunCoordinator):
    """Tags what is submitted with the name of its code location, of which a site has one for each study.

    A tag of jobs would not do: whoever materialises single assets in the user interface runs a job of Dagster's own.
    """

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Put a run into the queue."""
        run, origin = context.dagster_run, context.dagster_run.remote_job_origin
        if origin:
            self._instance.add_run_tags(run.run_id, {LOCATION_TAG: origin.location_name})
        return super().submit_run(context)
