"""The research platform's door: both parts of a delivery in, rows with random keys out.

Belongs here: finding, verifying, opening and refusing deliveries. Does not belong here: what the values
mean, gates and landing (`landing`), and remembering what has landed (the caller records it in the ledger
when it has).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.errors import Exit, Refusal
from polku.exchange.blinding import UNBLINDING, multiply, read_unblinding
from polku.exchange.delivery import (
    DATA,
    LINK,
    WAITS,
    Delivery,
    Heading,
    Manifest,
    mode_of,
    warn_if_unreviewed,
)
from polku.exchange.folders import find_parts, set_aside, verified
from polku.exchange.keys import LINKAGE, RESEARCH, research_keys
from polku.exchange.ledger import REFUSED, Ledger
from polku.exchange.package import Package
from polku.exchange.parts import BLINDED, LINK_PARTS, RELAY, ROW_NO, TOKEN
from polku.exchange.payload import Payload
from polku.exchange.tokens import tokens
from polku.exchange.trust import Trust
from polku.layout import DataRoot
from polku.research.identities import TOKENS, Identities, identities
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
    """Verify both parts of a delivery and open it; use the result in a `with`.

    Checked before anything is decrypted: signatures, senders, recipient, study, test mark, token epoch and
    key check, contract version, sequence and predecessor of both parts. Refuses with the exit code of what
    is wrong; SEQUENCE_GAP means hold, not refuse. New identities are kept only if the `with` ends well.
    """
    return OpenedDelivery(root, study, delivery)


class OpenedDelivery:
    """An opened delivery: `manifest`, `delivery` as it was verified, and `tables()` to be gone through once
    and to the end."""

    manifest: Manifest

    def __init__(self, root: DataRoot, study: Study, delivery: Delivery) -> None:
        self._root, self._study, self.delivery = root, study, delivery
        self._contract = study.contracts[delivery.register]
        self._refusal: Refusal | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            trust = Trust.read(self._root.trust, self._root.path)
            warn_if_unreviewed(trust)
            opening = trust.own(RESEARCH, self._root.path).opening
            parts = _verified(self.delivery, trust, stack)
            headings = _genuine(parts, trust)
            self.delivery = self.delivery.verified(parts)
            for part, heading in headings.items():
                heading.check_clock(parts[part])
            Ledger(self._root.ledger).judge(self.delivery, {part: h.previous for part, h in headings.items()})
            for part, heading in headings.items():
                heading.check_terms(parts[part], trust)
            self._check(headings[DATA], headings[LINK])
            self._data = Payload(parts[DATA].open(opening), parts[DATA].path.name)
            said, unblinding = self._data.manifest, None
            if trust.mode == BLINDED:
                unblinding = read_unblinding(said, self._data.file)
                said = {name: value for name, value in said.items() if name != UNBLINDING}
            self.manifest = Manifest.from_json(said, self._data.file)
            if [t.name for t in self.manifest.tables] != [t.name for t in self._contract.tables]:
                raise self._refuse(Exit.PACKAGE_WRONG_CONTRACT, "the delivery does not have the contract's tables.")
            # One level until the store of identities says that it has been re-keyed to more.
            levels = research_keys(self._root.path, trust.study, levels=1)
            link = Payload(parts[LINK].open(opening), parts[LINK].path.name)
            store = stack.enter_context(identities(self._root))
            store.hold_to(mode_of(trust))
            self._handles = _Handles(link, levels, unblinding, store)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        refusal = self._refusal
        if refusal is None and kind is None and not self._data.whole:
            refusal = self._refuse(Exit.DELIVERY_INCOMPLETE, "the delivery was not read to its end.")
        if refusal is None or refusal is error:
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
            yield facts["name"], pa.RecordBatchReader.from_batches(schema, self._keyed(reader, schema))

    def _keyed(self, reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            for batch in reader:
                columns = [self._handles.keys_of(c) if c.type == TOKEN else c for c in batch.columns]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)
        except Refusal as refusal:
            self._refusal = refusal
            raise

    def _check(self, data: Heading, link: Heading) -> None:
        """Both parts are of one delivery of this study, sealed under the contract that the study reads."""
        if replace(link, compartment=DATA, previous=data.previous, created_at=data.created_at) != data:
            raise self._refuse(Exit.DELIVERY_INCOMPLETE, "the two parts are not of one delivery.")
        if (data.study, data.test) != (self._study.code, self._study.test):
            raise self._refuse(Exit.PACKAGE_MISADDRESSED, "the delivery is of another study, or not marked as it is.")
        if data.contract_version != self._contract.version:
            raise self._refuse(
                Exit.PACKAGE_WRONG_CONTRACT,
                f"sealed under version {data.contract_version} of the contract, read under {self._contract.version}.",
            )

    def _refuse(self, exit_: Exit, what: str) -> Refusal:
        advice = "Agree with the authority on contract and study, then let it seal the extract again."
        self._refusal = Refusal(exit_, what, advice, register=self.delivery.register, file=self.delivery.delivery_id)
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
            parts = _verified(delivery, trust, stack)
            headings, genuine = _genuine(parts, trust), delivery.verified(parts)
            ledger.judge(genuine, {part: heading.previous for part, heading in headings.items()})
        except Refusal:
            pass
        else:
            ledger.record(genuine, {"refused": refusal.exit.name}, REFUSED)
    folder = root.quarantine / "packages" / delivery.delivery_id
    if folder.exists():
        folder = folder.with_name(f"{folder.name}.{delivery.digest[:12]}")
    set_aside(folder, delivery.files.values(), refusal)
    return folder


def _verified(delivery: Delivery, trust: Trust, stack: ExitStack) -> dict[str, Package]:
    """The parts of a delivery, signatures verified, open until `stack` closes."""
    return {part: stack.enter_context(verified(path, trust.signers)) for part, path in delivery.files.items()}


def _genuine(parts: Mapping[str, Package], trust: Trust) -> dict[str, Heading]:
    """The headings of parts that come from whom they must come from, under their own names."""
    headings = {part: Heading.of(package) for part, package in parts.items()}
    for part, heading in headings.items():
        heading.check_origin(parts[part], trust, part, LINKAGE if part == LINK else heading.register)
    return headings


class _Handles:
    """Handle to entity key, by binary search on the first half of the handle (random, so unique)."""

    def __init__(self, link: Payload, levels: list[bytes], unblinding: int | None, store: Identities) -> None:
        self._file = link.file
        schema = LINK_PARTS[RELAY if unblinding is None else BLINDED]
        tables = [reader.read_all() for _, reader in link.tables()]
        if [table.schema for table in tables] != [schema]:
            raise Refusal(Exit.DELIVERY_INCOMPLETE, "the link part does not hold links.", file=self._file)
        rows = tables[0].combine_chunks()
        rho = pa.nulls(rows.num_rows, TOKENS.field("rho").type)
        for id_type in rows["id_type"].unique().to_pylist():
            its = pc.equal(rows["id_type"], id_type)
            made = rows["linked"].filter(its).to_pylist()
            if unblinding is not None:
                made = multiply(made, unblinding, self._file)
            for key in levels:
                made = tokens(key, id_type, made)
            rho = pc.replace_with_mask(rho, its.combine_chunks(), pa.array(made, rho.type))
        keys = store.keys_of(pa.Table.from_arrays([rows["id_type"], rho], schema=TOKENS))
        first, second = _halves(rows["handle"].combine_chunks())
        order = np.argsort(first)
        self._first, self._second = first[order], second[order]
        self._keys = keys.to_numpy()[order]

    def keys_of(self, handles: pa.FixedSizeBinaryArray) -> pa.Int64Array:
        """The key of each handle, null where there is none. Refuses a handle that the link part lacks."""
        given = handles.drop_null()
        first, second = _halves(given)
        at = np.minimum(np.searchsorted(self._first, first), max(len(self._first) - 1, 0))
        if len(given) and (
            not len(self._first) or (self._first[at] != first).any() or (self._second[at] != second).any()
        ):
            raise Refusal(
                Exit.DELIVERY_INCOMPLETE,
                "rows have handles that the linkage unit's part does not know: the parts are not of one delivery.",
                "Ask the authority to seal the extract again.",
                file=self._file,
            )
        keys = pa.array(self._keys[at] if len(given) else [], pa.int64())
        if not handles.null_count:
            return keys
        return pc.replace_with_mask(pa.nulls(len(handles), pa.int64()), handles.is_valid(), keys)


def _halves(handles: pa.FixedSizeBinaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Both 8-byte halves of 16-byte values without nulls, as unsigned integers."""
    start = handles.offset * TOKEN.byte_width
    data = handles.buffers()[1]
    pairs = (
        np.frombuffer(data, dtype=np.uint64, count=2 * len(handles), offset=start)
        if len(handles)
        else np.empty(0, np.uint64)
    )
    return pairs[0::2], pairs[1::2]
