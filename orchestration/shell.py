"""What commands share that run a job in their own process.

Belongs here: the lock between such runs and their quiet console. Does not belong here: any job.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from polku.layout import DataRoot

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@contextmanager
def alone(root: DataRoot) -> Iterator[bool]:
    """Whether no other run of the study is at work; says so when one is.

    Two would take the warehouse and dbt's folder from each other.
    """
    root.path.mkdir(parents=True, exist_ok=True)
    with (root.path / ".nightly.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another nightly run is at work on this study; nothing was changed.", file=sys.stderr)
            yield False
            return
        yield True
