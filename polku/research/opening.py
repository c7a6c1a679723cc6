"""The research platform's door: both parts of a delivery in, rows with random keys out.

Belongs here: finding, verifying, opening and refusing deliveries. Does not belong here: what the values
mean, gates and landing (`landing`), and remembering what has landed (the caller records it in the ledger
when it has).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.errors import Exit, Refusal
from polku.exchange.delivery import DATA, EXTRACT, LINK, WAITS, Delivery, Manifest
from polku.exchange.folders import find_parts, move, set_aside
from polku.exchange.ledger import REFUSED, Ledger
from polku.exchange.package import SUFFIX
from polku.exchange.parts import ROW_NO, TOKEN
from polku.exchange.trust import Trust
from polku.layout import DataRoot
from polku.research import erasure
from polku.research.arrived_parts import genuine, open_parts, verified_parts, wrong
from polku.research.handles import ERASED, Handles
from polku.research.identities import identities
from polku.research.research_tokens import Ring
from polku.studies import Study

HELD = WAITS | {Exit.KEY_UNUSABLE, Exit.TRUST_EXPIRED, Exit.LEDGER_BROKEN}
"""Exit codes that say nothing against a delivery: it stays in the inbox and is tried again."""

_BOTH = {DATA, LINK}


def pending(root: DataRoot, study: Study) -> list[Delivery]:
    """Deliveries of the study's registers that can be opened now: both parts in the inbox, none missing before.

    In order of register and sequence number. Only file names have been looked at.
    """
    return _split(root, study)[0]


def waiting(root: DataRoot, study: Study) -> list[Delivery]:
    """Deliveries that cannot be opened yet: one part has not arrived, or an earlier delivery has not."""
    return _split(root, study)[1]


def _split(root: DataRoot, study: Study) -> tuple[list[Delivery], list[Delivery]]:
    ledger = Ledger(root.ledger)
    ready: list[Delivery] = []
    waits: list[Delivery] = []
    next_seq: dict[str, int] = {}
    for delivery in find_parts(root.inbox):
        if delivery.register not in study.contracts:
            continue
        expected = next_seq.setdefault(delivery.register, ledger.last(delivery.register) + 1)
        if delivery.files.keys() == _BOTH and delivery.seq <= expected:
            ready.append(delivery)
            next_seq[delivery.register] = max(expected, delivery.seq + 1)
        else:
            waits.append(delivery)
    return ready, waits


def open_delivery(root: DataRoot, study: Study, delivery: Delivery) -> OpenedDelivery:
    """Verify both parts of an extract's delivery and open it; use the result in a `with`.

    Refuses with the exit code of what is wrong; SEQUENCE_GAP means hold, not refuse. New identities are kept
    only if the `with` ends well. Rows about erased persons are dropped, and only counted.
    """
    return OpenedDelivery(root, study, delivery)


class OpenedDelivery:
    """An opened delivery: `manifest`, `epoch`, `delivery` as it was verified, and `tables()` to be gone through
    once and to the end.

    `erased` counts, by table, the rows that were dropped since they are about an erased person; `names_erased`
    tells whether the delivery names one at all.
    """

    manifest: Manifest
    epoch: str
    names_erased: bool

    def __init__(self, root: DataRoot, study: Study, delivery: Delivery) -> None:
        self._root, self._study, self.delivery = root, study, delivery
        self._contract = study.contracts[delivery.register]
        self._refusal: Refusal | None = None
        self.erased: dict[str, int] = {}
        self._named_with_erased: set[int] = set()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            parts = stack.enter_context(open_parts(self._root, self._study, self.delivery, EXTRACT))
            self._data, self.epoch, self.delivery = parts.data, parts.heading.epoch, parts.delivery
            self.manifest = Manifest.from_json(parts.said, self._data.file)
            if [t.name for t in self.manifest.tables] != [t.name for t in self._contract.tables]:
                raise self._refuse(Exit.PACKAGE_WRONG_CONTRACT, "the delivery does not have the contract's tables.")
            (linked,) = parts.linked("links")
            self._store = stack.enter_context(identities(self._root))
            self._store.hold_to(parts.heading.mode)
            self._ring = Ring.of(self._root, self._store)
            self._arrived = self._store.arrived()
            self._handles = Handles(linked["handle"].combine_chunks(), self._keys(linked), parts.link.file)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        refusal = self._refusal
        if refusal is None and kind is None and not self._data.whole:
            refusal = self._refuse(Exit.DELIVERY_INCOMPLETE, "the delivery was not read to its end.")
        if refusal is None or refusal is error:
            if error is None and self.names_erased:
                self._forget_other_names()
            self._stack.__exit__(kind, error, trace)
        else:
            # A reader that runs inside DuckDB or Arrow cannot raise through them, so its refusal is raised here.
            self._stack.__exit__(Refusal, refusal, trace)
            raise refusal from None

    def tables(self) -> Iterator[tuple[str, pa.RecordBatchReader]]:
        """Each table's name and rows, in the order of the manifest: `row_no` and the contract's columns.

        Identifiers are int64 keys, everything else is text as written. Every chunk is authenticated before
        its rows are handed out; row count and hash of a table are checked when it has been read out.
        """
        for facts, reader in self._data.tables():
            columns = {
                c.name: c.type == "identifier" for c in self._study.delivered(self.delivery.register, facts["name"])
            }
            sealed = {name: TOKEN if is_id else pa.utf8() for name, is_id in columns.items()}
            if reader.schema != pa.schema([(ROW_NO, pa.int64()), *sealed.items()]):
                raise self._refuse(Exit.PACKAGE_WRONG_CONTRACT, "a table does not have the contract's columns.")
            opened = {name: pa.int64() if is_id else pa.utf8() for name, is_id in columns.items()}
            schema = pa.schema([(ROW_NO, pa.int64()), *opened.items()])
            yield facts["name"], pa.RecordBatchReader.from_batches(schema, self._keyed(facts["name"], reader, schema))

    def _keys(self, linked: pa.Table) -> pa.Array:
        """The key of each identifier of the delivery; an erased one gets none."""
        tokens, erased = self._ring.tokens_of(self._store, linked)
        kept = pc.invert(erased)
        self.names_erased = bool(pc.any(erased).as_py())
        keys = pa.repeat(pa.scalar(ERASED, pa.int64()), len(erased))
        return pc.replace_with_mask(keys, kept, self._store.keys_of(tokens.filter(kept)).combine_chunks())

    def _keyed(self, name: str, reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        subjects = [c.name for c in self._contract.table(name).identifiers if c.is_subject and c.name in schema.names]
        self.erased[name] = 0
        try:
            for batch in reader:
                columns = [self._handles.keys_of(c) if c.type == TOKEN else c for c in batch.columns]
                yield self._without_erased(name, pa.RecordBatch.from_arrays(columns, schema=schema), subjects)
        except Refusal as refusal:
            self._refusal = refusal
            raise

    def _without_erased(self, name: str, batch: pa.RecordBatch, subjects: list[str]) -> pa.RecordBatch:
        """Rows about an erased person are dropped; elsewhere her key is left empty."""
        keys = {c: batch[c] for c in batch.schema.names if batch[c].type == pa.int64() and c != ROW_NO}
        gone = {c: pc.fill_null(pc.equal(values, ERASED), False) for c, values in keys.items()}
        if not any(pc.any(mask).as_py() for mask in gone.values()):
            return batch
        about = np.zeros(batch.num_rows, np.bool_)
        for column in subjects:
            about |= gone[column].to_numpy(zero_copy_only=False)
        self.erased[name] += int(about.sum())
        for column in subjects:
            self._named_with_erased |= set(batch[column].filter(pa.array(about)).drop_null().to_pylist()) - {ERASED}
        columns = [
            pc.if_else(gone[c], pa.scalar(None, pa.int64()), batch[c]) if c in gone else batch[c]
            for c in batch.schema.names
        ]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema).filter(pa.array(~about))

    def _forget_other_names(self) -> None:
        """An erased person may come back with a client number that is new: it is hers as well.

        Only identifiers that nobody has had before. What others are known by is not erased on the word of a row.
        """
        new = self._store.later_than(self._arrived, self._named_with_erased)
        erasure.begin(self._store, self._ring, self.delivery.delivery_id, new, {})

    def _refuse(self, exit_: Exit, what: str) -> Refusal:
        self._refusal = wrong(self.delivery, exit_, what)
        return self._refusal


def refuse(root: DataRoot, delivery: Delivery, refusal: Refusal) -> Path:
    """Move the parts of a delivery to quarantine/packages/<delivery_id>/ with the reason; returns the folder.

    A genuine delivery is recorded as refused, so that the next one need not wait for it; a forged, changed
    or repeated one leaves no mark in the ledger, or anybody could use up an authority's numbers. Also takes
    a waiting delivery of which a part will never come.
    """
    ledger, trust = Ledger(root.ledger), Trust.read(root.trust, root.path)
    with ExitStack() as stack:
        try:
            parts = verified_parts(delivery, trust, stack)
            headings, whole = genuine(parts, trust), delivery.verified(parts)
            ledger.judge(whole, {part: heading.previous for part, heading in headings.items()})
        except Refusal:
            pass
        else:
            ledger.record(whole, {"refused": refusal.exit.name}, REFUSED)
    folder = root.quarantine / "packages" / delivery.delivery_id
    if folder.exists():
        folder = folder.with_name(f"{folder.name}.{delivery.digest[:12]}")
    set_aside(folder, delivery.files.values(), refusal)
    return folder


def retry(root: DataRoot, register: str, exit_: Exit) -> int:
    """Put deliveries of a register that were refused for a reason that has gone back into the inbox.

    Returns how many. They keep their numbers: a refused delivery can be tried again.
    """
    again = 0
    for reason in (root.quarantine / "packages").glob("*/reason.json"):
        said = json.loads(reason.read_text(encoding="utf-8"))
        if (said["exit"], said["register"]) == (exit_.name, register):
            for path in reason.parent.glob(f"*{SUFFIX}"):
                move(path, root.inbox)
            shutil.rmtree(reason.parent)
            again += 1
    return again
