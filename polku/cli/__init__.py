"""The command line: one module for each command, imported only when it is called.

Belongs here: the list of commands, and how every refusal and failure ends. Does not belong here: what a
command does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from polku import __version__, process
from polku.errors import Exit, Refusal

COMMANDS = {
    "keys": ("polku.cli.keys", "the key ceremony: cards, trust file, pins, grants, shares, rotation"),
    "seal": ("polku.cli.seal", "authority: turn an extract into two sealed packages"),
    "notice": ("polku.cli.notice", "authority: rectify, erase or restrict persons; research: list what is due"),
    "bridge": ("polku.cli.bridge", "authority: old and new tokens after a rotation of the token keys"),
    "relay": ("polku.cli.relay", "linkage unit: re-key the tokens of id parts"),
    "verify": ("polku.cli.verify", "anybody: check packages against the trust file"),
    "crosswalk": ("polku.cli.crosswalk", "research platform: identifiers in dispute, and decisions on them"),
    "rotate": ("polku.cli.rotate", "research platform: key every stored token once more"),
    "ledger": ("polku.cli.ledger", "privacy officer: what has ever been public of a cell; withdraw a release"),
    "query": ("polku.cli.query", "analyst: ask the marts a question in SQL"),
    "check-output": ("polku.cli.check_output", "analyst: ask for a table to leave; output checkers: sign it"),
    "protect": (
        "polku.cli.protect",
        "hide small counts or unsafe amounts, and prove that they cannot be worked out",
    ),
    "audit": ("polku.cli.audit", "attack published tables: which hidden figures follow from the others"),
    "outcomes": ("polku.cli.outcomes", "print what each outcome means and the registers it is known from"),
    "contracts": ("polku.cli.contracts", "check contracts and studies, write what dbt needs of them"),
    "twin": ("polku.cli.twin", "make the extracts of invented persons"),
    "demo": ("polku.cli.demo", "play every party on one machine, with a test study"),
}
"""Command to its module and its line of help. A module has `add_arguments(parser)` and `run(args)`."""


def start() -> int:
    """What the installed command runs: one command, in a process that keeps keys and identifiers to itself."""
    try:
        process.harden()
    except Refusal as refusal:
        print(f"polku: refused ({refusal.exit.name}): {refusal}", file=sys.stderr)
        return refusal.exit
    return main(sys.argv[1:])


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code (`polku.errors.Exit`)."""
    arguments = list(argv)
    args = _parser(arguments[:1]).parse_args(arguments)
    try:
        return int(args.run(args))
    except Refusal as refusal:
        print(f"polku {args.command}: refused ({refusal.exit.name}): {refusal}", file=sys.stderr)
        return refusal.exit
    except Exception as error:
        process.say_where(error)
        return Exit.UNEXPECTED


def _parser(called: Sequence[str]) -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code.value:>3}  {code.name.lower().replace('_', ' ')}" for code in Exit)
    parser = argparse.ArgumentParser(
        prog="polku",
        description="From sealed register extracts to released tables. Each party runs its own commands.",
        epilog=f"A refusal names register, file, column and row, never a value. Exit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"polku {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name in called:
            implementation = import_module(module)
            implementation.add_arguments(command)
            command.set_defaults(run=implementation.run)
    return parser
