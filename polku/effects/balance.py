"""How alike clients and those compared with them are, by covariate, before and after matching.

Belongs here: the table of the balance. Does not belong here: who is matched with whom (`comparing`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from polku.effects.comparing import Compared
from polku.effects.design import Column, Floats, Ints, is_share

SCORE = "propensity_score"
MOST_DIFFERENCE = 0.1
"""Standardised difference up to which groups count as alike (Austin 2009, Statist. Med. 28)."""


def covariate_balance(compared: Compared) -> pd.DataFrame:
    """One row per stage (unmatched, matched), covariate and level: means, standardised difference, variance ratio.

    The difference is divided by the standard deviation of the clients before matching, of a share by that of a yes or
    no; the ratio is of the clients' variance to the others', of numbers alone. `persons_client` and `persons_other` are
    those compared. After matching others count by their weights, with the unbiased weighted variance. The score is that
    of persons within the common support, and has no row where there is none.
    """
    design, matched = compared.design, compared.matched
    values = design.values if np.isnan(compared.score).all() else {(SCORE, ""): compared.score} | design.values
    clients = np.flatnonzero(design.treated)
    stages = {"unmatched": (clients, (~design.treated).astype(float)), "matched": (matched.clients, matched.weights)}
    return pd.DataFrame(
        [
            _row(stage, column, numbers, one, weights, _spread(numbers[clients]))
            for stage, (one, weights) in stages.items()
            for column, numbers in values.items()
        ]
    )


def _row(
    stage: str, column: Column, values: Floats, clients: Ints, weights: Floats, spread: float
) -> dict[str, object]:
    of_clients = values[clients]
    of_clients = of_clients[~np.isnan(of_clients)]
    others = np.flatnonzero((weights > 0) & ~np.isnan(values))
    of_others, weights = values[others], weights[others]
    difference = ratio = mean_other = None
    if len(of_clients) and len(others):
        mean_other = float(np.average(of_others, weights=weights))
        apart = of_clients.mean() - mean_other
        # A difference of the last digit is none; where all clients are the same there is no measure for any other.
        apart = 0.0 if abs(apart) < 1e-12 * max(1, abs(mean_other)) else apart
        difference = apart / spread if spread else None if apart else 0.0
        variance = _weighted_variance(of_others, weights)
        if not is_share(values) and len(of_clients) > 1 and variance > 0:
            ratio = of_clients.var(ddof=1) / variance
    return {
        "stage_code": stage,
        "covariate_code": column[0],
        "level_code": column[1] or None,
        "persons_client": len(of_clients),
        "persons_other": len(others),
        "mean_client": of_clients.mean() if len(of_clients) else None,
        "mean_other": mean_other,
        "standardised_difference": difference,
        "variance_ratio": ratio,
        "is_balanced": difference is not None and abs(difference) <= MOST_DIFFERENCE,
    }


def _weighted_variance(values: Floats, weights: Floats) -> float:
    """Unbiased when weights say how much a person counts; of equal ones the usual variance, of one person zero."""
    if len(values) < 2:
        return 0.0
    parts = weights / weights.sum()
    return float(parts @ (values - parts @ values) ** 2 / (1 - parts @ parts))


def _spread(values: Floats) -> float:
    values = values[~np.isnan(values)]
    if is_share(values):
        share = values.mean() if len(values) else 0.0
        return float(np.sqrt(share * (1 - share)))
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
