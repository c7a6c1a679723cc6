"""Packages in folders: seen when whole and marked, held while they are not, and never believed for a marker."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import folders
from polku.exchange.files import digest_of, open_regular
from polku.exchange.keypairs import OpeningKey, SigningKey
from polku.exchange.package import writing

SENDER, RECIPIENT = SigningKey(bytes(64)), OpeningKey(bytes(96)).sealing_key
SIGNERS = {SENDER.verify_key.key_id: SENDER.verify_key}
NAME = "jobs-20240701-0001.data.hpkg"


def sealed(folder: Path, name: str = NAME, content: bytes = b"content") -> Path:
    folder.mkdir(exist_ok=True)
    part = folder / f".{name}.part"
    with writing(part, {}, SENDER, RECIPIENT) as out:
        out.write(content)
    return folders.publish(part, out.digest)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return sealed(tmp_path / "from")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    return made


def held(path: Path) -> bool:
    with pytest.raises(Refusal) as caught:
        folders.verified(path, SIGNERS)
    return caught.value.exit is Exit.NOT_YET


def test_a_marker_is_what_sha256sum_checks(package: Path) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", f"{NAME}.sha256"], cwd=package.parent, capture_output=True, check=False
    )
    assert checked.returncode == 0
    assert folders.announced(package) == digest_of(package)


def test_a_package_and_its_marker_are_copied_moved_and_removed_together(package: Path, inbox: Path) -> None:
    copied = folders.copy(package, inbox)
    assert [d.files for d in folders.find_parts(inbox)] == [{"data": copied}]
    folders.verified(copied, SIGNERS).close()
    away = inbox / "landed"
    away.mkdir()
    moved = folders.move(copied, away)
    assert [path.name for path in inbox.iterdir()] == ["landed"]
    assert sorted(path.name for path in away.iterdir()) == [NAME, f"{NAME}.sha256"]
    folders.remove(moved)
    assert not list(away.iterdir())
    assert package.is_file()


def test_a_copy_is_private_and_does_not_write_through_a_link(package: Path, inbox: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (inbox / f".{NAME}.part").symlink_to(victim)
    copied = folders.copy(package, inbox)
    assert victim.read_bytes() == b"mine"
    assert not copied.is_symlink()
    assert copied.stat().st_mode & 0o777 == 0o600


def test_a_package_without_marker_is_not_seen_but_named(package: Path, inbox: Path) -> None:
    (inbox / NAME).write_bytes(package.read_bytes())
    assert folders.find_parts(inbox) == []
    assert folders.arriving(inbox) == [inbox / NAME]
    folders.mark(inbox / NAME, digest_of(package))
    assert [d.delivery_id for d in folders.find_parts(inbox)] == ["jobs-20240701-0001"]
    assert folders.arriving(inbox) == []


@pytest.mark.parametrize("cut", [0, 1, 1000, 4700])
def test_half_a_package_is_held_and_stays(package: Path, inbox: Path, cut: int) -> None:
    copied = folders.copy(package, inbox)
    whole = copied.read_bytes()
    copied.write_bytes(whole[:cut])
    assert held(copied)
    assert copied.read_bytes() == whole[:cut]
    copied.write_bytes(whole)
    folders.verified(copied, SIGNERS).close()


@pytest.mark.parametrize("marker", [b"", b"x", b"0" * 63, b"0" * 65, b"0" * 64, b"A" * 64, bytes(64)])
def test_a_marker_that_says_something_else_holds_the_package(package: Path, marker: bytes) -> None:
    package.with_name(f"{NAME}.sha256").write_bytes(marker)
    assert held(package)


def test_a_marker_proves_nothing(package: Path) -> None:
    content = bytearray(package.read_bytes())
    content[200] ^= 1
    package.write_bytes(content)
    folders.mark(package, digest_of(package))
    with pytest.raises(Refusal) as caught:
        folders.verified(package, SIGNERS)
    assert caught.value.exit is Exit.PACKAGE_TAMPERED


def test_a_copy_that_went_wrong_does_not_agree_with_its_marker(package: Path, inbox: Path) -> None:
    package.write_bytes(package.read_bytes()[:-1])
    assert held(folders.copy(package, inbox))


def test_what_has_no_marker_is_not_carried(package: Path, inbox: Path) -> None:
    package.with_name(f"{NAME}.sha256").unlink()
    with pytest.raises(Refusal) as caught:
        folders.copy(package, inbox)
    assert caught.value.exit is Exit.NOT_YET
    assert not list(inbox.iterdir())


def test_links_pipes_and_folders_are_not_packages(package: Path, inbox: Path) -> None:
    link, pipe, folder = (inbox / f"jobs-20240701-000{n}.data.hpkg" for n in (2, 3, 4))
    link.symlink_to(package)
    os.mkfifo(pipe)
    folder.mkdir()
    for path in (link, pipe, folder):
        folders.mark(path, "0" * 64)
        with pytest.raises(Refusal) as caught:
            open_regular(path)
        assert caught.value.exit is Exit.DELIVERY_INCOMPLETE
    assert folders.find_parts(inbox) == []
    assert folders.arriving(inbox) == []


def test_a_link_for_a_marker_is_no_marker(package: Path, inbox: Path) -> None:
    (inbox / NAME).write_bytes(package.read_bytes())
    (inbox / f"{NAME}.sha256").symlink_to(package.with_name(f"{NAME}.sha256"))
    assert folders.announced(inbox / NAME) is None
    assert folders.find_parts(inbox) == []


def test_settling_gives_name_and_marker_to_what_the_ledger_knows(tmp_path: Path) -> None:
    known = [sealed(tmp_path, f"jobs-20240701-000{n}.data.hpkg", bytes([n])) for n in (1, 2)]
    stray = sealed(tmp_path, "jobs-20240701-0003.data.hpkg")
    digests = [digest_of(path) for path in known]
    for path in (known[0], stray):
        path.rename(path.with_name(f".{path.name}.part"))
        path.with_name(f"{path.name}.sha256").unlink()
    known[1].with_name(f"{known[1].name}.sha256").unlink()
    folders.settle(tmp_path, digests)
    assert [d.seq for d in folders.find_parts(tmp_path)] == [1, 2]
    assert len(list(tmp_path.iterdir())) == 4


def test_only_names_of_parts_are_parts(package: Path) -> None:
    for name in ("jobs-2024-1.data.hpkg", "jobs-20240701-0001.other.hpkg", ".jobs-20240701-0001.data.hpkg.part"):
        folders.mark(package.rename(package.with_name(name)), "0" * 64)
        package = package.with_name(name)
        assert folders.find_parts(package.parent) == []
