"""`polku keys`: how parties come to have keys and to know each other's.

Belongs here: the command. Does not belong here: keys (`polku.exchange.keys`) and grants (`polku.exchange.grants`).
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from polku.errors import Exit, Refusal
from polku.exchange import grants, keys
from polku.layout import DataRoot

_DESCRIPTION = """\
Every party makes its own keys on its own machine; only public cards and sealed grants travel.

  1. each party:    polku keys create --study mvad koski      (or steward, linkage, research)
  2. one of them:   polku keys trust --study mvad */card.json (from the cards; give the file to all)
  3. the steward:   polku keys grant --study mvad koski       (for each authority)
  4. the authority: polku keys accept --study mvad koski koski-1.grant.hpkg

Before step 3 everybody compares the trust file's SHA-256 by telephone: who is in it is believed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    create = steps.add_parser("create", help="make the keys and the public card of a party")
    trust = steps.add_parser("trust", help="make the trust file from cards")
    grant = steps.add_parser("grant", help="steward: seal the token keys for an authority")
    accept = steps.add_parser("accept", help="authority: store the token keys of a grant")
    for step, what in ((create, _create), (trust, _trust), (grant, _grant), (accept, _accept)):
        step.add_argument("--study", required=True, help="name of the study")
        step.set_defaults(step_run=what)
    create.add_argument("party", help="steward, linkage, research, or an authority's register")
    trust.add_argument("cards", nargs="+", type=Path, help="card.json of every party")
    for step in (grant, accept):
        step.add_argument("register", help="the authority's register")
    accept.add_argument("package", type=Path, help="the grant that the steward sent")


def run(args: argparse.Namespace) -> int:
    """Do one of the four steps."""
    args.step_run(args, DataRoot.of(args.study))
    return Exit.OK


def _create(args: argparse.Namespace, root: DataRoot) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]*", args.party):
        raise Refusal(Exit.USAGE, "a party's name has small letters, digits and _ only.")
    card = keys.create_party(args.party, args.study, _folder(root, args.party))
    print(f"secret keys and card: {keys.card_path(_folder(root, args.party)).parent}", file=sys.stderr)
    print(f"signing key id {card.verify_key.key_id.hex()}\nsealing key id {card.sealing_key.key_id.hex()}")


def _trust(args: argparse.Namespace, root: DataRoot) -> None:
    digest = keys.write_trust(root.trust, [keys.read_card(path) for path in args.cards])
    print(f"wrote {root.trust}; compare by telephone:", file=sys.stderr)
    print(digest)


def _grant(args: argparse.Namespace, root: DataRoot) -> None:
    print(grants.grant(root.steward, root.trust, args.register))


def _accept(args: argparse.Namespace, root: DataRoot) -> None:
    path = grants.accept(root.authority(args.register), root.trust, args.register, args.package)
    print(f"stored {path}", file=sys.stderr)


def _folder(root: DataRoot, party: str) -> Path:
    own = {keys.STEWARD: root.steward, keys.LINKAGE: root.linkage, keys.RESEARCH: root.path}
    return own.get(party, root.authority(party))
