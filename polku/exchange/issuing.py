"""The steward's part in trust: making the next trust file from cards and from the one before, and signing it.

Belongs here: what may follow what (serials, epochs, revocations, terms). Does not belong here: what a reader
checks (`trust`) and how keys are made (`keys`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.keys import LABELS, STEWARD, Card, card_path, derived_key, read_card, root_key, write_json
from polku.exchange.parts import RELAY
from polku.exchange.pins import pin, read_pin
from polku.exchange.tokens import derive, key_check
from polku.exchange.trust import REASONS, Revoked, Trust


def issue(
    steward: Path,
    path: Path,
    cards: Iterable[Card],
    *,
    study: str,
    test: bool,
    today: date,
    expires_on: date,
    mode: str | None = None,
    stretched: bool | None = None,
    revoke: Mapping[str, str] | None = None,
    finish_rotation: bool = False,
) -> Trust:
    """Write the study's next trust file to `path`, signed by the steward whose folder is given.

    What stands in the trust file at `path` goes on: cards that are not given anew, revocations, and the terms
    that are None. The keys of a card that is replaced are revoked; `revoke` names parties whose keys are to be
    revoked, with a reason of REASONS. The token epoch is the newest of the steward's card; the one before stays
    beside it until the rotation is finished.

    Refuses (KEY_UNUSABLE) cards that do not fit together, a steward without the root when a register's key check
    is to be made, and (USAGE) terms that would part persons from themselves.
    """
    if expires_on < today:
        raise Refusal(Exit.USAGE, "a trust file does not expire before it is issued.")
    card, before = read_card(card_path(steward)), Trust.genuine(path, steward) if path.exists() else None
    given = [each for each in cards if each.party != STEWARD]
    if len(given) != len({each.party for each in given}):
        raise _unfit("a party has two cards.", "Give the latest card of each.")
    parties = {**(before.cards if before else {}), **{each.party: each for each in given}, STEWARD: card}
    revoked = [*(before.revoked.values() if before else ()), *_newly_revoked(before, parties, revoke or {}, today)]
    if card.verify_key.key_id.hex() in {each.key_id for each in revoked}:
        raise _unfit("the steward's own signing key is revoked.", "Make new keys first: `polku keys renew`.")
    epoch, previous = card.newest, _previous(before, card, finish_rotation)
    terms: dict[str, Any] = {
        "study": study,
        "test": test,
        "serial": 1 + max(before.serial if before else 0, _last_serial(steward, card)),
        "issued_on": today.isoformat(),
        "expires_on": expires_on.isoformat(),
        "epoch": epoch,
        "previous_epoch": previous,
        "mode": mode or (before.mode if before else RELAY),
        "stretched": (before.stretched if before else False) if stretched is None else stretched,
        "parties": [parties[name].as_json() for name in sorted(parties)],
        "register_checks": {
            each: _register_checks(steward, card, each, parties.keys() - LABELS.keys(), before)
            for each in (previous, epoch)
            if each
        },
        "revoked": [asdict(each) for each in revoked],
    }
    _refuse_other_terms(before, terms)
    trust = Trust(path, terms)
    signing = trust.own(STEWARD, steward).signing
    write_json(path, {"terms": terms, "signature": signing.sign(trust.signed).hex()})
    pin(steward, signing.verify_key.key_id.hex())
    return Trust.read(path, steward)


def _newly_revoked(
    before: Trust | None, parties: Mapping[str, Card], revoke: Mapping[str, str], today: date
) -> list[Revoked]:
    """The keys of the cards that are replaced, and of the parties that are named."""
    known, gone = (before.cards, before.revoked) if before else ({}, {})
    for party, reason in revoke.items():
        if party not in known or reason not in REASONS:
            raise Refusal(
                Exit.USAGE,
                "what is to be revoked is not a party of the trust file, or the reason is none.",
                f"Reasons: {', '.join(REASONS)}.",
            )
    return [
        Revoked(key_id, name, use, today.isoformat(), revoke.get(name, REASONS[0]))
        for name, old in known.items()
        for use, key_id in _key_ids(old).items()
        if (name in revoke or key_id not in _key_ids(parties[name]).values()) and key_id not in gone
    ]


def _key_ids(card: Card) -> dict[str, str]:
    return {"signing": card.verify_key.key_id.hex(), "sealing": card.sealing_key.key_id.hex()}


def _previous(before: Trust | None, card: Card, finish_rotation: bool) -> str | None:
    """The epoch that is being left. One rotation is finished before the next begins."""
    left = before.previous_epoch if before else None
    if finish_rotation:
        if left is None:
            raise Refusal(Exit.USAGE, "there is no rotation to finish.")
        left = None
    if before is None or before.epoch == card.newest:
        return left
    if left is not None or int(card.newest) != int(before.epoch) + 1:
        raise Refusal(
            Exit.USAGE,
            f"the trust file is at epoch {before.epoch}, the steward's card at {card.newest}: an epoch is entered "
            "from the one before, after the rotation into that one is finished.",
            "Finish it with `polku keys trust --finish-rotation`.",
        )
    return before.epoch


def _last_serial(steward: Path, card: Card) -> int:
    """The last serial that this steward remembers under its present key; a new key may begin anew."""
    try:
        seen = read_pin(steward)
    except Refusal:
        return 0
    return seen.serial if seen.signing_key_id == card.verify_key.key_id.hex() else 0


def _register_checks(
    steward: Path, card: Card, epoch: str, registers: Iterable[str], before: Trust | None
) -> dict[str, str]:
    """Key checks of the registers' own keys in an epoch: known ones from the file before, new ones from the root."""
    known = before.register_checks.get(epoch, {}) if before else {}
    missing = set(registers) - known.keys()
    if missing:
        if key_check(derived_key(steward, STEWARD, card.study, epoch)) != card.key_checks[epoch]:
            raise _unfit("the steward's root is not the one of its card.", "Restore it: `polku keys combine`.")
        root = root_key(steward, epoch)
        known = known | {each: key_check(derive(root, "src", card.study, epoch, each)) for each in missing}
    return dict(sorted(known.items()))


def _refuse_other_terms(before: Trust | None, terms: Mapping[str, Any]) -> None:
    """Within an epoch, tokens made on other terms would be those of other persons."""
    if (
        before
        and before.epoch == terms["epoch"]
        and (before.mode, before.stretched)
        != (
            terms["mode"],
            terms["stretched"],
        )
    ):
        raise Refusal(
            Exit.USAGE,
            "mode and stretching hold for a whole token epoch: tokens made on other terms link to nobody.",
            "Begin the next epoch first: `polku keys rotate`.",
        )


def _unfit(what: str, advice: str) -> Refusal:
    return Refusal(Exit.KEY_UNUSABLE, what, advice)
