"""`polku twin`: makes the synthetic twin of a study.

Belongs here: the command. Does not belong here: what the twin is (`polku.twin`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from polku.errors import Exit
from polku.layout import DataRoot
from polku.studies import load_study
from polku.twin import make_twin
from polku.twin.comparing import write_comparison
from polku.twin.world import make_world


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = (
        "Write the extracts of invented persons into every authority's folder, delivery by delivery, with the truth "
        "about them. A million persons need no more memory than twenty thousand. "
        "The same seed gives the same files. Example: polku twin --persons 1000 --seed 7"
    )
    parser.add_argument("--study", default="espoo_skills_centre", help="a test study (default: %(default)s)")
    parser.add_argument("--persons", type=int, default=6000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="FOLDER",
        help="write no extracts, but pictures of how such a world compares with published figures (docs/twin)",
    )
    parser.add_argument("--out", type=Path, help="data root to write into instead of the study's own")


def run(args: argparse.Namespace) -> int:
    """Make the twin and say how many rows each file has; or compare such a world with what is published."""
    if args.compare:
        for path in write_comparison(make_world(load_study(args.study), args.persons, args.seed), args.compare):
            print(f"written: {path}", file=sys.stderr)
        return Exit.OK
    root = DataRoot(args.study, args.out) if args.out else DataRoot.of(args.study)
    report = make_twin(root, load_study(args.study), persons=args.persons, seed=args.seed)
    for register, tables in report.files.items():
        for name, files in tables.items():
            rows = " ".join(f"{file.rows:>11,}" for file in files)
            print(f"{register:15} {name:20} {rows} rows", file=sys.stderr)
    print(f"{report.rows:,} rows of {report.persons:,} invented persons", file=sys.stderr)
    print(f"the truth about them: {report.truth}", file=sys.stderr)
    return Exit.OK
