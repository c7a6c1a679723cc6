"""Secret key files: how they are written, and when they are refused.

Belongs here: file mode, owner, type and length. Does not belong here: what a key is for.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from polku.errors import Exit, Refusal


def write_key(path: Path, secret: bytes) -> None:
    """Write a new key file (mode 0600, in a folder of mode 0700); an existing file is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "a key file of this name exists and is not overwritten.",
            "Move it away first if it is really to be replaced: what was encrypted with it needs it.",
            file=path.name,
        ) from None
    finally:
        part.unlink(missing_ok=True)


def read_key(path: Path, length: int | None = 32) -> bytes:
    """The bytes of a key file.

    Refuses (KEY_UNUSABLE) a file that is missing, a link, not a regular file, of another owner,
    open to group or others, in a folder that others may write to, or of the wrong length.
    """
    advice = "The file must be a regular file of its user with mode 0600, in a folder only its user may write to."
    try:
        opened = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise Refusal(
            Exit.KEY_UNUSABLE, f"the key file cannot be read ({error.strerror}).", advice, file=path.name
        ) from None
    with opened as file:
        status = os.fstat(file.fileno())
        folder = path.parent.stat()
        faults = {
            "it is not a regular file": not stat.S_ISREG(status.st_mode),
            "it belongs to another user": status.st_uid != os.geteuid(),
            "its mode lets others read or write it": bool(status.st_mode & 0o077),
            "others may write to its folder": bool(folder.st_mode & 0o022),
        }
        wrong = [fault for fault, found in faults.items() if found]
        if wrong:
            raise Refusal(Exit.KEY_UNUSABLE, f"the key file is refused: {'; '.join(wrong)}.", advice, file=path.name)
        secret = file.read()
    if length is not None and len(secret) != length:
        raise Refusal(Exit.KEY_UNUSABLE, f"the key file does not hold {length} bytes.", advice, file=path.name)
    return secret
