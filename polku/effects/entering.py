"""The chance of entering the service in a month, of every person who may.

Belongs here: the regression over all risk sets. Does not belong here: who is at risk, and what is made of the chances
(models `int_list_risk_sets` and those that follow it).

A pooled logistic regression over person-months (D'Agostino et al. 1990, Stat. Med. 9) gives the propensity score on
which those who enter are matched with others of the same month, and the chance of having entered later, by which others
who have not yet are weighted (Robins, Hernan and Brumback 2000, Epidemiology 11).

Persons may be millions, and the regression has some fifty numbers for each row. They are made for some rows at a time,
in each step of Newton's method anew; libraries want all of them at once, several times over. The steps are those of
statsmodels' `Logit`, and so are the estimates.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from duckdb.func import PythonUDFType

from polku.effects.design import Bools, Floats

NUMBERS = (
    "age_months",
    "months_since_arrival",
    "months_unemployed_24_before",
    "months_employed_24_before",
    "months_in_service_24_before",
    "months_studying_24_before",
)
"""Covariates that enter with their square."""

CODES = ("sex_code", "residence_ground_code", "earlier_state_code")
"""Covariates that enter by level."""

AT_RISK = {
    "person_key": "bigint",
    "month_index": "integer",
    "is_entry": "boolean",
    "own_entry_month_index": "integer",
    "sex_code": "varchar",
    "residence_ground_code": "varchar",
    "earlier_state_code": "varchar",
    "age_months": "integer",
    "months_unemployed_24_before": "integer",
    "months_employed_24_before": "integer",
    "months_in_service_24_before": "integer",
    "months_studying_24_before": "integer",
    "months_since_arrival": "integer",
}
"""Columns of the model `int_list_risk_sets`."""

SCORES = {"person_key": "bigint", "month_index": "integer", "entry_logit": "double", "entry_chance": "double"}
_SCHEMA = pa.schema(
    [
        ("person_key", pa.int64()),
        ("month_index", pa.int32()),
        ("entry_logit", pa.float64()),
        ("entry_chance", pa.float64()),
    ]
)
ROWS_AT_ONCE = 50_000
MOST_STEPS, TOLERANCE, RIDGE = 100, 1e-8, 1e-10
"""Of Newton's method; the last is added to the diagonal of the curvature."""

FEWEST_ENTRIES = 50
"""Fewer entries than some ten by covariate make no regression (Peduzzi et al. 1996, J. Clin. Epidemiol. 49)."""


def register(con: duckdb.DuckDBPyConnection) -> None:
    """Let SQL of this connection call `entry_chances` on a list of all rows of `int_list_risk_sets`; it gives one of
    structs of SCORES."""
    at_risk = duckdb.struct_type(AT_RISK)
    scores = duckdb.struct_type(SCORES)
    con.create_function(
        "entry_chances",
        _of_lists,
        [duckdb.list_type(at_risk)],
        duckdb.list_type(scores),
        type=PythonUDFType.ARROW,
    )


