"""What has landed: parts and the rows of them that stand, counts, and the extracts that each table came in.

Belongs here: questions to the ledger and to landing, now or as of another time. Does not belong here: bringing
anything in (`landing`), and whose keys are whose (`crosswalk`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

from polku.contracts.model import Table
from polku.errors import Exit, Refusal
from polku.exchange.delivery import EXTRACT
from polku.exchange.ledger import Entry, Ledger
from polku.layout import DataRoot
from polku.research import storage
from polku.research.coverage import Extract
from polku.studies import Study


def extracts(root: DataRoot, register: str | None = None) -> list[Entry]:
    """Extracts that have landed, oldest first; as of another time only those known then.

    As of a day those extracted until then, as of a delivery those that landed until it did. Refuses (USAGE) a delivery
    that has not landed.
    """
    every = list(extracts_of(_ledger(root.ledger).accepted()))
    if root.as_of_day is not None:
        every = [entry for entry in every if extracted_on(entry.delivery_id) <= root.as_of_day]
    elif root.as_of is not None:
        last = [entry.no for entry in every if entry.delivery_id == root.as_of]
        if not last:
            raise Refusal(Exit.USAGE, "no such delivery has landed.", "The ids are in the ledger and in Dagster.")
        every = [entry for entry in every if entry.no <= last[0]]
    return [entry for entry in every if register in (None, entry.register)]


@cache
def _ledger(path: Path) -> Ledger:
    """One object for a file: it verifies the chain once and reads on from there."""
    return Ledger(path)


def extracted_on(delivery_id: str) -> date:
    """The day of extraction, which is part of a delivery's name."""
    return date.fromisoformat(delivery_id.split("-")[-2])


def parts(root: DataRoot, register: str, table: str) -> list[Path]:
    """The landed parts of a table, in the order of their deliveries (day of extraction, number)."""
    found = sorted((root.landing / register / table).glob("*.parquet"))
    if root.as_of is None or not found:
        return found
    known = {entry.delivery_id for entry in extracts(root, register)}
    return [part for part in found if part.stem in known]


def standing(root: DataRoot, register: str, table: Table, of: list[Path] | None = None) -> str | None:
    """SQL sub-query of the rows whose place no later delivery has taken, out of all parts or those of `of`.

    Grain and columns are those of the parts; of rows with one natural key all are there (the models choose). None
    where there is no part. A delivery takes the place of what its table's `replaces` says: "all", everything before;
    "period", rows of the period that its manifest names; "rows", nothing but the rows it repeats.
    """
    found = parts(root, register, table.name) if of is None else of
    if not found:
        return None
    if table.replaces == "all":
        return storage.parquet(found[-1:])
    if table.replaces == "rows":
        return storage.parquet(found)
    periods = {entry.delivery_id: entry.facts.get("period") for entry in extracts(root, register)}
    read = []
    for i, part in enumerate(found):
        later = [period for other in found[i + 1 :] if (period := periods.get(other.stem))]
        taken = [f"{table.period_by} between date '{first}' and date '{last}'" for first, last in later]
        where = f" where not coalesce({' or '.join(taken)}, false)" if taken else ""
        read.append(f"from {storage.parquet(part)}{where}")
    return f"({' union all by name '.join(read)})"


def totals(root: DataRoot, register: str) -> dict[str, dict[str, int]]:
    """Counts over all landed extracts of a register, by table: rows, quarantined, flagged, linked, erased,
    deliveries. Rows that were erased later are in no count of rows."""
    sums: dict[str, dict[str, int]] = {}
    entries = Ledger(root.ledger).accepted()
    for entry in extracts_of(e for e in entries if e.register == register):
        for table, counts in entry.facts["tables"].items():
            into = sums.setdefault(table, {})
            for name, count in {**counts, "deliveries": 1}.items():
                into[name] = into.get(name, 0) + count
    for entry in entries:
        for table, (before, after) in entry.facts.get("rows", {}).items():
            if table.startswith(f"{register}."):
                sums[table.removeprefix(f"{register}.")]["rows"] -= before - after
    return sums


def received(root: DataRoot, study: Study) -> dict[tuple[str, str], list[Extract]]:
    """The landed extracts by (register, table)."""
    found: dict[tuple[str, str], list[Extract]] = {}
    for register, contract in study.contracts.items():
        known = {table.name for table in contract.tables}
        for entry in extracts(root, register):
            days = [date.fromisoformat(day) for day in entry.facts["period"] or ()]
            extract = Extract(extracted_on(entry.delivery_id), (days[0], days[1]) if days else None)
            for table in known & set(entry.facts["tables"]):
                found.setdefault((register, table), []).append(extract)
    return found


def extracts_of(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Those of them that are rows of a register, not notices or bridges."""
    return (entry for entry in entries if entry.facts["kind"] == EXTRACT)


def kinds(root: DataRoot, register: str) -> dict[str, int]:
    """Landed deliveries of a register by kind."""
    return Counter(entry.facts["kind"] for entry in Ledger(root.ledger).accepted(register))
