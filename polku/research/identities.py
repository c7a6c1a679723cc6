"""Random keys of persons and other entities, and the research tokens they stand for (encrypted).

Belongs here: the one table in which a token becomes a key. Does not belong here: who is who (dbt's
identity models) and where tokens come from (`opening`).

A key is a random positive 63-bit integer: nothing about the person, the token or the time it was made.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa

from polku.layout import DataRoot
from polku.research import storage

TOKENS = pa.schema([("id_type", pa.utf8()), ("rho", pa.binary())])


@contextmanager
def identities(root: DataRoot) -> Iterator[Identities]:
    """Open the store for one delivery: committed when the block ends well, else as it was."""
    with storage.connect(root) as con:
        storage.attach(con, root, root.identities, "identities")
        con.execute(
            "create table if not exists identities.entity "
            "(id_type varchar not null, rho blob not null, entity_key bigint not null unique, "
            "primary key (id_type, rho))"
        )
        con.execute("begin")
        try:
            yield Identities(con)
        except BaseException:
            con.execute("rollback")
            raise
        con.execute("commit")


class Identities:
    """The store within one transaction."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def keys_of(self, tokens: pa.Table) -> pa.ChunkedArray:
        """One entity key (int64) for each row of `tokens` (TOKENS); tokens not seen before get new ones."""
        con = self._con.register("asked", tokens)
        missing = con.execute(
            "select distinct id_type, rho from asked anti join identities.entity using (id_type, rho)"
        ).to_arrow_table()
        new = missing.append_column("entity_key", pa.array(self._new_keys(missing.num_rows)))
        con.register("new", new).execute("insert into identities.entity select id_type, rho, entity_key from new")
        keys = con.execute(
            "select entity_key from (select row_number() over () as no, * from asked) "
            "join identities.entity using (id_type, rho) order by no"
        ).to_arrow_table()
        con.unregister("asked")
        con.unregister("new")
        return keys["entity_key"]

    def _new_keys(self, count: int) -> np.ndarray:
        while True:
            keys = np.frombuffer(secrets.token_bytes(8 * count), dtype=np.int64) & np.int64(2**63 - 1)
            self._con.register("drawn", pa.table({"entity_key": keys}))
            taken = self._con.execute("select 1 from drawn semi join identities.entity using (entity_key) limit 1")
            if not taken.fetchall() and len(np.unique(keys)) == count and (keys > 0).all():
                return keys
