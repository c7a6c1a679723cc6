"""The linkage unit: re-keys tokens so that neither authority nor researcher can follow a person through.

Belongs here: id parts in, link parts out. Does not belong here: rows of registers - this unit never sees
any, nor an identifier. It keeps a ledger of counts and digests and forgets the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.errors import Exit, Refusal
from polku.exchange.blinding import link_scalar, multiply
from polku.exchange.delivery import BRIDGE, ID, LINK, WAITS, Delivery, Heading, now, part_name, warn_if_unreviewed
from polku.exchange.folders import arriving, find_parts, remove, set_aside, settle, verified
from polku.exchange.keys import LINKAGE, RESEARCH, OwnKeys
from polku.exchange.ledger import REFUSED, Ledger
from polku.exchange.package import Package, writing
from polku.exchange.parts import BLINDED, ID_PARTS, LINK_PARTS, PREVIOUS
from polku.exchange.payload import Payload, write_payload
from polku.exchange.tokens import tokens
from polku.exchange.trust import Trust, link_key

_LINKS = "links"


@dataclass
class RelayReport:
    """What became of the id parts: relayed (link parts), held (for an earlier one, or not yet whole), seen
    before, refused. `arriving` are packages without a marker: somebody is still copying them."""

    relayed: list[Path] = field(default_factory=list)
    held: list[Refusal] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    arriving: list[Path] = field(default_factory=list)


def relay(linkage_dir: Path, trust: Path) -> RelayReport:
    """Make link parts, in `linkage_dir`/outbox, from the id parts in `linkage_dir`/inbox.

    A relayed id part is deleted, a refused one moved to `linkage_dir`/refused with its reason, one that
    waits for an earlier sequence number or is still being copied stays. One refusal does not keep other
    registers waiting.
    """
    pins = Trust.read(trust, linkage_dir)
    warn_if_unreviewed(pins)
    keys = pins.own(LINKAGE, linkage_dir)
    # A wrong key or a revoked recipient is no fault of the id parts: refused before any is touched.
    pins.party(RESEARCH)
    for epoch in pins.epochs:
        link_key(linkage_dir, pins, epoch)
    ledger, outbox = Ledger(linkage_dir / "ledger.sqlite"), linkage_dir / "outbox"
    outbox.mkdir(parents=True, exist_ok=True, mode=0o700)
    settle(outbox, (digest for entry in ledger.entries() for digest in entry.digests.values()))
    report = RelayReport(arriving=arriving(linkage_dir / "inbox"))
    for delivery in find_parts(linkage_dir / "inbox"):
        if ID not in delivery.files:
            continue
        try:
            report.relayed.append(_relay_one(delivery, pins, keys, linkage_dir, ledger))
            remove(delivery.files[ID])
        except Refusal as refusal:
            if refusal.exit is Exit.PACKAGE_REPLAYED:
                report.repeated.append(delivery.delivery_id)
                remove(delivery.files[ID])
            elif refusal.exit in WAITS:
                report.held.append(refusal)
            else:
                report.refused.append(refusal)
                set_aside(linkage_dir / "refused" / delivery.digests[ID], delivery.files.values(), refusal)
    return report


def _relay_one(delivery: Delivery, pins: Trust, keys: OwnKeys, folder: Path, ledger: Ledger) -> Path:
    with verified(delivery.files[ID], pins.signers) as package:
        delivery, heading = delivery.verified({ID: package}), Heading.of(package)
        heading.check_origin(package, pins, ID, delivery.register)
        heading.check_clock(package)
        ledger.judge(delivery, {ID: heading.previous})
        try:
            heading.check_terms(package, pins)
            epochs = _epochs(heading, pins)
            given = _read(package, keys, pins.mode, len(epochs))
            tables = {
                name: _linked(rows, link_key(folder, pins, epoch), pins.mode, package.path.name)
                for (name, epoch), rows in zip(epochs.items(), given, strict=True)
            }
        except Refusal as refusal:
            # It is genuine, so its number is used up: the next delivery must not wait for this one.
            ledger.record(delivery, {"refused": refusal.exit.name}, REFUSED)
            raise
    link = folder / "outbox" / part_name(delivery.delivery_id, LINK)
    previous = ledger.head(delivery.register, LINK)
    header = replace(heading, compartment=LINK, previous=previous, created_at=now())
    with writing(
        link.with_name(f".{link.name}.part"), header.as_json(), keys.signing, pins.party(RESEARCH).sealing_key
    ) as out:
        manifest = {"tables": [{"name": name, "rows": linked.num_rows} for name, linked in tables.items()]}
        write_payload(out, manifest, [(linked.schema, linked.to_batches()) for linked in tables.values()])
    done = replace(
        delivery,
        digests={**delivery.digests, LINK: out.digest},
        package_ids={**delivery.package_ids, LINK: out.package_id},
    )
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(tables[_LINKS]["id_type"]).to_pylist()}
    ledger.record(done, counts)
    settle(link.parent, [out.digest])
    return link


def _epochs(heading: Heading, pins: Trust) -> dict[str, str]:
    """The tables of the link part, and the token epoch of each: a bridge has the epoch before as well."""
    if heading.kind != BRIDGE:
        return {_LINKS: pins.epoch}
    if pins.previous_epoch is None:
        raise Refusal(
            Exit.PACKAGE_MISADDRESSED,
            "the package bridges two token epochs, but the study has had one only.",
            "Ask the steward which trust file holds.",
            register=heading.register,
        )
    return {_LINKS: pins.epoch, PREVIOUS: pins.previous_epoch}


def _read(package: Package, keys: OwnKeys, mode: str, count: int) -> list[pa.Table]:
    payload = Payload(package.open(keys.opening), package.path.name)
    tables = [reader.read_all() for _, reader in payload.tables()]
    if [table.schema for table in tables] != [ID_PARTS[mode]] * count:
        raise Refusal(Exit.DELIVERY_INCOMPLETE, "the id part does not hold identifiers.", file=package.path.name)
    return tables


def _linked(rows: pa.Table, key: bytes, mode: str, file: str) -> pa.Table:
    """Handle, id_type and what became of each token, sorted by that: the order says nothing.

    u = HMAC(K_link, token), or in the blinded mode Y = k X. Refuses (DELIVERY_INCOMPLETE) an X that is no element.
    """
    schema, scalar = LINK_PARTS[mode], link_scalar(key)
    parts = [schema.empty_table()]
    for id_type in rows["id_type"].unique().to_pylist():
        its = rows.filter(pc.equal(rows["id_type"], id_type))
        given = its["token"].to_pylist()
        made = multiply(given, scalar, file) if mode == BLINDED else tokens(key, id_type, given)
        linked = pa.array(made, schema.field("linked").type)
        parts.append(pa.Table.from_arrays([its["handle"], its["id_type"], linked], schema=schema))
    table = pa.concat_tables(parts)
    return table.take(np.argsort(np.array(table["linked"].to_pylist(), dtype="S"), kind="stable"))
