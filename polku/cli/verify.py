"""`polku verify`: is a package whole, from whom it says, and for whom.

Belongs here: the command. Does not belong here: the checks (`polku.exchange.package`, `polku.exchange.payload`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from polku.errors import Exit
from polku.exchange.delivery import Heading
from polku.exchange.keys import LINKAGE, RESEARCH
from polku.exchange.package import Package
from polku.exchange.payload import Payload
from polku.exchange.trust import Trust
from polku.layout import DataRoot

_DESCRIPTION = """\
Verify the signatures of packages against the trust file and print their headings (nothing secret). The trust
file is believed as the party named by --as believes it: whose pin of the steward's key is on this machine. With
--open-as, the recipient also decrypts them to the last byte and compares row counts and hashes with the
manifest. No ledger is asked: the same package may be verified again.

Examples:  polku verify --study mvad --as ura data/mvad/authorities/ura/sealed/*.hpkg
           polku verify --study mvad --open-as research data/mvad/inbox/*.data.hpkg"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("--study", required=True, help="name of the study")
    party = parser.add_mutually_exclusive_group(required=True)
    party.add_argument("--as", dest="party", metavar="PARTY", help="party on this machine whose pin is used")
    party.add_argument("--open-as", choices=(LINKAGE, RESEARCH), help="recipient whose pin and keys are used")
    parser.add_argument("packages", nargs="+", type=Path, metavar="PACKAGE")


def run(args: argparse.Namespace) -> int:
    """Verify each package; the first one that is refused ends the run."""
    root = DataRoot.of(args.study)
    folder = root.party(args.open_as or args.party)
    trust = Trust.read(root.trust, folder)
    for path in args.packages:
        with Package.verify(path, trust.signers) as package:
            heading = Heading.of(package)
            checked = "signed"
            if args.open_as:
                payload = Payload(package.open(trust.own(args.open_as, folder).opening), path.name)
                rows = sum(batch.num_rows for _, reader in payload.tables() for batch in reader)
                checked = f"signed and whole, {rows} rows"
            sender = trust.name_of(package.sender_key_id)
        mark = " (test)" if heading.test else ""
        print(
            f"{path.name}: {checked}, by {sender}{mark}; study {heading.study}, register {heading.register}, "
            f"contract version {heading.contract_version}, number {heading.seq}, sealed {heading.created_at}"
        )
    return Exit.OK
