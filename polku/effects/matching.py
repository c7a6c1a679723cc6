"""Pairs of clients and others with near propensity scores.

Belongs here: the score, and pairs by it. Does not belong here: matching on several characteristics (`neighbours`), how
alike matched persons are (`balance`).

The score is the chance of being a client by a logistic regression (Rosenbaum and Rubin 1983, Biometrika 70). Clients
are matched in descending order of it, each with the nearest person left, one to one and without replacement: the way
of MatchIt's `method = "nearest"` (Ho, Imai, King and Stuart 2011, J. Stat. Softw. 42(8)).
"""

from __future__ import annotations

import warnings

import numpy as np

from polku.effects.design import Bools, Floats
from polku.effects.matched import Matched, pairs

SURE = 1e-6
"""A chance so near to 0 or 1 that it only stands for a search without an end."""


def propensity(design: Floats, treated: Bools) -> Floats:
    """The chance of being treated by row of `design` (one column per covariate, no constant).

    Columns that follow from others count once. NaN of persons whom the covariates tell apart without error: of theirs
    there is no greatest likelihood, since their chance tends to 0 or 1. That of the others is estimated without them,
    as Stata's `logit` leaves out who is predicted perfectly.
    """
    score, kept = np.full(len(design), np.nan), np.arange(len(design))
    while len(np.unique(treated[kept])) == 2:
        fitted, is_greatest = _fitted(design[kept], treated[kept])
        if is_greatest:
            score[kept] = fitted
            break
        unsure = np.minimum(fitted, 1 - fitted) > SURE
        if unsure.all():
            break
        kept = kept[unsure]
    return score


def _fitted(design: Floats, treated: Bools) -> tuple[Floats, bool]:
    """Chances by Newton's search, and whether it ended."""
    from statsmodels.discrete.discrete_model import Logit

    # Scaled, so that euros and years are of one size, and turned so that no column follows from others: the chances are
    # the same.
    spread = design.std(axis=0)
    scaled = (design - design.mean(axis=0)) / np.where(spread == 0, 1, spread)
    turned, sizes, _ = np.linalg.svd(np.hstack([np.ones((len(design), 1)), scaled]), full_matrices=False)
    columns = turned[:, sizes > 1e-9 * sizes[0]] * np.sqrt(len(design))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Logit(treated.astype(float), columns).fit(disp=False, maxiter=25)
    chances: Floats = np.asarray(fitted.predict(columns), dtype=float)
    return chances, bool(fitted.mle_retvals["converged"])


def nearest(score: Floats, treated: Bools, limit: float = np.inf) -> Matched:
    """Beside each client the nearest other who is still free, at most `limit` away.

    In descending order of the score (equal ones in the order of their rows); of two persons at the same distance the
    one with the lower score. Costs n log n.
    """
    others = np.flatnonzero(~treated)
    order = np.argsort(score[others], kind="stable")
    others, scores = others[order], score[others][order]
    clients = np.flatnonzero(treated)
    clients = clients[np.argsort(-score[clients], kind="stable")]
    free = _Free(len(others))
    found: list[tuple[int, int]] = []
    for client, at in zip(clients.tolist(), np.searchsorted(scores, score[clients]).tolist(), strict=True):
        below, above = free.below(at), free.above(at)
        to_below = score[client] - scores[below] if below is not None else np.inf
        to_above = scores[above] - score[client] if above is not None else np.inf
        chosen, distance = (below, to_below) if to_below <= to_above else (above, to_above)
        if chosen is None or distance > limit:
            continue
        free.take(chosen)
        found.append((client, int(others[chosen])))
    both = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs(both[:, 0], both[:, 1], len(score))


class _Free:
    """Places 0 to n - 1 of which some are taken; finds the next free one to either side in nearly constant time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._up, self._down = list(range(size + 1)), list(range(size + 1))

    def above(self, place: int) -> int | None:
        """The first free place at or above; None where there is none."""
        found = _root(self._up, place)
        return found if found < self._size else None

    def below(self, place: int) -> int | None:
        """The last free place below; None where there is none."""
        # Shifted by one, so that 0 stands for "none".
        found = _root(self._down, place)
        return found - 1 if found > 0 else None

    def take(self, place: int) -> None:
        self._up[place] = place + 1
        self._down[place + 1] = place


def _root(parents: list[int], at: int) -> int:
    """Where the way ends; the way is made shorter for the next time."""
    end = at
    while parents[end] != end:
        end = parents[end]
    while parents[at] != end:
        parents[at], at = end, parents[at]
    return end
