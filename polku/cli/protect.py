"""`polku protect`: hide what must be hidden in one table of counts or amounts, and prove that it cannot be worked out.

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

    from polku.disclosure.policy import Policy
    from polku.disclosure.protection.frames import Protected

COUNTS = ("count", "freq", "n")
"""Names of the column of counts, in the order in which they are looked for."""

COUNT_LEVELS, AMOUNT_LEVELS = ("A0", "A1", "A2"), ("A0", "A3")

_DESCRIPTION = """\
Protect one table with all its margins: what must not be published is hidden, and further cells, until nothing hidden
can be worked out. DIMS.json says which codes make up which (a code may have several breakdowns):

  {"region": {"total": "Total", "tree": {"Total": [["county-1", "county-2"], ["BIG", "small"]], "county-1": [...]}},
   "sex": {}}

COUNTS. Every count of 1 to T-1 persons is hidden. TABLE.csv has one row per combination of codes without parts: a
column for each dimension and `count`, `freq` or `n`. Other columns are not read. A combination without a row is a zero.

  polku protect --table inner.csv --dims dims.json --threshold 5 --level A1 --out protected

AMOUNTS (--value): sums of what contributors give. TABLE.csv has one row per contribution: a column for each dimension
(codes without parts), the value, who contributes and, if wanted, to which holding he belongs (empty: none). An amount
is hidden when it has fewer than T contributors, when N of them have more than K percent of it (--dominance N,K), or
when the second largest finds the largest to within P percent (--p P); or by the rules of a release profile of Polku.
Each stays uncertain, up and down, by the protection level of the rule that it breaks.

  polku protect --table firms.csv --dims dims.json --value turnover --contributor firm --holding group \\
      --threshold 3 --p 10 --out protected
  polku protect --table wages.csv --dims dims.json --value eur --contributor employer --person person_key \\
      --profile fi_study_v1 --out protected

Levels of the attacker it withstands:
  A0  every published figure; none is negative. Amounts are known to within --known-within percent
  A1  counts (default): also that they are whole; a hidden one is at least 1 when zeros are published
  A2  counts: also which hidden cells are below T, and which are not
  A3  amounts (default): A0, and each contributor what he gives himself, and where he is the only one

Into the folder of --out go published.csv (hidden figures are empty, `status` says published or suppressed),
certificates.csv (for the auditor, not for publication: for every hidden cell an alternative table that agrees with
all that is published; of amounts, with the steps as they are or turned round) and manifest.json. Check the proofs
without a solver, and try the result:

  polku protect --check protected --dims dims.json
  polku audit SPEC.json       with {"file": "protected/published.csv", "count": "turnover"} among its tables"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.description = _DESCRIPTION
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", type=Path, metavar="TABLE.csv", help="counts or contributions, by codes without parts")
    what.add_argument("--check", type=Path, metavar="DIR", help="check the certificates of a protected table instead")
    parser.add_argument("--dims", type=Path, metavar="DIMS.json", required=True, help="dimensions and their codes")
    parser.add_argument("--threshold", type=int, metavar="T", help="the smallest number of persons to publish")
    levels = (*COUNT_LEVELS, *AMOUNT_LEVELS[1:])
    parser.add_argument("--level", choices=levels, help="the attacker (default: A1 for counts, A3 for amounts)")
    zeros = "whether a zero is published, or hidden like a small count (default: published)"
    parser.add_argument("--zeros", choices=("published", "protected"), default="published", help=zeros)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files go")
    amounts = parser.add_argument_group("amounts")
    amounts.add_argument("--value", metavar="COLUMN", help="what is added up")
    amounts.add_argument("--contributor", metavar="COLUMN", help="who contributes")
    amounts.add_argument("--holding", metavar="COLUMN", help="which contributors belong together")
    person = "who is counted by the threshold, where these are not the contributors"
    amounts.add_argument("--person", metavar="COLUMN", help=person)
    amounts.add_argument("--p", type=float, metavar="P", help="percent of the p %% rule")
    dominance = "an (n,k) rule; may be given several times"
    amounts.add_argument("--dominance", metavar="N,K", type=_pair, action="append", default=[], help=dominance)
    profile = "a release profile (policy.toml) instead of --threshold, --zeros, --p and --dominance"
    amounts.add_argument("--profile", metavar="NAME", help=profile)
    known = "to how many percent everybody knows each amount beforehand (default: 100)"
    amounts.add_argument("--known-within", type=float, metavar="Q", default=100.0, help=known)


