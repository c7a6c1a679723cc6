"""Scores and pairs: against the definition written out, and against a slow search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.effects.matched import Matched
from polku.effects.matching import nearest, propensity
from polku.errors import Exit, Refusal

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
    assert score is not None
    missing = treated - score
    assert abs(missing.sum()) < 1e-6
    assert np.abs(missing @ design).max() < 1e-2
    assert ((score > 0) & (score < 1)).all()


@pytest.mark.parametrize(
    ("design", "reason"),
    [
        ([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, 8.0]], "say the same"),
        ([[1.0], [1.0], [1.0], [1.0]], "one the same of all"),
    ],
)
def test_covariates_that_cannot_be_compared_are_refused(design: list[list[float]], reason: str) -> None:
    with pytest.raises(Refusal, match=reason) as refusal:
        propensity(np.array(design), np.array([False, False, True, True]))
    assert refusal.value.exit is Exit.NO_COMPARISON


def test_groups_that_are_told_apart_without_error_have_no_score() -> None:
    assert propensity(np.array([[1.0], [2.0], [11.0], [12.0]]), np.array([False, False, True, True])) is None
