"""Random keys of persons and other entities, and the research tokens they stand for (encrypted).

Belongs here: the one place in which a token becomes a key. Does not belong here: which entities are one
person (`crosswalk`) and how tokens are made (`research_tokens`).

A key is a random positive 63-bit integer: nothing about the person, the token or the time it was made. Tokens
come and go (a rotation of keys gives an entity another), its key stays. `no` is the order in which entities
first arrived: of several entities that turn out to be one person, the first gives the person its key. Both
tables have no primary key: they are only added to here, by what they do not hold yet, and an index would cost
more than all else.

    record       random numbers by which sketches of released cells tell whether a person is still in them (record_keys)
    level        research keys in force, with what tells whether a key file is the right one
    same         two entities that a bridge has shown to be one identifier ("rekeyed")
    restriction  entities whose person is out of the marts until the restriction is lifted
    tombstone    what recognises an erased identifier when it is delivered again: HMAC(K_tomb, its token)
    erasing      erasures that have begun; rows of their entities are still being removed
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa

from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import storage

TOKENS = pa.schema([("id_type", pa.utf8()), ("rho", pa.binary())])

_SCHEMA = (
    "create table if not exists identities.entity "
    "(entity_key bigint not null, id_type varchar not null, no bigint not null)",
    "create table if not exists identities.token "
    "(id_type varchar not null, rho blob not null, entity_key bigint not null)",
    "create table if not exists identities.record (entity_key bigint not null, record_key ubigint not null)",
    "create table if not exists identities.linked_in (mode varchar primary key)",
    "create table if not exists identities.restriction (entity_key bigint primary key, notice_id varchar not null)",
    "create table if not exists identities.rejected_link (register varchar, table_name varchar, delivery_id varchar, "
    "row_no bigint, decided_by varchar not null, reason varchar not null, decided_on date not null, "
    "primary key (register, table_name, delivery_id, row_no))",
    "create table if not exists identities.level (no integer primary key, key_check varchar not null)",
    "create table if not exists identities.same "
    "(one bigint, other bigint, delivery_id varchar not null, primary key (one, other))",
    "create table if not exists identities.tombstone "
    "(level integer, id_type varchar, mark blob, notice_id varchar not null, primary key (level, id_type, mark))",
    "create table if not exists identities.erasing "
    "(notice_id varchar, entity_key bigint, facts varchar not null, primary key (notice_id, entity_key))",
)


@contextmanager
def identities(root: DataRoot) -> Iterator[Identities]:
    """Open the store for one delivery: committed when the block ends well, else as it was."""
    with storage.connect(root) as con:
        storage.attach(con, root, root.identities, "identities")
        for statement in _SCHEMA:
            con.execute(statement)
        con.execute("begin")
        try:
            yield Identities(con)
        except BaseException:
            con.execute("rollback")
            raise
        con.execute("commit")


class Identities:
    """The store within one transaction: its tables are in the schema `identities` of `con`."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con

    def hold_to(self, mode: str) -> None:
        """Refuse (KEY_UNUSABLE) tokens of another mode than those that are here: nobody would be found again."""
        self.con.execute(
            "insert into identities.linked_in select ? where not exists (from identities.linked_in)", [mode]
        )
        if self.con.execute("from identities.linked_in").fetchall() != [(mode,)]:
            raise Refusal(
                Exit.KEY_UNUSABLE,
                "the trust file names another mode than the one that all deliveries so far were linked in.",
                "A mode is chosen before a study's first delivery. To change it, begin the study anew.",
            )

    def keys_of(self, tokens: pa.Table) -> pa.ChunkedArray:
        """One entity key (int64) for each row of `tokens` (TOKENS); tokens not seen before get new ones."""
        con = self.con.register("asked", tokens)
        missing = con.execute(
            "select distinct id_type, rho from asked anti join identities.token using (id_type, rho)"
        ).to_arrow_table()
        new = missing.append_column("entity_key", pa.array(self._new_keys(missing.num_rows)))
        con.register("new", new)
        con.execute(
            "insert into identities.entity select entity_key, id_type, known + row_number() over (order by entity_key) "
            "from new, (select coalesce(max(no), 0) as known from identities.entity)"
        )
        con.execute("insert into identities.token select id_type, rho, entity_key from new")
        con.unregister("asked")
        con.unregister("new")
        return self.known_keys(tokens)

    def known_keys(self, tokens: pa.Table) -> pa.ChunkedArray:
        """The entity key (int64) of each row of `tokens` (TOKENS), null where the token is not known."""
        self.con.register("asked", tokens)
        keys = self.con.execute(
            "select entity_key from (select row_number() over () as no, * from asked) "
            "left join identities.token using (id_type, rho) order by no"
        ).to_arrow_table()
        self.con.unregister("asked")
        return keys["entity_key"]

    def arrived(self) -> int:
        """How many entities have arrived so far: the next one gets a greater `no`."""
        return int(self.con.execute("select coalesce(max(no), 0) from identities.entity").fetchall()[0][0])

    def later_than(self, no: int, keys: Iterable[int]) -> set[int]:
        """Those of the entities that arrived after the first `no`."""
        with self.asked(keys):
            found = self.con.execute(
                "select entity_key from asked_keys join identities.entity using (entity_key) where no > ?", [no]
            ).fetchall()
        return {int(key) for (key,) in found}

    @contextmanager
    def asked(self, keys: Iterable[int]) -> Iterator[None]:
        """The keys as a relation `asked_keys` (entity_key)."""
        self.con.register("asked_keys", pa.table({"entity_key": pa.array(sorted(set(keys)), pa.int64())}))
        try:
            yield
        finally:
            self.con.unregister("asked_keys")

    def _new_keys(self, count: int) -> np.ndarray:
        while True:
            keys = np.frombuffer(secrets.token_bytes(8 * count), dtype=np.int64) & np.int64(2**63 - 1)
            self.con.register("drawn", pa.table({"entity_key": keys}))
            taken = self.con.execute("select 1 from drawn semi join identities.entity using (entity_key) limit 1")
            if not taken.fetchall() and len(np.unique(keys)) == count and (keys > 0).all():
                return keys
