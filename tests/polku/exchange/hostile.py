"""Payloads that a signed but hostile or broken sender may seal; each must end as one refusal, in little memory.

Belongs here: making them. Does not belong here: a check. Run as a program, it opens those in a folder.
"""

from __future__ import annotations

import io
import resource
import struct
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from polku.errors import Refusal
from polku.exchange.documents import canonical_json
from polku.exchange.payload import _CODEC, _RECORD, MAX_UNPACKED_BYTES, Payload

SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.utf8())])
ROWS = 3
BATCH = pa.RecordBatch.from_pydict({"number": [1, 2, 3], "text": ["a", "b", None]}, schema=SCHEMA)
BOMB_BYTES = 1 << 28
"""What a few kilobytes of zstd unpack to; far above what a receiver may hold."""

Piece = tuple[bytes, bytes]


def record(kind: bytes, body: bytes, unpacked: int | None = None) -> bytes:
    """A record with these very bytes."""
    return _RECORD.pack(kind, len(body), len(body) if unpacked is None else unpacked) + body


def packed(kind: bytes, message: bytes) -> bytes:
    """A record of an Arrow message."""
    return record(kind, _CODEC.compress(message, asbytes=True), len(message))


def payload(*records: bytes, tables: Any = ({"name": "t", "rows": ROWS},)) -> bytes:
    """A payload of one table whose closing record agrees with its records."""
    body = b"".join(records)
    closing = canonical_json({"sha256": sha256(body).hexdigest()})
    return record(b"M", canonical_json({"tables": list(tables)})) + body + record(b"E", closing)


def of(schema: pa.Schema, *batches: bytes, rows: int = ROWS) -> bytes:
    """A payload of one table, its batches as Arrow messages."""
    records = [packed(b"S", schema.serialize().to_pybytes()), *(packed(b"B", batch) for batch in batches)]
    return payload(*records, tables=[{"name": "t", "rows": rows}])


