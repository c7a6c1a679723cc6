"""HPKG/1: what goes in comes out, and nothing else ever does."""

from __future__ import annotations

import io
import os
import stat
import struct
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from uuid import RFC_4122, UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange import package as package_module
from polku.exchange.documents import canonical_json
from polku.exchange.keypairs import SIGNATURE_BYTES, OpeningKey, SigningKey, new_opening_secret, new_signing_secret
from polku.exchange.package import Package, _Stream, writing

SENDER, STRANGER = SigningKey(new_signing_secret()), SigningKey(new_signing_secret())
RECIPIENT, OTHER = OpeningKey(new_opening_secret()), OpeningKey(new_opening_secret())
SIGNERS = {SENDER.verify_key.key_id: SENDER.verify_key}
END = b"HPKG/END"
CHUNK = 64
PLAIN = bytes(range(250))  # four chunks of 64 bytes, the last one short
small = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def pack(path: Path, plain: bytes, chunk_bytes: int = CHUNK, header: dict[str, object] | None = None) -> bytes:
    path.unlink(missing_ok=True)
    with writing(path, header or {"about": "test"}, SENDER, RECIPIENT.sealing_key, chunk_bytes) as out:
        out.write(plain)
    return path.read_bytes()


def unpack(path: Path, key: OpeningKey = RECIPIENT) -> bytes:
    with Package.verify(path, SIGNERS) as package:
        return io.BufferedReader(package.open(key)).read()


def refused(path: Path) -> Exit:
    with pytest.raises(Refusal) as caught:
        unpack(path)
    return caught.value.exit


def signed_anew(sealed: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """The package with its chunks rearranged, and signed by its genuine sender."""
    body = sealed[: -SIGNATURE_BYTES - len(END)]
    start = 5 + 32 + 32 + 4 + int.from_bytes(body[69:73], "big") + 1168
    chunks = [body[i : i + CHUNK + 16] for i in range(start, len(body), CHUNK + 16)]
    changed = body[:start] + b"".join(change(chunks))
    return changed + SENDER.sign(sha256(changed).digest()) + END


@small
@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 100))
def test_any_bytes_in_any_pieces_come_back(tmp_path: Path, pieces: list[bytes], chunk_bytes: int) -> None:
    path = tmp_path / "p.hpkg"
    path.unlink(missing_ok=True)
    with writing(path, {"about": "test"}, SENDER, RECIPIENT.sealing_key, chunk_bytes) as out:
        for piece in pieces:
            out.write(piece)
    assert unpack(path) == b"".join(pieces)
    assert out.digest == sha256(path.read_bytes()).hexdigest()


@small
@given(st.data())
def test_any_changed_byte_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "p.hpkg"
    sealed = bytearray(pack(path, PLAIN))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(sealed)
    assert refused(path) in (Exit.PACKAGE_TAMPERED, Exit.PACKAGE_TRUNCATED, Exit.SENDER_UNKNOWN)


