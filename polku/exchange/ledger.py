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
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.delivery import Delivery, now
from polku.exchange.package import canonical_json

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
    """One line of the ledger. `digests` are the SHA-256 of the parts, `facts` counts and dates."""

    no: int
    recorded_at: str
    delivery_id: str
    register: str
    seq: int
    outcome: str
    digests: dict[str, str]
    facts: dict[str, Any]


class Ledger:
    """The ledger at `path` (made when absent). Every reading verifies the whole chain (LEDGER_BROKEN)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self, register: str | None = None) -> list[Entry]:
        """All entries, oldest first."""
        with self._open() as db:
            return [entry for entry, _ in self._read(db) if register in (None, entry.register)]

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

        PACKAGE_REPLAYED: accepted before, the same bytes. EQUIVOCATION: the number is taken by other bytes.
        SEQUENCE_GAP: an earlier one is missing, hold it. One that was refused before may be tried again.
        """
        same = [entry for entry in self.entries(delivery.register) if entry.seq == delivery.seq]
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
            chain = ""
            no = 0
            for entry, link in self._read(db):
                no, chain = entry.no, link
            text = canonical_json(
                {
                    "recorded_at": now(),
                    "delivery_id": delivery.delivery_id,
                    "register": delivery.register,
                    "seq": delivery.seq,
                    "outcome": outcome,
                    "digests": dict(delivery.digests),
                    "facts": dict(facts),
                }
            ).decode()
            db.execute(
                "insert into entry values (?, ?, ?, ?, ?, ?)",
                (no + 1, text, _link(chain, text), delivery.register, delivery.seq, outcome),
            )
            db.execute("commit")

    def _read(self, db: sqlite3.Connection) -> Iterator[tuple[Entry, str]]:
        before = ""
        for expected, row in enumerate(db.execute("select no, entry, chain from entry order by no"), start=1):
            no, text, chain = row
            if no != expected or chain != _link(before, text):
                raise Refusal(
                    Exit.LEDGER_BROKEN,
                    f"entry {expected} of the ledger is not as it was written.",
                    "Restore the ledger from a backup; until then nothing is taken in.",
                    file=self._path.name,
                )
            yield Entry(no=no, **json.loads(text)), chain
            before = chain

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, isolation_level=None)) as db:
            db.executescript(_SCHEMA)
            yield db


def _link(before: str, text: str) -> str:
    return sha256(f"{before}\n{text}".encode()).hexdigest()


def _refusal(exit_: Exit, delivery: Delivery, what: str, advice: str) -> Refusal:
    return Refusal(exit_, what, advice, register=delivery.register, file=delivery.delivery_id)
