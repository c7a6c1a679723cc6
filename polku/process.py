"""A process that handles keys and identity codes keeps them to itself.

Belongs here: what the operating system and the interpreter would give away of such a process, and stopping it. Does
not belong here: what a command does, and what DuckDB may touch (`duckdb_encryption`).

What Python cannot promise: a key is copied as it is used and no copy can be wiped for certain. So memory is kept from
leaving the machine instead: no core dump, no debugger of the same user, and no swap where the system lets us lock it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import sys
import threading
import traceback
import warnings
from enum import StrEnum
from pathlib import Path

from polku.errors import Exit, Refusal

_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14


class Swap(StrEnum):
    """What may become of memory that is not in use: whether the system can write it to a disk, and how."""

    LOCKED = "locked"
    NONE = "none"
    ENCRYPTED = "encrypted"
    OPEN = "open"


def harden() -> None:
    """Close this process; the first thing the command line does. Refuses (USAGE) an interpreter that asks at its end.

    Files are made for their user alone, memory is not dumped, not debugged and where possible not swapped, and no
    hook prints a value.
    """
    if sys.flags.inspect or sys.flags.interactive:
        raise Refusal(
            Exit.USAGE,
            "Python would wait for commands when it is done, and show what is in memory to whoever types them.",
            "Unset PYTHONINSPECT and leave out -i.",
        )
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _may_lock_all():
        libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)
    _quiet_hooks()


def swap(
    status: Path = Path("/proc/self/status"),
    swaps: Path = Path("/proc/swaps"),
    devices: Path = Path("/sys/block"),
) -> Swap:
    """Whether the memory of this process can come to lie on a disk. What is not known to be encrypted is open."""
    if _status(status, "VmLck") != "0 kB":
        return Swap.LOCKED
    areas = [Path(line.split()[0]) for line in swaps.read_text(encoding="utf-8").splitlines()[1:]]
    on_disk = [area for area in areas if not area.name.startswith("zram")]
    if not on_disk:
        return Swap.NONE
    ids = [devices / area.resolve().name / "dm" / "uuid" for area in on_disk]
    encrypted = all(path.is_file() and path.read_text(encoding="utf-8").startswith("CRYPT-") for path in ids)
    return Swap.ENCRYPTED if encrypted else Swap.OPEN


def say_where(error: BaseException) -> None:
    """Kind and places of a failure on standard error; its message may hold a value of a row and is not shown."""
    for frame in traceback.extract_tb(error.__traceback__):
        print(f"  {frame.filename}:{frame.lineno} {frame.name}", file=sys.stderr)  # noqa: T201
    print(f"polku: failed unexpectedly ({type(error).__name__})", file=sys.stderr)  # noqa: T201


class OwnWords(logging.Formatter):
    """The messages of this library, and of every other one no more than that it had something to say."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; never an exception, whose message may hold a value."""
        if record.name.split(".")[0] == "polku":
            return record.getMessage()
        return f"{record.levelname.lower()} of {record.name}, line {record.lineno} of {record.filename}"


def _may_lock_all() -> bool:
    """Only without a limit: below one, memory that cannot be locked cannot be had either, and a command would fail."""
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    return bool(int(_status(Path("/proc/self/status"), "CapEff"), 16) >> _CAP_IPC_LOCK & 1)


def _status(status: Path, name: str) -> str:
    lines = status.read_text(encoding="utf-8").splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{name}:"))


def _quiet_hooks() -> None:
    sys.excepthook = lambda kind, error, trace: say_where(error)
    threading.excepthook = lambda failed: say_where(failed.exc_value or RuntimeError())
    sys.unraisablehook = lambda failed: say_where(failed.exc_value or RuntimeError())
    warnings.showwarning = lambda message, category, filename, lineno, file=None, line=None: print(  # noqa: T201
        f"{category.__name__} at {filename}:{lineno}", file=sys.stderr
    )
    handler = logging.StreamHandler()
    handler.setFormatter(OwnWords())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Else a message that cannot be formatted is printed with all it was to be formatted with.
    logging.raiseExceptions = False
