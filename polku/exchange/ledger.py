"""What has been sealed, relayed or landed: an append-only, hash-chained list in SQLite.

Belongs here: the memory that tells a new delivery from a replayed, missing or forked one. Does not belong
here: what is done about it. The same ledger serves authority, linkage unit and research platform; it
holds counts and digests, nothing of a person.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.chain import START, link
from polku.exchange.delivery import Delivery, now
from polku.exchange.documents import canonical_json

ACCEPTED, REFUSED = "accepted", "refused"

_SCHEMA = """
create table if not exists entry (
    no integer primary key, entry text not null, chain text not null,
    register text not null, seq integer not null, outcome text not null);
create unique index if not exists accepted_once on entry (register, seq) where outcome = 'accepted';
create trigger if not exists no_update before update on entry
    begin select raise(abort, 'the ledger is append-only'); end;
create trigger if not exists no_delete before delete on entry
    begin select raise(abort, 'the ledger is append-only'); end;
"""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. `digests` are the SHA-256 of the parts, `package_ids` their ids, `facts` counts
    and dates."""

    no: int
    recorded_at: str
    delivery_id: str
    register: str
    seq: int
    outcome: str
    digests: dict[str, str]
    facts: dict[str, Any]
    package_ids: dict[str, str] = field(default_factory=dict)


