"""The link of a hash chain, the same in every append-only list of Polku.

Belongs here: how an entry is bound to all before it. Does not belong here: what the entries say and where they lie.
"""

from __future__ import annotations

from hashlib import sha256

START = ""
"""What stands before the first entry."""


def link(before: str, text: str) -> str:
    """The chain's digest (hex SHA-256) after an entry, from the one before it and the entry's text."""
    return sha256(f"{before}\n{text}".encode()).hexdigest()
