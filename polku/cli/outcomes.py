"""`polku outcomes`: prints what every outcome means, and the registers that it is known from.

Belongs here: the command. Does not belong here: the definitions (`polku.outcomes`).
"""

from __future__ import annotations

import argparse

from polku.contracts.reading import load_contracts
from polku.errors import Exit
from polku.layout import RULES
from polku.outcomes import load_catalogue
from polku.outcomes.catalogue import OF_STUDY
from polku.outcomes.definitions import text
from polku.studies import load_study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = (
        "Print the definitions of outcomes: version, rule in three languages, unit, and the registers with their "
        "coverage and maturity. With --study, those that a study uses and the registers that it has.\n"
        "Example: polku outcomes --study espoo_skills_centre"
    )
    parser.add_argument("--study", help="name of the study; without it the whole catalogue over all contracts")


def run(args: argparse.Namespace) -> int:
    """Print Markdown on standard output."""
    if args.study:
        study = load_study(args.study)
        print(text(study.outcomes, study.contracts))
    else:
        catalogue = {code: outcome.filled(**OF_STUDY) for code, outcome in load_catalogue().items()}
        print(text(catalogue, load_contracts(RULES / "contracts")))
    return Exit.OK
