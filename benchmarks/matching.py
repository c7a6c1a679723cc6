"""Measures each way of matching on many persons, beside a plain alternative in the same run: CPU seconds, peak memory.

Belongs here: what benchmarks/README.md says of matching. Does not belong here: any assertion about speed. Every
way runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
from run import measure

from polku.effects.comparing import compare
from polku.effects.plan import COARSENED, MAHALANOBIS, PROPENSITY, Comparison
from polku.effects.strata import strata_of

NUMBERS = ("age_years", "months_since_arrival", "wages_1_year_before_eur", "months_unemployed_12_before")
CODES = ("sex_code", "residence_ground_code")
CUTS = {
    "age_years": (25.0, 35.0, 45.0),
    "months_since_arrival": (12.0, 36.0, 72.0),
    "wages_1_year_before_eur": (1.0, 15000.0),
    "months_unemployed_12_before": (1.0, 6.0),
}


def people(persons: int, clients: int) -> tuple[np.ndarray, np.ndarray]:
    """Six characteristics by person, and who is a client: rather the younger and poorer."""
    rng = np.random.default_rng(1)
    values = np.column_stack(
        [
            rng.integers(18, 65, persons),
            rng.geometric(1 / 60, persons),
            np.where(rng.random(persons) < 0.5, 0, rng.gamma(2, 9000, persons).round(2)),
            rng.binomial(12, rng.beta(0.5, 0.7, persons)),
            rng.integers(0, 2, persons),
            rng.choice(5, persons, p=(0.4, 0.3, 0.15, 0.1, 0.05)),
        ]
    )
    leaning = -values[:, 0] / 20 - values[:, 2] / 20_000 + values[:, 3] / 8 + rng.gumbel(size=persons)
    treated = np.zeros(persons, dtype=bool)
    treated[np.argsort(-leaning)[:clients]] = True
    return values, treated


def mart(values: np.ndarray, treated: np.ndarray) -> pd.DataFrame:
    """The same as rows of the mart `covariate`."""
    groups = np.where(treated, "client", "never_client")
    parts = [
        pd.DataFrame(
            {
                "person_key": np.arange(len(values)),
                "group_code": groups,
                "covariate_code": name,
                "value_number": column if name in NUMBERS else np.nan,
                "value_code": None if name in NUMBERS else column.astype(int).astype(str),
            }
        )
        for name, column in zip((*NUMBERS, *CODES), values.T, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def ours(method: str, *, replacement: bool = False) -> Callable[[np.ndarray, np.ndarray], int]:
    """The platform's way, from the mart's rows to who stands beside whom."""

    def run(values: np.ndarray, treated: np.ndarray) -> int:
        cuts = CUTS if method == COARSENED else {}
        comparison = Comparison((*NUMBERS, *CODES), method, replacement, cuts=cuts)
        covariates = mart(values, treated)
        strata = None
        if method == COARSENED:
            with duckdb.connect() as con:
                con.register("covariates", covariates)
                strata = strata_of(con, "covariates", comparison)
        return len(compare(covariates, comparison, strata).matched.clients)

    return run


def statsmodels_and_tree(values: np.ndarray, treated: np.ndarray) -> int:
    """Score by statsmodels, one nearest other by scipy's tree with replacement; no others as near are looked for."""
    from scipy.spatial import KDTree
    from statsmodels.api import Logit, add_constant

    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    columns = add_constant(scaled)
    score = Logit(treated.astype(float), columns).fit(disp=False).predict(columns)[:, None]
    return len(KDTree(score[~treated]).query(score[treated])[1])


def all_distances(values: np.ndarray, treated: np.ndarray) -> int:
    """Mahalanobis distance of every client to every other, client by client."""
    whitened = values @ np.linalg.cholesky(np.linalg.inv(np.cov(values.T)))
    others = whitened[~treated]
    return len([((others - client) ** 2).sum(axis=1).argmin() for client in whitened[treated]])


def merged_classes(values: np.ndarray, treated: np.ndarray) -> int:
    """Classes by pandas' cut and groupby."""
    frame = pd.DataFrame(values, columns=[*NUMBERS, *CODES])
    for name, cuts in CUTS.items():
        frame[name] = np.searchsorted(cuts, frame[name], side="right")
    both = pd.Series(treated).groupby([frame[name] for name in frame]).transform("nunique") == 2
    return int((both & treated).sum())


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], int]] = {
    "people and the mart's rows alone": lambda values, treated: len(mart(values, treated)),
    "score, without replacement": ours(PROPENSITY),
    "score, with replacement": ours(PROPENSITY, replacement=True),
    "  statsmodels and scipy's tree": statsmodels_and_tree,
    "distance, without replacement": ours(MAHALANOBIS),
    "distance, with replacement": ours(MAHALANOBIS, replacement=True),
    "  all distances": all_distances,
    "classes in SQL": ours(COARSENED),
    "  pandas": merged_classes,
}


def main() -> None:
    """Run every way in a process of its own, or one of them in this one."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/matching.py --persons 200000")
    parser.add_argument("--persons", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=20_000)
    parser.add_argument("--way", choices=WAYS)
    args = parser.parse_args()
    if args.way:
        print(WAYS[args.way](*people(args.persons, args.clients)), file=sys.stderr)
        return
    size = ["--persons", str(args.persons), "--clients", str(args.clients)]
    for way in WAYS:
        print(f"{way:34}{measure([sys.executable, __file__, *size, '--way', way], {})}", flush=True)


if __name__ == "__main__":
    main()
