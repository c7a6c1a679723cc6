"""What is inside a package: a manifest and then Arrow tables, as one stream of records.

Belongs here: the inner framing, written and read without holding a table in memory. Does not belong here:
encryption (`package`) and what a manifest says (`delivery`).

A record is its kind (1 byte), its length (u32) and its body. The manifest comes first and holds all that
is known before the rows are written, the row counts included; each table is an Arrow IPC stream (zstd) in
DATA records; its closing END record holds what is known only afterwards, the SHA-256 of that stream.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from polku.errors import Exit, Refusal
from polku.exchange.package import canonical_json

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_RECORD = struct.Struct("!cI")
_MANIFEST, _DATA, _END = b"M", b"D", b"E"
_MAX_JSON_BYTES = 1 << 24
_BLOCK_BYTES = 1 << 20


def write_payload(
    out: io.RawIOBase,
    manifest: Mapping[str, Any],
    tables: Iterable[tuple[pa.Schema, Iterable[pa.RecordBatch]]] = (),
) -> None:
    """Write the manifest, then one table for each entry of `manifest["tables"]`, in that order."""
    _put(out, _MANIFEST, canonical_json(manifest))
    for facts, (schema, batches) in zip(manifest.get("tables", ()), tables, strict=True):
        sink = _Sink(out)
        rows = 0
        with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
            for batch in batches:
                stream.write_batch(batch)
                rows += batch.num_rows
        if rows != facts["rows"]:
            raise ValueError("a table holds another number of rows than its manifest says")
        _put(out, _END, canonical_json({"sha256": sink.hash.hexdigest()}))


class Payload:
    """A payload being read. `manifest` is there at once; `tables()` streams and can be gone through once."""

    def __init__(self, source: io.RawIOBase, file: str) -> None:
        self._source, self.file = io.BufferedReader(source, _BLOCK_BYTES), file
        kind, body = self._record()
        if kind != _MANIFEST:
            raise self._broken()
        self.manifest = self._parse(body)
        self._whole = False

    @property
    def whole(self) -> bool:
        """Whether everything to the last byte has been read and agrees with the manifest."""
        return self._whole

    def tables(self) -> Iterator[tuple[dict[str, Any], pa.RecordBatchReader]]:
        """Each table's facts from the manifest and its rows. A table must be read out before the next.

        Refuses (DELIVERY_INCOMPLETE) rows or hashes that are not what the manifest says.
        """
        for facts in self.manifest.get("tables", ()):
            source = _Source(self)
            stream = self._opened(source)
            yield (
                facts,
                pa.RecordBatchReader.from_batches(stream.schema, self._batches(facts, source, stream)),
            )
            if not source.ended:
                raise self._broken()
        if self._source.read(1):
            raise self._broken()
        self._whole = True

    def finish(self) -> None:
        """Read on to the end of a payload without tables."""
        for _ in self.tables():
            raise self._broken()

    def _batches(self, facts: Mapping[str, Any], source: _Source, stream: Any) -> Iterator[pa.RecordBatch]:
        rows = 0
        while (batch := self._next(stream)) is not None:
            rows += batch.num_rows
            yield batch
        closing = source.drain()
        if rows != facts["rows"] or closing != {"sha256": source.hash.hexdigest()}:
            raise self._broken()

    def _opened(self, source: _Source) -> Any:
        try:
            return pa.ipc.open_stream(source)
        except pa.ArrowInvalid:
            raise self._broken() from None

    def _next(self, stream: Any) -> pa.RecordBatch | None:
        try:
            batch = stream.read_next_batch()
            batch.validate(full=True)
        except StopIteration:
            return None
        except pa.ArrowInvalid:
            raise self._broken() from None
        return batch

    def _record(self) -> tuple[bytes, bytes]:
        head = self._source.read(_RECORD.size)
        if len(head) != _RECORD.size:
            raise self._broken()
        kind, size = _RECORD.unpack(head)
        if size > _MAX_JSON_BYTES:
            raise self._broken()
        body = self._source.read(size)
        if len(body) != size:
            raise self._broken()
        return kind, body

    def _parse(self, body: bytes) -> dict[str, Any]:
        try:
            value = json.loads(body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise self._broken()
        return value

    def _broken(self) -> Refusal:
        return Refusal(
            Exit.DELIVERY_INCOMPLETE,
            "what is inside the package is not what its manifest says.",
            "Nothing of it was used. Ask the sender to seal the delivery again.",
            file=self.file,
        )


class _Sink(io.RawIOBase):
    """Puts the bytes of an Arrow stream into DATA records and hashes them."""

    def __init__(self, out: io.RawIOBase) -> None:
        self._out, self.hash = out, sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        view = memoryview(data).cast("B")
        self.hash.update(view)
        for start in range(0, len(view), _BLOCK_BYTES):
            _put(self._out, _DATA, view[start : start + _BLOCK_BYTES])
        return len(view)


class _Source(io.RawIOBase):
    """Takes the bytes of an Arrow stream out of DATA records and hashes them."""

    def __init__(self, payload: Payload) -> None:
        self._payload, self.hash = payload, sha256()
        self._ready = memoryview(b"")
        self._closing: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        return self._closing is not None

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        with memoryview(target).cast("B") as view:
            filled = 0
            # Arrow takes a short read for the end of the stream, so the target is filled.
            while filled < len(view) and self._more():
                size = min(len(view) - filled, len(self._ready))
                view[filled : filled + size] = self._ready[:size]
                self._ready = self._ready[size:]
                filled += size
        return filled

    def drain(self) -> dict[str, Any] | None:
        """The END record, when nothing but it follows."""
        return self._closing if not self._more() else None

    def _more(self) -> bool:
        while not self._ready and self._closing is None:
            kind, body = self._payload._record()
            if kind == _END:
                self._closing = self._payload._parse(body)
            elif kind == _DATA:
                self.hash.update(body)
                self._ready = memoryview(body)
            else:
                raise self._payload._broken()
        return bool(self._ready)


def _put(out: io.RawIOBase | BinaryIO, kind: bytes, body: ReadableBuffer) -> None:
    view = memoryview(body)
    out.write(_RECORD.pack(kind, view.nbytes))
    out.write(view)
