"""What a party remembers of the steward: the pinned signing key, and the last trust file it has seen.

Belongs here: the pin file beside a party's keys. Does not belong here: the trust file itself (`trust`).

Nothing is trusted on first use: a person compares the steward's signing key id by telephone and pins it. From
then on the party takes no trust file that is older than the last one it has seen, nor another one of the same
serial number.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from polku.errors import Exit, Refusal
from polku.exchange.keyfiles import read_key, write_key
from polku.exchange.keys import key_path

_FILE = "steward.pin"
KEY_ID = re.compile("[0-9a-f]{64}")
"""How a key id is written."""


@dataclass(frozen=True)
class Pin:
    """The steward's signing key id (hex), and serial and digest (hex) of the last trust file seen; 0 is none."""

    signing_key_id: str
    serial: int = 0
    digest: str = ""


def pin(folder: Path, key_id: str) -> None:
    """Pin the steward's signing key. Another key begins its own count of serials: the old one's may be forged.

    Refuses (USAGE) what is no key id; blanks and capitals of somebody who typed it are taken.
    """
    key_id = "".join(key_id.split()).lower()
    if not KEY_ID.fullmatch(key_id):
        raise Refusal(
            Exit.USAGE,
            "a key id has 64 hexadecimal digits.",
            "The steward reads its signing key id to you: `polku keys show` prints it.",
        )
    if not pin_path(folder).exists() or read_pin(folder).signing_key_id != key_id:
        remember(folder, Pin(key_id))


def remember(folder: Path, seen: Pin) -> None:
    """Keep what has been pinned or seen (mode 0600: nobody else may turn it back)."""
    write_key(pin_path(folder), json.dumps(asdict(seen)).encode(), replace=True)


def read_pin(folder: Path) -> Pin:
    """The pin of the party whose folder this is. Refuses (KEY_UNUSABLE) a missing or damaged one."""
    advice = "Ask the steward for its signing key id by telephone, and pin it with `polku keys pin`."
    if not pin_path(folder).exists():
        raise Refusal(Exit.KEY_UNUSABLE, "this party has not pinned the steward's key.", advice, file=_FILE)
    try:
        seen = Pin(**json.loads(read_key(pin_path(folder), None)))
        if KEY_ID.fullmatch(seen.signing_key_id) and type(seen.serial) is int:
            return seen
    except (TypeError, ValueError):
        pass
    raise Refusal(Exit.KEY_UNUSABLE, "the pin is damaged.", advice, file=_FILE)


def pin_path(folder: Path) -> Path:
    """Where a party keeps its pin."""
    return key_path(folder, _FILE)
