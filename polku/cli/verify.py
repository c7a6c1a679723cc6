"""`polku verify`: is a package whole, from whom it says, and for whom.

Belongs here: the command. Does not belong here: the checks (`polku.exchange.folders`, `.package`, `.payload`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from polku.errors import Exit
from polku.exchange.delivery import Heading
from polku.exchange.folders import announced
from polku.exchange.keys import LINKAGE, RESEARCH, Trust
from polku.exchange.package import Package
from polku.exchange.payload import Payload
from polku.layout import DataRoot

_DESCRIPTION = """\
Verify packages and print their headings (nothing secret). Anybody who has the trust file can do this, at
any time and as often as wished: nothing is written and no ledger is asked.

Always checked: the file ends where a package ends; both signatures (Ed25519 and ML-DSA-65) over every byte
are of a party that the trust file names; the heading is one of a delivery, and not dated in the future.
The .sha256 marker beside a package is compared too, but proves nothing: it only tells receivers that the
copying is over, and they hold a package that has none or another one.
With --open-as, for the recipient whose keys are on this machine: every chunk decrypts, in order and to the
last; rows, columns and hashes are what the manifest inside says.
Never checked here: whether the package was received before or an earlier one is missing (the ledger of
`polku relay` and of landing knows), whether its sender may send this register, and what the values mean.

The exit code is that of the first package refused: 21 the signer is not in the trust file, 30 changed after
it was sealed, 31 cut short (transfer it again), 33 for somebody else, 35 its content is not what its
manifest says, 39 dated in the future.

Example:  polku verify --study mvad --open-as research data/mvad/inbox/*.data.hpkg"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--open-as", choices=(LINKAGE, RESEARCH), help="recipient whose keys are on this machine")
    parser.add_argument("packages", nargs="+", type=Path, metavar="PACKAGE")


def run(args: argparse.Namespace) -> int:
    """Verify each package; the first one that is refused ends the run."""
    root = DataRoot.of(args.study)
    trust = Trust.read(root.trust)
    folder = {LINKAGE: root.linkage, RESEARCH: root.path}.get(args.open_as)
    own = trust.own(args.open_as, folder) if folder else None
    for path in args.packages:
        with Package.verify(path, trust.signers) as package:
            heading = Heading.of(package)
            heading.check_clock(package)
            checked = "signed"
            if own:
                payload = Payload(package.open(own.opening), path.name)
                rows = sum(batch.num_rows for _, reader in payload.tables() for batch in reader)
                checked = f"signed and whole, {rows} rows"
            sender = trust.name_of(package.sender_key_id)
        mark = " (test)" if heading.test else ""
        marker = {None: "no marker", package.digest: "as its marker says"}.get(
            announced(path), "NOT as its marker says"
        )
        print(
            f"{path.name}: {checked}, by {sender}{mark}; study {heading.study}, register {heading.register}, "
            f"{heading.kind}, contract version {heading.contract_version}, number {heading.seq}, "
            f"sealed {heading.created_at}, package {package.package_id}, "
            f"{marker}"
        )
    print("checked: both signatures over every byte, by the trust file" + (", and all that is inside" if own else ""))
    print(
        "not checked: whether it came before or one is missing (the ledger knows), and what the values mean"
        + ("" if own else "; what is inside (--open-as)")
    )
    return Exit.OK
