"""`polku ledger`: what has ever been public, whether the ledger of it is whole, and withdrawing a release.

Belongs here: the command. Does not belong here: the ledger (`polku.disclosure.ledger`).
"""

from __future__ import annotations

import argparse
import sys

from polku.disclosure.ledger.release_ledger import RELEASE, WITHDRAWN, ReleaseLedger
from polku.disclosure.ledger.telling import history_of
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research.release_ledger import release_ledger

_DESCRIPTION = """\
Every release is on record with every cell: what was published of it or that it was hidden, since when, and a sketch
by which the next release knows whether the same persons are in it. Nothing is ever removed.

  polku ledger list     --study mvad
  polku ledger verify   --study mvad
  polku ledger cell     --study mvad state_share_by_month 2020-01-01 employed
  polku ledger withdraw --study mvad 4f1c22 --reason "table 3 told of another year"

`cell` takes the codes of a cell in the order of the table's dimensions, a blank ("") for a code that is missing.
A withdrawn release stays in the ledger, and in every comparison: what was public stays known. Withdrawing does not
remove its folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    listing = steps.add_parser("list", help="all releases and withdrawals")
    verify = steps.add_parser("verify", help="whether chain and files are as they were written")
    cell = steps.add_parser("cell", help="the figure and status of a cell in each release")
    withdraw = steps.add_parser("withdraw", help="put on record that a release is no longer offered")
    for step in (listing, verify, cell, withdraw):
        step.add_argument("--study", required=True, help="name of the study")
    cell.add_argument("table", help="name of the released table")
    cell.add_argument("codes", nargs="*", help="the cell's codes, in the order of the dimensions")
    withdraw.add_argument("release", help="its fingerprint, or the beginning of it")
    withdraw.add_argument("--reason", required=True, help="why; no data of a person")


def run(args: argparse.Namespace) -> int:
    """List, verify, look a cell up, or withdraw."""
    ledger = release_ledger(DataRoot.of(args.study))
    if args.step == "list":
        _list(ledger)
    elif args.step == "verify":
        no, chain = ledger.head()
        print(f"whole: {no} entries, chain {chain or 'not begun'}")
    elif args.step == "cell":
        _cell(ledger, args.table, args.codes)
    else:
        entry = ledger.withdraw(args.release, args.reason)
        print(f"entry {entry.no}: release {entry.release[:12]} is withdrawn; it stays known", file=sys.stderr)
    return Exit.OK


def _list(ledger: ReleaseLedger) -> None:
    entries = ledger.entries()
    reasons = {entry.release: entry.reason for entry in entries if entry.kind == WITHDRAWN}
    for entry in (entry for entry in entries if entry.kind == RELEASE):
        cells = sum(table.cells for table in entry.tables.values())
        said = f"{entry.no:>6}  {entry.day}  {entry.release[:12]}  {len(entry.tables)} tables, {cells} cells"
        print(f"{said}; withdrawn: {reasons[entry.release]}" if entry.release in reasons else said)
    if not entries:
        print("nothing has been released", file=sys.stderr)


def _cell(ledger: ReleaseLedger, table: str, codes: list[str]) -> None:
    found = history_of(ledger, table, codes)
    if not found:
        known = {name: said.dimensions for entry in ledger.entries() for name, said in entry.tables.items()}
        advice = f"Its dimensions: {', '.join(known[table])}." if table in known else f"Tables: {', '.join(known)}."
        raise Refusal(Exit.USAGE, "no release has had this cell.", advice)
    for told in found:
        figures = ", ".join(f"{name} {_figure(value)}" for name, value in told.figures.items())
        day = f" of {told.figure_as_of}" if told.figure_as_of else ""
        gone = " (release withdrawn)" if told.is_withdrawn else ""
        print(f"{told.entry.no:>6}  {told.entry.day}  {told.status}{day}: {figures}{gone}")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.10g}"
