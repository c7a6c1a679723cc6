"""By how much the outcome of clients differs from that of those beside them, and whether that may be called an effect.

Belongs here: the estimates, their standard errors, and the refusal. Does not belong here: who is matched with whom
(`comparing`), how alike they are (`balance`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from polku.effects.comparing import Compared
from polku.effects.design import Floats
from polku.effects.neighbours import spread_among_alike

LEAST_MATCHED = 0.8
"""Share of clients that must have somebody beside them: else the figure is about other persons than it seems to be."""

NEIGHBOURS = 2
"""Persons from whom the spread among alike is estimated (as in Stata's `teffects`)."""


def matched_difference(compared: Compared, balance: pd.DataFrame, outcome: Floats) -> pd.DataFrame:
    """One row per estimator (unmatched, matched, bias_corrected): difference of mean outcomes, clients minus others.

    `outcome` is that of every person of the design. `effective_others` is the number of equally weighing persons who
    would tell as much. `is_effect` is false with a `reason_code`: not_matched (a raw difference), few_matched (less
    than LEAST_MATCHED of the clients) or groups_differ (a covariate of the matched is not balanced). Null where nobody
    can be compared.
    """
    design, matched = compared.design, compared.matched
    of_clients, of_others = outcome[design.treated], outcome[~design.treated]
    raw = of_clients.mean() - of_others.mean()
    rows = [
        _row("unmatched", len(of_clients), len(of_others), float(len(of_others)), raw, _error(of_clients, of_others))
    ]
    persons, others = len(matched.clients), int((matched.weights > 0).sum())
    effective = matched.weights.sum() ** 2 / (matched.weights**2).sum() if others else 0.0
    for estimator in ("matched", "bias_corrected"):
        difference = error = None
        if others:
            expected = _expected(compared, outcome) if estimator == "bias_corrected" else np.zeros_like(outcome)
            difference, error = _estimate(compared, outcome, expected)
        rows.append(_row(estimator, persons, others, effective, difference, error))
    table = pd.DataFrame(rows)
    after = balance[balance.stage_code == "matched"]
    reason = None
    if compared.share_matched < LEAST_MATCHED:
        reason = "few_matched"
    elif not after.is_balanced.all():
        reason = "groups_differ"
    table["reason_code"] = ["not_matched", reason, reason]
    table["is_effect"] = table.reason_code.isna()
    return table


def _estimate(compared: Compared, outcome: Floats, expected: Floats) -> tuple[float, float | None]:
    """Mean over clients of what their outcome differs by from the one beside them, and its standard error.

    Both outcomes are taken as differences from `expected`. The error is that of Abadie and Imbens (2006, Econometrica
    74, section 4) for the effect on clients of the population: the spread of the differences, and for every other what
    standing beside several clients adds. Without replacement nothing is added, and it is that of paired differences.
    """
    matched, beyond = compared.matched, outcome - expected
    differences = beyond[matched.clients] - matched.beside(beyond)
    difference, size = float(differences.mean()), len(differences)
    if size < 2:
        return difference, None
    added = matched.weights**2 - matched.squares
    others = compared.supported[~compared.design.treated[compared.supported]]
    repeated = np.flatnonzero(added[others] > 1e-9)
    points = compared.points[~compared.design.treated[compared.supported]]
    variances = spread_among_alike(points, outcome[others], repeated, NEIGHBOURS)
    variance = ((differences - difference) ** 2).sum() + added[others[repeated]] @ variances
    return difference, float(np.sqrt(variance) / size) if np.isfinite(variance) else None


def _expected(compared: Compared, outcome: Floats) -> Floats:
    """The outcome that persons would have as others, by a regression among the matched others with their weights.

    What it says of the distance between a client and those beside her is taken out (Abadie and Imbens 2011, J. Bus.
    Econ. Stat. 29).
    """
    kept = compared.supported
    columns = compared.design.of(kept).varying
    root = np.sqrt(compared.matched.weights[kept])
    expected = np.zeros_like(outcome)
    spread = columns.std(axis=0)
    columns = np.column_stack([np.ones(len(kept)), (columns - columns.mean(axis=0)) / np.where(spread == 0, 1, spread)])
    among = root > 0
    slopes, *_ = np.linalg.lstsq(columns[among] * root[among, None], outcome[kept][among] * root[among], rcond=None)
    expected[kept] = columns @ slopes
    return expected


def _error(one: Floats, other: Floats) -> float | None:
    if len(one) < 2 or len(other) < 2:
        return None
    return float(np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)))


def _row(
    estimator: str, clients: int, others: int, effective: float, difference: float | None, error: float | None
) -> dict[str, object]:
    return {
        "estimator_code": estimator,
        "persons_client": clients,
        "persons_other": others,
        "effective_others": effective,
        "difference": difference,
        "standard_error": error,
    }
