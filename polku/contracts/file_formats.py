"""Reads from TOML how a register's files are written, and what makes that unambiguous.

Belongs here: the words of `[file_format]` and their rules. Does not belong here: reading files (`polku.authority`) and
cells (`cells`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import combinations
from typing import Any

from polku.contracts.faults import Faults
from polku.contracts.model import FileFormat

ENCODINGS = frozenset(("utf-8", "utf-16", "iso-8859-1", "windows-1252"))

_TRIED = (date(2003, 4, 5), date(2011, 12, 10))
"""Days whose parts could be taken for each other, with one digit and with two."""


def file_format_of(data: Mapping[str, Any], faults: Faults, place: str) -> FileFormat:
    """The file format with its faults reported."""
    faults.take(data, place, _FILE_FORMAT)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data.items()
        if key in _FILE_FORMAT and isinstance(value, _FILE_FORMAT[key])
    }
    made = FileFormat(**values)
    for fault in (*_faults(made), *_faults_of_dates(made)):
        faults.add(place, fault)
    return made


def _faults(made: FileFormat) -> Iterator[str]:
    if made.encoding not in ENCODINGS:
        yield f"`encoding` must be one of {', '.join(sorted(ENCODINGS))}"
    if made.decimal_mark not in (",", "."):
        yield "`decimal_mark` is a comma or a full stop"
    if len(made.delimiter) != 1:
        yield "`delimiter` is one character"
    if any(len(each) != 1 or each.isalnum() or each == made.decimal_mark for each in made.thousands):
        yield "`thousands` are single characters, no letters or digits, and none is the decimal mark"
    if any(not each.strip() or made.decimal_mark in each or any(map(str.isdigit, each)) for each in made.currencies):
        yield "`currencies` have no digit and no decimal mark in them"
    if any(not each.strip() for each in made.footers):
        yield "a footer begins with some text, or every row without a first cell would be one"
    if made.title_rows < 0:
        yield "`title_rows` is not negative"


def _faults_of_dates(made: FileFormat) -> Iterator[str]:
    """Every format has a year of four digits and a month, and no text is two days."""
    unfit = [each for each in made.date_formats if "%Y" not in each or "%m" not in each or "%y" in each]
    if unfit:
        yield f"`date_formats` need %Y and %m, since two-digit years are not read: {', '.join(unfit)}"
        return
    for one, other in combinations(made.date_formats, 2):
        if ("%d" in one) == ("%d" in other) and any(
            _read(day.strftime(one), other) not in (None, _read(day.strftime(one), one)) for day in _TRIED
        ):
            yield f"`date_formats`: one text can be two days by {one} and {other}"
    if set(made.open_ends) & set(made.empty_dates):
        yield "a date cannot be in `open_ends` and in `empty_dates`"
    if any(type(each) is not date for each in (*made.open_ends, *made.empty_dates)):
        yield "`open_ends` and `empty_dates` are days"


def _read(said: str, format_: str) -> datetime | None:
    try:
        return datetime.strptime(said, format_)
    except ValueError:
        return None


_FILE_FORMAT: dict[str, type | tuple[type, ...]] = {
    "encoding": str,
    "delimiter": str,
    "quote": str,
    "decimal_mark": str,
    "date_formats": list,
    "open_ends": list,
    "null_texts": list,
    "empty_dates": list,
    "excel_serials": bool,
    "thousands": list,
    "currencies": list,
    "footers": list,
    "title_rows": int,
}
