"""The key files of a party, the keys derived from its root, and its public card.

Belongs here: who has which keys. Does not belong here: whose public keys are believed (`trust`), the algorithms
(`keypairs`, `tokens`), and how token keys reach an authority (`grants`).

A party is the steward (root of the authorities' token keys), an authority (called by its register), the
linkage unit or the research platform. The three roots are independent: no party can derive another's key.
Derived keys are numbered from "1": those of steward and linkage unit by token epoch, those of the research
platform by level, for a token passes through all its levels.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.keyfiles import read_key, write_key
from polku.exchange.keypairs import (
    OPENING_SECRET_BYTES,
    SIGNING_SECRET_BYTES,
    OpeningKey,
    SealingKey,
    SigningKey,
    VerifyKey,
    new_opening_secret,
    new_signing_secret,
)
from polku.exchange.tokens import derive, key_check

STEWARD, LINKAGE, RESEARCH = "steward", "linkage", "research"
AUTHORITY = "authority"
"""The role of every party that is none of the three."""
EPOCH = "1"
"""The first token epoch of a study; a rotation of the token keys begins another."""

LABELS = {STEWARD: "tok", LINKAGE: "link", RESEARCH: "research"}
"""Parties with a root, and the label of the keys that are derived from it."""

_FOLDER, _CARD = "keys", "card.json"
_SIGNING, _OPENING = "signing.key", "opening.key"
_PARTY, _NUMBER, _CHECK = re.compile("[a-z][a-z0-9_]*"), re.compile("[1-9][0-9]{0,3}"), re.compile("[0-9a-f]{16}")

_MAX_CHARACTERS = 1 << 22
"""A trust file has about 7,000 characters for each party."""


@dataclass(frozen=True)
class Card:
    """A party's public keys for one study.

    `key_checks` tells, for each number of a party's derived keys, what `tokens.key_check` says of the key.
    """

    party: str
    study: str
    signing: bytes
    sealing: bytes
    key_checks: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def verify_key(self) -> VerifyKey:
        """What the party's signatures are verified with."""
        return VerifyKey(self.signing)

    @cached_property
    def sealing_key(self) -> SealingKey:
        """What packages for the party are sealed with."""
        return SealingKey(self.sealing)

    @property
    def newest(self) -> str:
        """The highest number of its derived keys; only a party with a root has any."""
        return max(self.key_checks, key=int)

    def as_json(self) -> dict[str, Any]:
        """The card as it stands in files, with the SHA-256 key ids that people compare."""
        return {
            "party": self.party,
            "study": self.study,
            "key_checks": dict(self.key_checks),
            "signing_key_id": self.verify_key.key_id.hex(),
            "signing_key": self.signing.hex(),
            "sealing_key_id": self.sealing_key.key_id.hex(),
            "sealing_key": self.sealing.hex(),
        }

    @classmethod
    def from_json(cls, data: Any, file: str) -> Card:
        """Read a card; its key ids must be those of its keys (else KEY_UNUSABLE)."""
        try:
            card = cls(
                str(data["party"]), str(data["study"]), bytes.fromhex(data["signing_key"]),
                bytes.fromhex(data["sealing_key"]), dict(data["key_checks"]),
            )  # fmt: skip
            numbered = all(_NUMBER.fullmatch(n) and _CHECK.fullmatch(check) for n, check in card.key_checks.items())
            named = _PARTY.fullmatch(card.party) and bool(card.key_checks) == (card.party in LABELS)
            if numbered and named and card.as_json() == data:
                return card
        except (KeyError, TypeError, ValueError):
            pass
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "a card is damaged, or its key ids are not those of its keys.",
            "Ask the party for its card again and compare key ids by telephone.",
            file=file,
        )


@dataclass(frozen=True)
class OwnKeys:
    """The secret keys of one party, read when needed and held in memory only."""

    party: str
    signing: SigningKey
    opening: OpeningKey


def create_party(party: str, study: str, folder: Path) -> Card:
    """Make the key files of a party below `folder`/keys (mode 0600) and its public `card.json`.

    Never overwrites a key (KEY_UNUSABLE).
    """
    if not _PARTY.fullmatch(party):
        raise Refusal(Exit.USAGE, "a party's name has small letters, digits and _ only.")
    signing, opening = new_signing_secret(), new_opening_secret()
    write_key(key_path(folder, _SIGNING), signing)
    write_key(key_path(folder, _OPENING), opening)
    checks = {}
    if party in LABELS:
        write_key(root_path(folder, EPOCH), secrets.token_bytes(32))
        checks[EPOCH] = key_check(derived_key(folder, party, study, EPOCH))
    return _write_card(folder, _card(party, study, signing, opening, checks))


def renew(party: str, folder: Path) -> Card:
    """Give a party a new signing and a new opening key and a card that tells them; its root stays.

    The old opening key is kept under its key id: archived packages were sealed for it. The old signing key
    is nobody's any more and is overwritten.
    """
    card = read_card(card_path(folder))
    signing, opening = new_signing_secret(), new_opening_secret()
    old = key_path(folder, _OPENING)
    if old.exists():
        key_id = OpeningKey(read_key(old, OPENING_SECRET_BYTES)).sealing_key.key_id.hex()
        old.replace(old.with_name(f"opening-{key_id[:16]}.key"))
    write_key(old, opening)
    write_key(key_path(folder, _SIGNING), signing, replace=True)
    return _write_card(folder, _card(party, card.study, signing, opening, card.key_checks))


