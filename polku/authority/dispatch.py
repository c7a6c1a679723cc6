"""Seals the small deliveries of an authority that are no extracts: notices and bridges.

Belongs here: headings, both parts and the ledger, in the order that is safe to kill. Does not belong here:
extracts (`sealing`) and what is inside (`notices`, `bridging`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from polku.authority.folder import tidy
from polku.authority.sealing import usable_keys
from polku.authority.tokenising import Tokeniser, blinded
from polku.exchange.blinding import new_blinding, unblinding
from polku.exchange.delivery import (
    DATA,
    ID,
    Delivery,
    Heading,
    delivery_name,
    mode_of,
    now,
    part_name,
    warn_if_unreviewed,
)
from polku.exchange.epochs import check_epoch
from polku.exchange.folders import settle
from polku.exchange.grants import granted_keys
from polku.exchange.identifiers import CANON_VERSION
from polku.exchange.keys import LINKAGE, RESEARCH, OwnKeys
from polku.exchange.ledger import Ledger
from polku.exchange.package import writing
from polku.exchange.parts import BLINDED
from polku.exchange.payload import write_payload
from polku.exchange.trust import Trust
from polku.studies import Study

_BATCH_ROWS = 100_000


@dataclass(frozen=True)
class Desk:
    """What an authority needs to send a delivery of one kind, checked before any file is read."""

    study: Study
    register: str
    kind: str
    folder: Path
    pins: Trust
    keys: OwnKeys
    ledger: Ledger

    @classmethod
    def opened(cls, study: Study, register: str, kind: str, folder: Path, trust: Path) -> Desk:
        """Refuses KEY_UNUSABLE for keys or a trust file of another study, and BRIDGE_MISSING."""
        pins, keys, _ = usable_keys(study, register, folder, trust)
        warn_if_unreviewed(pins)
        desk = cls(study, register, kind, folder, pins, keys, Ledger(folder / "ledger.sqlite"))
        tidy(folder, desk.ledger)
        check_epoch(desk.ledger, register, kind, pins)
        return desk

    @property
    def sealed(self) -> Path:
        """Where finished packages are."""
        return self.folder / "sealed"

    def tokeniser(self, on: date, epoch: str | None = None) -> Tokeniser:
        """What makes tokens of an epoch (this one, unless another is named) for identifiers of people born by `on`."""
        contract, pins = self.study.contracts[self.register], self.pins
        keys = granted_keys(self.folder, pins, self.register, epoch or pins.epoch)
        return Tokeniser(contract, keys, on, self.study.permanent_until, stretched=pins.stretched)

    def send(
        self, on: date, ids: Mapping[str, pa.Table], manifest: Mapping[str, Any], rows: Mapping[str, pa.Table]
    ) -> Delivery:
        """Seal the tables `ids` for the linkage unit, and `manifest` and the tables `rows` for research."""
        contract, seq = self.study.contracts[self.register], self.ledger.last(self.register) + 1
        delivery_id = delivery_name(self.register, on, seq)
        files = {part: self.sealed / part_name(delivery_id, part) for part in (ID, DATA)}
        if self.pins.mode == BLINDED:
            scalar = new_blinding()
            ids = {name: blinded(table, scalar) for name, table in ids.items()}
            manifest = {**manifest, **unblinding(scalar)}
        inside = {
            ID: (LINKAGE, _with_counts({}, ids), ids),
            DATA: (RESEARCH, _with_counts(manifest, rows), rows),
        }
        digests, package_ids = {}, {}
        for part, (recipient, said, tables) in inside.items():
            heading = Heading(
                compartment=part, kind=self.kind, delivery_id=delivery_id, study=self.study.code,
                test=self.study.test, register=self.register, contract_version=contract.version,
                canon_version=CANON_VERSION, key_check=self.pins.key_check, mode=mode_of(self.pins),
                epoch=self.pins.epoch, seq=seq, previous=self.ledger.head(self.register, part), created_at=now(),
            )  # fmt: skip
            with ExitStack() as stack:
                hidden = files[part].with_name(f".{files[part].name}.part")
                sealing_key = self.pins.party(recipient).sealing_key
                out = stack.enter_context(writing(hidden, heading.as_json(), self.keys.signing, sealing_key))
                write_payload(out, said, [(t.schema, t.to_batches(_BATCH_ROWS)) for t in tables.values()])
            digests[part], package_ids[part] = out.digest, out.package_id
        delivery = Delivery(delivery_id, self.register, seq, files, digests, package_ids)
        counts = {name: table.num_rows for name, table in rows.items()}
        self.ledger.record(delivery, {"kind": self.kind, "epoch": self.pins.epoch, "tables": counts})
        settle(self.sealed, digests.values())
        return delivery


def _with_counts(manifest: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    return {**manifest, "tables": [{"name": name, "rows": table.num_rows} for name, table in tables.items()]}
