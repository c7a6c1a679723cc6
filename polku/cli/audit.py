"""`polku audit`: attack published tables and say what they give away.

Belongs here: the command. Does not belong here: the attack (`polku.disclosure.attack`).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from polku import process, progress
from polku.disclosure.attack.report import as_json, as_text
from polku.disclosure.attack.spec import LEVELS
from polku.errors import Refusal

SAFE, DISCLOSED, NOT_JUDGED = 0, 1, 2

_DESCRIPTION = """\
Attack published tables with gaps (suppressed cells) or rounded figures: which hidden figures follow from the
published ones? All tables, measures and releases of the file are one system; every gap gets the least and the most
that it can be. The file is JSON and described, with an example, in docs/audit.md:

  {"dims":   {"region": {"total": "Total", "tree": {"Total": [["county-1", "county-2"], ["BIG", "small"]],
                                                    "county-1": ["A", "B", "I", "J"], ...}}, "sex": {"total": "Total"}},
   "tables": [{"file": "by_county.csv", "dims": ["region"], "measure": "employed", "missing": "unknown"}],
   "measures":  [{"total": "population", "parts": ["employed", "not_employed"]}],
   "equations": [{"terms": [{"coefficient": 1, "cell": {"region": "A"}}, ...], "low": 0, "high": 10}],
   "rates":     [{"numerator": "employed", "denominator": "population", "digits": 2, "file": "rates.csv"}],
   "releases":  [{"name": "2024"}, {"name": "2025", "cohort": "same"}],
   "options":   {"round_base": 5, "threshold": 5, "zeros": "published"}}

A CSV has a column for each dimension, `count` (empty: suppressed) and, if wanted, `primary` (1: a gap by the rule,
0: a gap that protects others). Where there is `primary`, only these count as disclosed.

Levels of the attacker, each with all that the ones before know:
  A0  every published figure of all tables, measures and rates; nothing is negative
  A1  counts are whole; a gap is at least 1, unless the options say that zeros are protected
  A2  which gaps are primary (below the threshold) and which are not
  A3  one contributor's own part: who is alone in a gap knows it
  A4  all releases together
Without --level: A0 and whatever the file says of itself (rounding, zeros, links between releases).

Example:  polku audit tests/data/disclosure/audit/05_usersupport136_linked/spec_unsafe.json --level A1
Exit code: 0 safe, 1 something is disclosed, 2 not judged (the file has faults, or its facts contradict each other)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = _DESCRIPTION
    parser.add_argument("spec", type=Path, metavar="SPEC.json", help="the file that names tables and what links them")
    parser.add_argument("--level", choices=LEVELS, help="what the attacker knows")
    parser.add_argument("--threshold", type=int, metavar="T", help="a count below T is primary (needed from A2 on)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    """Print what was found; returns this command's own exit codes."""
    try:
        from polku.disclosure.attack.audit import audit

        with progress.told("intervals") as tell:
            outcome = audit(args.spec, args.level, args.threshold, tell)
    except Refusal as refusal:
        return _not_judged(args, str(refusal))
    except Exception as error:
        # Not left to the command line: its code for a failure is this command's code for a disclosure.
        process.say_where(error)
        return _not_judged(args, f"the attack failed ({type(error).__name__})")
    if args.json:
        print(as_json(outcome))
    else:
        print("\n".join(as_text(outcome)))
    return outcome.exit


def _not_judged(args: argparse.Namespace, why: str) -> int:
    print(f"polku audit: not judged: {why}", file=sys.stderr)
    if args.json:
        print(json.dumps({"exit": NOT_JUDGED, "error": why}, ensure_ascii=False))
    return NOT_JUDGED
