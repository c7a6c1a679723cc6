"""Whether an output may leave: every reason against it, by rule and by the codes of cells, without a figure.

Belongs here: the rules of an output and their words. Does not belong here: counting (`recomputing`), what would help
(`proposing`), and who decides in the end (`queue`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import duckdb
import numpy as np
import pandas as pd

from polku.disclosure.airlock import comparing
from polku.disclosure.airlock.attacking import given_away, shapes_with_totals
from polku.disclosure.airlock.earlier import Public, beside
from polku.disclosure.airlock.recomputing import PERSONS, Codes, Shape, Truth, broken_rules, sketches_of
from polku.disclosure.airlock.table_file import Offered
from polku.disclosure.cells import is_amount, words
from polku.disclosure.ledger.sketch import Sketches, keys_of
from polku.disclosure.policy import Policy

CELLS_TOLD = 10
"""So many cells are named for each reason."""

WRONG_FILE, WRONG_SQL, LEFT_OUT, STANDING = "file", "sql", "left_out", "left_standing"
DECIMALS, ZERO, SHARE, RECOVERABLE = "decimals", "zero", "share", "recoverable"
HIDDEN, DIFFERENCING = "hidden_elsewhere", "differencing"
THRESHOLD, COMPLEMENT, GROUP = "threshold", "complement", "group"

_SAID = {
    THRESHOLD: "fewer persons than the threshold",
    COMPLEMENT: "too few others in its base, or too small a base",
    ZERO: "it says that nobody is in the cell",
    SHARE: "the share tells of too few persons who are so, or are not so",
    STANDING: "the count is hidden and another figure of the cell is not",
    LEFT_OUT: "it has no row, which says that nobody is in it, and somebody is",
    "all_equal": "everybody has the same value",
}


@dataclass(frozen=True)
class Reason:
    """A rule, what it says, and the cells or columns that break it. Holds no figure."""

    rule: str
    what: str
    cells: tuple[str, ...] = ()
    codes: frozenset[Codes] = frozenset()

    def __str__(self) -> str:
        told = "; ".join(self.cells[:CELLS_TOLD])
        more = f"; and {len(self.cells) - CELLS_TOLD} more" if len(self.cells) > CELLS_TOLD else ""
        return f"{self.rule}: {self.what}{f' [{told}{more}]' if told else ''}"


@dataclass(frozen=True)
class Judgement:
    """All reasons against an output (none: it may leave), notes for the person who decides, and what is kept of it.

    `keys`, `members`, `complements` are of the rows of the file, in its order; `content` is a digest of its persons and
    true figures: the same content is the same table of the same persons.
    """

    offered: Offered
    truth: Truth
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=object))
    members: Sketches = field(default_factory=lambda: Sketches.empty(0))
    complements: Sketches = field(default_factory=lambda: Sketches.empty(0))
    content: str = ""


def judge(
    con: duckdb.DuckDBPyConnection,
    offered: Offered,
    truth: Truth,
    asked: pd.DataFrame,
    records: str,
    public: Sequence[Public],
    policy: Policy,
) -> Judgement:
    """Try every rule. `con` has the relations that `recompute` left; `asked` is the answer to the description's `sql`
    with dimensions as texts; `records` is SQL of record keys."""
    wrong = _wrong(offered, truth, asked)
    if wrong:
        return Judgement(offered, truth, tuple(wrong), ())
    rows = comparing.codes_of(offered.frame, truth.description)
    gaps = offered.is_gap
    shapes = {truth.shape(codes) for codes in rows}
    rules = broken_rules(con, truth, shapes_with_totals(truth, shapes), policy)
    notes = _notes(rules, rows, gaps, truth)
    rules.pop(GROUP, None)
    absent = list(comparing.left_out(offered, truth)) if policy.protect_zeros else []
    reasons = [*_own(offered, truth, rows, rules, policy, absent)]
    sensitive = _sensitive(rules, rows, truth, policy)
    shown = {codes: float(count) for codes, count, gap in zip(rows, truth.of(rows), gaps, strict=True) if not gap}
    hidden = [codes for codes, gap in zip(rows, gaps, strict=True) if gap]
    if not policy.protect_zeros:
        shown |= dict.fromkeys(comparing.left_out(offered, truth), 0.0)
    given = given_away(truth, shown, hidden, sensitive - set(shown), policy)
    reasons += [
        Reason(RECOVERABLE, f"it follows from {why}", (_words(codes, truth),), frozenset({codes}))
        for codes, why in given.items()
    ]
    keys = keys_of(offered.frame, truth.description.names)
    members, complements = _sketched(con, truth, records, shapes, keys)
    reasons += _beside(members, complements, rows, gaps, truth, public, policy)
    content = _content(truth, rows, keys, members)
    return Judgement(offered, truth, tuple(reasons), tuple(notes), keys, members, complements, content)


def _wrong(offered: Offered, truth: Truth, asked: pd.DataFrame) -> list[Reason]:
    """The file, or its statement, is not what it says it is."""
    reasons = []
    for rule, columns in (
        (WRONG_SQL, comparing.wrong_statement(asked, offered, truth)),
        (WRONG_FILE, comparing.wrong_columns(offered, truth)),
    ):
        said = "`sql` says something else than the members" if rule == WRONG_SQL else "the file shows something else"
        reasons += [Reason(rule, f"{said} in {cells} cells of column `{name}`") for name, cells in columns.items()]
    somebody = [codes for codes in comparing.left_out(offered, truth) if codes in truth.places]
    if somebody:
        reasons.append(_reason(LEFT_OUT, somebody, truth))
    return reasons


def _own(
    offered: Offered,
    truth: Truth,
    rows: list[Codes],
    rules: Mapping[str, set[Codes]],
    policy: Policy,
    absent: list[Codes],
) -> Iterable[Reason]:
    """Reasons within the table."""
    description = truth.description
    for name, places in offered.decimals.items():
        most = policy.amount_decimals if is_amount(name) else policy.share_decimals
        if name != description.count and places > most:
            yield Reason(DECIMALS, f"column `{name}` has {places} decimals; the profile allows {most}")
    standing = offered.is_gap & offered.frame[[m.name for m in description.measures]].notna().any(axis=1).to_numpy()
    if standing.any():
        yield _reason(STANDING, [rows[i] for i in np.flatnonzero(standing)], truth)
    shown = [codes for codes, gap in zip(rows, offered.is_gap, strict=True) if not gap]
    for rule, broken in rules.items():
        found = [codes for codes in shown if codes in broken]
        if found:
            yield _reason(rule, found, truth)
    nobody = [codes for codes in shown if codes not in truth.places]
    zeros = [*(codes for codes in nobody if not comparing.is_impossible(codes, truth)), *absent]
    if policy.protect_zeros and zeros:
        yield _reason(ZERO, zeros, truth)
    for measure in (m for m in description.measures if m.kind == "share"):
        told = [codes for codes, told in zip(rows, offered.frame[measure.name].notna(), strict=True) if told]
        yes, no = (truth.of(told, f"{measure.name}__{side}") for side in ("yes", "no"))
        small = [
            codes
            for codes, x, others in zip(told, yes, no, strict=True)
            if policy.too_small(int(x)) or (policy.protect_complements and policy.too_small(int(others)))
        ]
        if small:
            yield _reason(SHARE, small, truth)


def _sensitive(rules: Mapping[str, set[Codes]], rows: list[Codes], truth: Truth, policy: Policy) -> set[Codes]:
    """Cells that need protection, wherever they are told of: in the file or between its lines."""
    found = set().union(*rules.values())
    if policy.protect_zeros:
        found |= {c for c in rows if c not in truth.places and not comparing.is_impossible(c, truth)}
    return found


def _notes(rules: Mapping[str, set[Codes]], rows: list[Codes], gaps: np.ndarray, truth: Truth) -> list[str]:
    """What no rule decides: nearly everybody of a row or column in one category."""
    nearly = rules.get(GROUP, set())
    told = [_words(codes, truth) for codes, gap in zip(rows, gaps, strict=True) if not gap and codes in nearly]
    return [str(Reason(GROUP, "nearly everybody of a row or column is in one category", tuple(told)))] if told else []


def _sketched(
    con: duckdb.DuckDBPyConnection, truth: Truth, records: str, shapes: set[Shape], keys: np.ndarray
) -> tuple[Sketches, Sketches]:
    named, members, complements = sketches_of(con, truth, records, shapes)
    at = pd.Index(named, dtype=object).get_indexer(pd.Index(keys, dtype=object))
    return members.at(at), complements.at(at)


def _beside(
    members: Sketches,
    complements: Sketches,
    rows: list[Codes],
    gaps: np.ndarray,
    truth: Truth,
    public: Sequence[Public],
    policy: Policy,
) -> list[Reason]:
    """Reasons beside all that is public: one for each public cell that would give somebody away."""
    found: dict[tuple[str, str], list[Codes]] = {}
    for sketches in (members, complements):
        result = beside(sketches.at(np.where(gaps, -1, np.arange(len(gaps)))), public, policy.threshold)
        for i in np.flatnonzero(result.same == ""):
            if result.hidden[i]:
                found.setdefault((HIDDEN, result.hidden[i]), []).append(rows[i])
            if result.near[i]:
                found.setdefault((DIFFERENCING, result.near[i]), []).append(rows[i])
    said = {
        HIDDEN: "the same persons as in a cell that is hidden there ({}); leave it out",
        DIFFERENCING: "too few persons tell it apart from what is public ({}); merge it or leave it out",
    }
    return [
        Reason(rule, said[rule].format(name), tuple(_words(c, truth) for c in cells), frozenset(cells))
        for (rule, name), cells in found.items()
    ]


def _content(truth: Truth, rows: list[Codes], keys: np.ndarray, members: Sketches) -> str:
    digest = sha256("\n".join(keys).encode())
    for column in (PERSONS, *(measure.name for measure in truth.description.measures)):
        digest.update(truth.of(rows, column).astype("<f8").tobytes())
    digest.update(members.sums.astype("<u8").tobytes())
    digest.update(members.counts.astype("<i8").tobytes())
    return digest.hexdigest()


def _reason(rule: str, cells: Sequence[Codes], truth: Truth) -> Reason:
    said = _SAID.get(rule, "few contributors make up nearly all of the amount")
    return Reason(rule, said, tuple(_words(codes, truth) for codes in cells), frozenset(cells))


def _words(codes: Codes, truth: Truth) -> str:
    return words(codes, truth.description.names)


def rules_told(reasons: Iterable[Reason]) -> Mapping[str, int]:
    """Cells (or columns) by rule, for the record."""
    told: dict[str, int] = {}
    for reason in reasons:
        told[reason.rule] = told.get(reason.rule, 0) + max(len(reason.cells), 1)
    return told
