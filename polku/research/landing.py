"""Brings one opened delivery into landing: reads it by contract, stages it, then commits or discards it.

Belongs here: the order of steps that makes landing safe to kill at any moment. Does not belong here:
opening packages (`opening`), judging (the gates) and what the rows mean (dbt).

The ledger is the authority on what has landed. A part of a delivery that the ledger does not know is
no part: `repair` removes it, and the delivery lands again from its packages, which stay sealed in the
inbox until the ledger has them.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from polku.contracts.model import Contract, Table
from polku.contracts.sql import empty_columns, typed_query
from polku.errors import Exit, Refusal
from polku.exchange.delivery import EXTRACT, Delivery
from polku.exchange.folders import find_parts
from polku.exchange.ledger import Ledger
from polku.layout import DataRoot
from polku.research import archive, opening, storage
from polku.research.erasure import QUARANTINED_KEYS
from polku.research.landed import extracts_of
from polku.studies import Study

QUARANTINE = "quarantine.parquet"


@dataclass(frozen=True)
class StagedTable:
    """One table of a staged delivery: rows that keep the contract are in `file` (encrypted Parquet)."""

    table: Table
    file: Path
    rows: int
    quarantined: int
    flagged: int
    linked: int | None
    """Rows that name a person with a key (None where the table has no column `person_key`)."""
    erased: int
    """Rows that were dropped since they are about an erased person."""
    faults: dict[str, int]
    """Rows by `column:reason`; a row with two faults counts under both."""


@dataclass(frozen=True)
class Staged:
    """A delivery that has been verified, opened and read, and waits for its gates.

    `archived` says whether its packages will be kept so that they can be read again, by a mended contract: not when
    they name an erased person.
    """

    delivery: Delivery
    contract: Contract
    epoch: str
    archived: bool
    period: tuple[date, date] | None
    filed_by: str
    tables: tuple[StagedTable, ...]

    @property
    def rows(self) -> int:
        """Rows that keep the contract, over all tables."""
        return sum(t.rows for t in self.tables)

    @property
    def quarantined(self) -> int:
        """Rows that break it."""
        return sum(t.quarantined for t in self.tables)


@contextmanager
def alone(root: DataRoot) -> Iterator[None]:
    """Only one process lands at a time; another one waits here. The lock goes with its process."""
    root.path.mkdir(parents=True, exist_ok=True)
    with (root.path / ".landing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def repair(root: DataRoot) -> int:
    """Take back what a killed run left half done; returns the number of files removed or put away.

    Parts and quarantine lists of deliveries that the ledger does not know are removed: their packages are
    still in the inbox. Packages that the ledger knows, byte for byte, are put into the archive: a delivery
    that arrives twice changes nothing.

    Refuses (LEDGER_BROKEN), and removes nothing, when the packages of such parts are not in the inbox, or a
    part on record is missing: ledger and landing are not of one time, and figures would be false unnoticed.
    """
    entries = Ledger(root.ledger).accepted()
    accepted = {entry.delivery_id: entry for entry in entries}
    in_inbox = {delivery.delivery_id: delivery for delivery in find_parts(root.inbox)}
    parts = [p for p in root.landing.glob("*/*/*.parquet") if p.parts[-3] not in ("reference", root.incoming.name)]
    known = {(e.register, table, e.delivery_id) for e in extracts_of(entries) for table in e.facts["tables"]}
    missing = known - {(p.parts[-3], p.parts[-2], p.stem) for p in parts}
    unknown = [p for p in [*parts, *root.quarantine.glob("*/*.parquet")] if p.stem not in accepted]
    if missing or {p.stem for p in unknown} - set(in_inbox):
        raise Refusal(
            Exit.LEDGER_BROKEN,
            f"ledger and landing are not of one time: {len(missing)} part(s) on record are missing and "
            f"{len(unknown)} part(s) are not on record.",
            "Restore ledger.sqlite and landing/ from the same backup; the sealed packages are in inbox/landed/.",
        )
    mended = sum(1 for path in root.incoming.rglob("*") if path.is_file()) + len(unknown) + archive.resume(root)
    shutil.rmtree(root.incoming, ignore_errors=True)
    for path in unknown:
        path.unlink()
    for delivery in in_inbox.values():
        entry = accepted.get(delivery.delivery_id)
        if entry and delivery.digests.items() <= entry.digests.items():
            archive.put_away(root, delivery, keep=entry.facts["archived"])
            mended += 1
    return mended


def stage(root: DataRoot, study: Study, delivery: Delivery) -> Staged:
    """Verify, open and read a delivery by its contract into encrypted files beside landing.

    Refuses what `opening.open_delivery` refuses, and (EXTRACT_BREAKS_CONTRACT) a delivery in which more
    rows break the contract than its `bad_row_limit` allows. Nothing of landing is touched.
    """
    contract = study.contracts[delivery.register]
    folder = root.incoming / delivery.delivery_id
    shutil.rmtree(folder, ignore_errors=True)
    with opening.open_delivery(root, study, delivery) as opened, storage.connect(root) as con:
        tables = tuple(_stage_tables(con, contract, delivery, opened, folder))
        staged = Staged(
            opened.delivery,
            contract,
            opened.epoch,
            not opened.names_erased,
            opened.manifest.period,
            opened.manifest.filed_by,
            tables,
        )
        _write_quarantine(con, staged, folder)
    _refuse_above_limit(staged)
    return staged


def commit(root: DataRoot, staged: Staged) -> None:
    """Make a staged delivery part of landing: its parts first, then the ledger, then the archive."""
    delivery, register = staged.delivery, staged.delivery.register
    for table in staged.tables:
        target = root.landing / register / table.table.name / f"{delivery.delivery_id}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        table.file.replace(target)
    faults = root.quarantine / register / f"{delivery.delivery_id}.parquet"
    faults.parent.mkdir(parents=True, exist_ok=True)
    (root.incoming / delivery.delivery_id / QUARANTINE).replace(faults)
    facts = summary(staged)
    Ledger(root.ledger).record(delivery, facts)
    archive.put_away(root, delivery, keep=facts["archived"])
    shutil.rmtree(root.incoming / delivery.delivery_id, ignore_errors=True)


def discard(root: DataRoot, delivery: Delivery, refusal: Refusal) -> None:
    """Refuse a delivery: its packages go to quarantine with the reason; landing stays as it was."""
    opening.refuse(root, delivery, refusal)
    shutil.rmtree(root.incoming / delivery.delivery_id, ignore_errors=True)


def summary(staged: Staged) -> dict[str, Any]:
    """What the ledger keeps of a delivery: dates and counts, nothing of a row."""
    return {
        "kind": EXTRACT,
        "epoch": staged.epoch,
        "archived": staged.archived,
        "period": staged.period and [day.isoformat() for day in staged.period],
        "filed_by": staged.filed_by,
        "tables": {
            t.table.name: {"rows": t.rows, "quarantined": t.quarantined, "flagged": t.flagged}
            | ({} if t.linked is None else {"linked": t.linked})
            | ({"erased": t.erased} if t.erased else {})
            for t in staged.tables
        },
    }


def _stage_tables(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    delivery: Delivery,
    opened: opening.OpenedDelivery,
    folder: Path,
) -> Iterator[StagedTable]:
    for name, reader in opened.tables():
        table = contract.table(name)
        absent = frozenset(c.name for c in table.columns) - frozenset(reader.schema.names)
        _refuse_missing(contract, table, absent)
        # From Parquet, DuckDB reads each different text of a column once, not once for each row: half the time.
        sealed = folder / f"{name}.sealed.parquet"
        con.register("sealed", reader)
        storage.write_parquet(con, "from sealed", sealed)
        con.unregister("sealed")
        con.execute(f"create temp table {name} as {typed_query(contract, table, storage.parquet(sealed), absent)}")
        sealed.unlink()
        provenance = {
            "delivery_id": f"'{delivery.delivery_id}'",
            "row_no": "row_no",
            "recorded_on": f"date '{opened.manifest.extracted_on.isoformat()}'",
        }
        columns = ", ".join(
            f"cast({provenance.get(column, column)} as {kind}) as {column}"
            for column, kind in empty_columns(table).items()
        )
        order = ", ".join([*(f"{c.name} nulls last" for c in table.identifiers), "row_no"])
        file = folder / f"{name}.parquet"
        rows = storage.write_parquet(con, f"select {columns} from {name} where len(faults) = 0 order by {order}", file)
        unnested = f"select unnest(faults) as fault from {name}"
        faults = dict(con.execute(f"select fault, count(*) from ({unnested}) group by fault order by fault").fetchall())
        key = "person_key" if any(c.name == "person_key" for c in table.columns) else None
        counts = f"count(*), count_if(len(flags) > 0), count_if({key or 'null'} is not null)"
        found = con.execute(f"select {counts} filter (where len(faults) = 0) from {name}").fetchone() or ()
        # DuckDB counts no rows as null, and an extract without any row is ordinary
        total, flagged, linked = (count or 0 for count in found)
        yield StagedTable(
            table, file, rows, total - rows, flagged, linked if key else None, opened.erased[name], faults
        )


def _refuse_missing(contract: Contract, table: Table, absent: frozenset[str]) -> None:
    needed = sorted(c.name for c in table.columns if c.required and c.name in absent)
    if needed:
        raise Refusal(
            Exit.PACKAGE_WRONG_CONTRACT,
            f"the delivery has no column for {', '.join(needed)}, which the contract requires.",
            "The authority must seal the extract again under the current contract.",
            register=contract.register,
            file=table.file,
        )


def _write_quarantine(con: duckdb.DuckDBPyConnection, staged: Staged, folder: Path) -> None:
    """Which sealed row breaks the contract where and why, and whose it is; values stay in the sealed package."""
    lists = [
        f"select '{t.table.name}' as table_name, row_no, {_keys_in_row(t.table)} as {QUARANTINED_KEYS}, "
        f"unnest(faults) as fault from {t.table.name}"
        for t in staged.tables
    ]
    empty = (
        f"select null::varchar as table_name, null::bigint as row_no, null::bigint[] as {QUARANTINED_KEYS}, "
        "null::varchar as fault where false"
    )
    query = f"""
        select table_name, row_no, split_part(fault, ':', 1) as column_name, split_part(fault, ':', 2) as reason,
          {QUARANTINED_KEYS}
        from ({" union all ".join([empty, *lists])}) order by all"""
    storage.write_parquet(con, query, folder / QUARANTINE)


def _keys_in_row(table: Table) -> str:
    keys = ", ".join(f"cast({c.name} as bigint)" for c in table.identifiers)
    return f"list_filter([{keys}]::bigint[], lambda k: k is not null)"


def _refuse_above_limit(staged: Staged) -> None:
    bad, total = staged.quarantined, staged.quarantined + staged.rows
    if bad <= staged.contract.bad_row_limit * total:
        return
    counts = [f"{t.table.file} {fault.replace(':', ' ')}: {n}" for t in staged.tables for fault, n in t.faults.items()]
    raise Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"{bad} of {total} rows break the contract, more than its limit of "
        f"{staged.contract.bad_row_limit:.1%} ({'; '.join(counts)}).",
        "Nothing of it has landed. The authority must correct the extract and seal it again.",
        register=staged.contract.register,
    )
