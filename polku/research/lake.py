"""The lake in which dbt builds for the engine `ducklake`, and how its tables come back to this machine.

Belongs here: how a connection attaches the lake of a study, what is published of it, and that it keeps nothing that has
been replaced. Does not belong here: what is built in it (dbt), and landing and the analysts' snapshot, which are the
same for every engine.

The catalog is in PostgreSQL, where libpq's service `polku_lake` says, each study in a schema of its own; rows are in
encrypted Parquet files below the study's data root. The catalog holds the keys of these files and the least and
greatest value of each column: it is to be guarded like the store key (docs/ducklake.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import duckdb

from polku import duckdb_encryption
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import storage
from polku.sql_text import text

SERVICE = "polku_lake"
PATIENCE_S = 10
"""How long PostgreSQL may take to answer a connection."""


def attach(con: duckdb.DuckDBPyConnection, root: DataRoot, alias: str) -> None:
    """Attach the study's lake under `alias`; made when absent.

    Refuses (ENGINE_UNREACHABLE) when PostgreSQL does not answer or does not let us, and (ENGINE_UNUSABLE) a lake whose
    files are those of another data root.
    """
    for extension in ("ducklake", "postgres_scanner"):
        duckdb_encryption.load(con, extension)
    root.lake.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Rows of small tables would else stand in the catalog, in plain text: no row is small enough to be inlined.
    options = (
        f"data_path {text(f'{root.lake}/')}, metadata_schema {text(root.study)}, encrypted, data_inlining_row_limit 0"
    )
    catalog = text(f"ducklake:postgres:service={SERVICE} connect_timeout={PATIENCE_S}")
    try:
        con.execute(f"attach {catalog} as {alias} ({options})")
    except duckdb.Error as error:
        message = str(error)
    else:
        return
    if "does not match existing data path" in message:
        advice = "Each platform needs a database of its own for its lakes (docs/ducklake.md)."
        raise Refusal(Exit.ENGINE_UNUSABLE, f"the lake of `{root.study}` is that of another data root.", advice)
    # What libpq says of a connection names host and role, and no password.
    told = re.search(r'Unable to connect to Postgres at "[^"]*": ([^\n]*)', message)
    reason = f": {told[1]}" if told else ""
    advice = f"See that PostgreSQL runs and that libpq's service `{SERVICE}` names it (docs/ducklake.md)."
    raise Refusal(Exit.ENGINE_UNREACHABLE, f"the lake of `{root.study}` could not be attached{reason}.", advice)


def publish(root: DataRoot, tables: Iterable[tuple[str, str]]) -> None:
    """Copy `tables` (layer, name) to a new `warehouse.duckdb`, swap it in whole, and tidy the lake up.

    Refuses (ENGINE_UNREACHABLE) when one of them is not in the lake; the warehouse in use then stays.
    """
    new = root.warehouse.with_suffix(".duckdb.new")
    for left_over in (new, Path(f"{new}.wal")):
        left_over.unlink(missing_ok=True)
    with storage.connect(root) as con:
        attach(con, root, "lake")
        storage.attach(con, root, new, "warehouse")
        for layer, table in tables:
            con.execute(f"create schema if not exists warehouse.{layer}")
            try:
                con.execute(f"create table warehouse.{layer}.{table} as from lake.{layer}.{table}")
            except duckdb.Error:
                told = f"`{layer}.{table}` was built and could not be read from the lake of `{root.study}`."
            else:
                continue
            raise Refusal(Exit.ENGINE_UNREACHABLE, told, "Run again: the next night builds everything.")
        con.execute("checkpoint warehouse")
        con.execute("detach warehouse")
        new.replace(root.warehouse)
        _forget_replaced(con)


def _forget_replaced(con: duckdb.DuckDBPyConnection) -> None:
    """Delete every file that no table is made of now: an erased person would live on in earlier snapshots."""
    con.execute("call ducklake_expire_snapshots('lake', older_than => now())")
    con.execute("call ducklake_cleanup_old_files('lake', cleanup_all => true)")
    con.execute("call ducklake_delete_orphaned_files('lake', cleanup_all => true)")
