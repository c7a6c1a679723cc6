"""`polku notice`: an authority tells the research platform what became of persons' data; the platform lists it.

Belongs here: the command. Does not belong here: sealing a notice (`polku.authority.notices`) and doing what it
asks (`polku.research.notices`).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from datetime import date
from pathlib import Path

from polku.errors import Exit, Refusal
from polku.exchange.delivery import DATA, ID
from polku.exchange.notices import REASONS, Notice
from polku.layout import DataRoot
from polku.studies import load_study

_DESCRIPTION = """\
An authority that corrects, erases or restricts a person's data tells every recipient (GDPR article 19). The file
is a small CSV in the contract's format: a header of the columns that name a person in this register (hetu, its own
client number, or both), one row per person. It is sealed like an extract and takes the same way.

  rectify   the next extract carries the correction; it is due one month after the request
  erase     the person's rows go from everything that has landed, and stay out when they are delivered again
  restrict  the person is out of all tables until the restriction is lifted
  lift      ... which needs the day on which the person was told (--informed-on)

Example:  polku notice --study mvad --register dvv --action erase --reason objection --received-on 2026-11-02 \\
            --ids erase.csv
The research platform lists what it was asked, in counts:  polku notice --study mvad --list"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    reasons = "\n".join(
        f"  {action:<9} {code:<19} {label.en}; {label.fi}; {label.sv}"
        for action, its in REASONS.items()
        for code, label in its.items()
    )
    parser.epilog = f"Reasons (article of the GDPR):\n{reasons}"
    parser.add_argument("--study", required=True, help="name of a file in studies/")
    parser.add_argument("--list", action="store_true", help="research platform: what was asked, and what is due")
    parser.add_argument("--register", help="the authority's register")
    parser.add_argument("--action", choices=tuple(REASONS))
    parser.add_argument("--reason", help="one of the codes below")
    parser.add_argument("--ids", type=Path, metavar="FILE", help="list of persons; stays at the authority")
    parser.add_argument(
        "--received-on",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="day of the person's request, or of the authority's own decision",
    )
    parser.add_argument(
        "--informed-on", type=date.fromisoformat, metavar="YYYY-MM-DD", help="day on which the person was told"
    )


def run(args: argparse.Namespace) -> int:
    """Seal a notice, or list those that were taken in."""
    root = DataRoot.of(args.study)
    if args.list:
        return _list(root)
    return _seal(args, root)


def _seal(args: argparse.Namespace, root: DataRoot) -> int:
    from polku.authority.notices import seal_notice

    study = load_study(args.study)
    needed = ("register", "action", "reason", "ids", "received_on")
    missing = [f"--{name.replace('_', '-')}" for name in needed if getattr(args, name) is None]
    if missing or args.register not in study.contracts:
        raise Refusal(
            Exit.USAGE,
            f"a notice needs {', '.join(missing)}." if missing else "the study does not use this register.",
            f"Registers: {', '.join(study.contracts)}.",
        )
    contract = study.contracts[args.register]
    notice = Notice(args.action, args.reason, args.received_on, args.informed_on, contract.authority.en, persons=0)
    authority = root.authority(args.register)
    sealed, said = seal_notice(study, args.register, notice, args.ids, authority, root.trust, date.today())
    print(f"{sealed.delivery_id}: {said.action} ({said.reason}) for {said.persons} person(s)", file=sys.stderr)
    print(sealed.files[ID])
    print(sealed.files[DATA])
    return Exit.OK


def _list(root: DataRoot) -> int:
    from polku.research.notices import due

    today, found = date.today(), due(root)
    for each in (e for e in found if e.done_on is None):
        late = "OVERDUE" if each.overdue(today) else "open"
        print(f"{each.notice_id}: {each.action} ({each.reason}), {late}, due {each.due_on}, {each.persons} person(s)")
        for released in each.released:
            print(f"  concerns {released}")
    for (register, action), count in sorted(Counter((e.register, e.action) for e in found if e.done_on).items()):
        print(f"{register} {action}: {count} notice(s) done")
    return Exit.OK
