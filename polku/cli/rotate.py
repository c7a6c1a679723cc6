"""`polku rotate`: the research platform puts the next level of its key in force.

Belongs here: the command. Does not belong here: the rotation (`polku.research.research_tokens`).
"""

from __future__ import annotations

import argparse
import sys

from polku.errors import Exit
from polku.layout import DataRoot
from polku.research import landing
from polku.research.research_tokens import MOST_LEVELS, rotate

_DESCRIPTION = f"""\
Key every stored research token once more, with the root key that `polku keys rotate --study S research` has made.
Nobody sees a difference: keys of persons, landed rows and marts stay as they are. One transaction: when it is killed,
run it again. New deliveries go through all levels in force (at most {MOST_LEVELS}), so keep the root keys of all of
them, with their backup.

Example:  polku rotate --study mvad"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("--study", required=True, help="name of the study")


def run(args: argparse.Namespace) -> int:
    """Rotate, while nothing lands."""
    root = DataRoot.of(args.study)
    with landing.alone(root):
        level, tokens = rotate(root)
    print(f"level {level} is in force; {tokens} tokens keyed anew", file=sys.stderr)
    return Exit.OK
