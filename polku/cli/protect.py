"""`polku protect`: hide what must be hidden in one table of counts, and prove that it cannot be worked out.

Belongs here: the command and its files. Does not belong here: the search (`polku.disclosure.protection`), and the
attack on the result (`polku audit`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from polku import progress
from polku.contracts.faults import Faults
from polku.disclosure.dimensions import Dimension, read_dimensions
from polku.errors import Exit, Refusal

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ("count", "freq", "n")
"""Names of the column of counts, in the order in which they are looked for."""

_DESCRIPTION = """\
Protect one table of counts with all its margins: every count of 1 to T-1 persons is hidden, and further cells, until
no hidden count can be worked out. DIMS.json says which codes make up which (a code may have several breakdowns):

  {"region": {"total": "Total", "tree": {"Total": [["county-1", "county-2"], ["BIG", "small"]], "county-1": [...]}},
   "sex": {}}

INNER.csv has one row per combination of codes without parts: a column for each dimension and `count`, `freq` or `n`.
Other columns are not read. A combination without a row is a zero.

Levels of the attacker it withstands, each with all that the ones before know:
  A0  every published figure; counts are not negative
  A1  counts are whole; a hidden one is at least 1 when zeros are published
  A2  which hidden cells are below T, and which are not

Into the folder of --out go published.csv (hidden counts are empty, `status` says published or suppressed),
certificates.csv (for the auditor, not for publication: for every hidden cell an alternative table that agrees with
all that is published) and manifest.json. Try the result: polku audit SPEC.json with published.csv as its table.

  polku protect --table inner.csv --dims dims.json --threshold 5 --level A1 --out protected
  polku protect --check protected --dims dims.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = _DESCRIPTION
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", type=Path, metavar="INNER.csv", help="counts of persons by codes without parts")
    what.add_argument("--check", type=Path, metavar="DIR", help="check the certificates of a protected table instead")
    parser.add_argument("--dims", type=Path, metavar="DIMS.json", required=True, help="dimensions and their codes")
    parser.add_argument("--threshold", type=int, metavar="T", help="the smallest number of persons to publish")
    parser.add_argument("--level", choices=("A0", "A1", "A2"), default="A1", help="the attacker (default: A1)")
    zeros = "whether a zero is published, or hidden like a small count (default: published)"
    parser.add_argument("--zeros", choices=("published", "protected"), default="published", help=zeros)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files go")


def run(args: argparse.Namespace) -> int:
    """Write the files, or check them."""
    dimensions = _dimensions(args.dims)
    if args.check:
        return _check(args.check, dimensions)
    if args.threshold is None or args.out is None or args.threshold < 1:
        raise Refusal(Exit.USAGE, "--table needs --threshold (1 or more) and --out.")
    from polku.disclosure.protection.levels import Level, Rule
    from polku.disclosure.protection.table import protect_table

    rule = Rule(args.threshold, Level(args.level), args.zeros == "protected")
    inner = _inner(args.table, dimensions)
    with progress.told("small cells") as tell:
        protected = protect_table(inner, dimensions, rule, tell)
    args.out.mkdir(parents=True, exist_ok=True)
    protected.published.to_csv(args.out / PUBLISHED, index=False, lineterminator="\n")
    protected.certificates.to_csv(args.out / CERTIFICATES, index=False, lineterminator="\n")
    digests = {name: _digest(args.out / name) for name in (PUBLISHED, CERTIFICATES)}
    manifest = {**protected.facts, "table_sha256": _digest(args.table), "dims_sha256": _digest(args.dims), **digests}
    (args.out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    facts = protected.facts
    print(
        f"{facts['cells']:,} cells, {facts['cells_hidden']:,} hidden, {facts['cells_hidden_only_for_others']:,} of "
        f"them to protect others; proofs of level {facts['level']} in {args.out / CERTIFICATES}"
    )
    return Exit.OK


def _check(folder: Path, dimensions: Mapping[str, Dimension]) -> int:
    from polku.disclosure.protection.check import faults_of

    tables = [_table(folder / name, dimensions) for name in (PUBLISHED, CERTIFICATES)]
    faults = faults_of(tables[0], tables[1], dimensions)
    if faults:
        listing = "".join(f"\n  - {fault}" for fault in faults)
        raise Refusal(Exit.GATE_CLOSED, f"the certificates prove nothing:{listing}", file=str(folder))
    print(f"{int(tables[0]['count'].isna().sum()):,} hidden cells, each proved uncertain by at least one person")
    return Exit.OK


def _dimensions(file: Path) -> dict[str, Dimension]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = "cannot be read." if isinstance(error, OSError) else "is not JSON in UTF-8."
        raise Refusal(Exit.USAGE, what, file=str(file)) from None
    faults = Faults()
    entries = entries.get("dims", entries) if isinstance(entries, dict) else {}
    dimensions = read_dimensions(entries, "dims", faults)
    if not dimensions:
        faults.add("dims", "there is no dimension")
    faults.refuse(file.name, Exit.USAGE, "description of dimensions")
    return dimensions


def _inner(file: Path, dimensions: Mapping[str, Dimension]) -> pd.DataFrame:
    frame = _table(file, dimensions)
    named = [name for name in COUNTS if name in frame]
    if not named:
        raise Refusal(Exit.USAGE, f"there is no column {' or '.join(COUNTS)}.", file=file.name)
    return frame.rename(columns={named[0]: "count"})[[*dimensions, "count"]]


def _table(file: Path, dimensions: Mapping[str, Dimension]) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(
            file, dtype=dict.fromkeys(dimensions, str), keep_default_na=False, na_values={"count": [""]}
        )
    except (OSError, ValueError) as error:
        what = "cannot be read." if isinstance(error, OSError) else "is not a CSV file in UTF-8."
        raise Refusal(Exit.USAGE, what, file=str(file)) from None
    for name in dimensions:
        if name not in frame:
            raise Refusal(Exit.USAGE, f"there is no column for the dimension `{name}`.", file=file.name, column=name)
    return frame


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


PUBLISHED, CERTIFICATES, MANIFEST = "published.csv", "certificates.csv", "manifest.json"
