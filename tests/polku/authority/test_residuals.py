"""Stray identifiers are found in every spelling; ordinary values are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.authority.residuals import kinds_of, may_hold
from tests.polku.exchange.test_identifiers import CHECK_CHARACTERS, VALID

FOUND = {
    "010190-999W": "hetu",
    "asiakas 010190-999W, puh.": "hetu",
    "x010190\u2013999wx": "hetu",
    "010190 999W": "hetu",
    "010190999W": "hetu",
    "0101 90-999W 290200A901C": "hetu",
    "\uff10\uff11\uff10\uff11\uff19\uff10-999W": "hetu",
    "010190\u00ad-999W": "hetu",
    "123456-7890 010190-999W": "hetu",
    "etunimi.sukunimi@espoo.fi": "email",
    "+358 40 123 4567": "phone",
    "040-1234567": "phone",
    "(09) 1234567 tai 0401234567": "phone",
    "FI21 1234 5600 0007 85": "iban",
    "DE89370400440532013000": "iban",
}
FOUND |= {
    "syntynyt 01.01.90-999W": "hetu",
    "01 01 90 \u2013 999W": "hetu",
    "\u0660\u0661\u0660\u0661\u0669\u0660-\u0669\u0669\u0669W": "hetu",
    "(09) 1234567": "phone",
    "+358 (0)40 123 4567": "phone",
    "etunimi.sukunimi (at) espoo.fi": "email",
}
ORDINARY = (
    "2024-07-01", "01.07.2024", "07/2024", "1 234,56", "-1234567.89", "1234567-8", "0123456-7", "010190-999L", "FI",
    "FI2112345600000786", "1.2.246.562.10.00000000001", "ammatillinenkoulutus", "20240701", "A1.1", "049", "12:30",
    "01.01.90 999 e", "12.03.2020-31.12.2020", "ma-pe 09-12 ja 13-16, 3. krs", "tuntia 12 345 678,90",
)  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), FOUND.items())
def test_identifiers_are_found(text: str, kind: str) -> None:
    assert kind in kinds_of(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_values_are_not(text: str) -> None:
    assert kinds_of(text) == ()


def test_client_numbers_are_looked_for_on_demand() -> None:
    assert kinds_of("no 12345678") == ()
    assert kinds_of("no 12345678", client_numbers=True) == ("client_number",)
    assert kinds_of("no 123456789", client_numbers=True) == ()


DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda code: code,
    "lower case": str.lower,
    **{f"dash {ord(dash):x}": lambda code, dash=dash: code.replace("-", dash) for dash in DASHES},
    "no sign": lambda code: code[:6] + code[7:] if code[6] in "-A" else code,
    "blank for the sign": lambda code: code[:6] + " " + code[7:] if code[6] in "-A" else code,
    "blanks around the sign": lambda code: f"{code[:6]} {code[6]} {code[7:]}",
    "no-break blanks": lambda code: f"{code[:6]}\u00a0{code[6]}\u202f{code[7:]}",
    "soft hyphen": lambda code: f"{code[:4]}\u00ad{code[4:]}",
    "zero width": lambda code: "\u200b".join(code),
    "byte order mark": lambda code: f"\ufeff{code}",
    "full width": lambda code: "".join(chr(ord(c) + 0xFEE0) for c in code),
    "Arabic-Indic digits": lambda code: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in code),
    "dotted date": lambda code: f"{code[:2]}.{code[2:4]}.{code[4:]}",
    "blank before the check character": lambda code: f"{code[:10]} {code[10:]}",
    "slash": lambda code: code.replace("-", "/"),
}
SIGNS = {"18": "+", "19": "-YXWVU", "20": "ABCDEF"}


def codes(per_sign: int) -> list[str]:
    """Codes of the test range with every sign since 2023, so many for each."""
    rng, made = Random(1), []
    for century, signs in SIGNS.items():
        for sign in signs * per_sign:
            day = date(int(century) * 100 + rng.randrange(0, 24), 1, 1) + timedelta(rng.randrange(20_000))
            digits = f"{day:%d%m}{day.year % 100:02d}{rng.randrange(900, 1000)}"
            if day.year // 100 == int(century):
                made.append(f"{digits[:6]}{sign}{digits[6:]}{CHECK_CHARACTERS[int(digits) % 31]}")
    return made


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_planted_code_is_found_in_every_spelling(spelling: str) -> None:
    planted = codes(per_sign=300)
    assert len(planted) > 3_000
    assert {code[6] for code in planted} == set("".join(SIGNS.values()))
    notes = [f"asiakas {SPELLINGS[spelling](code)}, k\u00e4vi" for code in planted]
    assert [note for note in notes if "hetu" not in kinds_of(note)] == []
    assert passed_on(notes) == set(notes)


def passed_on(texts: list[str]) -> set[str]:
    """What the cheap condition lets through to be searched."""
    with duckdb.connect() as con:
        con.from_arrow(pa.table({"t": pa.array(texts, pa.utf8())})).create("texts")
        return {row[0] for row in con.execute(f"select t from texts where {may_hold('t')}").fetchall()}


def test_the_cheap_condition_spares_ordinary_sentences() -> None:
    notes = [
        "k\u00e4vi \u201dtoimistolla\u201d 12.3.2020 klo 10\u201311".replace("\u2013", "-"),
        "A2, 40 h \u00e0 25 \u20ac",
        "",
        "x" * 200,
    ]
    assert passed_on(notes) == set()


@given(st.sampled_from(VALID), st.text(alphabet="abcxyz ,.;:()", max_size=8), st.text(alphabet=" ,.;:()x", max_size=8))
def test_a_code_is_found_in_any_sentence(code: str, before: str, after: str) -> None:
    assert "hetu" in kinds_of(f"{before}{code}{after}")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([*FOUND, *VALID]),
            st.text(max_size=20),
            st.text(alphabet="0123456789 +-()./AFIaf@\u00e4\u2019\u20ac\u2013", max_size=24),
            st.tuples(st.sampled_from(codes(1)), st.sampled_from(sorted(SPELLINGS))).map(
                lambda c: SPELLINGS[c[1]](c[0])
            ),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_cheap_condition_misses_nothing(texts: list[str]) -> None:
    assert {text for text in texts if kinds_of(text, client_numbers=True)} <= passed_on(texts)


def test_one_very_long_text_is_searched_in_time_that_grows_with_its_length() -> None:
    """A pattern that may start anywhere and run on would take hours here."""
    assert kinds_of("x" * 200_000) == ()
    assert "email" in kinds_of("x" * 200_000 + " somebody@example.fi")
