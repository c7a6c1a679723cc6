"""Estimates that others have printed of real persons (tests/data/matching/ORIGIN.md)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from polku.effects.comparing import Compared
from polku.effects.design import Design, Floats
from polku.effects.difference import _estimate, _expected
from polku.effects.neighbours import spread_among_alike, with_replacement
from polku.layout import CHECKOUT

DATA = pd.read_csv(CHECKOUT / "tests" / "data" / "matching" / "nsw445.csv")
OUTCOME = DATA.re78.to_numpy() / 1000
TREATED = DATA.treat.to_numpy() == 1
FOUR = DATA[["age", "educ", "re74", "re75"]].to_numpy(dtype=float)
SCALED = FOUR / FOUR.std(axis=0, ddof=1)
"""The inverse-variance metric of the original program."""

MAHALANOBIS = FOUR @ np.linalg.cholesky(np.linalg.inv(np.cov(FOUR.T)))
"""Its other metric: by the covariance of all, not that within the groups."""


def compared(points: Floats, *, swapped: bool = False) -> Compared:
    """Clients matched with replacement; `swapped` matches controls with participants instead."""
    treated = ~TREATED if swapped else TREATED
    values = {(str(i), ""): column for i, column in enumerate(FOUR.T)}
    rows = np.arange(len(DATA))
    return Compared(Design(rows, treated, values), rows, None, points, with_replacement(points, treated))


def average(points: Floats, *, corrected: bool = False) -> float:
    """The effect on everybody, from that on participants and that on controls."""
    total = 0.0
    for swapped, sign in ((False, 1), (True, -1)):
        one = compared(points, swapped=swapped)
        expected = _expected(one, OUTCOME) if corrected else np.zeros(len(DATA))
        total += sign * one.design.treated.sum() * _estimate(one, OUTCOME, expected)[0]
    return total / len(DATA)


def test_effects_on_participants_and_on_controls() -> None:
    nothing = np.zeros(len(DATA))
    assert _estimate(compared(SCALED), OUTCOME, nothing)[0] == pytest.approx(1.72691301785071, rel=1e-12)
    assert -_estimate(compared(SCALED, swapped=True), OUTCOME, nothing)[0] == pytest.approx(1.70550874262821, rel=1e-12)


def test_effects_on_everybody() -> None:
    assert average(FOUR[:, :1]) == pytest.approx(1.78519111481212, rel=1e-12)
    assert average(SCALED) == pytest.approx(1.71440714918138, rel=1e-12)
    assert average(MAHALANOBIS) == pytest.approx(1.59261673326378, rel=1e-12)


def test_the_correction_of_the_bias() -> None:
    assert average(SCALED, corrected=True) == pytest.approx(1.63091519500783, rel=1e-12)


def test_standard_errors_of_weights_and_of_the_spread_among_alike() -> None:
    """Of the sample: one spread for all with the participants' weights, then each person's own with both weights."""
    of_participants, of_controls = compared(SCALED), compared(SCALED, swapped=True)
    matched = of_participants.matched
    of_clients = OUTCOME[matched.clients] - _estimate(of_participants, OUTCOME, np.zeros(len(DATA)))[0]
    squared = of_clients**2 - 2 * of_clients * matched.beside(OUTCOME) + matched.beside(OUTCOME**2)
    common = squared.mean() / 2
    error = np.sqrt(common * ((TREATED + matched.weights) ** 2).sum()) / TREATED.sum()
    assert error == pytest.approx(0.836629632308480, rel=1e-12)
    spread = np.empty(len(DATA))
    for group in (np.flatnonzero(TREATED), np.flatnonzero(~TREATED)):
        spread[group] = spread_among_alike(SCALED[group], OUTCOME[group], np.arange(len(group)), 3)
    weights = 1 + matched.weights + of_controls.matched.weights
    assert np.sqrt((weights**2 * spread).sum()) / len(DATA) == pytest.approx(0.696272433717223, rel=1e-12)
