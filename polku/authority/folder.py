"""The authority's own folder while an extract is worked on: one run at a time, and nothing left behind.

Belongs here: the lock, the working connection, and what a killed run left. Does not belong here: what is read and
sealed (`sealing`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from polku.authority.transcoding import lay_pipe
from polku.duckdb_encryption import confine, connect, encrypt_spill
from polku.errors import Exit, Refusal
from polku.exchange.folders import settle
from polku.exchange.ledger import Ledger

_MEMORY = "1400MB"
_OF_A_DELIVERY = ("*.rows.*", "*.report.*")


@contextmanager
def alone(authority: Path) -> Iterator[None]:
    """Hold the authority's folder. Refuses (ANOTHER_RUN) when another run is at work in it."""
    folder = os.open(authority, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(
                Exit.ANOTHER_RUN, "another run is at work in this authority's folder.", "Wait until it is done."
            ) from None
        yield
    finally:
        os.close(folder)


@contextmanager
def workbench(authority: Path, extract: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the files in `extract` and touches no others, but for a pipe and spill files of its own.

    These are below the authority's folder, encrypted with a key that only this connection has, and go with it. Where
    that folder does not exist yet (a dry run), everything must find room in memory.
    """
    spill = authority / ".spill"
    try:
        with connect() as con:
            con.execute(f"set memory_limit = '{_MEMORY}'")
            if authority.is_dir():
                encrypt_spill(con, spill)
            else:
                con.execute("set temp_directory = ''")
            with TemporaryDirectory(prefix="polku-") as pipes:
                lay_pipe(con, Path(pipes))
                confine(con, extract, Path(pipes))
                yield con
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def tidy(authority: Path, ledger: Ledger) -> Path:
    """The folder of sealed packages, without what killed runs left.

    Packages that the ledger knows get their names; others go, with their lists, half-written files and spill.
    """
    sealed = authority / "sealed"
    sealed.mkdir(parents=True, exist_ok=True, mode=0o700)
    entries = ledger.entries()
    settle(sealed, (digest for entry in entries for digest in entry.digests.values()))
    known = {entry.delivery_id for entry in entries}
    for path in (path for pattern in _OF_A_DELIVERY for path in sealed.glob(pattern)):
        if path.name.split(".")[0] not in known:
            path.unlink()
    for folder in (sealed, authority / "quarantine"):
        for part in folder.glob(".*.part"):
            part.unlink()
    shutil.rmtree(authority / ".spill", ignore_errors=True)
    return sealed
