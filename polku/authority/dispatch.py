"""Seals the small deliveries of an authority that are no extracts: notices and bridges.

Belongs here: headings, both parts and the ledger, in the order that is safe to kill. Does not belong here:
extracts (`sealing`) and what is inside (`notices`, `bridging`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from polku.duckdb_encryption import encrypt_spill
from polku.errors import Exit, Refusal
from polku.exchange.delivery import (
    DATA,
    ID,
    Delivery,
    Heading,
    delivery_name,
    now,
    part_name,
    settle,
)
from polku.exchange.epochs import check_epoch
from polku.exchange.identifiers import CANON_VERSION
from polku.exchange.keys import LINKAGE, RESEARCH, OwnKeys, Trust
from polku.exchange.ledger import Ledger
from polku.exchange.package import writing
from polku.exchange.payload import write_payload
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
        pins = Trust.read(trust)
        if pins.study != study.code:
            raise Refusal(Exit.KEY_UNUSABLE, "the trust file is of another study.", file=trust.name, register=register)
        desk = cls(study, register, kind, folder, pins, pins.own(register, folder), Ledger(folder / "ledger.sqlite"))
        desk.sealed.mkdir(parents=True, exist_ok=True, mode=0o700)
        settle(desk.sealed, (digest for entry in desk.ledger.entries() for digest in entry.digests.values()))
        check_epoch(desk.ledger, register, kind, pins)
        return desk

    @property
    def sealed(self) -> Path:
        """Where finished packages are."""
        return self.folder / "sealed"

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection that writes nothing to disk unencrypted."""
        with duckdb.connect() as con:
            encrypt_spill(con, self.folder / ".spill")
            yield con

    def send(
        self, on: date, ids: Mapping[str, pa.Table], manifest: Mapping[str, Any], rows: Mapping[str, pa.Table]
    ) -> Delivery:
        """Seal the tables `ids` for the linkage unit, and `manifest` and the tables `rows` for research."""
        contract, seq = self.study.contracts[self.register], self.ledger.last(self.register) + 1
        delivery_id = delivery_name(self.register, on, seq)
        files = {part: self.sealed / part_name(delivery_id, part) for part in (ID, DATA)}
        inside = {
            ID: (LINKAGE, _with_counts({}, ids), ids),
            DATA: (RESEARCH, _with_counts(manifest, rows), rows),
        }
        digests = {}
        for part, (recipient, said, tables) in inside.items():
            heading = Heading(
                compartment=part, kind=self.kind, delivery_id=delivery_id, study=self.study.code,
                test=self.study.test, register=self.register, contract_version=contract.version,
                canon_version=CANON_VERSION, key_check=self.pins.key_check, epoch=self.pins.epoch, seq=seq,
                previous=self.ledger.head(self.register, part), created_at=now(),
            )  # fmt: skip
            with ExitStack() as stack:
                hidden = files[part].with_name(f".{files[part].name}.part")
                sealing_key = self.pins.party(recipient).sealing_key
                out = stack.enter_context(writing(hidden, heading.as_json(), self.keys.signing, sealing_key))
                write_payload(out, said, [(t.schema, t.to_batches(_BATCH_ROWS)) for t in tables.values()])
            digests[part] = out.digest
        delivery = Delivery(delivery_id, self.register, seq, files, digests)
        counts = {name: table.num_rows for name, table in rows.items()}
        self.ledger.record(delivery, {"kind": self.kind, "epoch": self.pins.epoch, "tables": counts})
        settle(self.sealed, digests.values())
        return delivery


def _with_counts(manifest: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    return {**manifest, "tables": [{"name": name, "rows": table.num_rows} for name, table in tables.items()]}
