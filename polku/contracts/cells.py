"""SQL that reads one cell of text as a value, as a contract says that it is written. Nothing is guessed.

Belongs here: days, months, numbers and words of a file format, for the authority that coarsens a date and for the
platform that reads every row. Does not belong here: what breaks a contract (`sql`). A text that no rule reads is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from polku.contracts.model import Column, FileFormat
from polku.sql_text import text, texts

SQL_TYPES = {
    "code": "varchar",
    "text": "varchar",
    "date": "date",
    "month": "date",
    "year": "integer",
    "integer": "bigint",
    "decimal": "decimal(14,4)",
    "amount": "decimal(14,2)",
    "boolean": "boolean",
    "identifier": "bigint",
}
TRUE_TEXTS = ("1", "true", "yes", "y", "kyllä", "k", "ja", "j")
FALSE_TEXTS = ("0", "false", "no", "n", "ei", "e", "nej")

SERIAL_ZERO = date(1899, 12, 30)
"""Day 0 of a spreadsheet's days, from day 61 on: it takes 1900 for a leap year, so before that nobody can tell."""
FIRST_SERIAL, LAST_SERIAL = 61, 99_999
YEARS = (1800, 2199)
"""Serial numbers that could be a year are not read, and neither are dates outside these years."""

_SPACES = " \u00a0\u202f\t"
_ISO_DATE = ("%Y-%m-%d",)
_DECIMALS = {"amount": 2, "decimal": 4}


def bare(cell: str) -> str:
    """The cell without white space around it, no-break spaces too. To look whether there is any takes half the time."""
    return f"case when regexp_full_match({cell}, '[!-~]*') then {cell} else trim({cell}, {text(_SPACES)}) end"


def given(cell: str, file_format: FileFormat) -> str:
    """Condition: the cell says something, and not in one of the contract's words that there is nothing."""
    return f"({bare(cell)}) not in ({_nothing(file_format)})"


def value(column: Column, file_format: FileFormat) -> str:
    """The value of a column whose cell of the same name is bare (null: nothing there, or unreadable).

    A day of `open_ends` is itself; a day of `empty_dates` too, so that it can be told from an unreadable one.
    """
    name = column.name
    match column.type:
        case "identifier" | "text":
            return name
        case "code":
            return _padded(column) if column.width else name
        case "boolean":
            return (
                f"case when lower({name}) in ({texts(TRUE_TEXTS)}) then true "
                f"when lower({name}) in ({texts(FALSE_TEXTS)}) then false end"
            )
        case "date":
            return day(name, file_format)
        case "month" if column.coarsen:
            return f"cast(date_trunc('month', {_date(name, _ISO_DATE)}) as date)"
        case "month":
            formats = [f for f in file_format.date_formats if "%d" not in f]
            return f"cast(date_trunc('month', {_date(name, formats, file_format.empty_dates)}) as date)"
        case "year":
            said = f"left({name}, 4)" if column.coarsen else name
            return f"case when regexp_full_match({said}, '[0-9]{{4}}') then cast({said} as integer) end"
        case "integer":
            return f"case when regexp_full_match({name}, '[-+]?[0-9]{{1,18}}') then cast({name} as bigint) end"
        case "amount" | "decimal":
            return _number(column, file_format)
    raise AssertionError(f"no rule reads a column of type {column.type}")


def day(cell: str, file_format: FileFormat, *, or_month: bool = False) -> str:
    """A day in one of the formats that have one, or as a spreadsheet's number.

    A month is read as its first day only with `or_month`, where no more than the month will be kept.
    """
    sentinels = (*file_format.open_ends, *file_format.empty_dates)
    read = _date(cell, [f for f in file_format.date_formats if or_month or "%d" in f], sentinels)
    if not file_format.excel_serials:
        return read
    number = f"cast({cell} as integer)"
    first, last = YEARS
    numbers = ", ".join(str((each - SERIAL_ZERO).days) for each in sentinels if each > SERIAL_ZERO)
    meant = f"{number} between {FIRST_SERIAL} and {LAST_SERIAL} and {number} not between {first} and {last}"
    if numbers:
        meant = f"({meant} or {number} in ({numbers}))"
    serial = f"case when {meant} then date '{SERIAL_ZERO}' + {number} end"
    return f"case when regexp_full_match({cell}, '[1-9][0-9]{{1,6}}') then {serial} else {read} end"


