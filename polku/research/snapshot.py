"""The analysts' snapshot: a finished, encrypted copy of the marts.

Belongs here: making it, swapping it in, and reading one mart of it. Does not belong here: questions
that analysts ask (`polku query`), and any other schema of the warehouse.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import duckdb
import pandas as pd

from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import storage


def take_snapshot(root: DataRoot, estimates: Sequence[str] = ()) -> dict[str, int]:
    """Copy the schema `marts` of the warehouse, and the `estimates`, to `marts.duckdb`; returns the rows of each mart.

    The copy is made beside the snapshot in use and swapped in whole: whoever reads the old one keeps it,
    and a run that is killed leaves it as it was.
    """
    new = root.marts.with_suffix(".duckdb.new")
    for left_over in (new, Path(f"{new}.wal")):
        left_over.unlink(missing_ok=True)
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        storage.attach(con, root, new, "snapshot")
        con.execute("create schema snapshot.marts")
        # Tables, or views of what another engine has built.
        query = "from information_schema.tables where table_catalog = 'warehouse' and table_schema = 'marts'"
        rows = {}
        for (mart,) in con.execute(f"select table_name {query} order by table_name").fetchall():
            rows[mart] = _copy(con, mart, f"warehouse.marts.{mart}")
        for name in estimates:
            rows[name] = _copy(con, name, storage.parquet(root.estimate(name)))
        con.execute("checkpoint snapshot")
        con.execute("detach snapshot")
    new.replace(root.marts)
    return rows


def _copy(con: duckdb.DuckDBPyConnection, name: str, source: str) -> int:
    made = con.execute(f"create table snapshot.marts.{name} as from {source}").fetchone()
    return int(made[0]) if made else 0


def digests(root: DataRoot) -> dict[str, tuple[int, str]]:
    """Rows and digest of each mart of the snapshot; the digest is of what the rows say, in whichever order they lie."""
    found = {}
    with storage.connect(root) as con:
        storage.attach(con, root, root.marts, "snapshot", read_only=True)
        query = "select table_name from duckdb_tables() where database_name = 'snapshot' order by table_name"
        for (mart,) in con.execute(query).fetchall():
            lines = f"select md5(cast(t as varchar)) as line from snapshot.marts.{mart} t"
            # Sums of the halves of all lines' digests: no order, and equal rows do not cancel out.
            halves = ", ".join(f"sum(('0x' || substr(line, {start}, 16))::ubigint::hugeint)" for start in (1, 17))
            [(rows, first, second)] = con.execute(f"select count(*), {halves} from ({lines})").fetchall()
            found[str(mart)] = (int(rows), sha256(f"{rows} {first} {second}".encode()).hexdigest()[:32])
    return found


def read_mart(root: DataRoot, mart: str) -> pd.DataFrame:
    """A mart of the snapshot as a data frame; meant for aggregates. Refuses (NO_SNAPSHOT) when there is none."""
    if not root.marts.exists():
        raise Refusal(Exit.NO_SNAPSHOT, "there is no snapshot of the marts.", "Run `make nightly` first.")
    with storage.connect(root) as con:
        storage.attach(con, root, root.marts, "snapshot", read_only=True)
        return con.execute(f"from snapshot.marts.{mart}").df()
