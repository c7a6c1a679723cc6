"""Stray identifiers are found in every spelling; ordinary values are not."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.authority.residuals import kinds_of, may_hold
from tests.polku.exchange.test_identifiers import VALID

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
ORDINARY = (
    "2024-07-01", "01.07.2024", "07/2024", "1 234,56", "-1234567.89", "1234567-8", "0123456-7", "010190-999L", "FI",
    "FI2112345600000786", "1.2.246.562.10.00000000001", "ammatillinenkoulutus", "20240701", "A1.1", "049", "12:30",
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


@given(st.sampled_from(VALID), st.text(alphabet="abcxyz ,.;:()", max_size=8), st.text(alphabet=" ,.;:()x", max_size=8))
def test_a_code_is_found_in_any_sentence(code: str, before: str, after: str) -> None:
    assert "hetu" in kinds_of(f"{before}{code}{after}")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*FOUND, *VALID]), st.text(max_size=20)), min_size=1, max_size=20))
def test_the_cheap_condition_misses_nothing(texts: list[str]) -> None:
    with duckdb.connect() as con:
        passed = {
            row[0]
            for row in con.execute(f"select t from (select unnest(?) as t) where {may_hold('t')}", [texts]).fetchall()
        }
    assert {text for text in texts if kinds_of(text, client_numbers=True)} <= passed


def test_one_very_long_text_is_searched_in_time_that_grows_with_its_length() -> None:
    """A pattern that may start anywhere and run on would take hours here."""
    assert kinds_of("x" * 200_000) == ()
    assert "email" in kinds_of("x" * 200_000 + " somebody@example.fi")
