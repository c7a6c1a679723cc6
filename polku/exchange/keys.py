"""The key files of a party, its public card, and the trust file that pins everybody's public keys.

Belongs here: who has which keys and whose public keys are believed. Does not belong here: the algorithms
(`keypairs`), token keys (`tokens`) and how they reach an authority (`grants`).

A party is the steward (root of the authorities' token keys), an authority (called by its register), the
linkage unit or the research platform. The three roots are independent: no party can derive another's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
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
EPOCH = "1"
"""The first token epoch of a study; a rotation of the token keys begins another."""

_ROOTED = (STEWARD, LINKAGE, RESEARCH)
_FOLDER, _CARD = "keys", "card.json"
_ROOT, _SIGNING, _OPENING = "root.key", "signing.key", "opening.key"


@dataclass(frozen=True)
class Card:
    """A party's public keys for one study; the steward's card also tells the token epoch and its key check."""

    party: str
    study: str
    signing: bytes
    sealing: bytes
    epoch: str | None = None
    key_check: str | None = None
    previous_epoch: str | None = None
    previous_key_check: str | None = None

    @cached_property
    def verify_key(self) -> VerifyKey:
        """What the party's signatures are verified with."""
        return VerifyKey(self.signing)

    @cached_property
    def sealing_key(self) -> SealingKey:
        """What packages for the party are sealed with."""
        return SealingKey(self.sealing)

    def as_json(self) -> dict[str, Any]:
        """The card as it stands in files, with the SHA-256 key ids that people compare."""
        return {
            "party": self.party,
            "study": self.study,
            "epoch": self.epoch,
            "key_check": self.key_check,
            "previous_epoch": self.previous_epoch,
            "previous_key_check": self.previous_key_check,
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
                bytes.fromhex(data["sealing_key"]), data["epoch"], data["key_check"],
                data["previous_epoch"], data["previous_key_check"],
            )  # fmt: skip
            if card.as_json() == data:
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
    keys = folder / _FOLDER
    signing, opening = new_signing_secret(), new_opening_secret()
    epoch = check = None
    write_key(keys / _SIGNING, signing)
    write_key(keys / _OPENING, opening)
    if party in _ROOTED:
        root = secrets.token_bytes(32)
        write_key(keys / _ROOT, root)
        if party == STEWARD:
            epoch, check = EPOCH, key_check(derive(root, "tok", study, EPOCH))
    card = Card(
        party,
        study,
        SigningKey(signing).verify_key.public,
        OpeningKey(opening).sealing_key.public,
        epoch,
        check,
    )
    _write_json(keys / _CARD, card.as_json())
    return card


def card_path(folder: Path) -> Path:
    """Where `create_party` puts the public card."""
    return folder / _FOLDER / _CARD


def read_card(path: Path) -> Card:
    """A party's card file."""
    return Card.from_json(_read_json(path), path.name)


def root_key(folder: Path) -> bytes:
    """The root of the steward, the linkage unit or the research platform."""
    return read_key(folder / _FOLDER / _ROOT)


def link_key(folder: Path, trust: Trust, epoch: str) -> bytes:
    """The linkage unit's key of a token epoch."""
    return derive(root_key(folder), "link", trust.study, epoch)


def research_keys(folder: Path, study: str, levels: int) -> list[bytes]:
    """The research platform's keys, one for each level, oldest first; each level has a root of its own."""
    roots = [folder / _FOLDER / (_ROOT if level == 1 else f"root-{level}.key") for level in range(1, levels + 1)]
    return [derive(read_key(root), "research", study, str(level)) for level, root in enumerate(roots, start=1)]


def token_key_path(folder: Path, epoch: str) -> Path:
    """Where an authority keeps the token keys that the steward granted it for an epoch."""
    return folder / _FOLDER / f"token-{epoch}.key"


class Trust:
    """The trust file of a study: one card per party, exactly one for each. Nobody else is believed."""

    def __init__(self, cards: Iterable[Card], file: str) -> None:
        given = list(cards)
        self.cards = {card.party: card for card in given}
        self._file = file
        steward = self.party(STEWARD)
        if (
            len(given) != len(self.cards)
            or {card.study for card in given} != {steward.study}
            or steward.epoch is None
            or steward.key_check is None
        ):
            raise Refusal(
                Exit.KEY_UNUSABLE,
                "a party has two cards, the cards are of two studies, or the steward's names no epoch.",
                "Make the trust file from the cards of this study.",
                file=file,
            )
        self.study, self.epoch, self.key_check = steward.study, steward.epoch, steward.key_check
        self.previous_epoch, self.previous_key_check = steward.previous_epoch, steward.previous_key_check

    @classmethod
    def read(cls, path: Path) -> Trust:
        """The trust file at `path`. Refuses (KEY_UNUSABLE) a missing or damaged one."""
        data = _read_json(path)
        cards = data.get("parties") if isinstance(data, dict) else None
        return cls((Card.from_json(card, path.name) for card in cards or ()), path.name)

    def party(self, name: str) -> Card:
        """The card of a party. Refuses (SENDER_UNKNOWN) one that the file does not name."""
        if name not in self.cards:
            raise Refusal(
                Exit.SENDER_UNKNOWN,
                f"the trust file does not name the party `{name}`.",
                "Add its card with `polku keys trust`.",
                file=self._file,
            )
        return self.cards[name]

    @cached_property
    def signers(self) -> dict[bytes, VerifyKey]:
        """Signing key ids that are believed, and their keys."""
        return {card.verify_key.key_id: card.verify_key for card in self.cards.values()}

    def name_of(self, key_id: bytes) -> str:
        """The party that signs with a key of `signers`."""
        return next(name for name, card in self.cards.items() if card.verify_key.key_id == key_id)

    def own(self, party: str, folder: Path) -> OwnKeys:
        """The secret keys of a party, when they are those that the trust file names for it."""
        keys = OwnKeys(
            party,
            SigningKey(read_key(folder / _FOLDER / _SIGNING, SIGNING_SECRET_BYTES)),
            OpeningKey(read_key(folder / _FOLDER / _OPENING, OPENING_SECRET_BYTES)),
        )
        card = self.party(party)
        if (keys.signing.verify_key.public, keys.opening.sealing_key.public) != (card.signing, card.sealing):
            raise Refusal(
                Exit.KEY_UNUSABLE,
                f"the trust file names other keys for `{party}` than this folder holds.",
                "Use the folder of this study's keys, or have the new card added to the trust file.",
                file=self._file,
            )
        return keys


def write_trust(path: Path, cards: Iterable[Card]) -> str:
    """Write the trust file from cards; returns its SHA-256, to be compared by telephone."""
    trust = Trust(cards, path.name)
    _write_json(path, {"parties": [trust.cards[name].as_json() for name in sorted(trust.cards)]})
    return sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, value: object) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "the file is missing or is not JSON.",
            "Cards are made by `polku keys create`, the trust file by `polku keys trust`.",
            file=path.name,
        ) from None
