"""DuckDB's encryption module, its spill files and its reach: what who works on rows of persons needs of DuckDB.

Belongs here: loading the module from its installed package, encrypting what memory cannot hold, and shutting out
the rest of the machine. Does not belong here: keys and files of the research platform (`research.storage`).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import duckdb

from polku.errors import Exit, Refusal
from polku.sql_text import text, texts


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory connection, to be given to `encrypt_spill`.

    DuckDB checks the signature of an extension each time it loads one (45 ms): the first connection of a process does,
    later ones only as long as it is still the same file.
    """
    return duckdb.connect(config={"allow_unsigned_extensions": _identity(_httpfs()) in _verified})


def encrypt_spill(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """What a connection cannot hold in memory goes to `folder`, encrypted; nothing is fetched from a network."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    con.execute("set autoinstall_known_extensions = false")
    con.execute("load " + text(_httpfs()))
    _verified.add(_identity(_httpfs()))
    con.execute("set temp_file_encryption = true")
    con.execute("set temp_directory = " + text(str(folder)))


def load(con: duckdb.DuckDBPyConnection, extension: str) -> None:
    """Load another extension from its installed wheel, whose signature is checked once for one file."""
    file = _extension(extension)
    if _identity(file) not in _verified:
        with duckdb.connect() as strict:  # `con` may be one that checks nothing
            strict.execute("load " + text(file))
        _verified.add(_identity(file))
    con.execute("load " + text(file))


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


def _identity(file: str) -> tuple[int, ...]:
    """Which file an extension is, as far as the operating system knows."""
    stat = Path(file).stat()
    return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _httpfs() -> str:
    """DuckDB's encryption module writes only with this loaded."""
    return _extension("httpfs")


@cache
def _extension(name: str) -> str:
    """The extension file of the installed wheel. Refuses (UNEXPECTED) where none is there for this DuckDB."""
    package = f"duckdb_extension_{name}"
    version = f"v{duckdb.__version__}/{name}.duckdb_extension"
    found = sorted(Path(str(files(package))).glob(f"extensions/{version}")) if find_spec(package) else []
    if not found:
        raise Refusal(
            Exit.UNEXPECTED,
            f"no {name} extension for DuckDB {duckdb.__version__}.",
            f"Install duckdb and {package.replace('_', '-')} in the same version (requirements.lock has both).",
        )
    return str(found[0])
