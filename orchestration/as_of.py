"""Rebuilds the marts as they were known at an earlier time: `python -m orchestration.as_of 2024-06-30`.

Belongs here: starting the job `rebuild` for that time, and what a person sees of it. Does not belong here: what was
known then (`polku.research.landed`). The run leaves no trace in Dagster's history, which tells of the marts of today.
"""

from __future__ import annotations

import argparse
import os
import sys

import dagster as dg

from assets.engines import chosen_engine
from orchestration.shell import QUIET, alone
from polku.errors import Exit, Refusal
from polku.layout import DEFAULT_STUDY, DataRoot
from polku.research import landed
from polku.research.snapshot import digests
from polku.studies import load_study

STUDY = os.environ.get("POLKU_STUDY", DEFAULT_STUDY)


def main() -> int:
    """Rebuild and print every mart with its rows and digest; the exit codes are those of a night."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.as_of",
        description="Rebuild the marts of the study POLKU_STUDY as they were known at an earlier time, beside those of "
        "today. Deliveries that came later are not there; persons erased or restricted since then stay out.",
        epilog="Example: python -m orchestration.as_of kela-20240131-0002. Then: polku query --as-of ...",
    )
    parser.add_argument(
        "as_of", metavar="DAY|DELIVERY", help="deliveries extracted until a day, or landed until one did"
    )
    args = parser.parse_args()
    try:
        load_study(STUDY)  # whose faults the definitions would tell as a traceback
        root = DataRoot.of(STUDY, args.as_of)
        chosen_engine().check(root)
        known = len(landed.extracts(root))
        if not known:
            raise Refusal(Exit.USAGE, f"nothing had been delivered by {root.as_of}.", "Choose a later day.")
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return refusal.exit
    with alone(root) as free:
        return _rebuild(root, known) if free else Exit.ANOTHER_RUN


def _rebuild(root: DataRoot, known: int) -> int:
    os.environ["POLKU_AS_OF"] = str(root.as_of)
    # Only now: loading the definitions reads for which time they are.
    from orchestration.definitions import defs

    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("rebuild").execute_in_process(
            instance=instance, run_config=QUIET, raise_on_error=False
        )
    for check in (c for c in result.get_asset_check_evaluations() if not c.passed):
        print(f"{check.asset_key.to_user_string()} {check.check_name}: {check.description}", file=sys.stderr)
    if not result.success:
        print("The marts could not be rebuilt.", file=sys.stderr)
        return Exit.GATE_CLOSED
    print(f"Marts of {root.study} as known at {root.as_of}, from {known} deliveries:")
    for mart, (rows, digest) in digests(root).items():
        print(f"  {mart:32} {rows:>12} rows  {digest}")
    print(f'Ask: polku query --study {root.study} --as-of {root.as_of} "select ..."')
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
