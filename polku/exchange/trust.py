"""The trust file: whose public keys are believed, on which terms, until when - signed by the steward.

Belongs here: reading, verifying and issuing it. Does not belong here: keys and cards (`keys`) and what a party
remembers of the steward (`pins`).

The file holds the terms (one JSON object) and, beside them, the steward's signature over their canonical
spelling. A party believes it when the signing key is the one it has pinned, the file has not expired and is
not older than the last one seen. Revoked key ids are believed for nothing, whoever shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.documents import canonical_json
from polku.exchange.keypairs import VerifyKey
from polku.exchange.keys import (
    EPOCH,
    LABELS,
    LINKAGE,
    RESEARCH,
    STEWARD,
    Card,
    OwnKeys,
    card_path,
    derived_key,
    folders_below,
    own_keys,
    read_card,
    read_json,
    research_keys,
    role_of,
)
from polku.exchange.parts import BLINDED, RELAY
from polku.exchange.pins import KEY_ID, Pin, read_pin, remember
from polku.exchange.tokens import key_check

MODES = (RELAY, BLINDED)
"""How the linkage unit re-keys: by HMAC over tokens, or blindly over group elements."""
REASONS = ("replaced", "stolen", "lost", "left")
"""Why a key is revoked."""

_SHAPE: dict[str, type | tuple[type, ...]] = {
    "study": str,
    "test": bool,
    "serial": int,
    "issued_on": str,
    "expires_on": str,
    "epoch": str,
    "previous_epoch": (str, type(None)),
    "mode": str,
    "stretched": bool,
    "parties": list,
    "register_checks": dict,
    "revoked": list,
}


@dataclass(frozen=True)
class Revoked:
    """A key id (hex) that is believed for nothing any more: whose it was, for which use, since when and why."""

    key_id: str
    party: str
    use: str
    on: str
    reason: str


class Trust:
    """The trust file of a study: its terms, and one card for each party. Nobody else is believed.

    `mode`, `stretched`, `epoch` and `test` are the terms on which all parties must agree; `previous_epoch` is
    the one that a rotation is leaving, else None. `key_check` and `previous_key_check` are those of the token
    keys of the two epochs.
    """

    def __init__(self, path: Path, terms: Mapping[str, Any]) -> None:
        self.path, self.terms = path, terms
        try:
            whole = self._take(terms)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            whole = False
        if not whole:
            raise self._refusal(
                "the trust file is damaged, or names a party twice, two studies, or keys of no such epoch.",
                "The steward issues it anew from the cards of this study.",
            )

    def _take(self, terms: Mapping[str, Any]) -> bool:
        """Read the terms; whether they are whole and fit together."""
        if terms.keys() != _SHAPE.keys() or not all(isinstance(terms[name], kind) for name, kind in _SHAPE.items()):
            return False
        self.study: str = terms["study"]
        self.test: bool = terms["test"]
        self.serial: int = terms["serial"]
        self.issued_on, self.expires_on = (date.fromisoformat(terms[name]) for name in ("issued_on", "expires_on"))
        self.epoch: str = terms["epoch"]
        self.previous_epoch: str | None = terms["previous_epoch"]
        self.mode: str = terms["mode"]
        self.stretched: bool = terms["stretched"]
        given = [Card.from_json(card, self.path.name) for card in terms["parties"]]
        self.cards = {card.party: card for card in given}
        self.register_checks: dict[str, dict[str, str]] = terms["register_checks"]
        self.revoked = {each.key_id: each for each in (Revoked(**entry) for entry in terms["revoked"])}
        steward = self.cards[STEWARD]
        self.key_check = steward.key_checks[self.epoch]
        self.previous_key_check = steward.key_checks[self.previous_epoch] if self.previous_epoch else None
        return (
            len(given) == len(self.cards)
            and {card.study for card in given} == {self.study}
            and self.mode in MODES
            and self.serial > 0
            and (LINKAGE not in self.cards or self.cards[LINKAGE].key_checks.keys() >= set(self.epochs))
            and all(self.register_checks[epoch].keys() >= self.registers for epoch in self.epochs)
            and all(KEY_ID.fullmatch(each.key_id) and each.reason in REASONS for each in self.revoked.values())
            and steward.verify_key.key_id.hex() not in self.revoked
        )

    @classmethod
    def read(cls, path: Path, folder: Path) -> Trust:
        """The trust file at `path` as the party whose folder this is believes it.

        Refuses a missing or damaged file, one that the pinned steward did not sign, an older one than the last
        seen or another one of the same serial (KEY_UNUSABLE), and an expired one (TRUST_EXPIRED). Remembers what
        it has seen. None of these says anything against a package.
        """
        trust = cls.genuine(path, folder)
        if datetime.now(UTC).date() > trust.expires_on:
            raise Refusal(
                Exit.TRUST_EXPIRED,
                f"the trust file expired on {trust.expires_on}.",
                "Ask the steward for a new one; it may have revoked keys since.",
                file=path.name,
            )
        return trust

    @classmethod
    def genuine(cls, path: Path, folder: Path) -> Trust:
        """The same, expired or not: for the steward, who issues the next one from it."""
        trust, seen = cls.unpinned(path), read_pin(folder)
        now = Pin(trust.cards[STEWARD].verify_key.key_id.hex(), trust.serial, trust.digest)
        if now.signing_key_id != seen.signing_key_id:
            raise trust._refusal(
                "the trust file is not signed with the steward's key that this party has pinned.",
                "Take nothing from it. Ask the steward by telephone; pin a new key only when the steward reads it out.",
            )
        if now.serial < seen.serial or (now.serial == seen.serial and now.digest != seen.digest):
            raise trust._refusal(
                "this party has seen a newer trust file, or another one of the same serial number.",
                "Ask the steward which is the latest: somebody may be hiding a revocation from you.",
            )
        if now != seen:
            remember(folder, now)
        return trust

    @classmethod
    def unpinned(cls, path: Path) -> Trust:
        """What a trust file says, signed by the steward that it names itself: to be shown, not to be believed."""
        data = read_json(path)
        whole = isinstance(data, dict) and data.keys() == {"terms", "signature"} and isinstance(data["terms"], dict)
        trust = cls(path, data["terms"] if whole else {})
        try:
            genuine = trust.cards[STEWARD].verify_key.verifies(bytes.fromhex(data["signature"]), trust.signed)
        except (TypeError, ValueError, RecursionError):
            genuine = False
        if not genuine:
            raise trust._refusal(
                "the trust file is not as its steward signed it.", "Ask the steward for the file again."
            )
        return trust

    @cached_property
    def signed(self) -> bytes:
        """What the steward signs. The beginning keeps it apart from the digest of a package."""
        return sha256(b"polku trust/1\0" + canonical_json(self.terms)).digest()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) that tells one content of a trust file from another."""
        return self.signed.hex()

    @property
    def epochs(self) -> list[str]:
        """The token epoch, and before it the one that a rotation is leaving."""
        return [epoch for epoch in (self.previous_epoch, self.epoch) if epoch]

    @property
    def registers(self) -> set[str]:
        """The authorities."""
        return self.cards.keys() - LABELS.keys()

    def party(self, name: str) -> Card:
        """The card of a party, to verify what it sends or to seal for it.

        Refuses one that the file does not name (SENDER_UNKNOWN) or whose keys are revoked (KEY_REVOKED).
        """
        if name not in self.cards:
            raise Refusal(
                Exit.SENDER_UNKNOWN,
                f"the trust file does not name the party `{name}`.",
                "The steward adds its card with `polku keys trust`.",
                file=self.path.name,
            )
        card = self.cards[name]
        for key_id in (card.verify_key.key_id.hex(), card.sealing_key.key_id.hex()):
            if key_id in self.revoked:
                raise Refusal(
                    Exit.KEY_REVOKED,
                    f"the steward revoked the keys of `{name}` on {self.revoked[key_id].on} "
                    f"({self.revoked[key_id].reason}).",
                    "Nothing is taken from that key and nothing sealed for it. The party makes new keys with "
                    "`polku keys renew`, and the steward issues a trust file with the new card.",
                    file=self.path.name,
                )
        return card

    @cached_property
    def signers(self) -> dict[bytes, VerifyKey | None]:
        """Signing key ids that are known, and their keys; None for what is revoked."""
        known: dict[bytes, VerifyKey | None] = {c.verify_key.key_id: c.verify_key for c in self.cards.values()}
        return known | {bytes.fromhex(key_id): None for key_id in self.revoked}

    def name_of(self, key_id: bytes) -> str:
        """The party that signs with a key of `signers`."""
        return next(name for name, card in self.cards.items() if card.verify_key.key_id == key_id)

    def own(self, party: str, folder: Path) -> OwnKeys:
        """The secret keys of a party, when they are those that the trust file names for it.

        Refuses (KEY_UNUSABLE) other or revoked ones, a root that does not give the keys that the party's card
        announces, and, unless the study is a test, a machine that holds keys of another role too.
        """
        self._refuse_two_roles(party)
        keys = own_keys(party, folder)
        try:
            card = self.party(party)
        except Refusal as refusal:
            # It says nothing against packages that wait to be opened: they must not be set aside for it.
            raise self._refusal(refusal.what, refusal.advice) from None
        if (keys.signing.verify_key.public, keys.opening.sealing_key.public) != (card.signing, card.sealing):
            raise self._refusal(
                f"the trust file names other keys for `{party}` than this folder holds.",
                "Use the folder of this study's keys, or have the new card added to the trust file.",
            )
        if party == LINKAGE:
            for epoch in self.epochs:
                link_key(folder, self, epoch)
        if party == RESEARCH:
            self.announced(party, research_keys(folder, self.study, int(card.newest)))
        return keys

    def announced(self, party: str, derived: Iterable[bytes], first: str = EPOCH) -> None:
        """Refuse (KEY_UNUSABLE) derived keys, numbered from `first`, that the card of a party does not announce.

        A wrong key gives no error later, only persons that do not link.
        """
        for number, key in enumerate(derived, int(first)):
            if key_check(key) != self.cards[party].key_checks.get(str(number)):
                raise self._refusal(
                    f"the root in the folder of `{party}` does not give the key {number} that its card announces.",
                    "Restore the right root, from its shares if need be (`polku keys combine`).",
                )

    def _refuse_two_roles(self, party: str) -> None:
        """Parties of a study on one machine share its data root, which is where the trust file lies."""
        others = {_role_in(folder) for folder in folders_below(self.path.parent)} - {role_of(party)}
        if others and not self.test:
            raise self._refusal(
                f"this machine holds secret keys of {' and '.join(sorted(others))} beside those of {role_of(party)}: "
                "whoever holds both can find out who is who.",
                "Each party keeps its keys on its own machine. Only a study that is marked as a test may do otherwise.",
            )

    def _refusal(self, what: str, advice: str) -> Refusal:
        return Refusal(Exit.KEY_UNUSABLE, what, advice, file=self.path.name)


def _role_in(keys_folder: Path) -> str:
    try:
        return role_of(read_card(card_path(keys_folder.parent)).party)
    except Refusal:
        return "a party without a card"


def link_key(folder: Path, trust: Trust, epoch: str) -> bytes:
    """The linkage unit's key of a token epoch (KEY_UNUSABLE when it is not the one its card announces)."""
    key = derived_key(folder, LINKAGE, trust.study, epoch)
    trust.announced(LINKAGE, [key], epoch)
    return key
