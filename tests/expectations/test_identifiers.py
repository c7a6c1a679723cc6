from __future__ import annotations

import unicodedata
from datetime import date

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.identifiers import CHECK_CHARACTERS, KINDS, leaks_query

SIGNS = "+-YXWVUABCDEF"
SEPARATORS = ("", " ", "/", ".", "_", "  ", "*")
DASHES = (
    "-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
)
DIGITS_OF = ("0", "\N{FULLWIDTH DIGIT ZERO}", "\N{ARABIC-INDIC DIGIT ZERO}", "\N{MATHEMATICAL BOLD DIGIT ZERO}")

days = st.dates(date(1900, 1, 1), date(1999, 12, 31)).map(lambda day: day.strftime("%d%m%y"))
numbers = st.integers(900, 999).map(str)
con = duckdb.connect()


def kinds_of(text: str) -> set[str]:
    con.execute("create or replace table texts as select 'column' as column_name, $text as text", {"text": text})
    return {kind for _, kind in con.execute(leaks_query("texts")).fetchall()}


def check_character(digits: str) -> str:
    return CHECK_CHARACTERS[int(digits) % 31]


@given(
    days,
    st.sampled_from(SIGNS),
    numbers,
    st.sampled_from(("", "hetu ", "x", "(")),
    st.sampled_from(("", " Virtanen", ")")),
)
def test_every_sign_since_2023_is_found(day: str, sign: str, number: str, before: str, after: str) -> None:
    code = f"{day}{sign}{number}{check_character(day + number)}"
    assert kinds_of(before + code + after) == {"an identity code"}
    assert kinds_of(code.lower()) == {"an identity code"}


@given(days, st.sampled_from(SEPARATORS), numbers)
def test_a_missing_or_odd_separator_does_not_hide_a_code(day: str, separator: str, number: str) -> None:
    code = f"{day}{separator}{number}{check_character(day + number)}"
    assert kinds_of(code) == {"an identity code"}
    assert kinds_of(f"0, {code}; 1") == {"an identity code"}


@given(
    days, st.sampled_from(DASHES), numbers, st.sampled_from(DIGITS_OF), st.sampled_from(("", "\N{ZERO WIDTH SPACE}"))
)
def test_unicode_does_not_hide_a_code(day: str, dash: str, number: str, zero: str, invisible: str) -> None:
    code = f"{day}{dash}{number}{check_character(day + number)}"
    disguised = "".join(chr(ord(zero) + int(c)) if c in "0123456789" else c for c in code)
    assert kinds_of(disguised[:4] + invisible + disguised[4:]) == {"an identity code"}


@given(days, numbers, st.sampled_from(CHECK_CHARACTERS))
def test_ten_characters_are_a_code_only_with_their_check_character(day: str, number: str, last: str) -> None:
    right = last == check_character(day + number)
    assert ("an identity code" in kinds_of(day + number + last)) == right


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Migri 12345678", "a Migri client number"),
        ("asiakasnumero: 1234567", "a Migri client number"),
        ("UMA-nro 0012345", "a Migri client number"),
        ("someone@example.org", "an e-mail address"),
        ("some.one (at) example.org", "an e-mail address"),
        ("puh. 040 123 4567", "a phone number"),
        ("0501234567", "a phone number"),
        ("+358 9 123 456", "a phone number"),
        ("00358401234567", "a phone number"),
        ("09-123 4567", "a phone number"),
        ("FI21 1234 5600 0007 85", "a bank account"),
        ("FI2112345600000785", "a bank account"),
        ("DE89370400440532013000", "a bank account"),
        ("GB82 WEST 1234 5698 7654 32", "a bank account"),
    ],
)
def test_other_identifiers_are_found(text: str, kind: str) -> None:
    assert kinds_of(text) == {kind}
    assert kind in KINDS


@pytest.mark.parametrize(
    "text",
    [
        "049",
        "0110",
        "ammatillinenkoulutus",
        "2024-12-31",
        "31.12.2024",
        "01.01.2020-31.12.2020",
        "1.2.246.562",
        "2509 86",
        "12345678",
        "osaamiskeskus-2024-12-31-1",
        "a" * 64,
        "DE89370400440532013001",
        "työllistynyt avoimille työmarkkinoille",
    ],
)
def test_codes_and_dates_are_not_mistaken(text: str) -> None:
    assert kinds_of(text) == set()


@given(
    st.text(st.characters(categories=("Ll", "Lu", "Zs", "Po")), max_size=60).filter(
        lambda text: "@" not in unicodedata.normalize("NFKC", text)
    )
)
def test_text_without_digits_is_never_an_identifier(text: str) -> None:
    assert kinds_of(text) == set()
