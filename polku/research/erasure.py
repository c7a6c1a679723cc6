"""Erases persons from everything that has landed, so that they stay out.

Belongs here: which rows, cells and packages go, in an order that is safe to kill. Does not belong here: who
is to be erased and why (`notices`).

First, in one transaction of the store of identities, the person's tokens give way to tombstones and the erasure
is on record as begun: from then on nothing that is delivered about her lands. Then every part of landing that
names her is rewritten without her rows (where she is named as a relative, the cell is emptied), lists of rows that
broke the contract lose hers, and the archived packages that hold her are destroyed. All of this can be done twice;
what a killed run left is finished by the next one. Marts lose her with the next build.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from polku.contracts.model import Table
from polku.exchange.folders import find_parts
from polku.layout import DataRoot
from polku.research import archive, storage
from polku.research.identities import TOKENS, Identities, identities
from polku.research.research_tokens import Ring
from polku.studies import Study

QUARANTINED_KEYS = "entity_keys"
"""Column of the lists of rows that broke a contract: the keys in the row, so that it can be erased."""


@dataclass(frozen=True)
class Plan:
    """What an erasure finds in landing: rows by `register.table` before and after, and the deliveries concerned."""

    rows: dict[str, tuple[int, int]]
    deliveries: tuple[str, ...]


def plan(root: DataRoot, study: Study, keys: Iterable[int]) -> Plan:
    """Look for rows that name one of the entities. Changes nothing."""
    rows: dict[str, tuple[int, int]] = {}
    deliveries = set()
    with storage.connect(root) as con:
        _register(con, keys)
        for table, file in _parts(root, study):
            total, about, named = _counts(con, table, file)
            name = f"{file.parts[-3]}.{table.name}"
            before, after = rows.get(name, (0, 0))
            rows[name] = (before + total, after + total - about)
            if named:
                deliveries.add(file.stem)
        deliveries |= {file.stem for file in _lists(root) if _listed(con, file)}
    return Plan({name: counts for name, counts in rows.items() if counts[0] != counts[1]}, tuple(sorted(deliveries)))


def begin(store: Identities, ring: Ring, notice_id: str, keys: Iterable[int], facts: Mapping[str, Any]) -> None:
    """Replace the tokens of the entities by tombstones and put the erasure on record; commits with the store."""
    with store.asked(keys):
        held = store.con.execute(
            "select id_type, rho from identities.token semi join asked_keys using (entity_key)"
        ).to_arrow_table()
        ring.entomb(store, notice_id, held.cast(TOKENS))
        for table in ("token", "restriction"):
            store.con.execute(f"delete from identities.{table} where entity_key in (from asked_keys)")
        store.con.execute(
            "insert or ignore into identities.erasing select ?, entity_key, ? from asked_keys",
            [notice_id, json.dumps(facts)],
        )


def begun(root: DataRoot) -> dict[str, dict[str, Any]]:
    """Erasures that have begun and are not closed yet: what was put on record with them, by notice."""
    with identities(root) as store:
        rows = store.con.execute("select distinct notice_id, facts from identities.erasing").fetchall()
    return {notice_id: json.loads(facts) for notice_id, facts in rows}


def finish(root: DataRoot, study: Study) -> int:
    """Remove the rows, cells and packages of every erasure that has begun; returns the files rewritten.

    Safe to do again, and done again after a killed run.
    """
    with identities(root) as store:
        keys = [key for (key,) in store.con.execute("select distinct entity_key from identities.erasing").fetchall()]
    if not keys:
        return 0
    rewritten = 0
    with storage.connect(root) as con:
        _register(con, keys)
        for table, file in _parts(root, study):
            if _counts(con, table, file)[2]:
                # First, while the part still tells that the package holds her.
                archive.destroy(root, file.stem)
                storage.write_parquet(con, _without(con, table, file), file)
                rewritten += 1
        for file in _lists(root):
            if _listed(con, file):
                archive.destroy(root, file.stem)
                storage.write_parquet(con, f"from {storage.parquet(file)} where not {_HAS_ERASED}", file)
                rewritten += 1
    return rewritten


def resume(root: DataRoot, study: Study) -> int:
    """Finish what a killed run has begun, and close what does not wait for its delivery; returns files rewritten."""
    open_ = set(begun(root))
    if not open_:
        return 0
    rewritten = finish(root, study)
    close(root, open_ - {delivery.delivery_id for delivery in find_parts(root.inbox)})
    return rewritten


def close(root: DataRoot, notice_ids: Iterable[str]) -> None:
    """The last step: nothing is left of the erased entities but their tombstones."""
    with identities(root) as store:
        store.con.register("done", pa.table({"notice_id": pa.array(list(notice_ids), pa.utf8())}))
        gone = "(select entity_key from identities.erasing where notice_id in (from done))"
        store.con.execute(f"delete from identities.same where one in {gone} or other in {gone}")
        for table in ("record", "entity"):
            store.con.execute(f"delete from identities.{table} where entity_key in {gone}")
        store.con.execute("delete from identities.erasing where notice_id in (from done)")
        store.con.unregister("done")


_HAS_ERASED = f"list_has_any({QUARANTINED_KEYS}, (select list(entity_key) from erased))"


def _register(con: duckdb.DuckDBPyConnection, keys: Iterable[int]) -> None:
    made = pa.table({"entity_key": pa.array(sorted(set(keys)), pa.int64())})
    con.from_arrow(made).create("erased")


def _parts(root: DataRoot, study: Study) -> Iterator[tuple[Table, Path]]:
    for contract in study.contracts.values():
        for table in contract.tables:
            for file in sorted((root.landing / contract.register / table.name).glob("*.parquet")):
                yield table, file


def _lists(root: DataRoot) -> list[Path]:
    return sorted(root.quarantine.glob("*/*.parquet"))


def _listed(con: duckdb.DuckDBPyConnection, file: Path) -> bool:
    found = con.execute(f"select count(*) from {storage.parquet(file)} where {_HAS_ERASED}").fetchall()
    return bool(found[0][0])


def _counts(con: duckdb.DuckDBPyConnection, table: Table, file: Path) -> tuple[int, int, int]:
    """Rows of a part; rows about an erased entity; rows that name one in any column."""
    about, named = _names(con, table, file, subjects=True), _names(con, table, file, subjects=False)
    query = f"select count(*), count_if({about}), count_if({about} or {named}) from {storage.parquet(file)}"
    # DuckDB counts no rows as null.
    total, gone, concerned = (int(count or 0) for count in con.execute(query).fetchall()[0])
    return total, gone, concerned


def _without(con: duckdb.DuckDBPyConnection, table: Table, file: Path) -> str:
    """The rows of a part that stay, with empty cells where they name an erased entity."""
    emptied = [
        f"if({column} in (from erased), null, {column}) as {column}"
        for column in _columns(con, table, file, subjects=False)
    ]
    replaced = f"replace ({', '.join(emptied)})" if emptied else ""
    about = _names(con, table, file, subjects=True)
    return f"select * {replaced} from {storage.parquet(file)} where not {about}"


def _names(con: duckdb.DuckDBPyConnection, table: Table, file: Path, *, subjects: bool) -> str:
    columns = _columns(con, table, file, subjects=subjects)
    return f"({' or '.join(f'coalesce({c} in (from erased), false)' for c in columns) or 'false'})"


def _columns(con: duckdb.DuckDBPyConnection, table: Table, file: Path, *, subjects: bool) -> list[str]:
    """Identifier columns that a part has: of whom its rows are about, or the others."""
    present = {name for name, *_ in con.execute(f"describe from {storage.parquet(file)}").fetchall()}
    return [c.name for c in table.identifiers if c.is_subject == subjects and c.name in present]


def released(root: DataRoot, deliveries: Iterable[str]) -> list[str]:
    """Released tables that were made from one of the deliveries, as `release/table`: whom to tell, GDPR article 19."""
    concerned, found = set(deliveries), []
    for manifest in sorted(root.published.glob("2*/manifest.json")):
        said = json.loads(manifest.read_text(encoding="utf-8"))
        if concerned & set(said["inputs"]):
            found += [f"{manifest.parent.name}/{table}" for table in sorted(said["tables"])]
    return found
