"""Gives DuckDB a file's text as UTF-8, where DuckDB cannot read its encoding: through a pipe, never through a disk.

Belongs here: the pipe and who writes into it. Does not belong here: what the text says (`csv_files`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from polku.sql_text import text

_CHARACTERS_AT_ONCE = 1 << 20


def lay_pipe(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make the pipe of a connection in `folder`; the connection must be allowed to read there."""
    pipe = folder / "text"
    os.mkfifo(pipe, 0o600)
    con.execute(f"set variable pipe = {text(str(pipe))}")


@contextmanager
def piped(con: duckdb.DuckDBPyConnection, file: Path, encoding: str) -> Iterator[Path]:
    """The path from which DuckDB can read `file` once, as UTF-8, while it is decoded.

    Raises UnicodeDecodeError at the end, without a byte of the file in it, when the file is not of that encoding: what
    was read until then must not be used.
    """
    ((pipe,),) = con.execute("select getvariable('pipe')").fetchall()
    failed = threading.Event()
    writing = threading.Thread(target=_write, args=(file, encoding, pipe, failed), daemon=True)
    writing.start()
    try:
        yield Path(pipe)
    finally:
        # DuckDB may have refused the statement before it opened the pipe; its writer must not wait for ever.
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
        writing.join()
    if failed.is_set():
        raise UnicodeDecodeError(encoding, b"", 0, 0, "not of this encoding")


def _write(file: Path, encoding: str, pipe: str, failed: threading.Event) -> None:
    try:
        with file.open(encoding=encoding, newline="") as characters, Path(pipe).open("wb") as out:
            while said := characters.read(_CHARACTERS_AT_ONCE):
                out.write(said.encode())
    except UnicodeDecodeError:
        failed.set()
    except BrokenPipeError:
        # DuckDB has refused the file or read enough of it, and says so itself.
        pass
