"""The chance of entering the service in a month, of every person who may.

Belongs here: the regression over all risk sets. Does not belong here: who is at risk, and what is made of the chances
(models `int_list_risk_sets` and those that follow it).

A pooled logistic regression over person-months (D'Agostino et al. 1990, Stat. Med. 9) gives the propensity score on
which those who enter are matched with others of the same month, and the chance of having entered later, by which others
who have not yet are weighted (Robins, Hernan and Brumback 2000, Epidemiology 11).
"""

from __future__ import annotations

import warnings

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
    scores = entry_chances(pa.Table.from_struct_array(rows).to_pandas())
    columns = [pa.array(scores[field.name].to_numpy(), field.type) for field in _SCHEMA]
    return pa.StructArray.from_arrays(columns, fields=list(_SCHEMA))


def entry_chances(risk_sets: pd.DataFrame) -> pd.DataFrame:
    """One row per row of `risk_sets` with a chance: person_key, month_index, entry_logit, entry_chance (0 to 1).

    Nobody has one in years and levels in which nobody or everybody enters: there is none to be compared with. The frame
    is empty where there are too few entries, or the covariates tell without error who enters.
    """
    rows = risk_sets.sort_values(["month_index", "person_key"], ignore_index=True)
    codes = rows[list(CODES)].fillna("unknown").assign(year=rows.month_index // 12)
    compared = _compared(codes, rows.is_entry.to_numpy(dtype=bool))
    rows, codes = rows[compared].reset_index(drop=True), codes[compared].reset_index(drop=True)
    entered = rows.is_entry.to_numpy(dtype=bool)
    if entered.sum() < FEWEST_ENTRIES:
        return rows.iloc[:0].reindex(columns=list(SCORES))
    logit = _fitted(_design(rows, codes), entered)
    if logit is None:
        return rows.iloc[:0].reindex(columns=list(SCORES))
    scored: pd.DataFrame = rows[["person_key", "month_index"]].assign(
        entry_logit=logit, entry_chance=1 / (1 + np.exp(-logit))
    )
    return scored


def _compared(codes: pd.DataFrame, entered: Bools) -> Bools:
    """Rows whose every level has some who enter and some who do not, among such rows."""
    compared = np.ones(len(codes), dtype=bool)
    before = -1
    while before != compared.sum() and compared.any():
        before = compared.sum()
        for name in codes:
            numbers, _ = pd.factorize(codes[name])
            some = np.bincount(numbers[compared], entered[compared], numbers.max() + 1)
            all_ = np.bincount(numbers[compared], minlength=numbers.max() + 1)
            compared &= ((some > 0) & (some < all_))[numbers]
    return compared


def _design(rows: pd.DataFrame, codes: pd.DataFrame) -> Floats:
    """Columns that say something each, scaled, with a constant."""
    columns: list[Floats] = [np.ones(len(rows))]
    for name in NUMBERS:
        known = rows[name].notna().to_numpy()
        values = rows[name].to_numpy(dtype=float, na_value=np.nan)
        if not known.any():
            continue
        values = np.where(known, values - np.nanmean(values), 0.0)
        values = values / (values.std() or 1.0)
        columns += [values, values * values, (~known).astype(float)]
    for code in codes:
        numbers, levels = pd.factorize(codes[code])
        columns += [(numbers == number).astype(float) for number in range(len(levels))]
    design = np.column_stack(columns)
    # The diagonal of R falls to nothing where a column follows from earlier ones.
    gram = design.T @ design
    new = np.abs(np.diag(np.linalg.qr(gram, mode="r"))) > 1e-9 * np.linalg.norm(gram, axis=0)
    independent: Floats = design[:, new]
    return independent


def _fitted(design: Floats, entered: Bools) -> Floats | None:
    """The linear predictor; None where the likelihood has no greatest value."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import (
        ConvergenceWarning,
        PerfectSeparationError,
        PerfectSeparationWarning,
    )

    with warnings.catch_warnings():
        for kind in (ConvergenceWarning, PerfectSeparationWarning):
            warnings.simplefilter("error", kind)
        try:
            fitted = Logit(entered.astype(float), design, check_rank=False, hasconst=True).fit(disp=False, maxiter=100)
        except (ConvergenceWarning, PerfectSeparationError, PerfectSeparationWarning, np.linalg.LinAlgError):
            return None
    predictor: Floats = np.asarray(design @ fitted.params, dtype=np.float64)
    return predictor
