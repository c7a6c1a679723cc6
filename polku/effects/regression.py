"""Logistic regression of rows by the million, in the memory of some of them.

Belongs here: which rows can be compared, the columns of the regression, Newton's method. Does not belong here: what the
rows are (`entering`).

There are some fifty numbers for each row. They are made for some rows at a time, in each step anew; libraries want all
of them at once, several times over. The steps are those of statsmodels' `Logit`, and so are the estimates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from polku.effects.design import Bools, Floats

Columns = dict[str, npt.NDArray[Any]]
"""Columns of rows by name: amounts as floats (nan where unknown), levels as numbers from nought."""

ROWS_AT_ONCE = 50_000
MOST_STEPS, TOLERANCE, RIDGE = 100, 1e-8, 1e-10
"""Of Newton's method; the last is added to the diagonal of the curvature."""

FEWEST_EVENTS = 50
"""Fewer events than some ten by covariate make no regression (Peduzzi et al. 1996, J. Clin. Epidemiol. 49)."""


@dataclass(frozen=True)
class Fitted:
    """What a regression has found, for rows that it was made of."""

    _design: _Design
    _weights: Floats
    _mixed: Mapping[str, Bools]

    def compares(self, rows: Columns) -> Bools:
        """Which rows have only levels in which some had the event and some had not."""
        compared: Bools = np.logical_and.reduce([mixed[rows[name]] for name, mixed in self._mixed.items()])
        return compared

    def logit(self, rows: Columns) -> Floats:
        """Log odds of rows that are compared.

        Rounded, so that rows that are alike have the same, in whichever block they were.
        """
        logit: Floats = (self._design.block(rows) @ self._weights).round(9)
        return logit


def fit(rows: Columns, happened: Bools, amounts: Sequence[str], levels: Mapping[str, Sequence[int]]) -> Fitted | None:
    """The regression of an event on amounts, which enter with their square, and levels in the order that is given.

    None where there are too few events, or the likelihood has no greatest value: rows tell without error who had it.
    """
    compared, mixed = _compared(rows, happened, levels)
    if happened[compared].sum() < FEWEST_EVENTS:
        return None
    if not compared.all():
        rows, happened = {name: values[compared] for name, values in rows.items()}, happened[compared]
    kept = {name: [number for number in numbers if mixed[name][number]] for name, numbers in levels.items()}
    design = _independent(_Design.of(rows, amounts, kept), rows)
    weights = _newton(design, rows, happened)
    return None if weights is None else Fitted(design, weights, mixed)


def chance(logit: Floats) -> Floats:
    """Between nought and one."""
    with np.errstate(over="ignore"):
        found: Floats = 1 / (1 + np.exp(-logit))
    return found


def _compared(rows: Columns, happened: Bools, levels: Mapping[str, Sequence[int]]) -> tuple[Bools, dict[str, Bools]]:
    """Rows whose every level has some with the event and some without, among such rows, and these levels."""
    compared = np.ones(len(happened), dtype=bool)
    mixed: dict[str, Bools] = {}
    before = -1
    while before != compared.sum():
        before = compared.sum()
        for name, numbers in levels.items():
            size = max(numbers) + 1
            some = np.bincount(rows[name][compared], happened[compared], size)
            all_ = np.bincount(rows[name][compared], minlength=size)
            mixed[name] = (some > 0) & (some < all_)
            compared &= mixed[name][rows[name]]
    return compared, mixed


@dataclass(frozen=True)
class _Design:
    """How columns are made of rows: a constant, amounts less their mean and scaled, and levels."""

    amounts: Mapping[str, tuple[float, float]]
    """Mean and scale."""
    levels: Mapping[str, Sequence[int]]
    kept: Bools | None = None
    """The columns that say something each."""

    @classmethod
    def of(cls, rows: Columns, amounts: Sequence[str], levels: Mapping[str, Sequence[int]]) -> _Design:
        scales = {}
        for name in amounts:
            values = rows[name].astype(np.float64)
            if not np.isnan(values).all():
                mean = float(np.nanmean(values))
                scales[name] = mean, float(np.sqrt(np.nansum((values - mean) ** 2) / len(values))) or 1.0
        return cls(scales, levels)

    def block(self, rows: Columns) -> Floats:
        """A row of columns for each row. Who has no amount counts as the mean, and has a column that says so."""
        columns: list[npt.NDArray[Any]] = [np.ones(len(next(iter(rows.values()))))]
        for name, (mean, scale) in self.amounts.items():
            known = ~np.isnan(rows[name])
            scaled = np.where(known, rows[name].astype(np.float64) - mean, 0.0) / scale
            columns += [scaled, scaled * scaled, ~known]
        for name, numbers in self.levels.items():
            columns += [rows[name] == number for number in numbers]
        made = (
            columns if self.kept is None else [column for column, kept in zip(columns, self.kept, strict=True) if kept]
        )
        return np.column_stack(made).astype(np.float64, copy=False)

    def blocks(self, rows: Columns) -> Iterator[tuple[slice, Floats]]:
        """Some rows at a time."""
        size = len(next(iter(rows.values())))
        for first in range(0, size, ROWS_AT_ONCE):
            part = slice(first, min(first + ROWS_AT_ONCE, size))
            yield part, self.block({name: values[part] for name, values in rows.items()})


def _independent(design: _Design, rows: Columns) -> _Design:
    """Without columns that follow from earlier ones: there the diagonal of R falls to nothing."""
    gram = np.sum([block.T @ block for _, block in design.blocks(rows)], axis=0)
    kept: Bools = np.abs(np.diag(np.linalg.qr(gram, mode="r"))) > 1e-9 * np.linalg.norm(gram, axis=0)
    return _Design(design.amounts, design.levels, kept)


def _newton(design: _Design, rows: Columns, happened: Bools) -> Floats | None:
    """The weights of the columns; None where the likelihood has no greatest value."""
    assert design.kept is not None
    weights: Floats = np.zeros(int(design.kept.sum()))
    for _ in range(MOST_STEPS):
        gradient, curvature, farthest = np.zeros(len(weights)), np.zeros((len(weights),) * 2), 0.0
        for part, block in design.blocks(rows):
            expected = chance(block @ weights)
            missed = happened[part] - expected
            farthest = max(farthest, np.abs(missed).max())
            gradient += block.T @ missed
            curvature += (block * (expected * (1 - expected))[:, None]).T @ block
        if farthest <= TOLERANCE:
            return None
        try:
            step = np.linalg.solve(curvature / len(happened) + RIDGE * np.eye(len(weights)), gradient / len(happened))
        except np.linalg.LinAlgError:
            return None
        weights += step
        if np.abs(step).max() <= TOLERANCE:
            return weights
    return None
