"""`polku crosswalk`: what registers contradict each other about, and decisions on it.

Belongs here: the command. Does not belong here: the crosswalk (`polku.research.crosswalk`).
"""

from __future__ import annotations

import argparse
import sys
from datetime import date

from polku.errors import Exit
from polku.layout import DataRoot
from polku.research import crosswalk
from polku.research.clusters import IN_WORDS
from polku.research.landing import alone
from polku.studies import load_study

_DESCRIPTION = """\
Registers state which identifiers are one person's: a client number and an identity code, a temporary code and
the permanent one, a changed code and the new one. Where two statements cannot both be true, the identifiers stay
apart, the check `identities_agree` fails, and the rows wait here for a person.

  polku crosswalk list   --study mvad
  polku crosswalk reject --study mvad migri customers migri-20251116-0001 208 --by "data steward" --reason "..."
  polku crosswalk accept --study mvad migri customers migri-20251116-0001 208

The best decision is the register's: the authority finds the sealed row in its own list, corrects the register
and delivers again. `reject` leaves a row out until then; `accept` takes that back. No key or code is shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    listing = steps.add_parser("list", help="rows in dispute, by conflict")
    reject = steps.add_parser("reject", help="leave a row's link out")
    accept = steps.add_parser("accept", help="take a rejected link up again")
    for step in (listing, reject, accept):
        step.add_argument("--study", required=True, help="name of the study")
    for step in (reject, accept):
        for name, help_ in (("register", ""), ("table", ""), ("delivery", "its name"), ("row", "sealed row number")):
            step.add_argument(name, help=help_, type=int if name == "row" else str)
    reject.add_argument("--by", required=True, metavar="ROLE", help="role of who decided, not a name")
    reject.add_argument("--reason", required=True, help="why; no data of a person")


def run(args: argparse.Namespace) -> int:
    """List, reject or accept."""
    root = DataRoot.of(args.study)
    if args.step == "list":
        _list(root, args.study)
        return Exit.OK
    link = (args.register, args.table, args.delivery, args.row)
    with alone(root):
        if args.step == "reject":
            crosswalk.reject(root, link, args.by, args.reason, date.today())
        else:
            crosswalk.accept(root, link)
    print("decided; the next night builds the marts accordingly", file=sys.stderr)
    return Exit.OK


def _list(root: DataRoot, study: str) -> None:
    found = crosswalk.disputes(root, load_study(study))
    for number in dict.fromkeys(row[0] for row in found):
        rows = [row for row in found if row[0] == number]
        print(f"conflict {number}: {IN_WORDS[rows[0][1]]}")
        for _, _, link, register, table, delivery, row_no in rows:
            print(f"  {link.replace('_', ' ')}: {register} {table} {delivery} {row_no}")
    if not found:
        print("nothing is in dispute", file=sys.stderr)
