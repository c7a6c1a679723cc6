"""`polku relay`: the linkage unit's whole work.

Belongs here: the command. Does not belong here: re-keying (`polku.linkage.relaying`).
"""

from __future__ import annotations

import argparse
import sys

from polku.errors import Exit
from polku.layout import DataRoot
from polku.linkage.relaying import relay

_DESCRIPTION = """\
Open the id parts in linkage/inbox, re-key their tokens and seal them for the research platform, into
linkage/outbox. Id parts are deleted when they are done; refused ones go to linkage/refused with the
reason, those that wait for an earlier delivery or for their .sha256 marker stay. This unit never sees
rows or identifiers. Whether tokens are blinded is said in the trust file (blinded: UNREVIEWED, docs/modes.md).

Example:  polku relay --study mvad"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("--study", required=True, help="name of the study")


def run(args: argparse.Namespace) -> int:
    """Relay everything that can be; the exit code is that of the first refusal."""
    root = DataRoot.of(args.study)
    report = relay(root.linkage, root.trust)
    for delivery_id in report.repeated:
        print(f"{delivery_id} was relayed before; nothing to do", file=sys.stderr)
    for path in report.arriving:
        print(f"still being copied, no marker yet: {path.name}", file=sys.stderr)
    for refusal in report.held:
        print(f"held: {refusal}", file=sys.stderr)
    for refusal in report.refused:
        print(f"refused ({refusal.exit.name}): {refusal}", file=sys.stderr)
    for link in report.relayed:
        print(link)
    return report.refused[0].exit if report.refused else Exit.OK
