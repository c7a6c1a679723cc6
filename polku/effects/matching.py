"""Pairs of clients and others with near propensity scores.

Belongs here: the score and the pairs. Does not belong here: how alike matched persons are (`balance`).

The score is the chance of being a client by a logistic regression (Rosenbaum and Rubin 1983, Biometrika 70). Clients
are matched in descending order of it, each with the nearest person left, one to one and without replacement: the way
of MatchIt's `method = "nearest"` (Ho, Imai, King and Stuart 2011, J. Stat. Softw. 42(8)).
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from polku.errors import Exit, Refusal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def propensity(design: Floats, treated: Bools) -> Floats:
    """The chance of being treated by row of `design` (one column per covariate, no constant).

    Refuses (NO_COMPARISON) where the covariates tell of somebody without error who is treated, or say the same twice.
    """
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import (
        ConvergenceWarning,
        PerfectSeparationError,
        PerfectSeparationWarning,
    )

    constant = np.ones((len(design), 1))
    # Scaled, so that euros and years are of one size to the solver; the score is the same.
    spread = design.std(axis=0)
    columns = np.hstack([constant, (design - design.mean(axis=0)) / np.where(spread == 0, 1, spread)])
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        raise Refusal(Exit.NO_COMPARISON, "two covariates say the same, or one the same of all.", _FEWER)
    with warnings.catch_warnings():
        # Where some values are those of one group alone there is no greatest likelihood, and the search does not end.
        for kind in (ConvergenceWarning, PerfectSeparationWarning):
            warnings.simplefilter("error", kind)
        try:
            fitted = Logit(treated.astype(float), columns).fit(disp=False, maxiter=100)
        except (ConvergenceWarning, PerfectSeparationError, PerfectSeparationWarning, np.linalg.LinAlgError):
            raise Refusal(
                Exit.NO_COMPARISON, "the covariates tell some clients or others apart without error.", _FEWER
            ) from None
    score: Floats = np.asarray(fitted.predict(columns), dtype=float)
    return score


_FEWER = "Name fewer covariates in the study's [comparison], or wider ones: nobody is alike by these."


def nearest(score: Floats, treated: Bools, caliper: float | None = None) -> tuple[Ints, Ints]:
    """Positions of the matched treated and, beside each, of the person matched with them.

    In descending order of the score (equal ones in the order of their rows); of two persons at the same distance the
    one with the lower score. `caliper` is the greatest distance in standard deviations of the score. Costs n log n.
    """
    others = np.flatnonzero(~treated)
    order = np.argsort(score[others], kind="stable")
    others, scores = others[order], score[others][order]
    clients = np.flatnonzero(treated)
    clients = clients[np.argsort(-score[clients], kind="stable")]
    limit = np.inf if caliper is None else caliper * float(score.std(ddof=1))
    free = _Free(len(others))
    found: tuple[list[int], list[int]] = ([], [])
    for client, at in zip(clients.tolist(), np.searchsorted(scores, score[clients]).tolist(), strict=True):
        below, above = free.below(at), free.above(at)
        to_below = score[client] - scores[below] if below is not None else np.inf
        to_above = scores[above] - score[client] if above is not None else np.inf
        chosen, distance = (below, to_below) if to_below <= to_above else (above, to_above)
        if chosen is None or distance > limit:
            continue
        free.take(chosen)
        found[0].append(client)
        found[1].append(int(others[chosen]))
    return np.array(found[0], dtype=np.int64), np.array(found[1], dtype=np.int64)


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
