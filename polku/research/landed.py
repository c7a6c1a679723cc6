"""What has landed, as the ledger tells it: counts, and the last day that each table speaks of.

Belongs here: questions to the ledger. Does not belong here: bringing anything in (`landing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from polku.exchange.delivery import EXTRACT
from polku.exchange.ledger import Entry, Ledger
from polku.layout import DataRoot
from polku.studies import Study


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


def received(root: DataRoot, study: Study) -> dict[tuple[str, str], date]:
    """The last day that the landed deliveries speak of, by (register, table)."""
    last: dict[tuple[str, str], date] = {}
    ledger = Ledger(root.ledger)
    for register, contract in study.contracts.items():
        known = {table.name for table in contract.tables}
        for entry in extracts_of(ledger.accepted(register)):
            until = date.fromisoformat(entry.facts["observed_until"])
            for table in known & set(entry.facts["tables"]):
                last[register, table] = max(until, last.get((register, table), until))
    return last


def extracts_of(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Those of them that are rows of a register, not notices or bridges."""
    return (entry for entry in entries if entry.facts["kind"] == EXTRACT)


def kinds(root: DataRoot, register: str) -> dict[str, int]:
    """Landed deliveries of a register by kind."""
    return Counter(entry.facts["kind"] for entry in Ledger(root.ledger).accepted(register))
