"""A value in any spelling that the contract allows is that value; anything else is nothing, and never another value."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.contracts import cells
from polku.contracts.cells import FIRST_SERIAL, SERIAL_ZERO
from polku.contracts.model import Column, FileFormat

NBSP, NNBSP = "\u00a0", "\u202f"
FIVE = ("%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%Y/%m/%d")
MONTHS = ("%m/%Y", "%Y-%m", "%Y%m")
FORMAT = FileFormat(
    date_formats=(*FIVE, *MONTHS),
    open_ends=(date(2222, 11, 11), date(9999, 12, 31)),
    empty_dates=(date(1, 1, 1), date(1900, 1, 1)),
    null_texts=("NULL", "-", "TYHJÄ"),
    excel_serials=True,
    thousands=(" ", NBSP, NNBSP, "'"),
    currencies=("€", "EUR", "mk"),
)
CON = duckdb.connect()


def read(kind: str, text: str | None, format_: FileFormat = FORMAT) -> Any:
    column = Column("cell", "cell", kind, "test")
    told = cells.told(column, format_)
    query = f"select {cells.value(column, format_)} from (select {told} as cell from (select ?::varchar as cell))"
    return CON.execute(query, [text]).fetchall()[0][0]


DAYS = st.dates(date(1800, 1, 1), date(2199, 12, 31))
SPACES = st.sampled_from(["", " ", NBSP, NNBSP, "\t"])


def spelled(day: date, format_: str) -> str:
    return day.strftime(format_.replace("%Y", f"{day.year:04}"))


@settings(max_examples=150, deadline=None)
@given(day=DAYS, format_=st.sampled_from(FIVE), short=st.booleans(), before=SPACES, after=SPACES)
def test_a_day_in_any_of_the_formats(day: date, format_: str, short: bool, before: str, after: str) -> None:
    text = spelled(day, format_)
    if short and format_ == "%d.%m.%Y":
        text = f"{day.day}.{day.month}.{day.year}"
    assert read("date", before + text + after) == day


@settings(max_examples=150, deadline=None)
@given(day=DAYS.filter(lambda day: day.year >= 1927 and day <= date(2173, 10, 13)), before=SPACES)
def test_a_day_as_a_spreadsheet_numbers_it(day: date, before: str) -> None:
    number = str((day - SERIAL_ZERO).days)
    if len(number) == 5:
        assert read("date", before + number) == day
        assert read("date", number, replace(FORMAT, excel_serials=False)) is None


@pytest.mark.parametrize(
    ("number", "day"),
    [
        ("61", date(1900, 3, 1)),
        ("60", None),  # 29 February 1900, which was not
        ("59", None),
        ("1", None),
        ("0", None),
        ("1799", date(1904, 12, 3)),
        ("1999", None),  # a year as well as a day of 1905
        ("2024", None),
        ("2200", date(1906, 1, 8)),
        ("43831", date(2020, 1, 1)),
        ("43831.0", None),
        ("43831,5", None),
        ("-43831", None),
        ("043831", None),
        ("117763", None),
        ("311220", None),  # 31 December 2020 in six digits, and a day of 2752
        ("2958465", date(9999, 12, 31)),
    ],
)
def test_numbers_that_could_be_something_else_are_not_days(number: str, day: date | None) -> None:
    assert read("date", number) == day


def test_the_first_number_is_the_first_that_is_certain() -> None:
    assert SERIAL_ZERO + timedelta(days=FIRST_SERIAL) == date(1900, 3, 1)


@pytest.mark.parametrize(
    "text",
    ["1.2.20", "01-02-2020", "2020.02.01", "2020101", "202011", "20200230", "1.13.2020", "31.12.2999", "1.1.1799", "x"],
)
def test_what_no_format_reads_is_no_day(text: str) -> None:
    assert read("date", text) is None


@pytest.mark.parametrize("format_", FIVE)
def test_days_that_mean_nothing_or_no_end_are_read_as_such(format_: str) -> None:
    for day in (*FORMAT.open_ends, *FORMAT.empty_dates):
        assert read("date", spelled(day, format_)) == day
        assert read("date", spelled(day, format_), replace(FORMAT, open_ends=(), empty_dates=())) in (
            None, date(1900, 1, 1),
        )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(day=DAYS, format_=st.sampled_from(MONTHS))
def test_a_month_is_never_taken_for_a_day_nor_a_day_for_a_month(day: date, format_: str) -> None:
    text = spelled(day, format_)
    assert read("month", text) == day.replace(day=1)
    assert read("date", text) is None
    assert read("month", spelled(day, "%d.%m.%Y")) is None


AMOUNTS = st.decimals(Decimal("-999999999.99"), Decimal("999999999.99"), places=2)


@settings(max_examples=200, deadline=None)
@given(
    amount=AMOUNTS,
    mark=st.sampled_from([",", "."]),
    separator=st.sampled_from(["", *FORMAT.thousands]),
    currency=st.sampled_from(["", *FORMAT.currencies]),
    space=SPACES,
    in_front=st.booleans(),
)
def test_an_amount_in_any_spelling(
    amount: Decimal, mark: str, separator: str, currency: str, space: str, in_front: bool
) -> None:
    whole, decimals = f"{abs(amount):,.2f}".split(".")
    number = ("-" if amount < 0 else "") + whole.replace(",", separator) + mark + decimals
    text = f"{currency}{space}{number}" if in_front else f"{number}{space}{currency}"
    format_ = replace(FORMAT, decimal_mark=mark)
    assert read("amount", text, format_) == amount
    other = replace(FORMAT, decimal_mark="." if mark == "," else ",")
    assert read("amount", text, other) is None


@pytest.mark.parametrize(
    "text",
    [
        "1,234",
        "1.234",
        "1 23",
        "12 34,50",
        "1 2 3",
        "1,2,3",
        "12,50-",
        "12e3",
        "$12",
        "12 EURO",
        "--1",
        "€",
        ",",
    ],
)
def test_what_is_no_amount_for_certain_is_none(text: str) -> None:
    assert read("amount", text) is None


def test_a_mark_or_currency_that_the_contract_does_not_have_is_not_read() -> None:
    plain = FileFormat(thousands=(), currencies=())
    for text in ("1 234,50", "12,50 €"):
        assert read("amount", text) is not None
        assert read("amount", text, plain) is None
    assert read("amount", "1.234.567,50", replace(plain, thousands=(".",))) == Decimal("1234567.50")


def test_a_decimal_keeps_four_places_and_an_amount_two() -> None:
    assert read("decimal", "0,1234") == Decimal("0.1234")
    assert read("decimal", "0,12345") is None
    assert read("amount", "0,12") == Decimal("0.12")
    assert read("amount", "0,123") is None


@pytest.mark.parametrize("text", [None, "", " ", NBSP, "NULL", " NULL ", "-", "TYHJÄ", f"{NBSP}TYHJÄ"])
@pytest.mark.parametrize("kind", ["date", "month", "amount", "integer", "code", "boolean"])
def test_words_for_nothing_are_nothing(kind: str, text: str | None) -> None:
    assert read(kind, text) is None
    assert CON.execute(f"select {cells.given('?::varchar', FORMAT)}".replace("?", "$1"), [text]).fetchall()[0][0] in (
        False, None,
    )  # fmt: skip
