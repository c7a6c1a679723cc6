"""`polku bridge`: after a rotation of the token keys an authority hands over old and new tokens.

Belongs here: the command. Does not belong here: sealing a bridge (`polku.authority.bridging`).
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from polku.authority.bridging import seal_bridge
from polku.errors import Exit, Refusal
from polku.exchange.delivery import DATA, ID
from polku.layout import DataRoot
from polku.studies import load_study

_DESCRIPTION = """\
When the steward has rotated the token keys (a new trust file, a new grant), seal once, out of the files of the latest
extract that was delivered, the tokens of its identifiers under both epochs. Only identifier columns are read, and no
row leaves. Until the bridge has landed, persons of earlier deliveries would be strangers: `polku seal` refuses.

Example:  polku bridge --study mvad --register dvv"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("--study", required=True, help="name of a file in studies/")
    parser.add_argument("--register", required=True, help="name of a file in contracts/")
    parser.add_argument("--extract", type=Path, help="folder of the files (default: extract/ of the authority)")


def run(args: argparse.Namespace) -> int:
    """Seal the bridge."""
    study, root = load_study(args.study), DataRoot.of(args.study)
    if args.register not in study.contracts:
        raise Refusal(Exit.USAGE, "the study does not use this register.", f"Registers: {', '.join(study.contracts)}.")
    authority = root.authority(args.register)
    extract = args.extract or authority / "extract"
    sealed, identifiers = seal_bridge(study, args.register, extract, authority, root.trust, date.today())
    print(f"{sealed.delivery_id}: {identifiers} identifiers under both epochs", file=sys.stderr)
    print(sealed.files[ID])
    print(sealed.files[DATA])
    return Exit.OK
