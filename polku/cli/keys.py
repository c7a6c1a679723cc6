"""`polku keys`: how parties come to have keys, to know each other's, and to change them.

Belongs here: the command. Does not belong here: keys and trust (`polku.exchange`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType

from polku.errors import Exit, Refusal
from polku.exchange import grants, issuing, keys, pins
from polku.exchange.delivery import mode_of
from polku.exchange.parts import RELAY
from polku.exchange.trust import MODES, REASONS, Trust
from polku.layout import DataRoot
from polku.studies import load_study

VALID_DAYS = 400
"""A trust file that is issued once a year never expires before the next."""

_DESCRIPTION = """\
Every party makes its own keys on its own machine; only public cards, the trust file and sealed grants travel.
The whole ceremony, for a study `mvad` with the register `koski` (docs/keys.md tells the reasons):

  1. each party     polku keys create --study mvad koski      (steward, linkage, research, each register)
                    and sends keys/card.json to the steward, who compares key ids by telephone
  2. the steward    polku keys trust --study mvad cards/*.json
                    and gives data/mvad/trust.json to everybody
  3. each party     polku keys pin --study mvad koski KEYID   (the steward's signing key id, by telephone)
  4. the steward    polku keys grant --study mvad koski       (for each authority)
  5. the authority  polku keys accept --study mvad koski koski-1.grant.hpkg
  6. who has a root polku keys split --study mvad steward --shares 3 --threshold 2 --out DIR
  7. everybody      polku keys show --study mvad              (what the trust file says, who here believes it)

Later: `trust` again before it expires or to revoke, `renew` after the loss or theft of a key, `rotate` to change
the keys that make tokens, `combine` to bring a root back from its shares."""

_CREATE = """\
Make the secret keys of a party (files of mode 0600, never overwritten) and its public card. Run it on the party's
own machine. Read both printed key ids to the steward by telephone when the card has arrived: whoever could change
the card on its way could otherwise put in keys of his own.

Example:  polku keys create --study mvad koski"""
_TRUST = """\
Make and sign the next trust file: whose keys are believed, on which terms, until when. Cards that are given are
added, or replace the party's card before and revoke its keys; everything else goes on from the trust file before.
Compare every key id with its party by telephone before you issue it.

Examples:  polku keys trust --study mvad cards/*.json
           polku keys trust --study mvad --expires-on 2027-12-31       (once a year)
           polku keys trust --study mvad --revoke koski=stolen         (at once; the new card may follow)
           polku keys trust --study mvad new/card.json --revoke koski=stolen"""
_PIN = """\
From now on the party believes trust files that are signed with this key, and no others. The steward reads the key
id to you by telephone, from `polku keys show`; never take it from the file that it is to vouch for.

Example:  polku keys pin --study mvad koski 3f2a 90c1 ... (64 digits)"""
_GRANT = """\
Seal the token keys of the current epoch for one authority, and for nobody else. Needs the steward's root: combine
its shares before if it has been removed, and remove it again afterwards (the shares stay good).

Example:  polku keys grant --study mvad koski"""
_ACCEPT = """\
Open the steward's grant and store the token keys, if they are those that the trust file announces.

Example:  polku keys accept --study mvad koski koski-1.grant.hpkg"""
_SPLIT = """\
Write the newest root of a party as files of words (SLIP-39): so many shares together bring it back, fewer tell
nothing. It has been seen that they combine before the command ends or removes anything. Print each, give it to
its custodian in a sealed envelope, and destroy the files. Only the steward can do without its root in between.

Example:  polku keys split --study mvad steward --shares 3 --threshold 2 --out /media/stick/shares --remove-root"""
_COMBINE = """\
Bring a root back from as many shares as are needed, typed into files of one share each. A wrong mix, and a root
that the party's card does not announce, is refused.

Example:  polku keys combine --study mvad steward share-1.txt share-3.txt"""
_SHOW = """\
Print serial, expiry, epoch, mode, parties, key ids (short and whole) and revoked keys of the trust file, and which
parties on this machine believe it. Exits with the reason when one of them does not.

Example:  polku keys show --study mvad"""
_RENEW = """\
Give a party new signing and opening keys, after a theft, a loss, or as a matter of routine; its root stays. Send
the new card to the steward: the old keys are revoked with the trust file that names the new ones. The old opening
key is kept, for archived packages were sealed for it.

Example:  polku keys renew --study mvad koski"""
_ROTATE = """\
Prepare other keys for making tokens, before a thief of the present ones can use them. Steward and linkage unit go
to the next token epoch together (same root, or --new-root where the root itself may be known); the research
platform adds a level with a root of its own. Give the card to the steward, who issues the trust file; the old
epoch stays beside the new one until `polku keys trust --finish-rotation`. Old roots stay.

Example:  polku keys rotate --study mvad steward --new-root"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)

    def step(
        name: str, what: Callable[[argparse.Namespace, DataRoot], None], about: str, teach: str
    ) -> argparse.ArgumentParser:
        made = steps.add_parser(
            name, help=about, description=teach, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        made.add_argument("--study", required=True, help="name of the study")
        made.set_defaults(step_run=what)
        return made

    party = "steward, linkage, research, or an authority's register"
    create = step("create", _create, "1. make the keys and the public card of a party", _CREATE)
    create.add_argument("party", help=party)
    trust = step("trust", _trust, "2. steward: issue the trust file, signed", _TRUST)
    trust.add_argument("cards", nargs="*", type=Path, metavar="CARD", help="new cards; others go on as they are")
    trust.add_argument("--expires-on", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: in 400 days")
    trust.add_argument("--mode", choices=MODES, help="how the linkage unit re-keys; blinded is UNREVIEWED")
    trust.add_argument("--stretch", action=argparse.BooleanOptionalAction, help="slow hash first; UNREVIEWED")
    trust.add_argument(
        "--revoke", action="append", default=[], metavar="PARTY=REASON",
        help=f"believe the present keys of a party for nothing any more ({', '.join(REASONS)})",
    )  # fmt: skip
    trust.add_argument("--finish-rotation", action="store_true", help="drop the epoch before")
    pin = step("pin", _pin, "3. pin the steward's signing key for a party", _PIN)
    pin.add_argument("party", help=party)
    pin.add_argument("key_id", nargs="+", metavar="KEYID", help="64 hexadecimal digits, blanks allowed")
    grant = step("grant", _grant, "4. steward: seal the token keys for an authority", _GRANT)
    accept = step("accept", _accept, "5. authority: store the token keys of a grant", _ACCEPT)
    for each in (grant, accept):
        each.add_argument("register", help="the authority's register")
    accept.add_argument("package", type=Path, help="the grant that the steward sent")
    split = step("split", _split, "6. write a root as shares for custodians", _SPLIT)
    split.add_argument("party", choices=keys.LABELS)
    split.add_argument("--shares", type=int, required=True, help="how many custodians")
    split.add_argument("--threshold", type=int, required=True, help="how many of them bring the root back")
    split.add_argument("--out", type=Path, required=True, help="new folder for the shares")
    split.add_argument("--remove-root", action="store_true", help="steward: remove the root when the shares combine")
    combine = step("combine", _combine, "bring a root back from its shares", _COMBINE)
    combine.add_argument("party", choices=keys.LABELS)
    combine.add_argument("shares", nargs="+", type=Path, metavar="SHARE", help="as many files as are needed")
    step("show", _show, "7. print what the trust file says, and who here believes it", _SHOW)
    renew = step("renew", _renew, "new signing and opening keys for a party", _RENEW)
    renew.add_argument("party", help=party)
    rotate = step("rotate", _rotate, "prepare the next token epoch, or the next level of research", _ROTATE)
    rotate.add_argument("party", choices=keys.LABELS)
    rotate.add_argument("--new-root", action="store_true", help="from a fresh root (research: always)")


def run(args: argparse.Namespace) -> int:
    """Do one of the steps."""
    args.step_run(args, DataRoot.of(args.study))
    return Exit.OK


def _create(args: argparse.Namespace, root: DataRoot) -> None:
    _say_card(root, keys.create_party(args.party, args.study, root.party(args.party)))


def _trust(args: argparse.Namespace, root: DataRoot) -> None:
    today = datetime.now(UTC).date()
    trust = issuing.issue(
        root.steward,
        root.trust,
        [keys.read_card(path) for path in args.cards],
        study=args.study,
        test=load_study(args.study).test,
        today=today,
        expires_on=args.expires_on or today + timedelta(days=VALID_DAYS),
        mode=args.mode,
        stretched=args.stretch,
        revoke=dict(_revocation(each) for each in args.revoke),
        finish_rotation=args.finish_rotation,
    )
    print(f"wrote {root.trust}; give it to every party", file=sys.stderr)
    _describe(trust)


def _revocation(text: str) -> tuple[str, str]:
    party, _, reason = text.partition("=")
    return party, reason


def _pin(args: argparse.Namespace, root: DataRoot) -> None:
    pins.pin(root.party(args.party), "".join(args.key_id))
    print(f"`{args.party}` believes trust files of this steward, and of no other", file=sys.stderr)


def _grant(args: argparse.Namespace, root: DataRoot) -> None:
    print(grants.grant(root.steward, root.trust, args.register))


def _accept(args: argparse.Namespace, root: DataRoot) -> None:
    path = grants.accept(root.authority(args.register), root.trust, args.register, args.package)
    print(f"stored {path}", file=sys.stderr)


def _split(args: argparse.Namespace, root: DataRoot) -> None:
    for path in _shares().split(
        args.party, root.party(args.party), args.shares, args.threshold, args.out, remove_root=args.remove_root
    ):
        print(path)
    print("print each, give it to its custodian, and destroy the files", file=sys.stderr)


def _combine(args: argparse.Namespace, root: DataRoot) -> None:
    path = _shares().combine(args.party, root.party(args.party), args.shares)
    print(f"stored {path}", file=sys.stderr)


def _shares() -> ModuleType:
    """What only a ceremony needs, and only a machine of a ceremony has."""
    try:
        return import_module("polku.exchange.shares")
    except ModuleNotFoundError:
        raise Refusal(
            Exit.USAGE, "shares need the library of the extra `ceremony`.", "Install `polku[ceremony]`."
        ) from None


def _show(_: argparse.Namespace, root: DataRoot) -> None:
    """Print first: a file that nobody believes is what one most wants to see."""
    _describe(Trust.unpinned(root.trust))
    believers = [folder.parent for folder in keys.folders_below(root.path) if pins.pin_path(folder.parent).exists()]
    for folder in believers:
        party = keys.read_card(keys.card_path(folder)).party
        Trust.read(root.trust, folder)
        print(f"believed by    {party}, who has pinned {pins.read_pin(folder).signing_key_id[:16]}")
    if not believers:
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "no party on this machine has pinned a steward: the file is shown, not believed.",
            "Compare the steward's signing key id by telephone and pin it with `polku keys pin`.",
            file=root.trust.name,
        )


def _renew(args: argparse.Namespace, root: DataRoot) -> None:
    _say_card(root, keys.renew(args.party, root.party(args.party)))


def _rotate(args: argparse.Namespace, root: DataRoot) -> None:
    folder = root.party(args.party)
    trust = Trust.read(root.trust, folder)
    trust.own(args.party, folder)  # nothing follows upon keys that are not those of the trust file
    card = keys.rotate(args.party, folder, trust.party(args.party).newest, new_root=args.new_root)
    print(f"key {card.newest} of `{args.party}` is prepared; give the card to the steward", file=sys.stderr)
    print(keys.card_path(folder))


def _say_card(root: DataRoot, card: keys.Card) -> None:
    print(f"card for the steward: {keys.card_path(root.party(card.party))}; compare by telephone:", file=sys.stderr)
    print(f"signing key id {card.verify_key.key_id.hex()}\nsealing key id {card.sealing_key.key_id.hex()}")


def _describe(trust: Trust) -> None:
    """What a trust file says; nothing in it is secret."""
    lines = {
        "study": trust.study + (" (test)" if trust.test else ""),
        "serial": trust.serial,
        "issued on": trust.issued_on,
        "expires on": trust.expires_on,
        "token epoch": trust.epoch + (f" (leaving {trust.previous_epoch})" if trust.previous_epoch else ""),
        "mode": mode_of(trust) + ("" if mode_of(trust) == RELAY else " (UNREVIEWED, docs/modes.md)"),
    }
    for name, value in lines.items():
        print(f"{name:<14} {value}")
    for party, card in sorted(trust.cards.items()):
        for use, key_id in (("signing", card.verify_key.key_id.hex()), ("sealing", card.sealing_key.key_id.hex())):
            print(f"{party:<14} {use} {key_id[:16]}  {key_id}{'  REVOKED' if key_id in trust.revoked else ''}")
    for each in trust.revoked.values():
        print(f"revoked        {each.use} {each.key_id[:16]} of {each.party}, {each.on}, {each.reason}")
