from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polku.twin.spells import spells_of

MONTHS = np.arange("2019-01", "2021-01", dtype="datetime64[M]")


@st.composite
def values(draw: st.DrawFn) -> np.ndarray:
    persons = draw(st.integers(1, 4))
    cells = st.lists(st.integers(0, 3), min_size=len(MONTHS) * persons, max_size=len(MONTHS) * persons)
    return np.array(draw(cells), dtype=np.int8).reshape(len(MONTHS), persons)


def spells(cells: np.ndarray, seed: int):
    persons = cells.shape[1]
    day = np.random.default_rng(seed).integers(0, 28, cells.shape, dtype=np.int8)
    return spells_of(cells, MONTHS, day, np.full(persons, np.datetime64("2018-05-05")))


@given(values(), st.integers(0, 99))
def test_painting_the_spells_gives_the_values_back(cells: np.ndarray, seed: int) -> None:
    found = spells(cells, seed)
    np.testing.assert_array_equal(found.paint(found.value, cells.shape), cells)
    assert found.months.sum() == (cells != 0).sum()


@given(values(), st.integers(0, 99))
def test_the_value_of_a_month_holds_on_its_last_day(cells: np.ndarray, seed: int) -> None:
    found = spells(cells, seed)
    last_days = (MONTHS + 1).astype("datetime64[D]") - 1
    for t, last_day in enumerate(last_days):
        holds = (found.started_on <= last_day) & (np.isnat(found.ended_on) | (found.ended_on >= last_day))
        on_day = dict(zip(found.person[holds].tolist(), found.value[holds].tolist(), strict=True))
        assert len(on_day) == holds.sum(), "two spells of one person on one day"
        assert [on_day.get(person, 0) for person in range(cells.shape[1])] == cells[t].tolist()


@given(values(), st.integers(0, 99))
def test_spells_know_their_neighbours_and_touch_them(cells: np.ndarray, seed: int) -> None:
    found = spells(cells, seed)
    for i in range(len(found)):
        t, person = found.last[i] + 1, found.person[i]
        assert found.after[i] == (-1 if t == len(MONTHS) else cells[t, person])
        assert np.isnat(found.ended_on[i]) == (t == len(MONTHS))
    follows = (found.person[1:] == found.person[:-1]) & (found.first[1:] == found.last[:-1] + 1)
    np.testing.assert_array_equal(found.started_on[1:][follows], found.ended_on[:-1][follows] + 1)
