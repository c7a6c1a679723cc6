"""The crosswalk: from what registers state about identifiers to one key per person, and what is in dispute.

Belongs here: reading the links that stand, decisions about them, and writing down whose key is whose. Does
not belong here: the rule that joins (`clusters`) and how well registers link (`linkage_rates`).

A link is a landed row that names one person by two identifiers (`edge` in its contract). Of several rows with
the same natural key those of the last delivery stand, so that a register takes a link back by delivering the row
again: with another identifier, or as withdrawn. Two rows of one delivery both stand, and may be in dispute. Facts
are never rewritten: the views over landing resolve keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from polku.contracts.model import Contract, Table
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import landed, record_keys, storage
from polku.research.clusters import cluster
from polku.research.identities import identities
from polku.studies import Study

PERSON_KEYS = "person_keys"
"""The reference table (entity_key, person_key, is_restricted): one row per entity whose key in the marts is another
one, or that is out of them."""

_LINK_COLUMNS = {
    "one": "bigint", "other": "bigint", "kind": "varchar", "register": "varchar", "table_name": "varchar",
    "delivery_id": "varchar", "row_no": "bigint", "valid_from_on": "date",
}  # fmt: skip


@dataclass(frozen=True)
class Crosswalk:
    """What became of the links, in counts.

    `links` by kind; `merged` entities that stand for a person with another key; `conflicts` disputes by kind;
    `restricted` persons that are out of the marts.
    """

    links: dict[str, int]
    merged: int
    conflicts: dict[str, int]
    restricted: int


def resolve(root: DataRoot, study: Study) -> Crosswalk:
    """Write the reference table `person_keys` from all links that stand, and draw record keys for who is new."""
    with identities(root) as store:
        con = store.con
        record_keys.draw_missing(con)
        clustered(con, root, study)
        restricted = _write_person_keys(con, root)
        return Crosswalk(
            links=_counts(con, "select kind, count(*) from link group by 1 order by 1"),
            merged=_count(con, "from clustered where entity_key <> person_key"),
            conflicts=_counts(con, "select kind, count(distinct conflict_no) from conflict group by 1 order by 1"),
            restricted=restricted,
        )


def clustered(con: duckdb.DuckDBPyConnection, root: DataRoot, study: Study) -> None:
    """Make the tables of `clusters.cluster` out of what has landed; `link` also says where each link comes from."""
    tables = [(contract, table) for contract in study.contracts.values() for table in contract.tables if table.edge]
    links = [query for contract, table in tables if (query := _links(root, contract, table))]
    columns = ", ".join(f"{name} {kind}" for name, kind in _LINK_COLUMNS.items())
    con.execute(f"create or replace temp table stated ({columns})")
    for query in links:
        con.execute(f"insert into stated {query}")
    con.execute("""
        create or replace temp table link as
        select *, kind = 'hetu_changed' as states_change from stated
        anti join identities.rejected_link using (register, table_name, delivery_id, row_no)
        union all
        select one, other, 'rekeyed', '', '', delivery_id, 0, null, true from identities.same""")
    con.execute("create or replace temp table entity as from identities.entity")
    cluster(con)


def entities_of_persons(root: DataRoot, study: Study, keys: Iterable[int]) -> set[int]:
    """All entities that are the same persons as these entities, themselves included."""
    with identities(root) as store:
        clustered(store.con, root, study)
        store.con.register("asked", pa.table({"entity_key": pa.array(keys, pa.int64())}))
        found = store.con.execute("""
            select entity_key from asked union
            select entity_key from clustered where person_key in (select person_key from clustered semi join asked
            using (entity_key))""").fetchall()
        store.con.unregister("asked")
    return {int(key) for (key,) in found}


def disputes(root: DataRoot, study: Study) -> list[tuple[int, str, str, str, str, str, int]]:
    """Every link in dispute: conflict number, kind of conflict, kind of link, register, table, delivery, sealed row.

    No key: the authority that filed the row looks it up in its own list and corrects the register.
    """
    with identities(root) as store:
        clustered(store.con, root, study)
        rows = store.con.execute("""
            select distinct conflict_no, conflict.kind, link.kind, register, table_name, delivery_id, row_no
            from conflict join link on entity_key in (one, other) order by all""").fetchall()
    return [(int(r[0]), *map(str, r[1:6]), int(r[6])) for r in rows]  # type: ignore[misc]


def reject(root: DataRoot, link: tuple[str, str, str, int], by: str, reason: str, on: date) -> None:
    """Leave a stated link (register, table, delivery, sealed row) out until `accept` takes it up again."""
    if not by.strip() or not reason.strip():
        raise Refusal(Exit.USAGE, "a decision needs the role of who decided, and a reason.")
    with identities(root) as store:
        store.con.execute(
            "insert or replace into identities.rejected_link values (?, ?, ?, ?, ?, ?, ?)", [*link, by, reason, on]
        )


def accept(root: DataRoot, link: tuple[str, str, str, int]) -> None:
    """Take a rejected link up again. Refuses (USAGE) one that was not rejected."""
    condition = "register = ? and table_name = ? and delivery_id = ? and row_no = ?"
    with identities(root) as store:
        (row,) = store.con.execute(f"delete from identities.rejected_link where {condition}", list(link)).fetchall()
    if row != (1,):
        raise Refusal(
            Exit.USAGE, "this link has not been rejected.", "`polku crosswalk list` names the links in dispute."
        )


def _links(root: DataRoot, contract: Contract, table: Table) -> str | None:
    """The links of one table that stand."""
    edge, rows = table.edge, landed.standing(root, contract.register, table)
    if rows is None or edge is None:
        return None
    withdrawn = f"and {edge.withdrawn} is not true" if edge.withdrawn else ""
    return f"""
        select {edge.one}, {edge.other}, '{edge.kind}', '{contract.register}', '{table.name}', delivery_id, row_no,
          {edge.valid_from or "null"}
        from (select *, rank() over (
            partition by {", ".join(table.natural_key)} order by recorded_on desc, delivery_id desc) as recency
          from {rows})
        where recency = 1 and {edge.one} is not null and {edge.other} is not null {withdrawn}"""


def _write_person_keys(con: duckdb.DuckDBPyConnection, root: DataRoot) -> int:
    """A restriction of one of a person's identifiers holds for all of them; returns the persons restricted."""
    con.execute("""
        create or replace temp table keyed as
        with every as (
          select entity_key, person_key from clustered
          union all
          select entity_key, entity_key from identities.restriction anti join clustered using (entity_key)),
        restricted as (select distinct person_key from every semi join identities.restriction using (entity_key))
        select entity_key, person_key, person_key in (from restricted) as is_restricted from every""")
    query = "select entity_key, person_key, is_restricted from keyed where entity_key <> person_key or is_restricted"
    storage.write_parquet(con, f"{query} order by entity_key", root.reference(PERSON_KEYS))
    return _count(con, "from (select distinct person_key from keyed where is_restricted)")


def _counts(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in con.execute(query).fetchall()}


def _count(con: duckdb.DuckDBPyConnection, from_: str) -> int:
    return int(con.execute(f"select count(*) {from_}").fetchall()[0][0])
