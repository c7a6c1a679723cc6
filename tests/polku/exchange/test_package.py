"""HPKG/1: what goes in comes out, and nothing else ever does."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange.keypairs import SIGNATURE_BYTES, OpeningKey, SigningKey, new_opening_secret, new_signing_secret
from polku.exchange.package import Package, writing

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
