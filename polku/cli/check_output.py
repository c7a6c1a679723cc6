"""`polku check-output`: ask for an analyst's own table to leave, sign it as the first and the second person.

Belongs here: the command and its words. Does not belong here: the rules (`polku.disclosure.airlock`) and their order
(`polku.research.airlock`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from polku.errors import Exit, Refusal
from polku.layout import DataRoot

if TYPE_CHECKING:
    from polku.research.airlock import Checked

_DESCRIPTION = """\
An analyst's own table leaves through the airlock: it is made anew from the marts, judged by the policy, attacked, and
compared with everything that is public; then two other people sign. The description is TOML (docs/airlock.md):

  title = "Clients by sex and outcome"
  purpose = "Annex 2 of the evaluation"
  analyst = "Aino Analyst"
  sql = "select sex_code, employed, count(*) as persons from person_outcome join person using (person_key) group by all"
  members_sql = "select sex_code, employed, person_key from person_outcome join person using (person_key)"
  count = "persons"
  [dimensions.sex_code]
  [dimensions.employed]

  polku check-output --study mvad table.csv --describe table.toml
  polku check-output --study mvad --list
  polku check-output --study mvad --approve 3 --as "Olli Officer" --undertaking "I have read the output in full."
  polku check-output --study mvad --release 3 --as "Siiri Second"

A refused table gets every reason, by rule and codes of cells, and where hiding cells would do a protected form of it
beside the file (FILE.protected.csv). Exit code: 0 checked, approved or released; GATE_CLOSED refused."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the table, CSV or Parquet; a gap is empty")
    parser.add_argument(
        "--describe", type=Path, metavar="DESCRIPTION.toml", help="what the table is and how it was made"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--approve", type=int, metavar="NUMBER", help="sign a checked output as the first person")
    what.add_argument("--release", type=int, metavar="NUMBER", help="sign it as the second person; it leaves")
    what.add_argument("--list", action="store_true", help="queue and history")
    parser.add_argument("--as", dest="name", metavar="NAME", help="who signs, as in airlock/roles.toml")
    parser.add_argument("--undertaking", metavar="TEXT", help="what the approver promises; it is published")


def run(args: argparse.Namespace) -> int:
    """Check, approve, release, or list."""
    _refuse_words(args)
    root = DataRoot.of(args.study)
    if args.list:
        return _list(root)
    from polku.disclosure.airlock.queue import RELEASED
    from polku.research import airlock
    from polku.research.outputs import publish_output
    from polku.studies import load_study

    study = load_study(args.study)
    if args.approve is not None:
        airlock.approve(root, study, args.approve, args.name, args.undertaking)
        print(f"request {args.approve} is approved by {args.name}; a second person releases it")
        return Exit.OK
    queue = airlock.queue_of(root)
    if args.release is not None:
        request = queue.request(args.release)
        if request.state != RELEASED or (root.published / "outputs" / f"{request.no:06}").exists():
            request = airlock.release(root, study, args.release, args.name)
        print(f"request {args.release} is released: {publish_output(root, queue, request)}")
        return Exit.OK
    return _check(airlock.check(root, study, args.file, args.describe), args.file)


def _check(checked: Checked, file: Path) -> int:
    details, no = checked.request.details, checked.request.no
    if not checked.judgement.reasons:
        print(f"request {no} is checked: {details.cells_shown} cells shown, {details.cells_hidden} hidden; it waits")
        print("".join(f"  for the approver: {note}\n" for note in details.notes), end="")
        return Exit.OK
    told = [str(reason) for reason in checked.judgement.reasons]
    advice = [*checked.proposals]
    if checked.protected:
        beside = file.with_name(f"{file.name}.protected.csv")
        beside.write_text(checked.protected, encoding="utf-8")
        advice.insert(0, f"a form that may leave is in {beside.name}: check that one")
    listing = _listing(told) + ("\nProposals:" + _listing(advice) if advice else "")
    raise Refusal(Exit.GATE_CLOSED, f"request {no} may not leave:{listing}", file=file.name)


def _list(root: DataRoot) -> int:
    from polku.research.airlock import queue_of

    for request in queue_of(root).requests():
        details = request.details
        signed = "; ".join(f"{entry.kind} {entry.recorded_at[:10]} by {entry.by}" for entry in request.entries)
        rules = ", ".join(f"{rule} {cells}" for rule, cells in details.rules.items())
        print(f"{request.no:>6}  {request.state:<9} {details.title} ({signed}){f'; cells: {rules}' if rules else ''}")
    return Exit.OK


def _refuse_words(args: argparse.Namespace) -> None:
    """Which words go together."""
    signing = args.approve is not None or args.release is not None
    checking = not signing and not args.list
    needed = {
        "FILE": (args.file is not None, checking),
        "--describe": (args.describe is not None, checking),
        "--as": (args.name is not None, signing),
        "--undertaking": (args.undertaking is not None, args.approve is not None),
    }
    missing = [word for word, (there, wanted) in needed.items() if wanted and not there]
    spare = [word for word, (there, wanted) in needed.items() if there and not wanted]
    if missing or spare:
        words = [*(f"{word} is missing" for word in missing), *(f"{word} is of no use here" for word in spare)]
        raise Refusal(Exit.USAGE, f"{'; '.join(words)}.", "`polku check-output --help` has examples.")


def _listing(lines: Sequence[str]) -> str:
    return "".join(f"\n  - {line}" for line in lines)
