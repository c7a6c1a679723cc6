"""How alike clients and those compared with them are, by covariate, before and after matching.

Belongs here: the table of the balance. Does not belong here: who is matched with whom (`matching`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from polku.effects.matching import Bools, Floats, nearest, propensity
from polku.effects.plan import Comparison
from polku.errors import Exit, Refusal

SCORE = "propensity_score"
MOST_DIFFERENCE = 0.1
"""Standardised difference up to which groups count as alike (Austin 2009, Statist. Med. 28)."""


Column = tuple[str, str]
"""Covariate and level; the level is empty where the covariate is a number."""


@dataclass(frozen=True)
class Design:
    """A number of every person by column; codes have one column for each of their values."""

    treated: Bools
    values: dict[Column, Floats]
    redundant: frozenset[Column]
    """Columns that follow from others, and are left out of the regression: one value of each code, and that a number is
    not known where another one is not known of the same persons."""

    @property
    def independent(self) -> Floats:
        """The columns of the regression."""
        return np.column_stack([values for column, values in self.values.items() if column not in self.redundant])


def design_of(covariates: pd.DataFrame, comparison: Comparison) -> Design:
    """From the mart's rows (person_key, group_code, covariate_code, value_number, value_code) of the named covariates.

    A number that is not known counts as zero with a column that says so, a code as the value `unknown`: persons of
    whom less is known are alike in that. Refuses (NO_COMPARISON) when a group is empty or a covariate unknown of all.
    """
    persons = covariates[["person_key", "group_code"]].drop_duplicates().sort_values("person_key")
    treated = (persons.group_code == "client").to_numpy()
    if not treated.any() or treated.all():
        raise Refusal(
            Exit.NO_COMPARISON, "one of the study's groups is empty.", "Look at the cohort rule of the study."
        )
    values: dict[Column, Floats] = {}
    redundant, unknown = set(), set[bytes]()
    for name in comparison.covariates:
        rows = covariates[covariates.covariate_code == name].set_index("person_key")
        if rows.empty:
            raise Refusal(Exit.NO_COMPARISON, f"`{name}` is not known of anybody.", "Leave it out of [comparison].")
        if rows.value_code.isna().all():
            known = rows.value_number.astype(float).reindex(persons.person_key)
            values[name, ""] = np.asarray(known.fillna(0.0), dtype=np.float64)
            if known.isna().any():
                values[name, "unknown"] = missing = np.asarray(known.isna(), dtype=np.float64)
                if missing.tobytes() in unknown:
                    redundant.add((name, "unknown"))
                unknown.add(missing.tobytes())
        else:
            codes = rows.value_code.reindex(persons.person_key).fillna("unknown")
            levels = sorted(codes.unique())
            values |= {(name, level): np.asarray(codes == level, dtype=np.float64) for level in levels}
            redundant.add((name, levels[0]))
    return Design(treated, values, frozenset(redundant))


def covariate_balance(covariates: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """One row per stage (unmatched, matched), covariate and level: means, standardised difference, variance ratio.

    The difference is divided by the standard deviation of the clients before matching, of a share by that of a yes or
    no; the ratio is of the clients' variance to the others', of numbers alone. `persons_client` and `persons_other` are
    those compared.
    """
    design = design_of(covariates, comparison)
    score = propensity(design.independent, design.treated)
    values = {(SCORE, ""): score} | design.values
    clients, others = np.flatnonzero(design.treated), np.flatnonzero(~design.treated)
    spread = {column: _spread(numbers[clients]) for column, numbers in values.items()}
    matched = nearest(score, design.treated, comparison.caliper)
    rows = [
        _row(stage, column, numbers, one, other, spread[column])
        for stage, (one, other) in {"unmatched": (clients, others), "matched": matched}.items()
        for column, numbers in values.items()
    ]
    return pd.DataFrame(rows)


def _row(
    stage: str, column: Column, values: Floats, clients: np.ndarray, others: np.ndarray, spread: float
) -> dict[str, object]:
    of_clients, of_others = values[clients], values[others]
    difference = None
    if len(clients):
        apart = of_clients.mean() - of_others.mean()
        # Where all clients are the same there is no measure for a difference, but for none.
        difference = apart / spread if spread else None if apart else 0.0
    ratio = None
    if not _is_share(values) and len(clients) > 1 and len(others) > 1 and of_others.var(ddof=1) > 0:
        ratio = of_clients.var(ddof=1) / of_others.var(ddof=1)
    return {
        "stage_code": stage,
        "covariate_code": column[0],
        "level_code": column[1] or None,
        "persons_client": len(clients),
        "persons_other": len(others),
        "mean_client": of_clients.mean() if len(clients) else None,
        "mean_other": of_others.mean() if len(others) else None,
        "standardised_difference": difference,
        "variance_ratio": ratio,
        "is_balanced": difference is not None and abs(difference) <= MOST_DIFFERENCE,
    }


def _is_share(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _spread(values: Floats) -> float:
    if _is_share(values):
        share = values.mean()
        return float(np.sqrt(share * (1 - share)))
    return float(values.std(ddof=1))
