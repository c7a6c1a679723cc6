"""Encrypted DuckDB connections and Parquet files of the research platform.

Belongs here: how a connection gets its encryption, keys and limits. Does not belong here: what is
stored. Keys reach DuckDB only through this module and never appear in a message or a log.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import duckdb
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from polku import duckdb_encryption
from polku.errors import Exit, Refusal
from polku.exchange.keyfiles import read_key, write_key
from polku.layout import DataRoot
from polku.sql_text import text

STORE_KEY = "store.key"
PARQUET_KEY_NAME = "polku"
MEMORY_SHARE, LEAST_MEMORY = 0.25, 10**9
"""Of what DuckDB would take by itself (four fifths of what the machine, or its control group, has), and bytes. Python,
dbt and whoever else is on the machine need the rest; what does not fit is spilled."""
PARQUET_OPTIONS = f"format parquet, compression zstd, encryption_config {{footer_key: '{PARQUET_KEY_NAME}'}}"


def ensure_store_key(root: DataRoot) -> Path:
    """Path of the key that encrypts landing, warehouse and marts at rest; made on first use (mode 0600).

    Refuses (KEY_UNUSABLE) to make a new one where something is already encrypted with another.
    """
    path = root.keys / STORE_KEY
    if not path.exists():
        if any(file.exists() for file in (root.identities, root.warehouse, root.marts)):
            raise Refusal(
                Exit.KEY_UNUSABLE,
                "the key of the encrypted store is missing.",
                "Restore it from its backup: what is encrypted cannot be read without it.",
                file=STORE_KEY,
            )
        write_key(path, secrets.token_bytes(32))
    return path


def connect(root: DataRoot) -> duckdb.DuckDBPyConnection:
    """An in-memory connection that can read and write this study's encrypted files.

    Spill files are encrypted and below the data root; nothing is fetched from a network.
    """
    con = duckdb_encryption.connect()
    prepare(con, root)
    return con


def prepare(con: duckdb.DuckDBPyConnection, root: DataRoot) -> None:
    """Give a new connection the encryption module, the Parquet key, an encrypted spill folder and a memory limit."""
    duckdb_encryption.encrypt_spill(con, root.spill)
    con.execute("set memory_limit = $limit", {"limit": f"{_memory_limit(con)}B"})
    key = base64.b64encode(_derived(root, "parquet")).decode()
    _quietly(con, f"pragma add_parquet_key('{PARQUET_KEY_NAME}', '{key}')")


def attach(con: duckdb.DuckDBPyConnection, root: DataRoot, file: Path, alias: str, *, read_only: bool = False) -> None:
    """Attach an encrypted database file (made when absent, unless read_only) under `alias`."""
    key = base64.b64encode(_derived(root, "database")).decode()
    mode = ", read_only" if read_only else ""
    _quietly(con, f"attach {text(str(file))} as {alias} (encryption_key '{key}'{mode})")


def write_parquet(con: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    """Write the rows of `query` to an encrypted Parquet file, whole or not at all; returns the row count."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    row = con.execute(f"copy ({query}) to {text(str(part))} ({PARQUET_OPTIONS})").fetchone()
    part.replace(file)
    return int(row[0]) if row else 0


def parquet(files_: list[Path] | Path) -> str:
    """SQL sub-query over encrypted Parquet files; a column that one of them lacks is null there.

    Files are united by SQL: `union_by_name` together with encryption crashes DuckDB (issue 21508).
    """
    many = files_ if isinstance(files_, list) else [files_]
    config = f"encryption_config = {{footer_key: '{PARQUET_KEY_NAME}'}}"
    return "(" + " union all by name ".join(f"from read_parquet({text(str(f))}, {config})" for f in many) + ")"


def without_values(error: Exception) -> str:
    """What may be said of a failed statement: a message about its text, else only the kind of error.

    DuckDB's messages about anything but the text of a statement may quote the value it choked on.
    """
    if isinstance(error, (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)):
        return str(error)
    return f"{type(error).__name__} (its message may quote a row and is withheld)"


def _memory_limit(con: duckdb.DuckDBPyConnection) -> int:
    """Bytes for a connection whose limit is still DuckDB's own, which it tells like `18.8 GiB`."""
    [(told,)] = con.execute("select current_setting('memory_limit')").fetchall()
    number, unit = told.split()
    return max(int(MEMORY_SHARE * float(number) * 1024 ** (" KMGT".index(unit[0]))), LEAST_MEMORY)


def _derived(root: DataRoot, purpose: str) -> bytes:
    hkdf = HKDF(SHA256(), 32, salt=b"polku store/v1", info=purpose.encode())
    return hkdf.derive(read_key(ensure_store_key(root)))


def _quietly(con: duckdb.DuckDBPyConnection, sql_with_key: str) -> None:
    """Execute a statement that holds key material; a failure never repeats the statement."""
    try:
        con.execute(sql_with_key)
    except duckdb.Error as error:
        kind = type(error).__name__
    else:
        return
    raise Refusal(
        Exit.KEY_UNUSABLE,
        f"the encrypted store could not be opened ({kind}).",
        "Either the key file is not the one the store was made with, or another process holds the file.",
    )
