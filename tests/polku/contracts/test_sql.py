"""Reading rows by contract: what is read, what is a fault, and that nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.contracts.model import Code, Column, Contract, FileFormat, Label, Table
from polku.contracts.sql import empty_columns, typed_query

LABEL = Label("x", "x", "x")


def column(name: str, kind: str, **more: Any) -> Column:
    return Column(source=name, name=name, type=kind, why="test", **more)


def contract(*columns: Column, ordered: tuple[tuple[str, str], ...] = (), **codes: tuple[Code, ...]) -> Contract:
    table = Table("t", "t.csv", LABEL, "one row per test", ("person_key",), columns, ordered)
    file_format = FileFormat(
        date_formats=("%d.%m.%Y", "%Y%m%d", "%m/%Y"),
        open_ends=(date(2222, 11, 11),),
        null_texts=("NULL", "-"),
    )
    return Contract(
        "r", 1, LABEL, LABEL, "s", (), 31, 0, date(2000, 1, 1), 0.1, False, file_format, (table,), dict(codes)
    )


def read(c: Contract, *cells: str | None) -> tuple[Any, list[str]]:
    """Value of the first column of the first row whose cells are given, and its faults."""
    table = c.tables[0]
    with duckdb.connect() as con:
        names = ", ".join(col.name for col in table.columns)
        marks = ", ".join("cast(? as varchar)" for _ in table.columns)
        con.execute(f"create table s as select 1 as row_no, * from (values ({marks})) as v({names})", list(cells))
        row = con.execute(typed_query(c, table, "s")).fetchone()
    assert row is not None
    return row[1], row[-2]


def rows(c: Contract, cells: list[str | None]) -> list[tuple[Any, ...]]:
    """Value, faults and flags of a table with one column."""
    with duckdb.connect() as con:
        name = c.tables[0].columns[0].name
        con.execute(f"create table s (row_no bigint, {name} varchar)")
        con.executemany("insert into s values (?, ?)", list(enumerate(cells)))
        return [row[1:] for row in con.execute(f"{typed_query(c, c.tables[0], 's')} order by row_no").fetchall()]


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("1.2.2020", date(2020, 2, 1), []),
        ("20200201", date(2020, 2, 1), []),
        (" 01.02.2020 ", date(2020, 2, 1), []),
        ("11.11.2222", None, []),
        ("NULL", None, []),
        ("-", None, []),
        (None, None, []),
        ("31.2.2020", None, ["a_on:unreadable"]),
        ("2020-02-01", None, ["a_on:unreadable"]),
        ("1.2.20", None, ["a_on:unreadable"]),
    ],
)
def test_dates(text: str | None, value: date | None, faults: list[str]) -> None:
    assert read(contract(column("a_on", "date")), text) == (value, faults)


@pytest.mark.parametrize("text", ["kielikurssi 12.3.2020", "010190-999W", "\u00e4"])
def test_free_text_lands_as_it_is(text: str) -> None:
    made = contract(column("remark", "text", free_text="redact"))
    assert read(made, text) == (text, [])
    assert empty_columns(made.tables[0])["remark"] == "varchar"


@pytest.mark.parametrize("text", [None, "", "NULL", "11.11.2222"])
def test_a_required_date_must_be_there_and_no_sentinel(text: str | None) -> None:
    assert read(contract(column("a_on", "date", required=True)), text) == (None, ["a_on:missing"])


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("1234,50", Decimal("1234.50"), []),
        ("1 234,50", Decimal("1234.50"), []),
        ("1\u00a0234,50 €", Decimal("1234.50"), []),
        ("-12,5", Decimal("-12.50"), []),
        ("1.234,50", None, ["a_eur:unreadable"]),
        ("1234.50", None, ["a_eur:unreadable"]),
        ("12,5,0", None, ["a_eur:unreadable"]),
        ("12e3", None, ["a_eur:unreadable"]),
    ],
)
def test_amounts(text: str, value: Decimal | None, faults: list[str]) -> None:
    assert read(contract(column("a_eur", "amount")), text) == (value, faults)


@given(st.decimals(min_value=-99_999_999, max_value=99_999_999, places=2))
def test_every_amount_is_read_as_it_was_written(amount: Decimal) -> None:
    text = f"{amount:f}".replace(".", ",")
    assert read(contract(column("a_eur", "amount")), text) == (amount, [])


@given(st.text(max_size=12))
def test_any_text_is_read_or_is_a_fault_but_never_an_error(text: str) -> None:
    c = contract(
        column("a_on", "date"),
        column("b_eur", "amount"),
        column("c_year", "year"),
        column("d_month", "month"),
        column("e", "boolean"),
        column("f", "integer"),
    )
    text = text.replace("\x00", "")
    read(c, *[text] * 6)


def test_a_code_list_is_read_with_the_date_of_the_event() -> None:
    codes = (
        Code("01", LABEL),
        Code("09", LABEL, valid_from=date(2022, 5, 1)),
        Code("06", LABEL, valid_until=date(2011, 12, 31)),
    )
    c = contract(column("k_code", "code", codes="k", dated_by="a_on", width=2), column("a_on", "date"), k=codes)
    assert read(c, "1", "1.1.2001") == ("01", [])
    assert read(c, "9", "1.5.2022") == ("09", [])
    assert read(c, "9", "30.4.2022") == ("09", ["k_code:code_not_valid_then"])
    assert read(c, "06", "1.1.2012") == ("06", ["k_code:code_not_valid_then"])
    assert read(c, "77", "1.1.2001") == ("77", ["k_code:unknown_code"])
    assert read(c, "9", None) == ("09", [])


def test_a_flagged_code_lands_as_null_and_is_counted() -> None:
    c = contract(column("k_code", "code", codes="k", unknown_code="flag"), k=(Code("a", LABEL),))
    assert rows(c, ["a", "b", None]) == [("a", [], []), (None, [], ["k_code"]), (None, [], [])]


def test_months_and_days_are_not_taken_for_each_other() -> None:
    c = contract(column("a_on", "date"), column("b_month", "month"))
    assert read(c, "05/2020", "05/2020")[1] == ["a_on:unreadable"]
    assert read(c, "1.5.2020", "1.5.2020")[1] == ["b_month:unreadable"]


def test_a_spell_must_not_end_before_it_starts() -> None:
    c = contract(column("a_on", "date"), column("b_on", "date"), ordered=(("a_on", "b_on"),))
    assert read(c, "2.1.2020", "1.1.2020")[1] == ["a_on:starts_after_end"]
    assert read(c, "1.1.2020", "1.1.2020")[1] == []
    assert read(c, "1.1.2020", "11.11.2222")[1] == []


def test_limits_are_faults() -> None:
    c = contract(column("a_eur", "amount", minimum=0, maximum=100))
    assert read(c, "-1")[1] == ["a_eur:too_small"]
    assert read(c, "101")[1] == ["a_eur:too_large"]
    assert read(c, "100")[1] == []


def test_a_coarsened_month_arrives_as_its_first_day_only() -> None:
    c = contract(column("a_month", "month", coarsen="month"))
    assert read(c, "1990-05-01") == (date(1990, 5, 1), [])
    assert read(c, "17.5.1990") == (None, ["a_month:unreadable"])


def test_an_absent_column_lands_as_null_of_its_type() -> None:
    c = contract(column("a_on", "date"), column("b_eur", "amount"))
    with duckdb.connect() as con:
        con.execute("create table s as select 1 as row_no, '1.1.2020' as a_on")
        rows = con.execute(typed_query(c, c.tables[0], "s", frozenset({"b_eur"})))
        assert [str(d[1]) for d in rows.description][1:3] == ["DATE", "DECIMAL(14,2)"]
        assert rows.fetchone() == (1, date(2020, 1, 1), None, [], [])


def test_a_day_that_says_that_none_is_known_is_nothing() -> None:
    c = contract(column("a_on", "date"), column("b_on", "date"), ordered=(("a_on", "b_on"),))
    c = replace(c, file_format=replace(c.file_format, empty_dates=(date(1900, 1, 1), date(1, 1, 1))))
    for text in ("1.1.1900", "01.01.0001"):
        assert read(c, text, "1.1.2020") == (None, [])
        # An end that is not known does not lie before the start.
        assert read(c, "1.1.2020", text) == (date(2020, 1, 1), [])
    required = replace(c.tables[0], columns=(column("a_on", "date", required=True),), ordered=())
    assert read(replace(c, tables=(required,)), "1.1.1900") == (None, ["a_on:missing"])


def test_an_outdated_code_is_flagged_where_unknown_ones_are() -> None:
    codes = (Code("1", LABEL, valid_until=date(2011, 12, 31)), Code("2", LABEL, valid_from=date(2012, 1, 1)))
    day = column("a_on", "date")
    c = contract(column("k_code", "code", codes="k", dated_by="a_on", unknown_code="flag"), day, k=codes)
    with duckdb.connect() as con:
        con.execute("create table s as select * from (values (1, '1', '31.12.2011'), (2, '1', '1.1.2012'), "
                    "(3, '2', '1.1.2012'), (4, '3', '1.1.2012'), (5, '1', null)) v(row_no, k_code, a_on)")  # fmt: skip
        rows = con.execute(f"select k_code, faults, flags from ({typed_query(c, c.tables[0], 's')}) order by row_no")
        assert rows.fetchall() == [
            ("1", [], []), (None, [], ["k_code"]), ("2", [], []), (None, [], ["k_code"]), ("1", [], []),
        ]  # fmt: skip