def dates(days: Iterable[date]) -> str:
    """Date literals, separated by commas."""
    return ", ".join(f"date '{each.isoformat()}'" for each in days)


def told(column: Column, file_format: FileFormat) -> str:
    """The cell without white space, null where it says nothing by the contract's words."""
    if column.type == "identifier":
        return column.name
    return f"case when ({bare(column.name)}) in ({_nothing(file_format)}) then null else {bare(column.name)} end"


def _nothing(file_format: FileFormat) -> str:
    return texts(("", *(each.strip(_SPACES) for each in file_format.null_texts)))


def _padded(column: Column) -> str:
    """Leading zeros that a spreadsheet lost are put back; other texts stay as they are."""
    digits = f"regexp_full_match({column.name}, '[0-9]{{1,{column.width}}}')"
    return f"case when {digits} then lpad({column.name}, {column.width}, '0') else {column.name} end"


def _date(cell: str, formats: Iterable[str], sentinels: Iterable[date] = ()) -> str:
    """A two-digit year would be read as a year of antiquity and is not read at all.

    Digits without a mark between them are read in their full number alone: 2020101 is the first of October, or of
    January.
    """
    formats = tuple(formats)
    parsed = f"cast(try_strptime({cell}, [{texts(formats)}]) as date)"
    first, last = YEARS
    real = f"{parsed} between date '{first}-01-01' and date '{last}-12-31'"
    known = dates(sentinels)
    if known:
        real = f"({real} or {parsed} in ({known}))"
    widths = {_width(each) for each in formats if re.fullmatch("(%[Ymd])+", each)}
    if widths:
        lengths = ", ".join(map(str, sorted(widths)))
        real = f"(length({cell}) in ({lengths}) or not regexp_full_match({cell}, '[0-9]+')) and {real}"
    return f"case when {real} then {parsed} end"


def _width(format_: str) -> int:
    return sum(4 if field == "Y" else 2 for field in format_.split("%")[1:])


def _number(column: Column, file_format: FileFormat) -> str:
    """Thousands in threes and one currency, before or after, both only as the contract has them; never two marks, and
    no more decimals than the type keeps: 1,234 is no amount where the comma is the decimal mark."""
    cell, mark = column.name, re.escape(file_format.decimal_mark)
    space = f"[{_SPACES}]*"
    currency = "|".join(map(re.escape, file_format.currencies))
    before, after = (f"((?:{currency}){space})?", f"({space}(?:{currency}))?") if currency else ("", "")
    separators = "".join(map(re.escape, file_format.thousands))
    grouped = f"|[0-9]{{1,3}}(?:[{separators}][0-9]{{3}}){{1,3}}" if separators else ""
    decimals = _DECIMALS[column.type]
    digits, end = "[-+]?(?:[0-9]{1,10}", f")(?:{mark}[0-9]{{1,{decimals}}})?"
    spelled = f"regexp_replace({cell}, {text(f'[^-+0-9{mark}]')}, '', 'g')"

    def number(said: str) -> str:
        return f"cast(replace({said}, {text(file_format.decimal_mark)}, '.') as {SQL_TYPES[column.type]})"

    # Most have neither, and to look for them takes longer than all else.
    return (
        f"case when regexp_full_match({cell}, {text(digits + end)}) then {number(cell)} "
        f"when regexp_full_match({cell}, {text(before + digits + grouped + end + after)}) then {number(spelled)} end"
    )
