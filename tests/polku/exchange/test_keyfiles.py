"""Key files: written for one user, and refused whenever somebody else could have read or put them there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange.keyfiles import read_key, write_key

SECRET = bytes(range(32))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "party" / "keys" / "root.key"
    write_key(path, SECRET)
    return path


def linked(key: Path) -> None:
    key.rename(key.with_name("elsewhere"))
    key.symlink_to(key.with_name("elsewhere"))


def folder_linked(key: Path) -> None:
    key.parent.rename(key.parent.with_name("elsewhere"))
    key.parent.symlink_to(key.parent.with_name("elsewhere"))


def a_folder(key: Path) -> None:
    key.unlink()
    key.mkdir(mode=0o700)


def a_pipe(key: Path) -> None:
    key.unlink()
    os.mkfifo(key, 0o600)


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "cannot be reached"),
    "readable by the group": (lambda key: key.chmod(0o640), "mode"),
    "readable by others": (lambda key: key.chmod(0o604), "mode"),
    "writable by the group": (lambda key: key.chmod(0o620), "mode"),
    "a link": (linked, "cannot be reached"),
    "a folder": (a_folder, "cannot be reached"),
    "a pipe": (a_pipe, "not a regular file"),
    "too short": (lambda key: key.write_bytes(SECRET[:31]), "does not hold 32 bytes"),
    "too long": (lambda key: key.write_bytes(SECRET + b"\n"), "does not hold 32 bytes"),
    "empty": (lambda key: key.write_bytes(b""), "does not hold 32 bytes"),
    "in a folder that the group may write to": (lambda key: key.parent.chmod(0o770), "others may write to its folder"),
    "in a folder that others may write to": (lambda key: key.parent.chmod(0o702), "others may write to its folder"),
    "in a linked folder": (folder_linked, "cannot be reached"),
    "in no folder": (lambda key: key.parent.rename(key.parent.with_name("gone")), "cannot be reached"),
}


def refused(key: Path) -> str:
    with pytest.raises(Refusal) as caught:
        read_key(key)
    assert caught.value.exit is Exit.KEY_UNUSABLE
    assert caught.value.file == key.name
    assert SECRET.hex() not in str(caught.value)
    return caught.value.what


@pytest.mark.parametrize("fault", SPOILT)
def test_a_key_file_that_is_not_in_order_is_refused(key: Path, fault: str) -> None:
    spoil, reason = SPOILT[fault]
    assert read_key(key) == SECRET
    spoil(key)
    assert reason in refused(key)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_or_folder_of_another_user_is_refused(key: Path) -> None:
    os.chown(key, 65534, -1)
    assert "it belongs to another user" in refused(key)
    os.chown(key, os.geteuid(), -1)
    os.chown(key.parent, 65534, -1)
    assert "its folder belongs to another user" in refused(key)
    with pytest.raises(Refusal):
        write_key(key.with_name("new.key"), SECRET)


def test_several_faults_are_told_at_once(key: Path) -> None:
    key.write_bytes(b"")
    key.chmod(0o644)
    assert "mode" in refused(key)
    assert "32 bytes" in refused(key)


def test_a_new_key_is_private_whatever_the_umask_and_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        write_key(folder / "root.key", SECRET)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "root.key").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["root.key"]


def test_a_key_is_never_overwritten_unless_it_is_to_be_replaced(key: Path) -> None:
    with pytest.raises(Refusal) as caught:
        write_key(key, bytes(32))
    assert caught.value.exit is Exit.KEY_UNUSABLE
    assert read_key(key) == SECRET
    write_key(key, bytes(32), replace=True)
    assert read_key(key) == bytes(32)
    assert [path.name for path in key.parent.iterdir()] == ["root.key"]


def test_no_key_is_written_through_a_link(key: Path) -> None:
    folder_linked(key)
    with pytest.raises(Refusal):
        write_key(key.with_name("new.key"), SECRET)
    assert not (key.parent / "new.key").exists()
