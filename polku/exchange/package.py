"""HPKG/1: the sealed, signed, streaming container in which everything travels between parties.

Belongs here: bytes on disk, encryption, signatures and the order in which they are verified. Does not
belong here: what a header means (`delivery`), what is inside (`payload`) and how packages lie in folders
(`folders`). The format byte by byte, for a second implementation: docs/packages.md.

    "HPKG" 1 | sender key id 32 | recipient key id 32 | header length u32 | header (canonical JSON)
    | HPKE-wrapped data key 1168 | AES-256-GCM chunks, each with its 16-byte tag
    | Ed25519 64 + ML-DSA-65 3309 over the SHA-256 of all bytes before | "HPKG/END"

Chunk nonces are a counter with a flag on the last chunk, under a key that is fresh for each package; the
additional data is the hash of everything before the wrapped key. So chunks cannot be swapped, dropped,
repeated or moved to another package, not even by somebody who signs anew. Key ids stand at fixed places
because no byte of the header is parsed before the signatures have been verified. The closing mark only
tells a broken transfer from a manipulated file; nothing relies on it.
"""

from __future__ import annotations

import io
import os
import secrets
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from polku.errors import Exit, Refusal
from polku.exchange.documents import canonical_json, parsed
from polku.exchange.files import create_private, open_regular
from polku.exchange.keypairs import SIGNATURE_BYTES, WRAPPED_KEY_BYTES, OpeningKey, SealingKey, SigningKey, VerifyKey

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

SUFFIX = ".hpkg"
CHUNK_BYTES = 1 << 20
MAX_CHUNKS = 1 << 32
"""What the counter in the nonce can number: 4 PiB in chunks of 1 MiB."""

_MAGIC = b"HPKG\x01"
_END = b"HPKG/END"
_PREFIX = struct.Struct("!5s32s32sI")
_TAG_BYTES = 16
_TAIL_BYTES = SIGNATURE_BYTES + len(_END)
_SMALLEST_BYTES = _PREFIX.size + WRAPPED_KEY_BYTES + _TAG_BYTES + _TAIL_BYTES
_MAX_HEADER_BYTES = 1 << 16
_MAX_CHUNK_BYTES = 1 << 24
_OWN_FIELDS = ("chunk_bytes", "package_id")


