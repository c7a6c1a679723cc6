"""Secret key files: how they are written, and when they are refused.

Belongs here: a file's and its folder's owner, mode and type, and its length. Does not belong here: what a key is for.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from polku.errors import Exit, Refusal

_ADVICE = (
    "The file must be a regular file of its user with mode 0600, in a folder (no link) of the same user "
    "to which nobody else may write."
)


def write_key(path: Path, secret: bytes, *, replace: bool = False) -> None:
    """Write a key file (mode 0600, in a folder of mode 0700), whole or not at all.

    Refuses (KEY_UNUSABLE) to overwrite an existing file unless it is to be replaced, and a folder that is a
    link or another user's.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _folder(path, writing=True) as folder:
        part = f".{path.name}.{secrets.token_hex(4)}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secret)
                file.flush()
                os.fsync(file.fileno())
            put = os.replace if replace else os.link
            put(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            raise Refusal(
                Exit.KEY_UNUSABLE,
                "a key file of this name exists and is not overwritten.",
                "Move it away first if it is really to be replaced: what was encrypted with it needs it.",
                file=path.name,
            ) from None
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)


def read_key(path: Path, length: int | None = 32) -> bytes:
    """The bytes of a key file.

    Refuses (KEY_UNUSABLE) a file that is missing, a link, not a regular file, of another owner, open to group
    or others, or of the wrong length; and any file in a folder that is a link, of another owner, or open to
    the writing of others.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with _folder(path, writing=False) as folder:
        try:
            with open(path, "rb", opener=lambda *_: os.open(path.name, flags, dir_fd=folder)) as file:
                status = os.fstat(file.fileno())
                faults = {
                    "it is not a regular file": not stat.S_ISREG(status.st_mode),
                    "it belongs to another user": status.st_uid != os.geteuid(),
                    "its mode lets others read or write it": bool(status.st_mode & 0o077),
                    f"it does not hold {length} bytes": length is not None and status.st_size != length,
                }
                _refuse(path, faults)
                return file.read()
        except OSError as error:
            raise _unreadable(path, error) from None


@contextmanager
def _folder(path: Path, *, writing: bool) -> Iterator[int]:
    """The folder of a key file, opened and found in order; what is done in it is done in this very folder.

    One that is to be written to is closed to others first.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        status = os.fstat(folder)
        _refuse(path, {"its folder belongs to another user": status.st_uid != os.geteuid()})
        if writing:
            os.fchmod(folder, 0o700)
        _refuse(path, {"others may write to its folder": bool(os.fstat(folder).st_mode & 0o022)})
        yield folder
    finally:
        os.close(folder)


def _refuse(path: Path, faults: dict[str, bool]) -> None:
    wrong = [fault for fault, found in faults.items() if found]
    if wrong:
        raise Refusal(Exit.KEY_UNUSABLE, f"the key file is refused: {'; '.join(wrong)}.", _ADVICE, file=path.name)


def _unreadable(path: Path, error: OSError) -> Refusal:
    return Refusal(Exit.KEY_UNUSABLE, f"the key file cannot be reached ({error.strerror}).", _ADVICE, file=path.name)
