"""What is inside a package: a manifest and then Arrow tables, as one stream of records.

Belongs here: the inner framing, written and read without holding a table in memory. Does not belong here:
encryption (`package`) and what a manifest says (`delivery`). Byte by byte: docs/packages.md.

A record is its kind (1 byte), the length of its body (u32), the length of that body unpacked (u32), and
the body. The manifest comes first and holds all that is known before the rows are written, the row counts
included. A table is one schema record and its batch records, each one Arrow IPC message compressed with
zstd; its closing END record holds what is known only afterwards, the SHA-256 of these records.

A receiver's memory is bounded whatever arrives: no length is believed above its limit, nothing is
unpacked that Arrow would unpack again, and no batch holds more rows than the manifest still announces.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import pyarrow as pa

from polku.errors import Exit, Refusal
from polku.exchange.documents import MAX_ITEMS, MAX_NUMBER, MAX_TEXT, canonical_json, parsed

MAX_UNPACKED_BYTES = 1 << 24
"""Of one Arrow message: what a receiver holds of a table at a time."""

_RECORD = struct.Struct("!cII")
_MANIFEST, _SCHEMA, _BATCH, _END = b"M", b"S", b"B", b"E"
_MAX_JSON_BYTES = 1 << 20
_MAX_SCHEMA_BYTES = 1 << 16
_MAX_BODY_BYTES = MAX_UNPACKED_BYTES + (MAX_UNPACKED_BYTES >> 7)
"""zstd adds less than one part in 128 to what it cannot compress."""
_BUFFER_BYTES = 1 << 20
_CODEC = pa.Codec("zstd", compression_level=1)


def write_payload(
    out: io.RawIOBase,
    manifest: Mapping[str, Any],
    tables: Iterable[tuple[pa.Schema, Iterable[pa.RecordBatch]]] = (),
) -> None:
    """Write the manifest, then one table for each entry of `manifest["tables"]`, in that order.

    Refuses (EXTRACT_BREAKS_CONTRACT) a row that is larger than any receiver would take.
    """
    body = canonical_json(manifest)
    _put(out, _MANIFEST, body, len(body))
    for facts, (schema, batches) in zip(manifest.get("tables", ()), tables, strict=True):
        hashed, rows = sha256(), 0
        _put_message(out, _SCHEMA, schema.serialize(), hashed)
        for batch in batches:
            rows += batch.num_rows
            for piece in _pieces(batch):
                _put_message(out, _BATCH, piece.serialize(), hashed)
        if rows != facts["rows"]:
            raise ValueError("a table holds another number of rows than its manifest says")
        body = canonical_json({"sha256": hashed.hexdigest()})
        _put(out, _END, body, len(body))


class Payload:
    """A payload being read. `manifest` is there at once; `tables()` streams and can be gone through once."""

    def __init__(self, source: io.RawIOBase, file: str) -> None:
        self._source, self.file = io.BufferedReader(source, _BUFFER_BYTES), file
        self.manifest = self._document(_MANIFEST)
        if not _plausible(self.manifest.get("tables", [])):
            raise self._broken()
        self._whole = False

    @property
    def whole(self) -> bool:
        """Whether everything to the last byte has been read and agrees with the manifest."""
        return self._whole

    def tables(self) -> Iterator[tuple[dict[str, Any], pa.RecordBatchReader]]:
        """Each table's facts from the manifest and its rows. A table must be read out before the next.

        Refuses (DELIVERY_INCOMPLETE) rows, columns or hashes that are not what the manifest says.
        """
        for facts in self.manifest.get("tables", ()):
            table = _Table(self, facts)
            yield facts, pa.RecordBatchReader.from_batches(table.schema, table.batches())
            if not table.ended:
                raise self._broken()
        if self._source.read(1):
            raise self._broken()
        self._whole = True

    def finish(self) -> None:
        """Read on to the end of a payload without tables."""
        for _ in self.tables():
            raise self._broken()

    def _record(self) -> tuple[bytes, int, bytes, bytes]:
        """Kind, unpacked length, head and body of the next record."""
        head = self._exactly(_RECORD.size)
        kind, size, unpacked = _RECORD.unpack(head)
        if size > _MAX_BODY_BYTES or unpacked > MAX_UNPACKED_BYTES:
            raise self._broken()
        return kind, unpacked, head, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        found = self._source.read(size)
        if len(found) != size:
            raise self._broken()
        return found

    def _document(self, expected: bytes) -> dict[str, Any]:
        kind, unpacked, _, body = self._record()
        if kind != expected or unpacked != len(body):
            raise self._broken()
        return self._parsed(body)

    def _parsed(self, body: bytes) -> dict[str, Any]:
        try:
            return parsed(body, _MAX_JSON_BYTES)
        except ValueError:
            raise self._broken() from None

    def _broken(self) -> Refusal:
        return Refusal(
            Exit.DELIVERY_INCOMPLETE,
            "what is inside the package is not what its manifest says.",
            "Nothing of it was used. Ask the sender to seal the delivery again.",
            file=self.file,
        )


class _Table:
    """One table of a payload, from its schema record to its END record."""

    def __init__(self, payload: Payload, facts: Mapping[str, Any]) -> None:
        self._payload, self._left, self._hash, self.ended = payload, facts["rows"], sha256(), False
        kind, unpacked, head, body = payload._record()
        if kind != _SCHEMA or unpacked > _MAX_SCHEMA_BYTES:
            raise payload._broken()
        try:
            self.schema = pa.ipc.read_schema(self._message(unpacked, head, body))
            if not _plain(self.schema):
                raise ValueError("columns that no table of a delivery has")
        except Exception:  # whatever Arrow and its codecs raise on bytes that are none of theirs
            raise payload._broken() from None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows; the table has ended well when they are through."""
        while True:
            kind, unpacked, head, body = self._payload._record()
            if kind != _BATCH:
                break
            yield self._batch(unpacked, head, body)
        if kind != _END or unpacked != len(body) or self._left:
            raise self._payload._broken()
        if self._payload._parsed(body) != {"sha256": self._hash.hexdigest()}:
            raise self._payload._broken()
        self.ended = True

    def _batch(self, unpacked: int, head: bytes, body: bytes) -> pa.RecordBatch:
        try:
            message = pa.ipc.read_message(self._message(unpacked, head, body))
            # Before V5 a batch could name its compression in another place.
            if message.metadata_version != pa.ipc.MetadataVersion.V5 or _is_compressed(message.metadata.to_pybytes()):
                raise ValueError("an Arrow message that Arrow would unpack without a limit")
            batch = pa.ipc.read_record_batch(message, self.schema)
            if batch.num_rows > self._left:
                raise ValueError("more rows than the manifest says")
            batch.validate(full=True)
        except Exception:  # as above
            raise self._payload._broken() from None
        self._left -= batch.num_rows
        return batch

    def _message(self, unpacked: int, head: bytes, body: bytes) -> pa.Buffer:
        self._hash.update(head)
        self._hash.update(body)
        return _CODEC.decompress(body, unpacked)