def test_any_changed_byte_of_header_and_first_chunk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    sealed = pack(path, b"x")
    for place in range(0, 120):
        path.write_bytes(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
        assert refused(path) in (Exit.PACKAGE_TAMPERED, Exit.SENDER_UNKNOWN)


@small
@given(st.data())
def test_any_shortened_or_lengthened_file_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "p.hpkg"
    sealed = pack(path, PLAIN)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    path.write_bytes(data.draw(st.sampled_from([sealed[:cut], sealed + sealed[cut:], sealed + b"x"])))
    assert refused(path) in (Exit.PACKAGE_TRUNCATED, Exit.PACKAGE_TAMPERED)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: [c[1], c[0], *c[2:]], id="swapped"),
        pytest.param(lambda c: c[:-1], id="last dropped"),
        pytest.param(lambda c: c[1:], id="first dropped"),
        pytest.param(lambda c: [*c[:2], *c[3:]], id="middle dropped"),
        pytest.param(lambda c: [*c, c[-1]], id="last repeated"),
        pytest.param(lambda c: [*c, b"appended"], id="appended"),
        pytest.param(lambda c: [*c[:-1], c[-1][:-1]], id="tag cut"),
        pytest.param(lambda c: [], id="nothing left"),
    ],
)
def test_rearranged_chunks_are_refused_even_when_the_sender_signs_them(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = tmp_path / "p.hpkg"
    path.write_bytes(signed_anew(pack(path, PLAIN), change))
    assert refused(path) in (Exit.PACKAGE_TAMPERED, Exit.PACKAGE_TRUNCATED)


def test_chunks_of_another_package_are_refused_even_when_the_sender_signs_them(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    foreign: list[bytes] = []
    signed_anew(pack(path, PLAIN), lambda chunks: foreign.extend(chunks) or chunks)
    path.write_bytes(signed_anew(pack(path, PLAIN), lambda chunks: [foreign[0], *chunks[1:]]))
    assert refused(path) is Exit.PACKAGE_TAMPERED


def test_no_byte_of_a_chunk_that_fails_is_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    spoil = bytes([255]) * 16
    path.write_bytes(signed_anew(pack(path, PLAIN), lambda c: [c[0], c[1][:-16] + spoil, *c[2:]]))
    with Package.verify(path, SIGNERS) as package:
        stream = package.open(RECIPIENT)
        assert stream.read(CHUNK) == PLAIN[:CHUNK]
        with pytest.raises(Refusal):
            stream.read(CHUNK)
        assert stream.read(CHUNK) == b""
        assert not any(stream._plain)


def test_every_failure_of_decryption_has_the_same_text(tmp_path: Path) -> None:
    texts = set()
    for i, change in enumerate((lambda c: c[1:], lambda c: c[:-1], lambda c: [c[0][::-1], *c[1:]])):
        path = tmp_path / f"{i}" / "p.hpkg"
        path.parent.mkdir()
        path.write_bytes(signed_anew(pack(path, PLAIN), change))
        with pytest.raises(Refusal) as caught:
            unpack(path)
        texts.add(str(caught.value))
    assert len(texts) == 1


def test_an_unknown_sender_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    with writing(path, {"about": "test"}, STRANGER, RECIPIENT.sealing_key) as out:
        out.write(PLAIN)
    assert refused(path) is Exit.SENDER_UNKNOWN


def test_a_package_for_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    pack(path, PLAIN)
    with pytest.raises(Refusal) as caught:
        unpack(path, OTHER)
    assert caught.value.exit is Exit.PACKAGE_MISADDRESSED


def test_a_failure_while_writing_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "p.hpkg")
    assert list(tmp_path.iterdir()) == []


def write_and_fail(path: Path) -> None:
    with writing(path, {"about": "test"}, SENDER, RECIPIENT.sealing_key) as out:
        out.write(PLAIN)
        raise RuntimeError


def test_a_package_is_private_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    before = pack(path, PLAIN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError), writing(path, {}, SENDER, RECIPIENT.sealing_key):
        pass
    assert path.read_bytes() == before
    assert PLAIN[:16] not in before


def test_a_package_behind_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    pack(path, PLAIN)
    link = tmp_path / "l.hpkg"
    link.symlink_to(path)
    assert refused(link) is Exit.DELIVERY_INCOMPLETE


def test_a_flipped_byte_in_the_header_is_found_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    sealed = pack(path, PLAIN)
    path.write_bytes(sealed.replace(b'{"about', b"{{about", 1))
    assert refused(path) is Exit.PACKAGE_TAMPERED


def with_header(path: Path, text: bytes, plain: bytes = PLAIN) -> None:
    """A package with any bytes for a header, genuinely signed; its one chunk is sealed for that header."""
    head = struct.pack("!5s32s32sI", b"HPKG\x01", SENDER.verify_key.key_id, RECIPIENT.sealing_key.key_id, len(text))
    stream = _Stream(bytes(32), sha256(head + text).digest())
    sealed = bytearray(len(plain) + 16)
    stream.seal(memoryview(plain), memoryview(sealed), last=True)
    body = head + text + RECIPIENT.sealing_key.wrap(bytes(32), stream.wrap_info) + sealed
    path.write_bytes(body + SENDER.sign(sha256(body).digest()) + END)


CONTAINER = {"chunk_bytes": 1000, "package_id": "018f3c2a-7b1e-7c3d-8e4f-0123456789ab"}


def test_a_header_made_by_hand_opens(tmp_path: Path) -> None:
    with_header(tmp_path / "p.hpkg", canonical_json({**CONTAINER, "about": "test"}))
    assert unpack(tmp_path / "p.hpkg") == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(canonical_json({**CONTAINER, **change}), id=str(change)[:40])
        for change in (
            {"chunk_bytes": 0}, {"chunk_bytes": -1}, {"chunk_bytes": (1 << 24) + 1}, {"chunk_bytes": 1 << 64},
            {"chunk_bytes": 1000.0}, {"chunk_bytes": True}, {"chunk_bytes": "1000"}, {"chunk_bytes": None},
            {"package_id": 7}, {"package_id": ""}, {"package_id": None}, {"package_id": []},
            {"package_id": CONTAINER["package_id"].upper()}, {"package_id": f"{{{CONTAINER['package_id']}}}"},
            {"package_id": "018f3c2a-7b1e-4c3d-8e4f-0123456789ab"}, {"about": "x" * (1 << 16)},
        )
    ]
    + [b"", b"{", b"null", b"{}", b'{"chunk_bytes":1000}', b"[" * 60_000, b"\xff", b'{"chunk_bytes": 1000}'],
)  # fmt: skip
def test_a_signed_header_of_any_other_kind_is_refused(tmp_path: Path, text: bytes) -> None:
    with_header(tmp_path / "p.hpkg", text)
    assert refused(tmp_path / "p.hpkg") is Exit.PACKAGE_TAMPERED


