"""Takes notices in: rectifications, erasures and restrictions that authorities ask for, and what is due.

Belongs here: what each action does, and the record of it. Does not belong here: the removal of rows
(`erasure`) and which entities are one person (`crosswalk`).

A notice is a line of the ledger: who asked for what, on which ground, when, and when it is due (one month after
the authority got it, GDPR 12.3; domain rule R19). Erasures and restrictions are done when the line is written. A
rectification is done when the register has delivered again: the original stays in landing, append-only (R17).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from polku.errors import Exit, Refusal
from polku.exchange.delivery import EXTRACT, NOTICE, Delivery
from polku.exchange.ledger import Ledger
from polku.exchange.notices import ERASE, LIFT, RECTIFY, RESTRICT, Notice
from polku.exchange.parts import NOTICE_PART
from polku.layout import DataRoot
from polku.research import archive, arrived_parts, erasure
from polku.research.handles import Handles
from polku.research.identities import TOKENS, identities
from polku.research.research_tokens import Ring
from polku.studies import Study

MONTHS = 1
_NOBODY = 0

PersonsEntities = Callable[[DataRoot, Study, Iterable[int]], set[int]]


@dataclass(frozen=True)
class Due:
    """A notice that has been taken in. `done_on` is None while something is still to be done."""

    notice_id: str
    register: str
    action: str
    reason: str
    received_on: date
    due_on: date
    done_on: date | None
    persons: int
    unknown: int
    released: tuple[str, ...]

    def overdue(self, today: date) -> bool:
        """Whether it should have been done by now."""
        return self.done_on is None and self.due_on < today


@dataclass(frozen=True)
class _Named:
    """The persons of an opened notice: keys by person (none where nobody is known), and tokens (TOKENS)."""

    notice: Notice
    epoch: str
    keys: set[int]
    unknown: int
    tokens: pa.Table


def take(root: DataRoot, study: Study, delivery: Delivery, persons_entities: PersonsEntities) -> dict[str, Any]:
    """Do what a notice asks and record it; returns the facts that the ledger keeps.

    `persons_entities` gives all entities of the persons whom some entities belong to. Killed at any moment, the
    notice is taken once more and ends the same.
    """
    named = _opened(root, study, delivery)
    pending = erasure.begun(root).get(delivery.delivery_id)
    facts = pending or _facts(root, study, delivery, named, persons_entities)
    if facts["action"] == ERASE:
        erasure.finish(root, study)
    # Marts of earlier times may hold her; whoever needs them has them made again.
    shutil.rmtree(root.rebuilt, ignore_errors=True)
    Ledger(root.ledger).record(delivery, facts)
    archive.put_away(root, delivery, keep=False)
    erasure.close(root, [delivery.delivery_id])
    return facts


def due(root: DataRoot) -> list[Due]:
    """Every notice that has been taken in, oldest first."""
    entries = Ledger(root.ledger).accepted()
    found = []
    for entry in (e for e in entries if e.facts["kind"] == NOTICE):
        facts = entry.facts
        done = [entry]
        if facts["action"] == RECTIFY:
            done = [
                e for e in entries if (e.register, e.facts["kind"]) == (entry.register, EXTRACT) and e.seq > entry.seq
            ]
        received = date.fromisoformat(facts["received_on"])
        found.append(
            Due(
                entry.delivery_id,
                entry.register,
                facts["action"],
                facts["reason"],
                received,
                due_on(received),
                date.fromisoformat(done[0].recorded_at[:10]) if done else None,
                facts["persons"],
                facts["unknown"],
                tuple(facts["released"]),
            )
        )
    return found


def due_on(received_on: date) -> date:
    """One month after receipt (GDPR 12.3)."""
    day: date = (pd.Timestamp(received_on) + pd.DateOffset(months=MONTHS)).date()
    return day


def _opened(root: DataRoot, study: Study, delivery: Delivery) -> _Named:
    """Whom the notice names. Only a restriction makes keys for who is not known: it must hold when she arrives."""
    with arrived_parts.open_parts(root, study, delivery, NOTICE) as parts, identities(root) as store:
        notice = Notice.from_json(
            {name: value for name, value in parts.data.manifest.items() if name != "tables"}, parts.data.file
        )
        tables = [reader.read_all().combine_chunks() for _, reader in parts.data.tables()]
        (linked,) = parts.linked("links")
        if [table.schema for table in tables] != [NOTICE_PART]:
            raise Refusal(
                Exit.DELIVERY_INCOMPLETE,
                "the authority's part does not hold a notice.",
                "Ask the authority to seal the notice again.",
                file=parts.data.file,
            )
        tokens, erased = Ring.of(root, store).tokens_of(store, linked)
        known = store.known_keys(tokens).combine_chunks()
        handles = Handles(linked["handle"].combine_chunks(), known.fill_null(_NOBODY), parts.link.file)
        of_person = handles.keys_of(tables[0]["handle"].combine_chunks())
        persons = pc.unique(tables[0]["person_no"].filter(pc.not_equal(of_person, _NOBODY)))
        unknown = len(pc.unique(tables[0]["person_no"])) - len(persons)
        keys = store.keys_of(tokens.filter(pc.invert(erased))) if notice.action == RESTRICT else known
        return _Named(notice, parts.heading.epoch, set(keys.drop_null().to_pylist()), unknown, tokens)


def _facts(
    root: DataRoot, study: Study, delivery: Delivery, named: _Named, persons_entities: PersonsEntities
) -> dict[str, Any]:
    """Do what changes the store of identities, in one transaction, and say what was found."""
    notice = named.notice
    entities = persons_entities(root, study, named.keys) if named.keys else set()
    found = erasure.plan(root, study, entities)
    facts: dict[str, Any] = {
        "kind": NOTICE, "epoch": named.epoch, "action": notice.action, "reason": notice.reason,
        "received_on": notice.received_on.isoformat(),
        "informed_on": notice.informed_on and notice.informed_on.isoformat(),
        "filed_by": notice.filed_by, "persons": notice.persons, "unknown": named.unknown,
        "released": erasure.released(root, found.deliveries),
        "archived": False,
    }  # fmt: skip
    if notice.action == ERASE:
        facts["rows"] = {name: list(counts) for name, counts in found.rows.items()}
        facts["deliveries_destroyed"] = len(found.deliveries)
    with identities(root) as store:
        if notice.action == ERASE:
            ring = Ring.of(root, store)
            ring.entomb(store, delivery.delivery_id, named.tokens.cast(TOKENS))
            erasure.begin(store, ring, delivery.delivery_id, entities, facts)
        with store.asked(entities):
            if notice.action == RESTRICT:
                store.con.execute(
                    "insert or replace into identities.restriction select entity_key, ? from asked_keys",
                    [delivery.delivery_id],
                )
            elif notice.action == LIFT:
                store.con.execute("delete from identities.restriction where entity_key in (from asked_keys)")
    return facts