def _plausible(tables: object) -> bool:
    """Whether `tables` of a manifest is a list of a bearable length, each entry with a count of rows."""
    return (
        isinstance(tables, list)
        and len(tables) <= MAX_ITEMS
        and all(
            isinstance(facts, dict) and type(facts.get("rows")) is int and 0 <= facts["rows"] <= MAX_NUMBER
            for facts in tables
        )
    )


def _plain(schema: pa.Schema) -> bool:
    """Whether columns have different, printable names and nothing but flat values."""
    names = schema.names  # a name that is no UTF-8 raises
    return (
        len(names) <= MAX_ITEMS
        and len(set(names)) == len(names)
        and all(0 < len(name) <= MAX_TEXT and name.isprintable() for name in names)
        and all(_flat(field.type) and not field.metadata for field in schema)
        and not schema.metadata
    )


def _flat(kind: pa.DataType) -> bool:
    """Whether a column's memory is that of its message: no nesting, dictionary, extension or zero width."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or (pa.types.is_fixed_size_binary(kind) and kind.byte_width > 0)
    )


def _is_compressed(metadata: bytes) -> bool:
    """Whether the flatbuffer of a record batch has its field `compression` set (pyarrow does not tell)."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    at = _field(metadata, root, 2)  # Message.header
    if not at:
        return True
    (offset,) = struct.unpack_from("<I", metadata, at)
    return bool(_field(metadata, at + offset, 3))  # RecordBatch.compression


def _field(metadata: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffer table stands; 0 when it has none."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    slot = 4 + 2 * number
    if vtable < 0 or slot >= struct.unpack_from("<H", metadata, vtable)[0]:
        return 0
    (offset,) = struct.unpack_from("<H", metadata, vtable + slot)
    return table + offset if offset else 0


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch, halved until each piece is one that receivers take."""
    if pa.ipc.get_record_batch_size(batch) <= MAX_UNPACKED_BYTES:
        yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))
    else:
        raise Refusal(
            Exit.EXTRACT_BREAKS_CONTRACT,
            f"a row is larger than the {MAX_UNPACKED_BYTES >> 20} MiB that a package can hold of one.",
            "Look for a broken line end or quotation mark in the extract.",
        )


def _put_message(out: io.RawIOBase, kind: bytes, message: pa.Buffer, hashed: Any) -> None:
    body = _CODEC.compress(message, asbytes=True)
    head = _put(out, kind, body, message.size)
    hashed.update(head)
    hashed.update(body)


def _put(out: io.RawIOBase, kind: bytes, body: bytes, unpacked: int) -> bytes:
    head = _RECORD.pack(kind, len(body), unpacked)
    out.write(head)
    out.write(body)
    return head