class PackageWriter(io.RawIOBase):
    """A writable stream whose bytes go into a package; made by `writing`."""

    def __init__(self, file: BinaryIO, header: Mapping[str, Any], sender: SigningKey, recipient: SealingKey) -> None:
        chunk_bytes = int(header["chunk_bytes"])
        text = canonical_json(header)
        head = _PREFIX.pack(_MAGIC, sender.verify_key.key_id, recipient.key_id, len(text)) + text
        data_key = secrets.token_bytes(32)
        self._file, self._sender, self._hash = file, sender, sha256()
        self._stream = _Stream(data_key, sha256(head).digest())
        self._plain, self._filled = memoryview(bytearray(chunk_bytes)), 0
        self._sealed = memoryview(bytearray(chunk_bytes + _TAG_BYTES))
        self.package_id = str(header["package_id"])
        self.digest = ""
        self._emit(head + recipient.wrap(data_key, self._stream.wrap_info))

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Take bytes; whole chunks are sealed and written as soon as more follows them."""
        left = memoryview(data).cast("B")
        size = len(left)
        # A full chunk waits for the next byte: only then is it known not to be the last.
        while len(left) > (room := len(self._plain) - self._filled):
            if self._filled:
                self._plain[self._filled :] = left[:room]
                self._seal(self._plain, last=False)
            else:
                self._seal(left[:room], last=False)
            left, self._filled = left[room:], 0
        self._plain[self._filled : self._filled + len(left)] = left
        self._filled += len(left)
        return size

    def finish(self) -> None:
        """Seal the last chunk, sign and flush to disk. `digest` is then the SHA-256 of the whole file."""
        self._seal(self._plain[: self._filled], last=True)
        self._emit(self._sender.sign(self._hash.digest()) + _END)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.digest = self._hash.hexdigest()

    def _seal(self, plain: memoryview, *, last: bool) -> None:
        sealed = self._sealed[: len(plain) + _TAG_BYTES]
        self._stream.seal(plain, sealed, last=last)
        self._emit(sealed)

    def _emit(self, data: ReadableBuffer) -> None:
        self._hash.update(data)
        self._file.write(data)


@contextmanager
def writing(
    path: Path,
    header: Mapping[str, Any],
    sender: SigningKey,
    recipient: SealingKey,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[PackageWriter]:
    """Write a package to a new file (mode 0600); an exception inside leaves no file.

    `header` is not secret: it is signed, not encrypted, and must hold nothing of a person. The container
    adds the size of its chunks and an id that no other package has.
    """
    file = create_private(path)
    try:
        with file:
            whole = {**header, "chunk_bytes": chunk_bytes, "package_id": _new_package_id()}
            writer = PackageWriter(file, whole, sender, recipient)
            yield writer
            writer.finish()
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@dataclass
class Package:
    """A package whose signatures have been verified; nothing of it is decrypted yet.

    `header` is what the sender said, `package_id` a UUIDv7 of the container, `digest` the SHA-256 of the
    whole file (hex). Close it, or use it in a `with`.
    """

    path: Path
    header: dict[str, Any]
    package_id: str
    sender_key_id: bytes
    recipient_key_id: bytes
    digest: str
    _file: io.FileIO
    _head_hash: bytes
    _chunk_bytes: int
    _body_start: int
    _body_end: int

    @classmethod
    def verify(cls, path: Path, signers: Mapping[bytes, VerifyKey | None]) -> Package:
        """Open a package file and verify its signatures by one of `signers` (key id to key, None where it is revoked).

        Refuses DELIVERY_INCOMPLETE (no regular file), PACKAGE_TRUNCATED, SENDER_UNKNOWN, KEY_REVOKED or
        PACKAGE_TAMPERED.
        """
        file = open_regular(path)
        try:
            return cls._verify(path, file, signers)
        except BaseException:
            file.close()
            raise

    @classmethod
    def _verify(cls, path: Path, file: io.FileIO, signers: Mapping[bytes, VerifyKey | None]) -> Package:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - len(_END)))
        if size < _SMALLEST_BYTES or file.read(len(_END)) != _END:
            raise Refusal(
                Exit.PACKAGE_TRUNCATED,
                "the file does not end where a package ends: it was cut short, or something was appended.",
                "Transfer it again.",
                file=path.name,
            )
        file.seek(0)
        prefix = file.read(_PREFIX.size)
        magic, sender_key_id, recipient_key_id, header_bytes = _PREFIX.unpack(prefix)
        if magic != _MAGIC or header_bytes > min(_MAX_HEADER_BYTES, size - _SMALLEST_BYTES):
            raise _tampered(path)
        if sender_key_id not in signers:
            raise Refusal(
                Exit.SENDER_UNKNOWN,
                "the package is signed with a key that the trust file does not name.",
                "Compare key ids with the sender by telephone; a new key needs a new trust file.",
                file=path.name,
            )
        signer = signers[sender_key_id]
        if signer is None:
            raise Refusal(
                Exit.KEY_REVOKED,
                "the package is signed with a key that the steward has revoked.",
                "Whoever has that key may have sealed it. The sender seals it again with its new key.",
                file=path.name,
            )
        text = file.read(header_bytes)
        head, body_start = sha256(prefix + text), _PREFIX.size + header_bytes
        signed, body_end = head.copy(), size - _TAIL_BYTES
        with memoryview(bytearray(min(CHUNK_BYTES, body_end - body_start))) as block:
            while (left := body_end - file.tell()) > 0:
                if not (read := file.readinto(block[: min(left, len(block))])):
                    raise _tampered(path)
                signed.update(block[:read])
        tail = file.read(_TAIL_BYTES)
        if not signer.verifies(tail[:SIGNATURE_BYTES], signed.digest()):
            raise _tampered(path)
        # Only now is the header looked at: a byte of it that was changed is a wrong signature, not an odd text.
        header, package_id, chunk_bytes = _parse_header(path, text)
        chunks = -(-(body_end - body_start - WRAPPED_KEY_BYTES) // (chunk_bytes + _TAG_BYTES))
        if chunks > MAX_CHUNKS:
            raise _tampered(path)
        signed.update(tail)
        return cls(
            path, header, package_id, sender_key_id, recipient_key_id, signed.hexdigest(),
            file, head.digest(), chunk_bytes, body_start, body_end,
        )  # fmt: skip

    def open(self, key: OpeningKey) -> PackageReader:
        """The decrypted stream. Refuses PACKAGE_MISADDRESSED when it was sealed for somebody else."""
        if key.sealing_key.key_id != self.recipient_key_id:
            raise Refusal(
                Exit.PACKAGE_MISADDRESSED,
                "the package was sealed for another recipient.",
                "Ask the sender to seal it with the trust file of this study.",
                file=self.path.name,
            )
        self._file.seek(self._body_start)
        wrapped = self._file.read(WRAPPED_KEY_BYTES)
        data_key = key.unwrap(wrapped, _Stream.info(self._head_hash))
        if data_key is None:
            raise _tampered(self.path)
        left = self._body_end - self._body_start - WRAPPED_KEY_BYTES
        stream = _Stream(data_key, self._head_hash)
        return PackageReader(self.path, self._file, stream, min(self._chunk_bytes, left), left)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PackageReader(io.RawIOBase):
    """The plaintext of a package, chunk by chunk; no byte is handed out before its tag was verified."""

    def __init__(self, path: Path, file: io.FileIO, stream: _Stream, chunk_bytes: int, left: int) -> None:
        self._path, self._file, self._stream, self._left = path, file, stream, left
        self._sealed = memoryview(bytearray(chunk_bytes + _TAG_BYTES))
        self._plain = bytearray(chunk_bytes)
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        """Fill `target` as far as one chunk goes; 0 only after the chunk that is flagged as last."""
        if not self._ready and self._left:
            self._next_chunk()
        with memoryview(target).cast("B") as view:
            size = min(len(view), len(self._ready))
            view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _next_chunk(self) -> None:
        sealed, filled = self._sealed[: min(self._left, len(self._sealed))], 0
        while filled < len(sealed) and (read := self._file.readinto(sealed[filled:])):
            filled += read
        self._left -= len(sealed)
        size = len(sealed) - _TAG_BYTES
        try:
            if size < 0 or filled < len(sealed):
                raise InvalidTag
            self._ready = memoryview(self._plain)[:size]
            self._stream.open(sealed, self._ready, last=not self._left)
        except InvalidTag:
            # decrypt_into has already written what it could not authenticate.
            self._ready = memoryview(b"")
            self._plain[:] = bytes(len(self._plain))
            self._left = 0
            raise _tampered(self._path) from None


class _Stream:
    """AES-256-GCM over numbered chunks (the STREAM construction: counter and last flag in the nonce)."""

    def __init__(self, data_key: bytes, head_hash: bytes) -> None:
        key = HKDF(SHA256(), 32, salt=head_hash, info=b"hpkg/1 stream").derive(data_key)
        self._cipher, self._aad, self._count = AESGCM(key), head_hash, 0
        self.wrap_info = self.info(head_hash)

    @staticmethod
    def info(head_hash: bytes) -> bytes:
        return b"hpkg/1 dek " + head_hash

    def seal(self, plain: memoryview, sealed: memoryview, *, last: bool) -> None:
        self._cipher.encrypt_into(self._nonce(last), plain, self._aad, sealed)

    def open(self, sealed: memoryview, plain: memoryview, *, last: bool) -> None:
        self._cipher.decrypt_into(self._nonce(last), sealed, self._aad, plain)

    def _nonce(self, last: bool) -> bytes:
        # to_bytes raises OverflowError after 2**32 chunks (4 PiB): no nonce is ever used twice.
        nonce = bytes(7) + self._count.to_bytes(4, "big") + bytes([last])
        self._count += 1
        return nonce


def wrapped_key_at(file: BinaryIO) -> int:
    """Where in a package file that has been verified before the wrapped data key stands."""
    file.seek(0)
    return _PREFIX.size + int(_PREFIX.unpack(file.read(_PREFIX.size))[3])


def _new_package_id() -> str:
    """A UUIDv7 (RFC 9562): milliseconds since 1970, then 74 random bits."""
    bits = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return str(UUID(int=bits & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62))


def _parse_header(path: Path, text: bytes) -> tuple[dict[str, Any], str, int]:
    """The sender's header, and what the container keeps in it: package id and size of the chunks."""
    try:
        header = parsed(text, _MAX_HEADER_BYTES)
        chunk_bytes, package_id = (header.pop(name) for name in _OWN_FIELDS)
        uuid = UUID(package_id)
        if (
            type(chunk_bytes) is int
            and 0 < chunk_bytes <= _MAX_CHUNK_BYTES
            and (str(uuid), uuid.version) == (package_id, 7)
        ):
            return header, package_id, chunk_bytes
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise _tampered(path)


def _tampered(path: Path) -> Refusal:
    """One text for every failure after the sender is known: an attacker learns nothing from it."""
    return Refusal(
        Exit.PACKAGE_TAMPERED,
        "the package is not as its sender sealed it.",
        "Nothing of it was used. Ask the sender for the file again and compare its SHA-256.",
        file=path.name,
    )
