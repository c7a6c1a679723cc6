from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polku.exchange.identifiers import Refused, canonical_hetu
from polku.twin.identity_codes import PERMANENT, SEPARATORS, TEMPORARY, CodeBook, with_wrong_check

UNTIL = date(2025, 6, 29)
births = st.lists(st.tuples(st.dates(date(1930, 1, 1), date(2020, 1, 1)), st.booleans()), min_size=1, max_size=60)


def codes_of(persons: list[tuple[date, bool]], numbers: tuple[int, int], seed: int) -> list[str]:
    born_on = np.array([born for born, _ in persons], dtype="datetime64[D]")
    female = np.array([is_female for _, is_female in persons])
    usual = np.random.default_rng(seed).random(len(persons)) < 0.8
    codes, births, _ = CodeBook(numbers).take(born_on, female, usual)
    assert (births == born_on).all()
    return codes.tolist()


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


def test_codes_are_unique_over_blocks_and_a_full_day_gives_the_next_one() -> None:
    book, codes = CodeBook(TEMPORARY), []
    for _ in range(4):
        block, births, usual = book.take(
            np.full(10, "1990-02-28", "M8[D]"), np.ones(10, dtype=bool), np.ones(10, dtype=bool)
        )
        codes += list(zip(block.tolist(), births.astype(str).tolist(), usual.tolist(), strict=True))
    assert len({code for code, _, _ in codes}) == 40
    # Five individual numbers of women with the usual sign, then with four others; the rest are born the day after.
    assert [usual for _, _, usual in codes[:25]] == [True] * 5 + [False] * 20
    assert {born for _, born, _ in codes[:25]} == {"1990-02-28"}
    assert {born for _, born, _ in codes[25:]} == {"1990-03-01"}
    assert SEPARATORS[0][5] not in {code[6] for code, _, _ in codes}


def test_temporary_codes_have_their_own_numbers() -> None:
    codes = codes_of([(date(1990, 1, day), day % 2 == 0) for day in range(1, 29)], TEMPORARY, 1)
    assert all(TEMPORARY[0] <= int(code[7:10]) <= TEMPORARY[1] for code in codes)


@given(births, st.integers(0, 1000))
def test_a_wrong_check_character_is_nobodys(persons: list[tuple[date, bool]], seed: int) -> None:
    for code in codes_of(persons, PERMANENT, seed):
        assert canonical_hetu(with_wrong_check(code), UNTIL) == Refused("hetu_check_character")
