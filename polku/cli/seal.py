"""`polku seal`: an authority's extract becomes two sealed packages.

Belongs here: the command, and how it is taught and told. Does not belong here: what is sealed and how
(`polku.authority.sealing`), and what is only tried (`polku.authority.rehearsal`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from polku.authority.rehearsal import Rehearsal, rehearse
from polku.authority.report import TableReport, words
from polku.authority.sealing import seal
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.process import Swap, swap
from polku.studies import load_study

EXITS = (
    Exit.OK,
    Exit.UNEXPECTED,
    Exit.USAGE,
    Exit.CONTRACT_INVALID,
    Exit.STUDY_INVALID,
    Exit.EXTRACT_BREAKS_CONTRACT,
    Exit.IDENTIFIER_IN_DATA,
    Exit.EXTRACT_MISSING,
    Exit.KEY_UNUSABLE,
    Exit.SENDER_UNKNOWN,
    Exit.LEDGER_BROKEN,
    Exit.ANOTHER_RUN,
)
"""How this command can end."""

_DESCRIPTION = """\
Turn a register's extract into two sealed packages. Nobody who receives them can tell who anyone is.

What happens, in this order:
  1. The keys are checked, then the files are read as the register's contract says. A missing file or
     column, or a row that cannot be read, ends the run.
  2. Every identifier is replaced by a token. A row with an identifier that cannot be right (a wrong
     check character, a date that does not exist) stays here; too many of them end the run.
  3. Days that the study may only know by month are cut to the month.
  4. Every text that would leave is searched for identity codes, e-mail addresses, phone and account
     numbers. One that is found ends the run.
  5. The files are compared with those of earlier deliveries. The same files under another day, or half
     a file, end the run unless you say --confirmed.
  6. Rows are sorted by a random handle and sealed, and a report is written.

What leaves: the columns that the contract names, in two packages.
What stays: every other column, refused rows (quarantine/ lists row, column and reason), the list from
sealed to source rows, and the report. Nothing leaves when the run ends early.

Afterwards:
  - Read sealed/<delivery>.report.html and give it to your data protection officer. Do not send it.
  - Send the .id.hpkg package to the linkage unit, the .data.hpkg package to the research platform.
  - Keep sealed/<delivery>.rows.* until the study ends: the platform may ask about a sealed row.
  - Delete the extract when the platform says that the delivery has landed.

Begin with --dry-run: it does everything but step 6, lists all that would be refused at once, writes
nothing, and needs no keys.

Examples, for files in mvad/authorities/ura/extract that were read from the register on 1 July 2024:
  polku seal --study mvad --register ura --extracted-on 2024-07-01 --period 2018-07-01 2024-06-30 --dry-run
  polku seal --study mvad --register ura --extracted-on 2024-07-01 --period 2018-07-01 2024-06-30"""

_EPILOG = """\
exit codes that can come (docs/exit_codes.md says what to do):
{codes}

The whole guide: docs/sealing.md"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line. No option takes a key or an identifier: others can see how a command was called."""
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG.format(codes="\n".join(f"  {code.value:>3}  {code.name}" for code in EXITS))
    parser.add_argument("--study", required=True, help="name of the study, a file in studies/")
    parser.add_argument("--register", required=True, help="name of the register, a file in contracts/")
    parser.add_argument(
        "--extracted-on",
        required=True,
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="day on which the files were read from the register",
    )
    parser.add_argument(
        "--period",
        nargs=2,
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="first and last day that the files cover: a day without an event in it counts as a day without one",
    )
    parser.add_argument("--extract", type=Path, help="folder of the files (default: extract/ of the authority)")
    parser.add_argument(
        "--confirmed",
        action="store_true",
        help="the files are right although they are those of an earlier delivery, or have far fewer rows than the last",
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would be refused")
    parser.add_argument(
        "--list",
        type=Path,
        metavar="FILE",
        help="with --dry-run: write row, column and reason of every refused row to this CSV file",
    )


def run(args: argparse.Namespace) -> int:
    """Seal, or rehearse it, and say what was sealed and what stayed, in counts."""
    study, root = load_study(args.study), DataRoot.of(args.study)
    if args.register not in study.contracts:
        raise Refusal(
            Exit.USAGE,
            f"the study `{study.code}` does not use this register.",
            f"It uses: {', '.join(study.contracts)}.",
            register=args.register,
        )
    if args.list and not args.dry_run:
        raise Refusal(Exit.USAGE, "--list is for a dry run.", "A real run lists refused rows in quarantine/ by itself.")
    if swap() is Swap.OPEN:
        print(f"memory: {words('en')['memory_states'][Swap.OPEN]}", file=sys.stderr)
    authority = root.authority(args.register)
    extract = args.extract or authority / "extract"
    period = tuple(args.period) if args.period else None
    order = (study, args.register, extract, authority, root.trust, args.extracted_on, period)
    if args.dry_run:
        return _tell(rehearse(*order, listed=args.list, confirmed=args.confirmed), args.list)
    report = seal(*order, confirmed=args.confirmed)
    _tell_tables(report.tables, "sealed")
    if report.quarantine:
        print(f"refused rows are listed in {report.quarantine}", file=sys.stderr)
    print(f"report for your data protection officer: {report.page}", file=sys.stderr)
    print("send these two, the first to the linkage unit, the second to the research platform:", file=sys.stderr)
    print(report.id_part)
    print(report.data_part)
    return Exit.OK


def _tell(found: Rehearsal, listed: Path | None) -> int:
    """What a dry run found; ends as the real run would."""
    _tell_tables(found.tables, "would be sealed")
    if listed:
        rows = any(table.faults for table in found.tables)
        print(f"refused rows are listed in {listed}" if rows else "no row to list", file=sys.stderr)
    for refusal in found.refusals:
        print(f"would be refused ({refusal.exit.name}): {refusal}", file=sys.stderr)
    if found.refusals:
        print("dry run: nothing was written. The real run would end at the first of these.", file=sys.stderr)
        return found.refusals[0].exit
    print(f"dry run: nothing was written. The real run would seal {found.delivery_id}.", file=sys.stderr)
    return Exit.OK


def _tell_tables(tables: Iterable[TableReport], what: str) -> None:
    reasons = words("en")["reasons"]
    for table in tables:
        print(
            f"{table.table.file}: {table.rows_kept} of {table.rows_read} rows {what}, "
            f"{table.rows_respelled} of them with a respelled identifier",
            file=sys.stderr,
        )
        if table.footers:
            print(f"  {table.footers} rows at the end are no records", file=sys.stderr)
        if table.absent:
            print(
                f"  columns that extracts of this day do not have: {', '.join(sorted(table.absent))}", file=sys.stderr
            )
        if table.dropped:
            print(f"  columns left out: {', '.join(table.dropped)}", file=sys.stderr)
        for fault in table.faults:
            first = ", ".join(map(str, fault.first_rows))
            more = " and others" if fault.rows > len(fault.first_rows) else ""
            print(f"  refused: column {fault.column}, row {first}{more} ({fault.rows} in all)", file=sys.stderr)
            print(f"    {fault.reason}: {reasons[fault.reason]}", file=sys.stderr)
