"""Files where others can put files too: opened and made without following links and without waiting.

Belongs here: opening, making and hashing any such file. Does not belong here: what packages are (`package`) and how
they lie in folders (`folders`).
"""

from __future__ import annotations

import io
import os
import stat
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from polku.errors import Exit, Refusal


def open_regular(path: Path) -> io.FileIO:
    """An unbuffered, readable file. Refuses (DELIVERY_INCOMPLETE) a link, a pipe or anything but a file."""
    try:
        # O_NONBLOCK: opening a pipe would wait for ever for somebody to write to it.
        file = io.FileIO(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except OSError as error:
        raise _unreadable(path, error.strerror) from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _unreadable(path, "not a regular file")
    return file


def create_private(path: Path) -> BinaryIO:
    """A new file to write to, mode 0600. Raises FileExistsError rather than write to anything that is there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def digest_of(path: Path) -> str:
    """SHA-256 (hex) of a file. Refuses what `open_regular` refuses."""
    with open_regular(path) as file:
        return file_digest(file, "sha256").hexdigest()


def _unreadable(path: Path, why: str | None) -> Refusal:
    return Refusal(Exit.DELIVERY_INCOMPLETE, f"the file cannot be read ({why}).", file=path.name)
