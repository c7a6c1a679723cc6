"""Checks certificates with sums alone: no solver, no data of persons, no code of the search.

Belongs here: what makes a certificate a proof. Does not belong here: how certificates are found.

A certificate is an alternative to the true table: it differs from it by whole steps, in hidden cells only, and every
sum over every breakdown stays. So all published figures fit both; every cell it changes is uncertain by its step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from polku.disclosure.cells import Cell, Finding, Key, Line, ReleaseSpec, lines_of, read_cells, words
from polku.disclosure.dimensions import Dimension

KEPT = 5
"""So many cells are named for each fault."""

ALMOST = 1e-6
"""Which part of a certificate's step is the solver's rounding, where steps are no whole numbers."""

CERTIFICATE = "certificate"


def faults_of(
    published: pd.DataFrame,
    certificates: pd.DataFrame,
    dimensions: Mapping[str, Dimension],
    *,
    lowest: int = 0,
    truth: pd.DataFrame | None = None,
) -> list[str]:
    """What keeps the certificates from being a proof that every hidden cell is uncertain; empty: a proof.

    `published` has dimension columns and `count` (null where hidden), one row per cell; `certificates` has
    `certificate`, dimension columns and `step`. With `truth` (dimension columns and true `count` of every cell) it
    is checked too that no alternative goes below `lowest`, or changes a zero that is published.
    """
    names = list(dimensions)
    codes = {name: own.flattened(map(str, published[name].unique())) for name, own in dimensions.items()}
    cells = published.assign(hidden=published["count"].isna())[[*names, "hidden"]]
    steps = certificates.merge(cells, on=names, how="left")
    known = steps["hidden"].isna() | ~steps["hidden"].fillna(True).astype(bool)
    found = _named("a certificate changes a cell that is published or is no cell", steps[known], names)
    whole = steps["step"] == steps["step"].round()
    found += _named("a certificate changes a cell by no whole number of persons", steps[~whole], names)
    for name in names:
        found += _sums(steps, codes[name], names, 0.0)
    moved = certificates.assign(moved=certificates["step"].abs()).groupby(names, as_index=False)["moved"].max()
    gaps = cells[cells["hidden"]].merge(moved, on=names, how="left")
    found += _named("no certificate changes a hidden cell", gaps[~(gaps["moved"] >= 1)], names)
    if truth is not None:
        both = steps.merge(truth.rename(columns={"count": "true"}), on=names, how="left")
        low = both["true"].isna() | (both["true"] + both["step"] < lowest)
        found += _named("an alternative is lower than a hidden count can be", both[low], names)
    return found


def faults_of_amounts(
    published: pd.DataFrame, certificates: pd.DataFrame, dimensions: Mapping[str, Dimension], value: str
) -> list[str]:
    """The same for a table of amounts, whose column is `value`: steps are parts of an amount, either way.

    Unsafe cells have `needed` in the certificates, and some certificate changes them by that. Sums hold but for what a
    solver's numbers are rounded (`ALMOST` of the certificate's largest step).
    """
    names = list(dimensions)
    codes = {name: own.flattened(map(str, published[name].unique())) for name, own in dimensions.items()}
    hidden = published.loc[published[value].isna(), names]
    steps = certificates.merge(hidden, on=names, how="left", indicator=True)
    known = steps["_merge"] != "both"
    found = _named("a certificate changes a cell that is published or is no cell", steps[known], names)
    for name in names:
        found += _sums(steps, codes[name], names, ALMOST)
    moved = certificates.assign(moved=certificates["step"].abs())
    best = moved.groupby(names, as_index=False).agg({"moved": "max", "needed": "max"})
    gaps = hidden.merge(best, on=names, how="left")
    found += _named("no certificate changes a hidden cell", gaps[~(gaps["moved"] > 0)], names)
    short = gaps["moved"] < gaps["needed"] * (1 - ALMOST)
    return found + _named("no certificate changes an unsafe amount by what it needs", gaps[short], names)


def _sums(steps: pd.DataFrame, own: Dimension, names: list[str], tolerance: float) -> list[str]:
    """Sums along one dimension that a certificate changes, by more than this part of its largest step."""
    others = [CERTIFICATE, *(name for name in names if name != own.name)]
    found: list[str] = []
    for whole, parts in own.splits():
        sign = np.where(steps[own.name] == whole, -1, np.where(steps[own.name].isin(parts), 1, 0))
        part = steps[sign != 0].assign(step=steps["step"] * sign)
        left = part.groupby(others, as_index=False)["step"].sum()
        largest = left[CERTIFICATE].map(steps["step"].abs().groupby(steps[CERTIFICATE]).max())
        wrong = left[left["step"].abs() > tolerance * largest]
        found += _named(f"a certificate changes the sum of `{own.name}={whole}`", wrong, others[1:])
    return found


def _named(what: str, rows: pd.DataFrame, names: Iterable[str]) -> list[str]:
    listed = [", ".join(f"{n}={row[n]}" for n in names) for row in rows.head(KEPT).to_dict("records")]
    more = len(rows) - len(listed)
    return [f"{what}: {at}" for at in listed] + ([f"{what}: {more} cells more"] if more else [])


def faults_of_release(
    tables: Mapping[str, tuple[pd.DataFrame, ReleaseSpec]], certificates: pd.DataFrame
) -> list[Finding]:
    """The same for the protected tables of a release and their certificates (`ProtectedRelease`).

    A line whose total has no row and of which no part is published has a total that nobody knows: it may change.
    """
    return [finding for name, (table, spec) in tables.items() for finding in _of_table(name, table, spec, certificates)]


def _of_table(name: str, table: pd.DataFrame, spec: ReleaseSpec, certificates: pd.DataFrame) -> Iterator[Finding]:
    cells = read_cells(table, spec)
    keys = {words(key, spec.dimensions): key for key in cells}
    hidden = {key for key, cell in cells.items() if cell.status is not None and cell.status.hidden}
    own = certificates[certificates["table"] == name]
    for cell in own["cell"].unique():
        if keys.get(cell) not in hidden:
            yield Finding(cell, spec.count, "a certificate changes a cell that is published or is no cell", name)
    row_of = {cell: row for row, cell in enumerate(own["cell"].unique())}
    numbers, certificate = np.unique(own[CERTIFICATE], return_inverse=True)
    steps = np.zeros((len(row_of), len(numbers)))
    np.add.at(steps, (own["cell"].map(row_of).to_numpy(dtype=np.int64), certificate), own["step"])
    moved = {keys.get(cell) for cell, row in row_of.items() if steps[row].any()}
    for cell in sorted(words(key, spec.dimensions) for key in hidden - moved):
        yield Finding(cell, spec.count, "no certificate changes this hidden cell", name)
    observed = [key for key, cell in cells.items() if cell.figures[spec.count] is not None or key in hidden]
    for line in lines_of(observed, spec.dimensions, spec.additive, spec.total_code):
        parts = [words(key, spec.dimensions) for key in line.parts if key in hidden]
        if line.total is None and len(parts) == len(line.parts) and not _has_base(cells, line, spec):
            continue
        total = [words(line.total, spec.dimensions)] if line.total in hidden else []
        change = _of(parts, steps, row_of) - _of(total, steps, row_of)
        if change.any():
            yield Finding("; ".join(parts[:KEPT]), spec.count, f"a certificate changes a sum along {line.along}", name)


def _of(cells: Iterable[str], steps: np.ndarray, row_of: Mapping[str, int]) -> np.ndarray:
    """The steps of these cells together, by certificate."""
    total: np.ndarray = steps[[row_of[cell] for cell in cells if cell in row_of]].sum(axis=0)
    return total


def _has_base(cells: Mapping[Key, Cell], line: Line, spec: ReleaseSpec) -> bool:
    """Whether a published base tells what the parts of the line are together."""
    if not spec.base or line.along in spec.base_by:
        return False
    return any(cells[key].figures[spec.base] is not None for key in line.parts)
