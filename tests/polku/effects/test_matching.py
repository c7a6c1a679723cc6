"""Scores and pairs: against the definition written out, and against a slow search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.effects.matched import Matched
from polku.effects.matching import nearest, propensity

PEOPLE = st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=40)
"""Scores in sixtieths, so that many are equal; and who is treated."""


def searched(score: list[float], treated: list[bool], limit: float) -> list[tuple[int, int]]:
    """The same by looking at everybody each time."""
    free = {i for i, is_treated in enumerate(treated) if not is_treated}
    pairs = []
    for client in sorted((i for i, t in enumerate(treated) if t), key=lambda i: (-score[i], i)):
        near = min(free, key=lambda i: (abs(score[i] - score[client]), score[i], i), default=None)
        if near is not None and abs(score[near] - score[client]) <= limit:
            free.remove(near)
            pairs.append((client, near))
    return pairs


def beside(matched: Matched) -> list[tuple[int, int]]:
    """Clients and the one other beside each."""
    return list(zip(matched.clients.tolist(), matched.shares.indices.tolist(), strict=True))


@given(PEOPLE, st.sampled_from([np.inf, 0.005, 0.05, 0.3]))
def test_pairs_are_those_of_a_search_through_everybody(people: list[tuple[int, bool]], limit: float) -> None:
    score = np.array([sixtieths / 60 for sixtieths, _ in people])
    treated = np.array([is_treated for _, is_treated in people])
    found = beside(nearest(score, treated, limit))
    expected = searched(score.tolist(), treated.tolist(), limit)
    # Persons with one score are alike: which of them is taken is not told apart.
    assert [(one, score[other]) for one, other in found] == sorted((one, score[other]) for one, other in expected)
    assert len({other for _, other in found}) == len(found)
    assert all(treated[one] and not treated[other] for one, other in found)


@given(PEOPLE, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_distance(people: list[tuple[int, bool]], random: object) -> None:
    def distances(rows: list[tuple[int, bool]]) -> list[float]:
        score = np.array([float(sixtieths) for sixtieths, _ in rows])
        pairs = beside(nearest(score, np.array([is_treated for _, is_treated in rows])))
        return sorted((score[one], score[other]) for one, other in pairs)

    shuffled = list(people)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert distances(shuffled) == distances(people)


def test_a_caliper_leaves_out_who_has_nobody_near() -> None:
    score, treated = np.array([0.9, 0.2, 0.21, 0.5]), np.array([True, True, False, False])
    assert beside(nearest(score, treated, 0.05)) == [(1, 2)]
    assert nearest(score, treated).clients.tolist() == [0, 1]


def test_the_score_is_that_of_greatest_likelihood() -> None:
    """There, observed and expected numbers of treated agree in every covariate (the score equations)."""
    rng = np.random.default_rng(1)
    design = np.column_stack([rng.normal(40_000, 9_000, 500), rng.integers(0, 2, 500)])
    treated = rng.random(500) < 1 / (1 + np.exp(-(design[:, 0] - 42_000) / 9_000 - design[:, 1]))
    score = propensity(design, treated)
    missing = treated - score
    assert abs(missing.sum()) < 1e-6
    assert np.abs(missing @ design).max() < 1e-2
    assert ((score > 0) & (score < 1)).all()


def test_columns_that_say_the_same_count_once() -> None:
    """Months before the entry are all unknown together, and levels of a code add up to one."""
    rng = np.random.default_rng(2)
    design = rng.normal(size=(60, 2))
    treated = rng.random(60) < 0.5
    twice = np.column_stack([design, design[:, 0] - 3 * design[:, 1], np.ones(60)])
    assert propensity(twice, treated) == pytest.approx(propensity(design, treated), abs=1e-9)
    assert propensity(np.ones((60, 1)), treated) == pytest.approx(treated.mean())


def test_groups_that_are_told_apart_without_error_have_no_score() -> None:
    apart = propensity(np.array([[1.0], [2.0], [11.0], [12.0]]), np.array([False, False, True, True]))
    assert np.isnan(apart).all()


def test_who_is_told_apart_by_two_values_together_is_left_out_and_the_others_scored() -> None:
    """Nobody treated has a one in the first column and a zero in the second, though some have each of them."""
    rng = np.random.default_rng(3)
    design = rng.integers(0, 2, (400, 2)).astype(float)
    alone = (design[:, 0] == 1) & (design[:, 1] == 0)
    design[:, 1] = np.where(~alone & (rng.random(400) < 0.4), design[:, 0], design[:, 1])
    keep = ~((design[:, 0] == 0) & (design[:, 1] == 1))
    design, alone = design[keep], alone[keep]
    treated = (rng.random(len(design)) < 0.5) & ~alone
    score = propensity(design, treated)
    assert np.isnan(score[alone]).all()
    assert score[~alone] == pytest.approx(propensity(design[~alone], treated[~alone]), abs=1e-9)
    both = (design == 1).all(axis=1)
    assert score[both] == pytest.approx(treated[both].mean())
