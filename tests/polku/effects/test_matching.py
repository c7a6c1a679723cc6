"""Scores and pairs: against the definition written out, and against a slow search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(PEOPLE, st.sampled_from([None, 0.05, 0.5, 2.0]))
def test_pairs_are_those_of_a_search_through_everybody(people: list[tuple[int, bool]], caliper: float | None) -> None:
    score = np.array([sixtieths / 60 for sixtieths, _ in people])
    treated = np.array([is_treated for _, is_treated in people])
    limit = np.inf if caliper is None or len(people) < 2 else caliper * score.std(ddof=1)
    if len(people) < 2 and caliper is not None:
        return
    found = nearest(score, treated, caliper)
    expected = searched(score.tolist(), treated.tolist(), limit)
    # Persons with one score are alike: which of them is taken is not told apart.
    assert [(one, score[other]) for one, other in zip(*found, strict=True)] == [
        (one, score[other]) for one, other in expected
    ]
    assert len(set(found[1].tolist())) == len(found[1])
    assert treated[found[0]].all()
    assert not treated[found[1]].any()


@given(PEOPLE, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_distance(people: list[tuple[int, bool]], random: object) -> None:
    def distances(rows: list[tuple[int, bool]]) -> list[float]:
        score = np.array([float(sixtieths) for sixtieths, _ in rows])
        clients, others = nearest(score, np.array([is_treated for _, is_treated in rows]))
        return sorted(zip(score[clients].tolist(), score[others].tolist(), strict=True))

    shuffled = list(people)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert distances(shuffled) == distances(people)


def test_a_caliper_leaves_out_who_has_nobody_near() -> None:
    score, treated = np.array([0.9, 0.2, 0.21, 0.5]), np.array([True, True, False, False])
    spread = score.std(ddof=1)
    clients, others = nearest(score, treated, 0.05 / spread)
    assert (clients.tolist(), others.tolist()) == ([1], [2])
    assert nearest(score, treated)[0].tolist() == [0, 1]


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


@pytest.mark.parametrize(
    ("design", "reason"),
    [
        ([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, 8.0]], "say the same"),
        ([[1.0], [1.0], [1.0], [1.0]], "one the same of all"),
        ([[1.0], [2.0], [11.0], [12.0]], "without error"),
    ],
)
def test_covariates_that_cannot_be_compared_are_refused(design: list[list[float]], reason: str) -> None:
    with pytest.raises(Refusal, match=reason) as refusal:
        propensity(np.array(design), np.array([False, False, True, True]))
    assert refusal.value.exit is Exit.NO_COMPARISON