def message(batch: pa.RecordBatch, **options: Any) -> bytes:
    """The Arrow message of a batch, written with other options than senders use."""
    out = io.BytesIO()
    with pa.ipc.new_stream(out, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as stream:
        stream.write_batch(batch)
    messages = [each.serialize().to_pybytes() for each in pa.ipc.MessageReader.open_stream(out.getvalue())]
    return messages[-1]


def whole() -> bytes:
    """What a good sender would have sealed."""
    return of(SCHEMA, BATCH.serialize().to_pybytes())


def hostile() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each."""
    schema, good = packed(b"S", SCHEMA.serialize().to_pybytes()), BATCH.serialize().to_pybytes()
    zeros = _CODEC.compress(bytes(BOMB_BYTES), asbytes=True)
    manifest = record(b"M", canonical_json({"tables": [{"name": "t", "rows": ROWS}]}))
    yield "a record longer than any", manifest + _RECORD.pack(b"S", (1 << 32) - 1, 100)
    yield "a manifest longer than any", _RECORD.pack(b"M", (1 << 32) - 1, (1 << 32) - 1)
    yield "a bomb that says its size", payload(schema, record(b"B", zeros, BOMB_BYTES))
    yield "a bomb that says the largest size", payload(schema, record(b"B", zeros, MAX_UNPACKED_BYTES))
    yield "a bomb for a schema", payload(record(b"S", zeros, MAX_UNPACKED_BYTES))
    yield "less than its size", payload(schema, record(b"B", _CODEC.compress(good, asbytes=True), 1 << 20))
    yield "no zstd", payload(schema, record(b"B", good))
    yield "a manifest of 2 MiB", payload(tables=[{"name": "t" * (1 << 21), "rows": 1}])
    yield "a manifest of nothing but lists", record(b"M", b'{"tables":[' + b"[]," * 300_000 + b"[]]}")
    yield "a manifest that is deep", record(b"M", b'{"tables":' + b"[" * 200_000 + b"]" * 200_000 + b"}")
    yield "more tables than any register has", payload(tables=[{"rows": 0}] * 2_000)
    for rows in (-1, 1 << 63, 1.5, True, "3", None, [3]):
        yield f"rows: {rows!r}", payload(schema, packed(b"B", good), tables=[{"name": "t", "rows": rows}])
    for tables in ({"t": 1}, 1, "t", None, [1], [None]):
        yield f"tables: {tables!r}", record(b"M", canonical_json({"tables": tables}))
    yield "more rows than announced", of(SCHEMA, good, good)
    yield "fewer rows than announced", of(SCHEMA)
    yield "a table that is not announced", whole() + whole().split(b"}]}", 1)[1]
    yield "no schema", payload(packed(b"B", good))
    yield "two schemas", payload(schema, schema, packed(b"B", good))
    yield "an unknown record", payload(schema, packed(b"X", good))
    yield "a batch for a schema", payload(packed(b"S", good))
    yield "a schema for a batch", of(SCHEMA, SCHEMA.serialize().to_pybytes())
    yield from _messages(good)
    yield from _schemas()


def _messages(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Arrow messages that lie."""
    bomb = pa.RecordBatch.from_pydict(
        {"number": pa.array([0] * ROWS, pa.int64()), "text": ["\0" * (BOMB_BYTES // ROWS)] * ROWS}, schema=SCHEMA
    )
    yield "a bomb inside Arrow", of(SCHEMA, message(bomb, compression="zstd"))
    yield "a batch of the old format", of(SCHEMA, message(BATCH, metadata_version=pa.ipc.MetadataVersion.V4))
    for size in (0, 1, 1 << 24, (1 << 31) - 1, (1 << 32) - 1):
        yield f"metadata of {size} bytes", of(SCHEMA, good[:4] + struct.pack("<I", size) + good[8:])
    body = struct.pack("<q", len(pa.ipc.read_message(good).body))
    count = struct.pack("<q", ROWS)
    for number in (-1, 1 << 40, (1 << 63) - 1, -(1 << 63)):
        lie = struct.pack("<q", number)
        yield f"a body of {number} bytes", of(SCHEMA, good.replace(body, lie, 1))
        yield f"{number} rows", of(SCHEMA, good.replace(count, lie, 1), rows=min(abs(number), 1 << 52))
        yield f"{number} values", of(SCHEMA, good.replace(count, lie), rows=min(abs(number), 1 << 52))
    for cut in (0, 4, 8, 16, len(good) // 2, len(good) - 1):
        yield f"cut after {cut}", of(SCHEMA, good[:cut])
    offsets = struct.pack("<iiii", 0, 1, 2, 2)
    for wrong in ((0, 1, 2, 1 << 30), (0, 2, 1, 2), (-1, 1, 2, 2)):
        yield f"offsets {wrong}", of(SCHEMA, good.replace(offsets, struct.pack("<iiii", *wrong)))
    yield "text that is none", of(SCHEMA, good.replace(b"ab\0\0\0\0\0\0", b"\xff\xfe\0\0\0\0\0\0"))


def _schemas() -> Iterator[tuple[str, bytes]]:
    """Columns that no table of a delivery has."""
    text = pa.array(["a"] * ROWS)
    columns = {
        "dictionary": text.dictionary_encode(),
        "list": pa.array([[1]] * ROWS),
        "struct": pa.array([{"a": 1}] * ROWS),
        "map": pa.array([[("a", 1)]] * ROWS, pa.map_(pa.utf8(), pa.int64())),
        "null": pa.nulls(ROWS),
        "no width": pa.array([b""] * ROWS, pa.binary(0)),
        "view": pa.array(["a"] * ROWS, pa.string_view()),
        "runs": pa.RunEndEncodedArray.from_arrays([ROWS], ["a"]),
        "extension": pa.ExtensionArray.from_storage(pa.json_(), text),
        "decimal": pa.array([1] * ROWS, pa.decimal128(5)),
    }
    for name, column in columns.items():
        batch = pa.RecordBatch.from_arrays([column], ["c"])
        yield f"column: {name}", of(batch.schema, message(batch))
    for names in (["", "b"], ["a", "a"], ["\x1b[2J", "b"], ["a" * 2_000, "b"]):
        batch = pa.RecordBatch.from_arrays([text, text], names)
        yield f"names: {[name[:9] for name in names]}", of(batch.schema, message(batch))
    plain = SCHEMA.serialize().to_pybytes()
    name = payload(packed(b"S", plain.replace(b"number", b"\xff\xfe\xff\xfe\xff\xfe")), packed(b"B", message(BATCH)))
    yield "a name that is no text", name
    for schema in (SCHEMA.with_metadata({"a": "b"}), pa.schema([pa.field("a", pa.int64(), metadata={"a": "b"})])):
        yield f"metadata beside {len(schema)} columns", of(schema, rows=0)
    many = pa.schema([(f"column_{n}", pa.int64()) for n in range(5_000)])
    yield "five thousand columns", of(many, rows=0)


def read(content: bytes) -> int:
    """Open to the end; the number of rows."""
    opened = Payload(cast(io.RawIOBase, io.BytesIO(content)), "p")
    rows = sum(batch.num_rows for _, reader in opened.tables() for batch in reader)
    assert opened.whole
    return rows


def main(folder: Path) -> None:
    """Open the files in `folder`; prints how many were refused, and by how many MiB the peak of memory grew."""
    read(whole())
    before = _memory("VmHWM")
    limit = _memory("VmSize") + (512 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    refused = 0
    for path in sorted(folder.iterdir()):
        try:
            read(path.read_bytes())
        except Refusal:
            refused += 1
    grown = _memory("VmHWM") - before
    sys.stdout.write(f"{refused} {grown >> 20}\n")


def _memory(name: str) -> int:
    """Bytes by /proc: the peak that getrusage tells is handed down by whoever started this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) << 10


if __name__ == "__main__":
    main(Path(sys.argv[1]))