class Ledger:
    """The ledger at `path` (made when absent).

    The whole chain is verified (LEDGER_BROKEN) when an object first reads it and whenever the file has been
    changed by anybody else since; what has been verified is kept in memory and only read on from there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: list[Entry] = []
        self._by_register: dict[str, list[Entry]] = {}
        self._digest_by_id: dict[str, str] = {}
        self._chain = START
        self._seen: tuple[int, ...] | None = None

    def entries(self, register: str | None = None) -> list[Entry]:
        """All entries, oldest first."""
        with self._open() as db:
            self._read(db)
        self._seen = self._state()
        return list(self._entries if register is None else self._by_register.get(register, []))

    def accepted(self, register: str | None = None) -> list[Entry]:
        """Entries of accepted deliveries, oldest first."""
        return [entry for entry in self.entries(register) if entry.outcome == ACCEPTED]

    def has(self, delivery_id: str) -> bool:
        """Whether a delivery has been accepted."""
        return any(entry.delivery_id == delivery_id for entry in self.accepted())

    def last(self, register: str) -> int:
        """The highest sequence number on record, accepted or refused; 0 when there is none."""
        return max((entry.seq for entry in self.entries(register)), default=0)

    def head(self, register: str, compartment: str) -> str | None:
        """Digest of the latest part of a compartment: the next one must name it as its predecessor."""
        known = [e for e in self.entries(register) if compartment in e.digests]
        return max(known, key=lambda e: (e.seq, e.no)).digests[compartment] if known else None

    def judge(self, delivery: Delivery, previous: Mapping[str, str | None]) -> None:
        """Refuse a delivery that is not the next one; `previous` is what its headers say came before.

        PACKAGE_REPLAYED: accepted before, the same bytes. EQUIVOCATION: the number is taken by other bytes, or
        a package's id by another package. SEQUENCE_GAP: an earlier one is missing, hold it. One that was
        refused before may be tried again.
        """
        same = [entry for entry in self.entries(delivery.register) if entry.seq == delivery.seq]
        self._refuse_taken_ids(delivery)
        for entry in same:
            if any(entry.digests.get(part, digest) != digest for part, digest in delivery.digests.items()):
                raise _refusal(
                    Exit.EQUIVOCATION,
                    delivery,
                    "two different packages carry the same sequence number.",
                    "Treat it as an alarm: find out with the sender which one is genuine before anything else.",
                )
        if any(entry.outcome == ACCEPTED for entry in same):
            raise _refusal(Exit.PACKAGE_REPLAYED, delivery, "the delivery was taken in before.", "Nothing to do.")
        if not same and not self._follows(delivery, previous):
            raise _refusal(
                Exit.SEQUENCE_GAP,
                delivery,
                "an earlier delivery of the register has not arrived.",
                "It is held, not lost: ask the authority for the missing sequence number.",
            )

    def _follows(self, delivery: Delivery, previous: Mapping[str, str | None]) -> bool:
        if delivery.seq == 1:
            return not any(previous.values())
        before = [entry for entry in self.entries(delivery.register) if entry.seq == delivery.seq - 1]
        # A part that never came with a refused delivery cannot be compared.
        return bool(before) and all(before[-1].digests.get(part, digest) == digest for part, digest in previous.items())

    def record(self, delivery: Delivery, facts: Mapping[str, Any], outcome: str = ACCEPTED) -> None:
        """Append one entry. A sequence number can be accepted only once."""
        with self._open() as db:
            db.execute("begin immediate")
            self._read(db)
            self._refuse_taken_ids(delivery)
            no = len(self._entries) + 1
            text = canonical_json(
                {
                    "recorded_at": now(),
                    "delivery_id": delivery.delivery_id,
                    "register": delivery.register,
                    "seq": delivery.seq,
                    "outcome": outcome,
                    "digests": dict(delivery.digests),
                    "package_ids": dict(delivery.package_ids),
                    "facts": dict(facts),
                }
            ).decode()
            chain = link(self._chain, text)
            row = (no, text, chain, delivery.register, delivery.seq, outcome)
            db.execute("insert into entry values (?, ?, ?, ?, ?, ?)", row)
            db.execute("commit")
            self._take(row)
        self._seen = self._state()

    def _read(self, db: sqlite3.Connection) -> None:
        """Read on from what is known, or from the start when somebody else has changed the file."""
        if self._state() != self._seen:
            self._entries, self._by_register, self._digest_by_id, self._chain = [], {}, {}, START
        for row in db.execute(f"select * from entry where no > {len(self._entries)} or no < 1 order by no"):
            self._take(row)

    def _take(self, row: tuple[int, str, str, str, int, str]) -> None:
        """Verify one row and keep it: its link, and the columns that the database keeps unique."""
        no, text, chain, *columns = row
        expected = len(self._entries) + 1
        try:
            entry = Entry(no=no, **json.loads(text))
        except (ValueError, TypeError):
            raise self._broken(expected) from None
        if no != expected or chain != link(self._chain, text):
            raise self._broken(expected)
        if columns != [entry.register, entry.seq, entry.outcome]:
            raise self._broken(expected)
        self._entries.append(entry)
        self._by_register.setdefault(entry.register, []).append(entry)
        self._digest_by_id |= {id_: entry.digests[part] for part, id_ in entry.package_ids.items()}
        self._chain = chain

    def _refuse_taken_ids(self, delivery: Delivery) -> None:
        for part, package_id in delivery.package_ids.items():
            if self._digest_by_id.get(package_id, delivery.digests[part]) != delivery.digests[part]:
                raise _refusal(
                    Exit.EQUIVOCATION,
                    delivery,
                    "two different packages carry the same package id.",
                    "Treat it as an alarm: a sender never makes an id twice, unless its machine was copied.",
                )

    def _state(self) -> tuple[int, ...] | None:
        """What changes when anybody writes to the file."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def _broken(self, no: int) -> Refusal:
        return Refusal(
            Exit.LEDGER_BROKEN,
            f"entry {no} of the ledger is not as it was written.",
            "Restore the ledger from a backup; until then nothing is taken in.",
            file=self._path.name,
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, isolation_level=None)) as db:
            if not db.execute("select 1 from sqlite_schema where name = 'no_delete'").fetchone():
                # In one transaction: whole or not at all, and the disk is waited for once.
                db.executescript(f"begin immediate; {_SCHEMA} commit;")
            yield db


def _refusal(exit_: Exit, delivery: Delivery, what: str, advice: str) -> Refusal:
    return Refusal(exit_, what, advice, register=delivery.register, file=delivery.delivery_id)
