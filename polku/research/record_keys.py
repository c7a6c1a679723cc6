"""Record keys: a random number of each person that says nothing but that it is the same person as before.

Belongs here: drawing them, forgetting them, and reading sketches of cells by them. Does not belong here: what sketches
are (`polku.disclosure.ledger.sketch`) and which figures they let change.

A record key is a random 64-bit number of an entity, drawn when the crosswalk is made, independent of its token and of
its key, and kept. A person's is that of the entity that gives her the key (`crosswalk`). A new key of a party changes
nothing. When two identifiers turn out to be one person's, her record key is that of the one that arrived first; the
other's leaves every cell it was in, as a person who is erased does, and comes back if the merge is undone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import duckdb
import numpy as np
import pyarrow as pa

from polku.disclosure.cells import ReleaseSpec
from polku.disclosure.ledger.sketch import Sketches, sketch
from polku.layout import DataRoot
from polku.research import storage

RECORDS = "(select entity_key as person_key, record_key from identities.record)"
"""SQL of the record key of each person, where the store of identities is attached as `identities`."""


def draw_missing(con: duckdb.DuckDBPyConnection) -> int:
    """Give a record key to every entity of the store of identities that has none; returns how many were drawn."""
    missing = con.execute(
        "select entity_key from identities.entity anti join identities.record using (entity_key)"
    ).to_arrow_table()
    drawn = np.frombuffer(secrets.token_bytes(8 * missing.num_rows), dtype=np.uint64)
    con.register("drawn", missing.append_column("record_key", pa.array(drawn)))
    con.execute("insert into identities.record select entity_key, record_key from drawn")
    con.unregister("drawn")
    return int(missing.num_rows)


def sketches(root: DataRoot, specs: Iterable[ReleaseSpec]) -> dict[str, tuple[np.ndarray, Sketches, Sketches]]:
    """(keys, members, complements) of each table that declares its members, from the warehouse of this night.

    Refuses (GATE_CLOSED) when a member has no record key.
    """
    listed = [spec for spec in specs if spec.members]
    if not listed:
        return {}
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        storage.attach(con, root, root.identities, "identities", read_only=True)
        return {spec.name: sketch(con, spec, f"warehouse.intermediate.{spec.members}", RECORDS) for spec in listed}
