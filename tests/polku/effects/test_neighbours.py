"""Matching on several characteristics: against a slow search through all distances."""

from __future__ import annotations

import random as randoms

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.effects.design import Bools, Floats
from polku.effects.matched import Matched
from polku.effects.neighbours import spread_among_alike, whitened, with_replacement, without_replacement

PEOPLE = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.booleans()), min_size=2, max_size=60).filter(
    lambda people: len({is_treated for *_, is_treated in people}) == 2
)
"""Places on a small grid, so that many are at one place or equally far; and who is treated."""

LIMITS = st.sampled_from([np.inf, 0.5, 1.0, 2.5])
EQUAL = 1e-9


def arrays(people: list[tuple[int, int, bool]]) -> tuple[Floats, Bools]:
    return np.array([(x, y) for x, y, _ in people], dtype=float), np.array([treated for *_, treated in people])


def distances(points: Floats) -> Floats:
    return np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))


def table(matched: Matched) -> dict[int, dict[int, float]]:
    """By client, the shares of those beside her."""
    rows = matched.shares.toarray()
    return {
        int(client): {int(i): float(rows[s, i]) for i in np.flatnonzero(rows[s])}
        for client, s in zip(matched.clients, matched.sets, strict=True)
    }


def places(matched: Matched, points: Floats) -> list[tuple[float, ...]]:
    """Where clients and the one other beside each are."""
    return sorted((*points[client], *points[other]) for client, row in table(matched).items() for other in row)


@given(PEOPLE, LIMITS)
def test_with_replacement_all_of_the_nearest_share_the_weight(
    people: list[tuple[int, int, bool]], limit: float
) -> None:
    points, treated = arrays(people)
    apart = distances(points)
    expected = {}
    for client in np.flatnonzero(treated).tolist():
        least = apart[client][~treated].min()
        if least <= limit:
            near = np.flatnonzero(~treated & (apart[client] <= least + EQUAL)).tolist()
            expected[client] = dict.fromkeys(near, pytest.approx(1 / len(near)))
    assert table(with_replacement(points, treated, limit)) == expected


@given(PEOPLE, LIMITS)
def test_without_replacement_the_declared_order_is_kept(people: list[tuple[int, int, bool]], limit: float) -> None:
    points, treated = arrays(people)
    apart = distances(points)
    free = set(np.flatnonzero(~treated).tolist())
    first = {c: apart[c][~treated].min() for c in np.flatnonzero(treated).tolist()}
    expected = {}
    for client in sorted(first, key=lambda c: (-round(first[c], 9), *points[c], c)):
        near = [i for i in free if apart[client][i] <= min(apart[client][j] for j in free) + EQUAL]
        if near and apart[client][near[0]] <= limit:
            chosen = min(near, key=lambda i: (*points[i], i))
            free.remove(chosen)
            expected[client] = {chosen: 1.0}
    assert table(without_replacement(points, treated, limit)) == expected


@pytest.mark.parametrize("match", [with_replacement, without_replacement])
@given(people=PEOPLE, limit=LIMITS, seed=st.integers(0, 99))
def test_weights_of_others_add_up_to_clients_and_nobody_is_beyond_the_caliper(
    match: object, people: list[tuple[int, int, bool]], limit: float, seed: int
) -> None:
    points, treated = arrays(people)
    matched: Matched = match(points, treated, limit)  # type: ignore[operator]
    assert matched.weights.sum() == pytest.approx(len(matched.clients))
    assert not matched.weights[treated].any()
    apart = distances(points)
    assert all(apart[client, other] <= limit + EQUAL for client, row in table(matched).items() for other in row)
    order = list(range(len(people)))
    randoms.Random(seed).shuffle(order)
    again: Matched = match(points[order], treated[order], limit)  # type: ignore[operator]
    assert len(again.clients) == len(matched.clients)
    if match is with_replacement:
        assert again.weights == pytest.approx(matched.weights[order])
        assert again.squares == pytest.approx(matched.squares[order])
    else:
        # Persons at one place are alike: which of them is taken is not told apart.
        assert places(again, points[order]) == places(matched, points)


def test_a_client_in_a_crowd_looks_far_enough() -> None:
    """Forty clients at one place and others in a row: each further one has to look beyond all that are taken."""
    points = np.array([[0.0, 0.0]] * 40 + [[float(i), 0.0] for i in range(1, 61)])
    treated = np.arange(100) < 40
    matched = without_replacement(points, treated)
    assert sorted(matched.shares.indices.tolist()) == list(range(40, 80))
    assert len(without_replacement(points, treated, 10).clients) == 10


def test_distances_are_those_of_mahalanobis_whatever_follows_from_what() -> None:
    rng = np.random.default_rng(1)
    design, treated = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3)) * [1, 1000, 0.001], rng.random(50) < 0.4
    groups = [design[treated], design[~treated]]
    pooled = sum((len(group) - 1) * np.cov(group.T) for group in groups) / 48
    apart = design[:, None] - design[None]
    expected = np.sqrt(np.einsum("ijk,kl,ijl->ij", apart, np.linalg.inv(pooled), apart))
    assert distances(whitened(design, treated)) == pytest.approx(expected)
    twice = np.column_stack([design, design[:, 0] - design[:, 1] / 1000])
    assert distances(whitened(twice, treated)) == pytest.approx(expected, abs=1e-5)


@given(PEOPLE, st.integers(1, 3))
def test_the_spread_is_that_of_a_person_and_her_nearest(people: list[tuple[int, int, bool]], neighbours: int) -> None:
    points, _ = arrays(people)
    outcome = np.arange(len(people)) ** 2.0
    apart = distances(points)
    expected = []
    for i in range(len(people)):
        others = np.delete(np.arange(len(people)), i)
        reach = np.sort(apart[i][others])[min(neighbours, len(others)) - 1]
        near = outcome[[i, *others[apart[i][others] <= reach + EQUAL]]]
        expected.append(near.var(ddof=1))
    found = spread_among_alike(points, outcome, np.arange(len(people)), neighbours)
    assert found == pytest.approx(np.array(expected), rel=1e-6, abs=1e-6)


def test_the_spread_of_equal_outcomes_is_none_and_never_less() -> None:
    points = np.array([[0.0], [0.0], [0.0], [5.0], [6.0], [7.0]])
    outcome = np.array([0.3, 0.3, 0.3, 1000.0, 1000.0, 1000.0])
    assert spread_among_alike(points, outcome, np.array([0]), 2).tolist() == [0]
