"""Measures packages and the ledger as whole processes, beside the floor that hashing and decrypting set.

Belongs here: sealing, verifying and opening a package of random bytes; a table through payload and package;
a ledger of many entries. Does not belong here: what is inside real packages (`seal`), any assertion about speed.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from run import measure

from polku.exchange.delivery import Delivery
from polku.exchange.keypairs import OpeningKey, SigningKey
from polku.exchange.ledger import Ledger
from polku.exchange.package import CHUNK_BYTES, Package, writing
from polku.exchange.payload import Payload, write_payload

SENDER, RECIPIENT = SigningKey(bytes(64)), OpeningKey(bytes(96))
SIGNERS = {SENDER.verify_key.key_id: SENDER.verify_key}
SCHEMA = pa.schema([("row_no", pa.int64()), ("handle", pa.binary(16)), ("code", pa.utf8()), ("day", pa.utf8())])
BATCH_ROWS = 100_000


def start(folder: Path, size: int) -> None:
    """Nothing but the start of the process."""


def seal(folder: Path, size: int) -> None:
    """`size` MiB that do not compress, in pieces of 1 MiB."""
    block = np.random.default_rng(1).bytes(CHUNK_BYTES)
    (folder / "bytes.hpkg").unlink(missing_ok=True)
    with writing(folder / "bytes.hpkg", {}, SENDER, RECIPIENT.sealing_key) as out:
        for _ in range(size):
            out.write(block)


def verify(folder: Path, size: int) -> None:
    """The signatures alone: one reading of the file."""
    Package.verify(folder / "bytes.hpkg", SIGNERS).close()


def verify_and_open(folder: Path, size: int) -> None:
    """Signatures, then every chunk: two readings of the file."""
    block = bytearray(CHUNK_BYTES)
    with Package.verify(folder / "bytes.hpkg", SIGNERS) as package:
        reader = package.open(RECIPIENT)
        while reader.readinto(block):
            pass


def floor_read(folder: Path, size: int) -> None:
    """Reading the file twice."""
    block = bytearray(CHUNK_BYTES)
    for _ in range(2):
        with io.FileIO(folder / "bytes.hpkg") as file:
            while file.readinto(block):
                pass


def floor_hash(folder: Path, size: int) -> None:
    """SHA-256 of as many bytes in memory."""
    hashed, block = sha256(), bytes(CHUNK_BYTES)
    for _ in range(size):
        hashed.update(block)


def floor_decrypt(folder: Path, size: int) -> None:
    """AES-256-GCM of as many bytes in memory, in place of a file."""
    cipher, plain, sealed = AESGCM(bytes(32)), bytearray(CHUNK_BYTES), bytearray(CHUNK_BYTES + 16)
    cipher.encrypt_into(bytes(12), plain, b"", sealed)
    for _ in range(size):
        cipher.decrypt_into(bytes(12), sealed, b"", plain)


def table_seal(folder: Path, size: int) -> None:
    """Ten thousand rows for each MiB of `size`: number, handle, code, date."""
    rows = size * 10_000
    (folder / "table.hpkg").unlink(missing_ok=True)
    with writing(folder / "table.hpkg", {}, SENDER, RECIPIENT.sealing_key) as out:
        write_payload(out, {"tables": [{"name": "t", "rows": rows}]}, [(SCHEMA, _batches(rows))])


def table_open(folder: Path, size: int) -> None:
    """The same rows verified, opened and checked."""
    with Package.verify(folder / "table.hpkg", SIGNERS) as package:
        for _, reader in Payload(package.open(RECIPIENT), "table").tables():
            for _ in reader:
                pass


def ledger_write(folder: Path, size: int) -> None:
    """Ten entries for each MiB of `size`, one ledger object, as many commits."""
    ledger = Ledger(folder / "ledger.sqlite")
    for seq in range(ledger.last("jobs") + 1, 10 * size + 1):
        digests = {part: sha256(f"{part} {seq}".encode()).hexdigest() for part in ("data", "link")}
        ledger.record(Delivery(f"jobs-20240701-{seq:04d}", "jobs", seq, {}, digests, dict(digests)), {"rows": seq})


def ledger_read(folder: Path, size: int) -> None:
    """What one delivery asks of the ledger: its chain verified once, then six questions."""
    ledger = Ledger(folder / "ledger.sqlite")
    for _ in range(3):
        ledger.last("jobs")
        ledger.accepted("jobs")


STEPS: tuple[Callable[[Path, int], None], ...] = (
    start, seal, verify, verify_and_open, floor_read, floor_hash, floor_decrypt, table_seal, table_open,
    ledger_write, ledger_read,
)  # fmt: skip


def _batches(rows: int) -> Iterator[pa.RecordBatch]:
    rng = np.random.default_rng(1)
    codes = pa.array(["TT", "AS", "OT", "YL"])
    days = pa.array([str(day) for day in np.arange("2009-01-01", "2025-01-01", dtype="datetime64[D]")])
    handles = np.frombuffer(rng.bytes(16 * (rows // 10 + 1)), dtype="S16")
    for at in range(0, rows, BATCH_ROWS):
        count = min(BATCH_ROWS, rows - at)
        columns = [
            pa.array(np.arange(at, at + count, dtype=np.int64)),
            pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(handles[np.arange(at, at + count) // 10])]),
            codes.take(pa.array(rng.integers(0, len(codes), count))),
            days.take(pa.array(rng.integers(0, len(days), count))),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def main() -> None:
    """Each step in a process of its own."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/packages.py --size 1024 --runs 3")
    parser.add_argument("--size", type=int, default=1024, metavar="MIB")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--step", nargs=2, metavar=("NAME", "FOLDER"), help="one step in this process, not measured")
    args = parser.parse_args()
    if args.step:
        return next(step for step in STEPS if step.__name__ == args.step[0])(Path(args.step[1]), args.size)
    with tempfile.TemporaryDirectory() as folder:
        for step in STEPS:
            command = [sys.executable, __file__, "--size", str(args.size), "--step", step.__name__, folder]
            for _ in range(args.runs):
                print(f"{step.__name__:16} {measure(command, {})}")


if __name__ == "__main__":
    main()
