"""Canonical identifiers: one spelling, separators kept, every refusal with its reason."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.exchange.identifiers import (
    BUSINESS_ID,
    CANARIES,
    HETU,
    Identifier,
    Refused,
    already_canonical,
    canonical,
    canonical_hetu,
    temporary_domain,
)

TODAY = date(2026, 11, 23)
CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
SIGNS = {1800: "+", 1900: "-YXWVU", 2000: "ABCDEF"}

VALID = (
    "010190-999W", "010190Y999W", "131052-900W", "290200A901C", "290296-9026", "311299X903B", "010185-9501",
    "010185W9501", "150605B987M", "241278U964C", "010123F998K", "070799+905W", "010106A9012", "290199-907A",
    "280291+923X",
)  # fmt: skip
INVALID = {
    "010190-999L": "hetu_check_character",
    "290200-901C": "hetu_date",
    "300290-9029": "hetu_date",
    "310452-905U": "hetu_date",
    "131352-900A": "hetu_date",
    "010190Z999W": "hetu_separator",
    "010190-001P": "hetu_individual_number",
    "010190999W": "hetu_no_separator",
    "010130A9007": "hetu_born_after_extract",
    "131052-308I": "hetu_check_character",
    "010190-999K": "hetu_check_character",
    "": "hetu_form",
    "not a code": "hetu_form",
    "\u0660\u0661\u0660\u0661\u0669\u0660-999W": "hetu_form",  # Arabic-Indic digits
    "010190\u0410999W": "hetu_separator",  # Cyrillic A
}
RESPELLED = {
    "010190\u2013999W": "010190-999W",
    " 010190-999w\u00a0": "010190-999W",
    "010190\u00ad\u2212999W": "010190-999W",
    "\ufeff\uff10\uff11\uff10\uff11\uff19\uff10\uff0d\uff19\uff19\uff19\uff37": "010190-999W",
    "290200 a 901c": "290200A901C",
}


@st.composite
def hetus(draw: st.DrawFn) -> str:
    born_on = draw(st.dates(date(1800, 1, 1), TODAY))
    number = draw(st.integers(900, 999))
    day = f"{born_on:%d%m}{born_on.year % 100:02d}"
    sign = draw(st.sampled_from(SIGNS[born_on.year // 100 * 100]))
    return f"{day}{sign}{number}{CHECK_CHARACTERS[int(f'{day}{number}') % 31]}"


@pytest.mark.parametrize("code", VALID)
def test_valid_codes_are_canonical_as_they_are(code: str) -> None:
    assert canonical_hetu(code, TODAY) == code


@pytest.mark.parametrize(("text", "reason"), INVALID.items())
def test_invalid_codes_are_refused_with_their_reason(text: str, reason: str) -> None:
    assert canonical_hetu(text, TODAY) == Refused(reason)


@pytest.mark.parametrize(("text", "code"), RESPELLED.items())
def test_odd_spellings_are_respelled_and_say_so(text: str, code: str) -> None:
    assert canonical(text, HETU, "jobs", TODAY, 999) == Identifier(HETU, code, repaired=True)


def test_the_day_of_the_extract_is_the_last_day_of_birth() -> None:
    assert canonical_hetu("150605B987M", date(2005, 6, 15)) == "150605B987M"
    assert canonical_hetu("150605B987M", date(2005, 6, 14)) == Refused("hetu_born_after_extract")


def test_individual_number_002_is_the_first() -> None:
    check = CHECK_CHARACTERS[int("010190002") % 31]
    assert canonical_hetu(f"010190-002{check}", TODAY) == f"010190-002{check}"


@given(hetus())
def test_canonicalising_twice_changes_nothing(code: str) -> None:
    assert canonical_hetu(code, TODAY) == code


@given(hetus(), st.sampled_from(["\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212", "\ufe63"]))
def test_every_dash_means_the_hyphen_and_nothing_else(code: str, dash: str) -> None:
    canonical_of_dash = canonical_hetu(code[:6] + dash + code[7:], date(2099, 12, 31))
    assert canonical_of_dash in (code[:6] + "-" + code[7:], Refused("hetu_date"))


@given(hetus())
def test_the_sign_distinguishes_persons(code: str) -> None:
    century = next(signs for signs in SIGNS.values() if code[6] in signs)
    spelled = {canonical_hetu(code[:6] + sign + code[7:], TODAY) for sign in century}
    assert len(spelled) == len(century)


@given(hetus(), st.integers(0, 10), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_never_another_person_of_the_same_date(code: str, place: int, digit: str) -> None:
    changed = code[:place] + digit + code[place + 1 :]
    if changed != code and place in (7, 8, 9, 10):
        assert isinstance(canonical_hetu(changed, TODAY), Refused)


@given(st.text())
def test_any_text_is_an_eleven_character_code_or_refused(text: str) -> None:
    code = canonical_hetu(text, TODAY)
    assert isinstance(code, Refused) or (len(code) == 11 and canonical_hetu(code, TODAY) == code)


@given(st.text())
def test_numbers_of_a_register_are_stable_text(text: str) -> None:
    number = canonical(text, "jobs.case", "jobs", TODAY, 899)
    if isinstance(number, Identifier):
        again = canonical(number.canonical, "jobs.case", "jobs", TODAY, 899)
        assert again == Identifier("jobs.case", number.canonical, repaired=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00123456", Identifier("jobs.case", "00123456", repaired=False)),
        (" osk-\u200b0001 ", Identifier("jobs.case", "OSK-0001", repaired=True)),
        ("NA", Identifier("jobs.case", "NA", repaired=False)),
        (" \u00a0", Refused("id_empty")),
        ("\u0410-1", Refused("id_form")),
    ],
)
def test_numbers_of_a_register_keep_their_zeros_and_letters(text: str, expected: object) -> None:
    assert canonical(text, "jobs.case", "jobs", TODAY, 899) == expected


@given(hetus(), st.integers(899, 999))
def test_temporary_codes_belong_to_their_register(code: str, permanent_until: int) -> None:
    found = canonical(code, HETU, "jobs", TODAY, permanent_until)
    assert isinstance(found, Identifier)
    temporary = int(code[7:10]) > permanent_until
    assert found.id_type == (temporary_domain("jobs") if temporary else HETU)


@st.composite
def almost_hetus(draw: st.DrawFn) -> str:
    """Of the form of a code, with any date, sign, number and, mostly, the check character that fits them."""
    day = f"{draw(st.integers(0, 32)):02d}{draw(st.integers(0, 13)):02d}{draw(st.integers(0, 99)):02d}"
    number = draw(st.sampled_from(["000", "001", "002", "899", "900", "999"]))
    fits = CHECK_CHARACTERS[int(f"{day}{number}") % 31]
    check = draw(st.sampled_from([fits] * 5 + list("0AY")))
    return f"{day}{draw(st.sampled_from('-+YXWVUABCDEF'))}{number}{check}"


@given(
    st.lists(
        st.one_of(
            hetus(), almost_hetus(), st.sampled_from([*VALID, *INVALID, *RESPELLED, *CANARIES]),
            st.text(max_size=12), st.text(st.characters(codec="ascii"), max_size=12),
        )
    ),
    st.sampled_from([HETU, "jobs.case"]),
    st.one_of(st.just(TODAY), st.dates(date(1799, 1, 1), date(2099, 12, 31))),
)  # fmt: skip
def test_a_column_is_judged_as_its_texts_are(texts: list[str], domain: str, born_until: date) -> None:
    one_by_one = [canonical(text, domain, "jobs", born_until, 989) for text in texts]
    as_written = [isinstance(found, Identifier) and not found.repaired for found in one_by_one]
    # A column may begin anywhere in its memory.
    column = pa.array(["290200A901C", *texts], pa.utf8())[1:]
    assert already_canonical(column, domain, born_until).tolist() == as_written


@pytest.mark.parametrize("year", [1800, 1896, 1900, 1904, 1999, 2000, 2023, 2024])
def test_a_column_knows_every_day_of_a_year(year: int) -> None:
    sign = SIGNS[year // 100 * 100][0]
    days = [f"{day:02d}{month:02d}{year % 100:02d}" for day in range(33) for month in range(14)]
    codes = [f"{day}{sign}900{CHECK_CHARACTERS[int(day + '900') % 31]}" for day in days]
    expected = [canonical_hetu(code, TODAY) == code for code in codes]
    assert sum(expected) == 365 + (year % 4 == 0 and (year % 100 != 0 or year == 2000))
    assert already_canonical(pa.array(codes), HETU, TODAY).tolist() == expected


def test_canaries_are_all_usable_and_cover_every_repair() -> None:
    spelled = [canonical_hetu(canary, TODAY - timedelta(days=1)) for canary in CANARIES]
    assert not any(isinstance(code, Refused) for code in spelled)
    assert any(code != canary for code, canary in zip(spelled, CANARIES, strict=True))


# ------------------------------------------------------------------------------------------------- business ids
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234567-1", Identifier(BUSINESS_ID, "1234567-1", False)),
        ("112038-9", Identifier(BUSINESS_ID, "0112038-9", True)),
        (" 1234567\u20131", Identifier(BUSINESS_ID, "1234567-1", True)),
        ("1234567-2", Refused("business_check_digit")),
        ("0000006-0", Refused("business_check_digit")),  # remainder 1, never given out
        ("12345671", Refused("business_form")),
        ("FI12345671", Refused("business_form")),
        ("12345-6", Refused("business_form")),
        ("", Refused("business_form")),
    ],
)
def test_a_business_id_keeps_its_check_digit(text: str, expected: Identifier | Refused) -> None:
    assert canonical(text, BUSINESS_ID, "vero", TODAY, 899) == expected
    assert already_canonical(pa.array([text]), BUSINESS_ID, TODAY).tolist() == [False]


@given(st.integers(0, 9_999_999), st.integers(0, 9), st.integers(0, 6), st.integers(1, 9))
def test_one_wrong_digit_of_a_business_id_is_noticed(number: int, check: int, place: int, off: int) -> None:
    """The weights are prime to 11, so no single digit can change unnoticed."""
    text = f"{number:07d}-{check}"
    wrong = text[:place] + str((int(text[place]) + off) % 10) + text[place + 1 :]
    right = canonical(text, BUSINESS_ID, "vero", TODAY, 899)
    assert isinstance(right, Refused) or isinstance(canonical(wrong, BUSINESS_ID, "vero", TODAY, 899), Refused)