def test_a_package_of_more_chunks_than_the_nonce_can_count_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.hpkg"
    pack(path, bytes(3 * CHUNK))
    monkeypatch.setattr(package_module, "MAX_CHUNKS", 3)
    assert len(unpack(path)) == 3 * CHUNK
    monkeypatch.setattr(package_module, "MAX_CHUNKS", 2)
    assert refused(path) is Exit.PACKAGE_TAMPERED


def test_no_nonce_is_used_twice() -> None:
    stream = _Stream(bytes(32), bytes(32))
    stream._count = package_module.MAX_CHUNKS - 1
    stream.seal(memoryview(b""), memoryview(bytearray(16)), last=False)
    with pytest.raises(OverflowError):
        stream.seal(memoryview(b""), memoryview(bytearray(16)), last=False)


def test_every_package_has_an_id_of_its_own_in_order_of_time(tmp_path: Path) -> None:
    ids = []
    for number in range(50):
        path = tmp_path / f"{number}.hpkg"
        with writing(path, {}, SENDER, RECIPIENT.sealing_key) as out:
            pass
        with Package.verify(path, SIGNERS) as package:
            assert package.package_id == out.package_id
            assert package.header == {}
        ids.append(UUID(package.package_id))
    assert len(set(ids)) == 50
    assert {(each.version, each.variant) for each in ids} == {(7, RFC_4122)}
    assert [each.int >> 80 for each in ids] == sorted(each.int >> 80 for each in ids)
    assert abs((ids[0].int >> 80) / 1000 - time.time()) < 3600


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.hpkg"
    pack(path, PLAIN)
    with Package.verify(path, SIGNERS) as package:
        stream = package.open(RECIPIENT)
        os.truncate(path, path.stat().st_size - SIGNATURE_BYTES - len(END) - 20)
        with pytest.raises(Refusal) as caught:
            io.BufferedReader(stream).read()
    assert caught.value.exit is Exit.PACKAGE_TAMPERED


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.hpkg")
    assert refused(tmp_path / "p.hpkg") is Exit.DELIVERY_INCOMPLETE
