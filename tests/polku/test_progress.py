"""Bars: for a terminal only, and without any effect on the work."""

from __future__ import annotations

import io
import os
import termios
from contextlib import redirect_stderr

import duckdb
import pyarrow as pa
import pytest

from polku import progress


def work() -> None:
    batches = [pa.record_batch({"a": [1, 2]}), pa.record_batch({"a": [3]})]
    with duckdb.connect() as con, progress.watching(con, "reading"):
        con.execute("select 1")
    assert list(progress.counted(iter(batches), "sealing", 3)) == batches


def test_a_terminal_shows_what_is_done_and_is_left_clear() -> None:
    master, slave = os.openpty()
    os.set_blocking(master, False)
    termios.tcsetwinsize(slave, (24, 80))
    with os.fdopen(slave, "w") as terminal, redirect_stderr(terminal), os.fdopen(master, "rb") as seen:
        work()
        with duckdb.connect() as con, pytest.raises(duckdb.ParserException), progress.watching(con, "failing"):
            con.execute("selec 1")
        shown = seen.read().decode()
    assert all(what in shown for what in ("reading", "sealing", "failing"))
    *_, last, end = shown.split("\r")
    assert (last.strip(), end) == ("", "")


def test_silent_where_nobody_looks() -> None:
    with redirect_stderr(io.StringIO()) as stream:
        work()
    assert stream.getvalue() == ""
