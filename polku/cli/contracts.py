"""`polku contracts`: checks every contract and study, and writes what dbt needs of them.

Belongs here: the command. Does not belong here: the rules (`polku.contracts`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from polku.contracts.dbt_files import dbt_files
from polku.contracts.unused import unused_columns
from polku.errors import Exit
from polku.layout import CHECKOUT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Check contracts/*.toml and studies/*.toml (all faults at once) and whether dbt's generated files "
        "are up to date. With --write, write those files. With --unused, list the columns that no mart makes use of, "
        "which may be dropped from their contracts. Example: polku contracts --write"
    )
    parser.add_argument("--write", action="store_true", help="write dbt's generated files")
    parser.add_argument("--unused", action="store_true", help="list columns that no mart makes use of")
    parser.add_argument("--checkout", type=Path, default=CHECKOUT, help="folder that holds contracts/ and studies/")


def run(args: argparse.Namespace) -> int:
    """Check everything; CONTRACT_INVALID when a file has faults or is stale."""
    stale = []
    for path, text in dbt_files(args.checkout).items():
        file = args.checkout / path
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        if args.write:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {path}", file=sys.stderr)
        else:
            stale.append(str(path))
    if stale:
        print(f"stale: {', '.join(stale)}. Run: polku contracts --write", file=sys.stderr)
        return Exit.CONTRACT_INVALID
    print("contracts and studies are sound", file=sys.stderr)
    if args.unused:
        print("\n".join(unused_columns(args.checkout)))
    return Exit.OK
