"""`polku seal`: an authority's extract becomes two sealed packages.

Belongs here: the command. Does not belong here: what is sealed and how (`polku.authority.sealing`).
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from polku.authority.sealing import seal
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.studies import load_study

_DESCRIPTION = """\
Check the register's files against its contract, replace every identifier by a token, drop every column
that the contract does not name, and seal the rest: one package for the linkage unit (.id.hpkg), one for
the research platform (.data.hpkg). Rows with a broken identifier stay here, listed in quarantine/ with
row, column and reason. Nothing is sealed when a file breaks the contract or text holds an identifier.
Whether identifiers are stretched or blinded is said in the trust file (UNREVIEWED, docs/modes.md).

Example, for files in data/mvad/authorities/ura/extract that were read from the register on 1 July 2024:
  polku seal --study mvad --register ura --extracted-on 2024-07-01 --period 2018-07-01 2024-06-30"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("--study", required=True, help="name of a file in studies/")
    parser.add_argument("--register", required=True, help="name of a file in contracts/")
    parser.add_argument(
        "--extracted-on", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD", help="day of the extract"
    )
    parser.add_argument(
        "--period", nargs=2, type=date.fromisoformat, metavar="YYYY-MM-DD", help="first and last day it covers"
    )
    parser.add_argument("--extract", type=Path, help="folder of the files (default: extract/ of the authority)")


def run(args: argparse.Namespace) -> int:
    """Seal, and say what was sealed and what stayed, in counts."""
    study, root = load_study(args.study), DataRoot.of(args.study)
    if args.register not in study.contracts:
        raise Refusal(
            Exit.USAGE,
            f"the study `{study.code}` does not use this register.",
            f"It uses: {', '.join(study.contracts)}.",
            register=args.register,
        )
    authority = root.authority(args.register)
    extract = args.extract or authority / "extract"
    period = tuple(args.period) if args.period else None
    report = seal(study, args.register, extract, authority, root.trust, args.extracted_on, period)
    for table in report.manifest.tables:
        stayed = ", ".join(f"{reason} {rows}" for reason, rows in table.rejected.items()) or "none"
        print(f"{table.name}: {table.rows} rows sealed, {table.repaired} respelled; refused: {stayed}", file=sys.stderr)
        if report.dropped[table.name]:
            print(f"  columns left out: {', '.join(report.dropped[table.name])}", file=sys.stderr)
    if report.quarantine:
        print(f"refused rows are listed in {report.quarantine}", file=sys.stderr)
    print(report.id_part)
    print(report.data_part)
    return Exit.OK
