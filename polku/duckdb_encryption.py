"""DuckDB's encryption module, its spill files and its reach: what who works on rows of persons needs of DuckDB.

Belongs here: loading the module from its installed package, encrypting what memory cannot hold, and shutting out
the rest of the machine. Does not belong here: keys and files of the research platform (`research.storage`).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from polku.errors import Exit, Refusal
from polku.sql_text import text, texts


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory connection, to be given to `encrypt_spill`.

    DuckDB checks the signature of an extension each time it loads one (45 ms): the first connection of a process does,
    later ones only as long as it is still the same file.
    """
    return duckdb.connect(config={"allow_unsigned_extensions": _identity() in _verified})


def encrypt_spill(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """What a connection cannot hold in memory goes to `folder`, encrypted; nothing is fetched from a network."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    con.execute("set autoinstall_known_extensions = false")
    con.execute("load " + text(_httpfs()))
    _verified.add(_identity())
    con.execute("set temp_file_encryption = true")
    con.execute("set temp_directory = " + text(str(folder)))


def confine(con: duckdb.DuckDBPyConnection, *folders: Path) -> None:
    """From now on a connection reads files of `folders` and its own spill files, and no others; for good.

    No extension is loaded, no database attached and no setting changed any more: a log of statements neither.
    """
    # The bar is polled for (`progress`); DuckDB itself prints nothing.
    con.execute("set enable_progress_bar = true")
    con.execute("set enable_progress_bar_print = false")
    con.execute("set autoload_known_extensions = false")
    con.execute(f"set allowed_directories = [{texts(str(folder.resolve()) for folder in folders)}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


_verified: set[tuple[int, ...]] = set()


def _identity() -> tuple[int, ...]:
    """Which file the extension is, as far as the operating system knows."""
    stat = Path(_httpfs()).stat()
    return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@cache
def _httpfs() -> str:
    """The extension file of the installed wheel: DuckDB's encryption module writes only with httpfs loaded."""
    folder = Path(str(files("duckdb_extension_httpfs"))) / "extensions"
    found = sorted(folder.glob(f"v{duckdb.__version__}/httpfs.duckdb_extension"))
    if not found:
        raise Refusal(
            Exit.UNEXPECTED,
            f"no httpfs extension for DuckDB {duckdb.__version__}.",
            "Install duckdb and duckdb-extension-httpfs in the same version (requirements.lock has both).",
        )
    return str(found[0])