def rotate(party: str, folder: Path, known: str, *, new_root: bool = False) -> Card:
    """Prepare the next derived key of a party with a root, and a card that tells its key check.

    That is the next token epoch of the steward or the linkage unit, from the same root or from a fresh one,
    or a further level of the research platform, whose root is always fresh. All older roots stay. Refuses
    (USAGE) while the trust file knows only a number (`known`) before the one prepared last.
    """
    card = read_card(card_path(folder))
    if card.newest != known:
        raise Refusal(
            Exit.USAGE,
            f"key {card.newest} is prepared already, and the trust file does not know it yet.",
            "Give the card to the steward, and take the trust file that it issues.",
        )
    number = str(int(card.newest) + 1)
    root = root_path(folder, number)
    # A run that was killed between root and card left a root that nobody has used: it is taken.
    if (new_root or party == RESEARCH) and not root.exists():
        write_key(root, secrets.token_bytes(32))
    check = key_check(derived_key(folder, party, card.study, number))
    return _write_card(folder, replace(card, key_checks={**card.key_checks, number: check}))


def own_keys(party: str, folder: Path) -> OwnKeys:
    """The secret keys in a folder, whoever believes them (`Trust.own` compares them)."""
    return OwnKeys(
        party,
        SigningKey(read_key(key_path(folder, _SIGNING), SIGNING_SECRET_BYTES)),
        OpeningKey(read_key(key_path(folder, _OPENING), OPENING_SECRET_BYTES)),
    )


def root_path(folder: Path, number: str) -> Path:
    """The root that a party uses from this epoch or level on."""
    return key_path(folder, "root.key" if number == EPOCH else f"root-{number}.key")


def derived_key(folder: Path, party: str, study: str, number: str) -> bytes:
    """The 32-byte key of a party with a root for an epoch or level: from the newest root that is not younger."""
    return derive(root_key(folder, number), LABELS[party], study, number)


def root_key(folder: Path, number: str = EPOCH) -> bytes:
    """The root from which the keys of an epoch or level are derived (KEY_UNUSABLE when it is not here)."""
    paths = [root_path(folder, str(each)) for each in range(int(number), 0, -1)]
    return read_key(next((path for path in paths if path.exists()), paths[-1]))


def research_keys(folder: Path, study: str, levels: int | None = None) -> list[bytes]:
    """The research platform's keys, one for each level, oldest first; a token passes through all of them.

    `levels` says how many are in force; without it, all whose roots are here. They do not depend on the token
    epoch. Refuses (KEY_UNUSABLE) when the root of a level is missing.
    """
    if levels is None:
        later = (folder / _FOLDER).glob("root-*.key")
        levels = max([1, *(int(path.stem.removeprefix("root-")) for path in later)])
    numbers = [str(level) for level in range(1, levels + 1)]
    return [derive(read_key(root_path(folder, number)), LABELS[RESEARCH], study, number) for number in numbers]


def role_of(party: str) -> str:
    """What a party is: steward, linkage, research or authority."""
    return party if party in LABELS else AUTHORITY


def folders_below(root: Path) -> list[Path]:
    """Folders with secret keys below a data root, in which parties are at most two folders deep."""
    found = [folder for depth in ("", "*/", "*/*/") for folder in root.glob(f"{depth}{_FOLDER}")]
    return [folder for folder in found if any(folder.glob("*.key"))]


def key_path(folder: Path, name: str) -> Path:
    """Where a party keeps a key file."""
    return folder / _FOLDER / name


def card_path(folder: Path) -> Path:
    """Where `create_party` puts the public card."""
    return folder / _FOLDER / _CARD


def token_key_path(folder: Path, epoch: str) -> Path:
    """Where an authority keeps the token keys that the steward granted it for an epoch."""
    return key_path(folder, f"token-{epoch}.key")


def read_card(path: Path) -> Card:
    """A party's card file."""
    return Card.from_json(read_json(path), path.name)


def write_json(path: Path, value: object) -> None:
    """Write a public file, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """Read a public file. Refuses (KEY_UNUSABLE) one that is missing, hostile in size, or no JSON."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MAX_CHARACTERS)
        if len(text) < _MAX_CHARACTERS:
            return json.loads(text)
    except (OSError, ValueError, RecursionError):
        pass
    raise Refusal(
        Exit.KEY_UNUSABLE,
        "the file is missing or is not JSON.",
        "Cards are made by `polku keys create`, the trust file by `polku keys trust`.",
        file=path.name,
    )


def _card(party: str, study: str, signing: bytes, opening: bytes, checks: Mapping[str, str]) -> Card:
    public = SigningKey(signing).verify_key.public, OpeningKey(opening).sealing_key.public
    return Card(party, study, *public, checks)


def _write_card(folder: Path, card: Card) -> Card:
    write_json(card_path(folder), card.as_json())
    return card
