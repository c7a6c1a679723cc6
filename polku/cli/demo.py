"""`polku demo`: plays all parties on one machine up to the research platform's inbox.

Belongs here: the command. Does not belong here: what it does (`polku.demo`).
"""

from __future__ import annotations

import argparse
import sys

from polku.demo import play
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.studies import load_study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Make extracts (the study's example, or the synthetic twin), the keys of every party, seal, relay and "
        "deliver to the research platform's inbox. Only for a study that is marked as a test: in reality each "
        "party does its own part on its own machine. Example: polku demo --study mvad"
    )
    parser.add_argument("--study", default="espoo_skills_centre", help="name of a file in studies/")
    parser.add_argument("--persons", type=int, default=6000, help="size of the synthetic twin (default 6000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the synthetic twin (default 1)")


def run(args: argparse.Namespace) -> int:
    """Play the demonstration; refuses (STUDY_INVALID) a study that is not a test."""
    study = load_study(args.study)
    if not study.test:
        raise Refusal(
            Exit.STUDY_INVALID,
            f"`{study.code}` is not a test study: its keys may not come to be on one machine.",
            "Each party runs its own commands: polku keys, polku seal, polku relay.",
        )
    play(DataRoot.of(study.code), study, args.persons, args.seed, lambda text: print(text, file=sys.stderr))
    return Exit.OK
