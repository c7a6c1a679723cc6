"""One table of amounts, from records of contributions to what may be published, with the proof: frames in, frames out.

Belongs here: reading a frame of contributions, and the published form. Does not belong here: which amounts are unsafe
(`primary`), how uncertain they must be (`ranges`), the search (`search`), files and the command line.

An amount is protected as a count is, by alternative tables that agree with every published sum. Here they change by
parts of an amount; every one may be turned round, so that the amount it is for could be higher and lower by its width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from polku.disclosure.dimensions import Dimension
from polku.disclosure.primary.contributions import AmountCells, Contributions, amount_cells
from polku.disclosure.protection.advice import is_hopeless, recoding_of_amounts
from polku.disclosure.protection.frames import (
    CERTIFICATE,
    STEP,
    Protected,
    certificate_frame,
    leaf_codes,
    published_frame,
    share_hidden,
    unusable,
)
from polku.disclosure.protection.grid import Grid
from polku.disclosure.protection.ranges import AmountLevel, AmountRule, problem_of
from polku.disclosure.protection.search import cover
from polku.errors import Exit, Refusal

if TYPE_CHECKING:
    import pandas as pd

NEEDED = "needed"
RESERVED = (CERTIFICATE, STEP, NEEDED)
"""Neither a dimension nor the value has these names: columns of the certificates have them."""

DECIMALS = 6
"""Amounts are added up exactly in units of the last decimal that any contribution has; further ones are rounded off."""

MOST = 1 << 52
"""More units than this cannot be written and read as ordinary numbers without loss."""


@dataclass(frozen=True)
class AmountColumns:
    """Columns of the records.

    - `value`: what is contributed; records without one do not count.
    - `contributor`: who contributes (a firm, an employer, a person); several records of one are added up.
    - `holding`: which contributors belong together and know of each other; empty: none.
    - `person`: who is counted by the threshold, where these are not the contributors (the paid, not the payers).
    """

    value: str
    contributor: str
    holding: str | None = None
    person: str | None = None


def protect_amounts(
    records: pd.DataFrame,
    dimensions: Mapping[str, Dimension],
    columns: AmountColumns,
    rule: AmountRule,
    told: Callable[[int, int], None] | None = None,
) -> Protected:
    """Protect the sums of a value, with all margins over every hierarchy, where few or dominant contributors stand.

    `records` have a column for each dimension (codes without parts) and those of `columns`. Primary amounts are those
    that break a rule of the policy (`primary.rules`). Refuses (USAGE) rules that cannot be kept and records that
    are not so, with dimension, code and row, (CONTRACT_INVALID) uneven breakdowns, and (GATE_CLOSED) a table of which
    too much would be hidden, with what to leave out.
    """
    import pandas as pd

    rule.refuse_unless_possible()
    own = [each.flattened(sorted(map(str, records[name].unique()))) for name, each in dimensions.items()]
    given, codes, decimals = read_contributions(records, own, columns)
    grid = Grid(own, codes, given.amounts)
    cells = amount_cells(given, own, rule.policy)
    some = given.amounts[given.amounts > 0]
    problem = problem_of(cells, rule, float(np.median(some)) if len(some) else 1.0)
    if is_hopeless(problem):
        raise _hopeless(grid, cells, "too many of its amounts are unsafe")
    found = cover(problem, grid, told)
    if found.unprotected:
        raise _hopeless(grid, cells, "hiding amounts cannot protect all that are unsafe")
    unit = 10**decimals
    figures = pd.array(cells.total if unit == 1 else (cells.total / unit).round(decimals))
    width = np.where(problem.targets, problem.widths / unit, np.nan)
    proofs = certificate_frame(grid, found, {NEEDED: width})
    proofs[STEP] = proofs[STEP] / unit
    published = published_frame(grid, found.hidden, figures, columns.value)
    return Protected(published, proofs, _facts(grid, cells, found.hidden, columns, rule))


def read_contributions(
    records: pd.DataFrame, dimensions: Sequence[Dimension], columns: AmountColumns
) -> tuple[Contributions, list[npt.NDArray[np.int64]], int]:
    """Contributions, their numbers of codes by dimension, and the decimals of their unit; refuses faults by name."""
    import pandas as pd

    if columns.value in (*RESERVED, *(own.name for own in dimensions)):
        raise unusable(columns.value, "the value cannot have this name, as another column of the result has it.")
    written = records[columns.value].isna() | (records[columns.value].astype(str).str.strip() == "")
    values = pd.to_numeric(records[columns.value], errors="coerce").astype(float)
    _refuse(columns.value, ~written & ~np.isfinite(values), "the value is not a number.")
    _refuse(columns.value, values < 0, "a contribution is negative.", _NEGATIVE)
    codes = leaf_codes(records, dimensions, RESERVED)
    numbers = {
        name: _numbers(records, name, required=name != columns.holding)
        for name in (columns.contributor, columns.holding, columns.person)
        if name
    }
    kept = ~written.to_numpy()
    if not kept.any():
        raise unusable(columns.value, "no record has a value.")
    amounts, decimals = _units(np.asarray(values[kept], dtype=np.float64))
    contributor = _dense(numbers[columns.contributor][kept])
    holding = np.arange(contributor.max() + 1)
    if columns.holding:
        holding = _holdings(numbers[columns.holding][kept], contributor, columns.holding, np.flatnonzero(kept))
    person = _dense(numbers[columns.person][kept]) if columns.person else None
    codes = [own[kept] for own in codes]
    leaves = tuple(_leaves(own, dimension) for own, dimension in zip(codes, dimensions, strict=True))
    return Contributions(leaves, amounts, contributor, holding, person), codes, decimals


_NEGATIVE = (
    "Rules of concentration, and what attackers know beforehand, are about amounts that are not negative: protect the "
    "absolute amounts, and hide the same cells (Handbook on SDC, section 4.3)."
)


def _refuse(column: str, wrong: pd.Series[bool], what: str, advice: str = "Mend the records.") -> None:
    for row in np.flatnonzero(wrong)[:1]:
        raise Refusal(Exit.USAGE, what, advice, column=column, row_no=int(row) + 2)


def _numbers(records: pd.DataFrame, column: str, *, required: bool) -> npt.NDArray[np.int64]:
    """A number for each different entry, -1 where there is none."""
    texts = records[column]
    empty = texts.isna() | (texts.astype(str).str.strip() == "")
    if required:
        _refuse(column, empty, "it is not said who this is.")
    numbers: npt.NDArray[np.int64] = texts.mask(empty).factorize()[0].astype(np.int64)
    return numbers


def _dense(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _holdings(
    numbers: npt.NDArray[np.int64], contributor: npt.NDArray[np.int64], column: str, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """By contributor the number of its holding; a contributor of none is one by itself."""
    count = int(contributor.max()) + 1
    first = np.full(count, -2)
    first[contributor[::-1]] = numbers[::-1]
    differing = np.flatnonzero(first[contributor] != numbers)
    for at in differing[:1]:
        what = "a contributor belongs to two holdings, or to one in some records only."
        raise Refusal(Exit.USAGE, what, "Mend the records.", column=column, row_no=int(rows[at]) + 2)
    alone = first < 0
    return _dense(np.where(alone, int(numbers.max(initial=0)) + 1 + np.arange(count), first))


def _units(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], int]:
    """Amounts in units of their last decimal, and how many decimals that are."""
    for decimals in range(DECIMALS + 1):
        scaled = values * 10.0**decimals
        whole = np.rint(scaled)
        if decimals == DECIMALS or np.allclose(scaled, whole, rtol=1e-12, atol=1e-6):
            break
    if whole.sum() > MOST:
        raise Refusal(Exit.USAGE, "the amounts are too large for their decimals.", "Round them, or take thousands.")
    return whole.astype(np.int64), decimals


def _leaves(codes: npt.NDArray[np.int64], dimension: Dimension) -> npt.NDArray[np.int64]:
    """Numbers of codes as places among the leaves."""
    place = np.full(len(dimension.codes), -1)
    of_code = {code: number for number, code in enumerate(dimension.codes)}
    place[[of_code[leaf] for leaf in dimension.leaves]] = np.arange(len(dimension.leaves))
    found: npt.NDArray[np.int64] = place[codes]
    return found


def _hopeless(grid: Grid, cells: AmountCells, why: str) -> Refusal:
    listing = "".join(f"\n  - {line}" for line in recoding_of_amounts(grid, cells.primary))
    return Refusal(Exit.GATE_CLOSED, f"the table cannot be published as it is: {why}.", f"Publish less:{listing}")


def _facts(
    grid: Grid, cells: AmountCells, hidden: npt.NDArray[np.bool_], columns: AmountColumns, rule: AmountRule
) -> dict[str, Any]:
    primary = int(cells.primary.sum())
    return {
        "value": columns.value,
        "level": str(rule.level),
        "known_within_percent": rule.known_within,
        "cells": len(cells.total),
        "cells_hidden": int(hidden.sum()),
        "cells_hidden_only_for_others": int(hidden.sum()) - primary,
        "cells_unsafe_by_rule": _by_rule(cells),
        "amount_in_hidden_inner_cells_share": share_hidden(grid, hidden),
        "guarantee": _GUARANTEES[rule.level],
    }


def _by_rule(cells: AmountCells) -> dict[str, int]:
    """How many cells break each kind of rule. Without its numbers: who knows them can reckon with them."""
    kinds: dict[str, npt.NDArray[np.bool_]] = {}
    for name, broken in cells.broken.items():
        kind = name.split("(")[0]
        kinds[kind] = kinds.get(kind, False) | broken
    return {kind: int(broken.sum()) for kind, broken in kinds.items() if broken.any()}


_PROMISE = (
    "cannot tell an unsafe amount from one higher or lower by its protection level (Handbook on Statistical Disclosure "
    "Control, section 4.2.2; `needed` in the certificates), or by all that is open to him of it beforehand if that is "
    "less."
)
_GUARANTEES = {
    AmountLevel.A0: f"Who knows every published figure, and amounts to within the given percent beforehand, {_PROMISE}",
    AmountLevel.A3: f"A contributor (or holding), who also knows what he gives to each cell, {_PROMISE}",
}
