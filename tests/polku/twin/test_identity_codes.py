from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polku.exchange.identifiers import Refused, canonical_hetu
from polku.twin.identity_codes import PERMANENT, TEMPORARY, unique_codes, with_other_separator, with_wrong_check

UNTIL = date(2025, 6, 29)
births = st.lists(st.tuples(st.dates(date(1930, 1, 1), date(2020, 1, 1)), st.booleans()), min_size=1, max_size=60)


def codes_of(persons: list[tuple[date, bool]], numbers: tuple[int, int], seed: int) -> list[str]:
    born_on = np.array([born for born, _ in persons], dtype="datetime64[D]")
    female = np.array([is_female for _, is_female in persons])
    return unique_codes(np.random.default_rng(seed), born_on, female, numbers).tolist()


@given(births, st.integers(0, 1000))
def test_codes_are_canonical_and_tell_birth_and_sex(persons: list[tuple[date, bool]], seed: int) -> None:
    for (born_on, female), code in zip(persons, codes_of(persons, PERMANENT, seed), strict=True):
        assert canonical_hetu(code, UNTIL) == code
        assert code[:6] == born_on.strftime("%d%m%y")
        assert (code[6] in "ABCDEF") == (born_on.year >= 2000)
        assert PERMANENT[0] <= int(code[7:10]) <= PERMANENT[1]
        assert (int(code[7:10]) % 2 == 0) == female


@given(st.dates(date(1930, 1, 1), date(2020, 1, 1)), st.booleans(), st.integers(0, 1000))
def test_codes_stay_unique_when_all_are_born_on_one_day(born_on: date, female: bool, seed: int) -> None:
    codes = codes_of([(born_on, female)] * 200, PERMANENT, seed)
    assert len(set(codes)) == 200


def test_temporary_codes_have_their_own_numbers() -> None:
    codes = codes_of([(date(1990, 1, day), day % 2 == 0) for day in range(1, 29)], TEMPORARY, 1)
    assert all(TEMPORARY[0] <= int(code[7:10]) <= TEMPORARY[1] for code in codes)


@given(births, st.integers(0, 1000))
def test_other_separator_is_another_person_and_wrong_check_nobody(persons: list[tuple[date, bool]], seed: int) -> None:
    for code in codes_of(persons, PERMANENT, seed):
        other = with_other_separator(code)
        assert other != code
        assert canonical_hetu(other, UNTIL) == other
        assert canonical_hetu(with_wrong_check(code), UNTIL) == Refused("hetu_check_character")
