"""What would make a refused output one that may leave: cells to hide, or codes to merge.

Belongs here: making proposals from reasons. Does not belong here: whether a proposal holds: it is judged like any other
file before it is handed out (`polku.research.airlock`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import product
from math import prod

import numpy as np
import pandas as pd

from polku.disclosure.airlock.comparing import codes_of
from polku.disclosure.airlock.judging import (
    COMPLEMENT,
    DECIMALS,
    LEFT_OUT,
    RECOVERABLE,
    THRESHOLD,
    WRONG_FILE,
    WRONG_SQL,
    ZERO,
    Judgement,
    Reason,
)
from polku.disclosure.airlock.recomputing import PERSONS, PERSONS_IN_BASE, Codes, Truth
from polku.disclosure.airlock.table_file import Offered
from polku.disclosure.cells import STATUS, ReleaseSpec, Status, is_amount
from polku.disclosure.policy import Policy
from polku.disclosure.protection.advice import recoding
from polku.disclosure.protection.frames import SUPPRESSED
from polku.disclosure.protection.grid import Grid
from polku.disclosure.protection.levels import Level, Rule
from polku.disclosure.protection.release import protect
from polku.disclosure.protection.table import protect_table
from polku.errors import Refusal

LARGEST = 200_000
"""Cells of a grid beyond which nothing is proposed."""

HELPED_BY_MERGES = (THRESHOLD, COMPLEMENT, ZERO, RECOVERABLE)
"""Reasons that fewer and larger cells do away with."""

UNTRUE = (WRONG_FILE, WRONG_SQL, LEFT_OUT)
"""Reasons against which hiding is no help: the file is not what it says."""


def protected_form(judgement: Judgement, policy: Policy, also: Collection[Codes] = ()) -> Offered | None:
    """The file with as many cells hidden as it seems to take; None where hiding does not help.

    `also` are cells to hide in any case. Nothing that the file shows is changed otherwise; rows that are left out and
    say zero are added as gaps, and figures are rounded as the profile asks.
    """
    truth, offered = judgement.truth, judgement.offered
    if any(reason.rule in UNTRUE for reason in judgement.reasons) or _size(truth) > LARGEST:
        return None
    told = {codes for reason in judgement.reasons for codes in reason.codes} | set(also)
    try:
        hidden = told | _hidden(truth, policy, told, _rows(offered, truth))
    except Refusal:
        return None
    frame = _with_rows(offered.frame, truth, judgement.reasons)
    rows = codes_of(frame, truth.description)
    figures = list(offered.decimals)
    frame.loc[[codes in hidden for codes in rows], figures] = np.nan
    frame.loc[frame[truth.description.count].isna(), figures] = np.nan
    decimals = dict(offered.decimals)
    if any(reason.rule == DECIMALS for reason in judgement.reasons):
        frame, decimals = _rounded(frame, truth, policy, decimals)
    if frame[truth.description.count].isna().all():
        return None
    return Offered(frame, decimals)


def merges(truth: Truth, policy: Policy) -> list[str]:
    """Merges of codes and the small cells that each would leave; names of codes only."""
    if truth.apart or _size(truth) > LARGEST:
        return [f"merge codes of {', '.join(f'`{name}`' for name in truth.description.names)} with few persons"]
    counts = _inner(truth)
    at = [{code: i for i, code in enumerate(own.codes)} for own in truth.dimensions.values()]
    codes = [
        np.array([place[code] for code in counts[name]], dtype=np.int64)
        for name, place in zip(truth.description.names, at, strict=True)
    ]
    grid = Grid(list(truth.dimensions.values()), codes, counts["count"].to_numpy(np.int64))
    return recoding(grid, Rule(policy.threshold, Level.A2, policy.protect_zeros))


def _hidden(truth: Truth, policy: Policy, forced: Collection[Codes], rows: Collection[Codes]) -> set[Codes]:
    flat = all(set(own.breakdowns) <= {own.total} and len(list(own.splits())) < 2 for own in truth.dimensions.values())
    if flat:
        return _hidden_flat(truth, policy, forced, rows)
    if truth.apart:
        return set()
    rule = Rule(policy.threshold, Level.A2, policy.protect_zeros)
    published = protect_table(_inner(truth), truth.dimensions, rule).published
    mark = f"cell_{STATUS}" if "cell_status" in published else STATUS
    return set(codes_of(published[published[mark] == SUPPRESSED], truth.description))


def _hidden_flat(truth: Truth, policy: Policy, forced: Collection[Codes], rows: Collection[Codes]) -> set[Codes]:
    """By the protection of releases, which can be told what else to hide."""
    description = truth.description
    whole = [
        name
        for name in description.names
        if name not in truth.apart and (description.base_by is None or name in description.base_by)
    ]
    used = []
    for i, (name, own) in enumerate(truth.dimensions.items()):
        shown = {codes[i] for codes in rows}
        used.append([c for c in own.codes if (c != own.total or name in whole) and (name in whole or c in shown)])
    cells = list(product(*used))
    table = pd.DataFrame(cells, columns=list(description.names))
    table[description.count] = truth.of(cells).astype(np.int64)
    base = PERSONS_IN_BASE if description.base_by else None
    if base:
        table[base] = truth.of([_base_of(codes, truth) for codes in cells]).astype(np.int64)
    spec = ReleaseSpec(
        description.title,
        description.names,
        description.count,
        base=base,
        base_by=(description.base_by or ()) if base else (),
        additive=tuple(name for name in description.names if name not in truth.apart),
        total_code={name: truth.dimensions[name].total for name in whole},
        structural_zeros=description.structural_zeros,
    )
    released = protect(table, spec, policy, forced=set(forced) & set(cells))
    hidden = [Status(status).hidden for status in released[STATUS]]
    return set(codes_of(released[hidden], description))


def _base_of(codes: Codes, truth: Truth) -> Codes:
    by = truth.description.base_by or ()
    return tuple(
        code if name in by else own.total for (name, own), code in zip(truth.dimensions.items(), codes, strict=True)
    )


def _inner(truth: Truth) -> pd.DataFrame:
    """Persons by codes without parts."""
    leaves = pd.Series(data=True, index=truth.cells.index)
    for name, own in truth.dimensions.items():
        leaves &= truth.cells[name].isin(own.leaves)
    return truth.cells.loc[leaves, [*truth.description.names, PERSONS]].rename(columns={PERSONS: "count"})


def _size(truth: Truth) -> int:
    return prod(len(own.codes) for own in truth.dimensions.values())


def _rows(offered: Offered, truth: Truth) -> list[Codes]:
    return codes_of(offered.frame, truth.description)


def _with_rows(frame: pd.DataFrame, truth: Truth, reasons: Iterable[Reason]) -> pd.DataFrame:
    """The file and an empty row for each zero that it tells by leaving the row out."""
    present = set(codes_of(frame, truth.description))
    zeros = [codes for reason in reasons if reason.rule == ZERO for codes in reason.codes if codes not in present]
    added = pd.DataFrame(sorted(zeros), columns=list(truth.description.names)).reindex(columns=frame.columns)
    figures = [column for column in frame.columns if column not in truth.description.names]
    return pd.concat([frame, added.astype(dict.fromkeys(figures, float))], ignore_index=True)


def _rounded(
    frame: pd.DataFrame, truth: Truth, policy: Policy, decimals: dict[str, int]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Figures with no more decimals than the profile allows."""
    frame, decimals = frame.copy(), dict(decimals)
    for measure in truth.description.measures:
        most = policy.amount_decimals if is_amount(measure.name) else policy.share_decimals
        decimals[measure.name] = min(decimals[measure.name], most)
        frame[measure.name] = frame[measure.name].round(decimals[measure.name])
    return frame, decimals
