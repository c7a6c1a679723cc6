"""A release that is killed before its n-th file operation; to be run in a process of its own.

Belongs here: what a killed run does. Does not belong here: what must be left (`test_release_ledger`).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.polku.disclosure.ledger.three_releases import append, ledger_in

OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir")


def main(folder: Path, fatal: int, what: str) -> None:
    """Append (`what` is `append`) or withdraw in the ledger of `folder`."""
    done = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        if event in OPERATIONS and str(folder) in str(arguments[0]):
            done += 1
            if done == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    ledger = ledger_in(folder)
    sys.addaudithook(watch)
    if what == "append":
        append(ledger, "b", 2)
    else:
        ledger.withdraw("a", "an outlier was told")