def run(args: argparse.Namespace) -> int:
    """Write the files, or check them."""
    dimensions = _dimensions(args.dims)
    if args.check:
        return _check(args.check, dimensions)
    if args.out is None:
        raise Refusal(Exit.USAGE, "--table needs --out.")
    levels = AMOUNT_LEVELS if args.value else COUNT_LEVELS
    if args.level not in (None, *levels):
        kind = "amounts" if args.value else "counts"
        raise Refusal(Exit.USAGE, f"{kind} are protected at {' or '.join(levels)}.")
    if args.p is not None and not 0 < args.p <= 100:
        raise Refusal(Exit.USAGE, "--p is a percentage above 0 and up to 100.")
    if not args.profile and (args.threshold is None or args.threshold < 1):
        raise Refusal(Exit.USAGE, "--table needs --threshold (1 or more).")
    protected = _amounts(args, dimensions) if args.value else _counts(args, dimensions)
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


def _counts(args: argparse.Namespace, dimensions: Mapping[str, Dimension]) -> Protected:
    from polku.disclosure.protection.levels import Level, Rule
    from polku.disclosure.protection.table import protect_table

    strangers = [name for name in _OF_AMOUNTS if getattr(args, name)]
    if strangers:
        raise Refusal(Exit.USAGE, f"--{strangers[0]} is for amounts.", "Name the column to be added up: --value.")
    rule = Rule(args.threshold, Level(args.level or Level.A1), args.zeros == "protected")
    inner = _inner(args.table, dimensions)
    with progress.told("small cells") as tell:
        return protect_table(inner, dimensions, rule, tell)


_OF_AMOUNTS = ("contributor", "holding", "person", "p", "dominance", "profile")


def _amounts(args: argparse.Namespace, dimensions: Mapping[str, Dimension]) -> Protected:
    from polku.disclosure.protection.amounts import AmountColumns, protect_amounts
    from polku.disclosure.protection.ranges import AmountLevel, AmountRule

    if not args.contributor:
        raise Refusal(Exit.USAGE, "--value needs --contributor: the rules are about who contributes how much.")
    columns = AmountColumns(args.value, args.contributor, args.holding, args.person)
    rule = AmountRule(_policy(args), AmountLevel(args.level or AmountLevel.A3), args.known_within)
    whose = [name for name in (args.contributor, args.holding, args.person) if name]
    records = _table(args.table, dimensions, whose)
    for name in (args.value, *whose):
        if name not in records:
            raise Refusal(Exit.USAGE, "there is no such column.", file=args.table.name, column=name)
    with progress.told("unsafe amounts") as tell:
        return protect_amounts(records, dimensions, columns, rule, tell)


def _policy(args: argparse.Namespace) -> Policy:
    """The profile, or one of the numbers that were given."""
    from polku.disclosure.policy import Policy, Rules, load_policy

    if args.profile:
        if args.threshold is not None or args.p is not None or args.dominance:
            raise Refusal(Exit.USAGE, "the rules are those of --profile, or --threshold with --p and --dominance.")
        return load_policy(args.profile)
    rules = Rules(p_percent=args.p, dominance=tuple(args.dominance), payers=args.threshold)
    return Policy(
        profile="given",
        title="Rules of the command line",
        threshold=args.threshold,
        protect_zeros=args.zeros == "protected",
        protect_complements=False,
        share_decimals=0,
        amount_decimals=0,
        assumed=True,
        sources=(),
        rules=rules,
    )


def _pair(text: str) -> tuple[int, float]:
    n, _, k = text.partition(",")
    try:
        number, percent = int(n), float(k)
    except ValueError:
        number, percent = 0, 0.0
    if number < 1 or not 0 < percent < 100:
        raise argparse.ArgumentTypeError(f"`{text}`: a number of contributors and a percentage, as in 2,85")
    return number, percent


def _check(folder: Path, dimensions: Mapping[str, Dimension]) -> int:
    from polku.disclosure.protection.check import faults_of, faults_of_amounts

    published, certificates = (_table(folder / name, dimensions) for name in (PUBLISHED, CERTIFICATES))
    figure, of_amounts = str(published.columns[len(dimensions)]), "needed" in certificates
    if of_amounts:
        faults = faults_of_amounts(published, certificates, dimensions, figure)
    else:
        faults = faults_of(published, certificates, dimensions)
    if faults:
        listing = "".join(f"\n  - {fault}" for fault in faults)
        raise Refusal(Exit.GATE_CLOSED, f"the certificates prove nothing:{listing}", file=str(folder))
    hidden = int(published[figure].isna().sum())
    by = "by what its rule needs where it is unsafe" if of_amounts else "by at least one person"
    print(f"{hidden:,} hidden cells, each proved uncertain {by}")
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


def _table(file: Path, dimensions: Mapping[str, Dimension], texts: list[str] | None = None) -> pd.DataFrame:
    """Codes, and other columns of texts, as they are written; an empty figure is null."""
    import pandas as pd

    written = [*dimensions, *(texts or [])]
    try:
        header = pd.read_csv(file, nrows=0).columns
        empty = {name: [""] for name in header if name not in written}
        frame = pd.read_csv(file, dtype=dict.fromkeys(written, str), keep_default_na=False, na_values=empty)
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
