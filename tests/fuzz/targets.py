"""What the fuzzer calls: one function for each parser that reads what others send.

Belongs here: bringing arbitrary bytes past signatures and encryption to the parsers behind them. Does not
belong here: the fuzzer (`fuzz`) and the corpus.

Each target takes any bytes and must return, whatever they are: a parser either reads them or refuses. Any
other exception is a finding. Signatures are taken as right and the data key is a fixed one, for a signed
sender may be hostile too and no fuzzer forges a signature.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from polku.errors import Refusal
from polku.exchange import documents, payload
from polku.exchange.delivery import Heading, Manifest
from polku.exchange.keypairs import SIGNATURE_BYTES, WRAPPED_KEY_BYTES, OpeningKey, SigningKey, VerifyKey
from polku.exchange.keys import Card, read_card
from polku.exchange.package import Package, _Stream
from polku.exchange.trust import Trust

RAW, BUILT, SIGNED = 0, 1, 2
"""First byte of an input: the bytes are parsed as they are; what they hold is first sealed or framed; they are a
package up to its signatures."""

_MEMORY = Path("/dev/shm")
_FOLDER = Path(tempfile.mkdtemp(prefix="polku-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None))
_KEY = OpeningKey(bytes(96))
_RECIPIENT = _KEY.sealing_key.key_id
_DATA_KEY = bytes(32)


class _BelievedKey(VerifyKey):
    def __init__(self) -> None:
        pass

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        return True


class _KnownKey(OpeningKey):
    def __init__(self) -> None:
        self.sealing_key = _KEY.sealing_key

    def unwrap(self, wrapped: bytes, info: bytes) -> bytes | None:
        return _DATA_KEY if not any(wrapped) else None


_SIGNERS: dict[bytes, VerifyKey] = defaultdict(_BelievedKey, {bytes(32): _BelievedKey()})


def package(data: bytes) -> None:
    """A package file. BUILT: u16 header length, header, u8 chunk size, then the plaintext of the chunks."""
    path = _FOLDER / "fuzzed.hpkg"
    make = {bytes([BUILT]): _sealed, bytes([SIGNED]): _signed}.get(data[:1], bytes)
    path.write_bytes(make(data[1:]))
    with suppress(Refusal), Package.verify(path, _SIGNERS) as opened:
        with suppress(Refusal):
            Heading.of(opened)
        with suppress(Refusal):
            _read_out(io.BufferedReader(opened.open(_KnownKey())))
        opened.open(_KnownKey()).read(1 << 20)


def payload_(data: bytes) -> None:
    """A payload. BUILT: JSON manifest up to a newline, then pieces (kind u8, length u16, body) to be framed."""
    whole = _framed(data[1:]) if data[:1] == bytes([BUILT]) else data[1:]
    with suppress(Refusal):
        _read_out(io.BytesIO(whole))


def document(data: bytes) -> None:
    """JSON of a header or manifest, spelled canonically first so that most inputs get as far as their shape."""
    for text in (data, _respelled(data)):
        with suppress(ValueError):
            value = documents.parsed(text, 1 << 16)
            for kind in (Heading, Manifest):
                with suppress(ValueError):
                    documents.shaped(kind, value)
            with suppress(Refusal):
                Manifest.from_json(value, "manifest")


def trust(data: bytes) -> None:
    """A trust file, and the same bytes as a card."""
    path = _FOLDER / "trust.json"
    path.write_bytes(data)
    with suppress(Refusal):
        Trust.unpinned(path)
    with suppress(Refusal):
        read_card(path)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "package": package,
    "payload": payload_,
    "document": document,
    "trust": trust,
}


def _read_out(stream: io.BufferedIOBase) -> None:
    opened = payload.Payload(cast(io.RawIOBase, stream), "fuzzed")
    with suppress(Refusal):
        Manifest.from_json(opened.manifest, "fuzzed")
    for _, reader in opened.tables():
        for batch in reader:
            batch.to_pylist()
    assert opened.whole


def _sealed(data: bytes) -> bytes:
    size = int.from_bytes(data[:2], "big") % 4096
    header, body = data[2 : 2 + size], data[3 + size :]
    chunk_bytes = max(16, (data[2 + size : 3 + size] or b"\1")[0])
    head = struct.pack("!5s32s32sI", b"HPKG\x01", bytes(32), _RECIPIENT, len(header)) + header
    stream = _Stream(_DATA_KEY, sha256(head).digest())
    chunks = []
    for start in range(0, max(len(body), 1), chunk_bytes):
        plain = bytearray(body[start : start + chunk_bytes])
        sealed = bytearray(len(plain) + 16)
        stream.seal(memoryview(plain), memoryview(sealed), last=start + chunk_bytes >= len(body))
        chunks.append(bytes(sealed))
    return _signed(head + bytes(WRAPPED_KEY_BYTES) + b"".join(chunks))


def _signed(data: bytes) -> bytes:
    return data + bytes(SIGNATURE_BYTES) + b"HPKG/END"


def _framed(data: bytes) -> bytes:
    """Pieces `S` and `B` become compressed records, `E` a closing record that agrees with them."""
    out, hashed = io.BytesIO(), sha256()
    manifest, _, pieces = data.partition(b"\n")
    text = _respelled(manifest)
    out.write(payload._RECORD.pack(b"M", len(text), len(text)) + text)
    while len(pieces) >= 3:
        kind, size = pieces[:1], int.from_bytes(pieces[1:3], "big")
        body, pieces = pieces[3 : 3 + size], pieces[3 + size :]
        if kind == b"E":
            closing = documents.canonical_json({"sha256": hashed.hexdigest()})
            out.write(payload._RECORD.pack(kind, len(closing), len(closing)) + closing)
            hashed = sha256()
        else:
            packed = payload._CODEC.compress(body, asbytes=True)
            record = payload._RECORD.pack(kind, len(packed), len(body)) + packed
            hashed.update(record)
            out.write(record)
    return out.getvalue()


def _respelled(text: bytes) -> bytes:
    try:
        return documents.canonical_json(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return text


def seeds(target: str) -> list[bytes]:
    """Inputs that are read to their end, from which the fuzzer starts."""
    columns = ["row_no", "person_key", "note"]
    schema = pa.schema([("row_no", pa.int64()), ("person_key", pa.binary(16)), ("note", pa.utf8())])
    rows = [{"row_no": n, "person_key": bytes([n] * 16), "note": f"text {n}" if n % 2 else None} for n in range(3)]
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    facts = {"name": "persons", "rows": 3, "columns": columns, "rejected": {"hetu:not_a_date": 1}, "repaired": 1}
    manifest: dict[str, Any] = {
        "tables": [facts], "extracted_on": "2024-07-01", "period": ["2018-01-01", "2024-06-30"], "source": "system",
        "filed_by": "unit", "legal_basis": ["Act"], "tool_version": "0.1.0",
    }  # fmt: skip
    heading = Heading(
        compartment="data", delivery_id="persons-20240701-0002", study="small", test=True, register="persons",
        contract_version=1, canon_version=1, key_check="0" * 16, mode="relay", epoch="1", seq=2, previous="0" * 64,
        created_at="2024-07-01T12:00:00+00:00",
    )  # fmt: skip
    container = {"chunk_bytes": 100, "package_id": "018f3c2a-7b1e-7c3d-8e4f-0123456789ab"}
    header = documents.canonical_json({**heading.as_json(), **container})
    raw = io.BytesIO()
    payload.write_payload(cast(io.RawIOBase, raw), manifest, [(schema, [batch, batch.slice(0, 0)])])
    if target == "package":
        built = len(header).to_bytes(2, "big") + header + bytes([100]) + raw.getvalue()
        signed = _sealed(built)[: -SIGNATURE_BYTES - 8]
        return [bytes([BUILT]) + built, bytes([SIGNED]) + signed, bytes([RAW]) + _sealed(bytes(3)), bytes([BUILT])]
    if target == "payload":
        pieces = [(b"S", schema.serialize().to_pybytes()), (b"B", batch.serialize().to_pybytes()), (b"E", b"")]
        framed = b"".join(kind + len(body).to_bytes(2, "big") + body for kind, body in pieces)
        text = documents.canonical_json(manifest)
        return [bytes([RAW]) + raw.getvalue(), bytes([BUILT]) + text + b"\n" + framed, b"\1{}\n"]
    if target == "document":
        return [header, documents.canonical_json(heading.as_json()), documents.canonical_json(manifest)]
    signing, sealing = SigningKey(bytes(64)).verify_key.public, OpeningKey(bytes(96)).sealing_key.public
    card = Card("steward", "small", signing, sealing, {"1": "0" * 16}).as_json()
    terms = {
        "study": "small", "test": True, "serial": 1, "issued_on": "2026-01-01", "expires_on": "2027-01-01",
        "epoch": "1", "previous_epoch": None, "mode": "relay", "stretched": False, "parties": [card],
        "register_checks": {"1": {}},
        "revoked": [{"key_id": "0" * 64, "party": "ura", "use": "signing", "on": "2026-01-01", "reason": "stolen"}],
    }  # fmt: skip
    signature = SigningKey(bytes(64)).sign(sha256(b"polku trust/1\0" + documents.canonical_json(terms)).digest()).hex()
    trusted = json.dumps({"terms": terms, "signature": signature}).encode()
    return [trusted, json.dumps({"terms": terms}).encode(), json.dumps(card).encode(), b"{}", b"[]"]
