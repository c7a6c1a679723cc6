"""Protects the tables of a release: from marts to the form in which they may leave.

Belongs here: the order of the steps and the released form (the mart's columns and `status`). Does not belong here:
which sums link cells (`sums`), the search (`search`), and the gate that judges the result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product
from typing import TYPE_CHECKING

from polku.disclosure.cells import (
    STATUS,
    Cell,
    Key,
    ReleaseSpec,
    Status,
    code_of,
    is_amount,
    is_share,
    lines_of,
    read_cells,
    sort_key,
)
from polku.disclosure.policy import Policy
from polku.disclosure.primary import small_bases, small_cells
from polku.disclosure.protection.sums import Figures, hide_more

if TYPE_CHECKING:
    import pandas as pd


def protect(
    table: pd.DataFrame, spec: ReleaseSpec, policy: Policy, forced: Collection[Key] = (), kept: Collection[Key] = ()
) -> pd.DataFrame:
    """The released form of a mart: its columns and `status`, one row per cell, ordered by codes.

    A hidden cell loses every figure that could give it back (nulls, never 0 or a blank); its base
    stays while it is large enough itself. Where zeros are protected, a combination of codes that the
    mart leaves out is added as a hidden cell: its absence would publish a zero. Counts are never
    changed; shares and amounts are rounded as the policy says. `forced` are keys (codes in the order
    of `spec.dimensions`) to hide in any case; `kept` are keys that are not hidden to protect others, because an
    earlier release shows them.

    Raises ValueError for a table that has a status already: a release is made from the mart.
    """
    if STATUS in table:
        raise ValueError("the table is a released form already")
    rows = _with_every_cell(table, spec) if policy.protect_zeros else table
    cells = {k: cell for k, cell in read_cells(rows, spec).items() if cell.figures[spec.count] is not None}
    countable = {key: cell for key, cell in cells.items() if not cell.structural}
    hidden_bases = _hidden_bases(cells, spec, policy)
    small = small_cells(countable.values(), spec, policy)
    others = {key for key in countable if key in forced or spec.base_key(key) in hidden_bases}
    hidden = hide_more(_figures(countable, spec, hidden_bases), small, others, policy, kept)
    status = {
        key: Status.STRUCTURAL_ZERO
        if cell.structural
        else Status.PRIMARY
        if key in small
        else Status.SECONDARY
        if key in hidden
        else Status.OK
        for key, cell in cells.items()
    }
    return _released(rows, spec, policy, status, hidden_bases)


def _hidden_bases(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> set[Key]:
    """Bases that are too small, and those that would give a small one back."""
    if spec.base is None:
        return set()
    bases = {spec.base_key(key): int(cell.figures[spec.base] or 0) for key, cell in cells.items()}
    dimensions = tuple(d for d in spec.dimensions if d in spec.base_by)
    lines = lines_of(bases, dimensions, [d for d in spec.additive if d in spec.base_by], spec.total_code)
    return hide_more(Figures(bases, bases, lines), small_bases(bases, policy), set(), policy)


def _figures(cells: Mapping[Key, Cell], spec: ReleaseSpec, hidden_bases: set[Key]) -> Figures:
    bases = {key: int(cell.figures[spec.base] or 0) for key, cell in cells.items()} if spec.base else {}
    return Figures(
        values={key: int(cell.figures[spec.adding] or 0) for key, cell in cells.items()},
        persons={key: int(cell.figures[spec.count] or 0) for key, cell in cells.items()},
        lines=lines_of(cells, spec.dimensions, spec.additive, spec.total_code),
        overlapping=bool(spec.counts),
        bases=bases,
        open_bases=frozenset(key for key in bases if spec.base_key(key) not in hidden_bases),
    )


def _with_every_cell(table: pd.DataFrame, spec: ReleaseSpec) -> pd.DataFrame:
    """The table and a row with count 0 for every combination of its codes that it leaves out."""
    import pandas as pd  # only where tables are made: `polku audit` reads this package and does not wait for pandas

    present = set(_keys(table, spec))
    codes = [dict.fromkeys(key[i] for key in sorted(present, key=sort_key)) for i in range(len(spec.dimensions))]
    missing = [key for key in product(*codes) if key not in present and not spec.is_impossible(key)]
    if not missing:
        return table
    added = pd.DataFrame(missing, columns=list(spec.dimensions))
    added[[spec.count, *spec.counts]] = 0
    if spec.base:
        known = {
            spec.base_key(key): cell.figures[spec.base]
            for key, cell in read_cells(table, spec).items()
            if cell.figures[spec.base] is not None
        }
        added[spec.base] = [known.get(spec.base_key(key), 0) for key in missing]
    added = added.reindex(columns=table.columns).astype(object)
    return pd.concat([table.astype(object), added], ignore_index=True)


def _released(
    rows: pd.DataFrame,
    spec: ReleaseSpec,
    policy: Policy,
    status: Mapping[Key, Status],
    hidden_bases: set[Key],
) -> pd.DataFrame:
    """Rows in the order of their codes, figures of hidden cells set to null, the status beside them."""
    import pandas as pd  # only where tables are made: `polku audit` reads this package and does not wait for pandas

    keys = _keys(rows, spec)
    released = rows.copy()
    for column in (spec.count, *spec.counts, *([spec.base] if spec.base else [])):
        released[column] = released[column].astype("Int64")
    for column in spec.measures:
        released[column] = released[column].astype("Float64")
        if is_share(column) or is_amount(column):
            decimals = policy.share_decimals if is_share(column) else policy.amount_decimals
            released[column] = released[column].round(decimals)
    for i, dimension in enumerate(spec.dimensions):
        released[dimension] = pd.array([key[i] for key in keys])
    shown = [status.get(key, Status.NOT_OBSERVED) for key in keys]
    released[STATUS] = [str(s) for s in shown]
    released.loc[[s.hidden or s is Status.NOT_OBSERVED for s in shown], list(spec.with_cell)] = pd.NA
    if spec.base:
        closed = [spec.base_key(key) in hidden_bases or key not in status for key in keys]
        released.loc[closed, spec.base] = pd.NA
    order = sorted(range(len(keys)), key=lambda i: sort_key(keys[i]))
    return released.iloc[order].reset_index(drop=True)


def _keys(table: pd.DataFrame, spec: ReleaseSpec) -> list[Key]:
    rows = table[list(spec.dimensions)].itertuples(index=False)
    return [tuple(code_of(value) for value in row) for row in rows]