def _of_lists(lists: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Every list of rows (there is one, or none where nobody is at risk) to the list of its chances."""
    nobody = pa.array([], pa.struct(_SCHEMA))
    scored = [_of_rows(rows.values) if rows.is_valid and len(rows) else nobody for rows in lists]
    offsets = np.cumsum([0, *map(len, scored)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.concat_arrays([nobody, *scored]))


def _of_rows(rows: pa.StructArray) -> pa.StructArray:
    scores = entry_chances(pa.Table.from_struct_array(rows).to_pandas(categories=list(CODES)))
    columns = [pa.array(scores[field.name].to_numpy(), field.type) for field in _SCHEMA]
    return pa.StructArray.from_arrays(columns, fields=list(_SCHEMA))


def entry_chances(risk_sets: pd.DataFrame) -> pd.DataFrame:
    """One row per row of `risk_sets` with a chance: person_key, month_index, entry_logit, entry_chance (0 to 1).

    Nobody has one in years and levels in which nobody or everybody enters: there is none to be compared with. The frame
    is empty where there are too few entries, or the covariates tell without error who enters.
    """
    rows = risk_sets.sort_values(["month_index", "person_key"], ignore_index=True)
    levels = pd.DataFrame({name: pd.factorize(rows[name], use_na_sentinel=False)[0] for name in CODES})
    levels["year"] = rows.month_index // 12
    compared = _compared(levels, rows.is_entry.to_numpy(dtype=bool))
    rows, levels = rows[compared].reset_index(drop=True), levels[compared].reset_index(drop=True)
    entered = rows.is_entry.to_numpy(dtype=bool)
    if entered.sum() < FEWEST_ENTRIES:
        return rows.iloc[:0].reindex(columns=list(SCORES))
    logit = _fitted(_Design(rows, levels), entered)
    if logit is None:
        return rows.iloc[:0].reindex(columns=list(SCORES))
    scored: pd.DataFrame = rows[["person_key", "month_index"]].assign(entry_logit=logit, entry_chance=_chance(logit))
    return scored


def _compared(levels: pd.DataFrame, entered: Bools) -> Bools:
    """Rows whose every level has some who enter and some who do not, among such rows."""
    compared = np.ones(len(levels), dtype=bool)
    before = -1
    while before != compared.sum() and compared.any():
        before = compared.sum()
        for name in levels:
            numbers, _ = pd.factorize(levels[name])
            some = np.bincount(numbers[compared], entered[compared], numbers.max() + 1)
            all_ = np.bincount(numbers[compared], minlength=numbers.max() + 1)
            compared &= ((some > 0) & (some < all_))[numbers]
    return compared


class _Design:
    """Columns that say something each, scaled, with a constant; they are made for some rows at a time."""

    def __init__(self, rows: pd.DataFrame, levels: pd.DataFrame) -> None:
        self._size = len(rows)
        numbers = (rows[name].to_numpy(dtype=float, na_value=np.nan) for name in NUMBERS)
        # Who has no number counts as the mean.
        self._numbers = [(values, float(np.nanmean(values))) for values in numbers if not np.isnan(values).all()]
        self._scales = [np.sqrt(np.nansum((values - mean) ** 2) / len(rows)) or 1.0 for values, mean in self._numbers]
        self._levels = [(found, len(known)) for found, known in (pd.factorize(levels[name]) for name in levels)]

    @property
    def columns(self) -> int:
        """How many there are."""
        return int(self._independent.sum())

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Rows and their columns."""
        for rows, block in self._blocks():
            yield rows, block[:, self._independent]

    @cached_property
    def _independent(self) -> Bools:
        """The diagonal of R falls to nothing where a column follows from earlier ones."""
        gram = np.sum([block.T @ block for _, block in self._blocks()], axis=0)
        found: Bools = np.abs(np.diag(np.linalg.qr(gram, mode="r"))) > 1e-9 * np.linalg.norm(gram, axis=0)
        return found

    def _blocks(self) -> Iterator[tuple[slice, Floats]]:
        for first in range(0, self._size, ROWS_AT_ONCE):
            rows = slice(first, min(first + ROWS_AT_ONCE, self._size))
            columns: list[Floats] = [np.ones(rows.stop - rows.start)]
            for (values, mean), scale in zip(self._numbers, self._scales, strict=True):
                known = ~np.isnan(values[rows])
                scaled = np.where(known, values[rows] - mean, 0.0) / scale
                columns += [scaled, scaled * scaled, (~known).astype(float)]
            for numbers, levels in self._levels:
                columns += [(numbers[rows] == number).astype(float) for number in range(levels)]
            yield rows, np.column_stack(columns)


def _fitted(design: _Design, entered: Bools) -> Floats | None:
    """The linear predictor by Newton's method; None where the likelihood has no greatest value.

    Rounded, so that persons who are alike have the same, in whichever block they were.
    """
    weights: Floats = np.zeros(design.columns)
    for _ in range(MOST_STEPS):
        gradient, curvature, farthest = np.zeros(len(weights)), np.zeros((len(weights),) * 2), 0.0
        for rows, block in design.blocks():
            chance = _chance(block @ weights)
            missed = entered[rows] - chance
            farthest = max(farthest, np.abs(missed).max())
            gradient += block.T @ missed
            curvature += (block * (chance * (1 - chance))[:, None]).T @ block
        if farthest <= TOLERANCE:
            return None
        try:
            step = np.linalg.solve(curvature / len(entered) + RIDGE * np.eye(len(weights)), gradient / len(entered))
        except np.linalg.LinAlgError:
            return None
        weights += step
        if np.abs(step).max() <= TOLERANCE:
            return np.concatenate([(block @ weights).round(9) for _, block in design.blocks()])
    return None


def _chance(logit: Floats) -> Floats:
    with np.errstate(over="ignore"):
        chance: Floats = 1 / (1 + np.exp(-logit))
    return chance
