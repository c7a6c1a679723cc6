"""Odd spellings of right values, put into the files on purpose: each can be read or repaired without a guess.

Belongs here: what people, spreadsheets and word processors do to single cells. Does not belong here: rows
that break the contract (`faulty_rows`).
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.contracts.cells import FIRST_SERIAL, LAST_SERIAL, SERIAL_ZERO, YEARS
from polku.contracts.model import Contract, FileFormat, Table
from polku.twin.chance import Dates
from polku.twin.files import day_format, format_days, month_formats
from polku.twin.registers.frame import Frame

LOWER_CASE, BLANKS, EN_DASHES = 0.002, 0.001, 0.001
"""Shares of identity codes typed in lower case, with blanks around, or with a word processor's dash."""

LOST_ZEROS = 0.02
"""Codes that a spreadsheet took for numbers; share of those that begin with 0."""

NULL_TEXTS = 0.10
"""Empty cells that say so in words."""

THOUSANDS = 0.02
"""Amounts from 1,000 to 999,999 that are written with a mark between thousands, a no-break space where there is one."""

CURRENCIES = 0.01
"""Sums of money that are written with their currency."""

SERIALS = 0.05
"""Days that a spreadsheet left as their number."""

EMPTY_DATES = 0.3
"""Missing days that are written as the day that means so."""

OTHER_MONTHS = 0.3
"""Months written in the register's other way."""

NO_BREAK_SPACE, EN_DASH = "\u00a0", "\u2013"

Texts = dict[str, pa.Array]


def respell(
    texts: Texts, frame: Frame, table: Table, contract: Contract, rng: np.random.Generator
) -> tuple[Texts, Counter[str]]:
    """The texts of a file with odd spellings, and how many cells got each kind."""
    changed, counts, format_ = dict(texts), Counter[str](), contract.file_format

    def some(source: str, reason: str, share: float, spelled: pa.Array) -> None:
        cells = changed[source]
        chosen = rng.random(len(cells)) < share
        mask = pc.and_(pa.array(chosen), pc.not_equal(spelled, cells))
        changed[source] = pc.if_else(mask, spelled, cells)
        counts[reason] += pc.sum(mask).as_py() or 0

    for column in table.columns:
        source, cells = column.source, texts[column.source]
        if column.domain == "fi.hetu":
            some(source, "lower_case", LOWER_CASE, pc.utf8_lower(cells))
            some(source, "blanks", BLANKS, _with_blanks(changed[source]))
            if _writable(format_, EN_DASH):
                some(source, "en_dash", EN_DASHES, pc.replace_substring(changed[source], "-", EN_DASH))
        elif column.type == "code" and (column.width or 0) > 1:
            some(source, "lost_leading_zero", LOST_ZEROS, pc.replace_substring_regex(cells, "^0+([0-9]+)$", r"\1"))
        elif column.type == "amount":
            for mark in sorted(format_.thousands, key=lambda each: each != NO_BREAK_SPACE)[:1]:
                some(source, "thousands_mark", THOUSANDS, _in_thousands(cells, mark, format_))
            for currency in [c for c in format_.currencies if _writable(format_, c)][:1]:
                if column.name.endswith("_eur"):
                    some(source, "currency", CURRENCIES, _with_currency(changed[source], currency))
        elif column.type == "date":
            if format_.excel_serials:
                some(source, "excel_serial", SERIALS, _serials(frame.columns[source], cells))
            if format_.empty_dates and not column.required:
                empty = format_days(np.array(format_.empty_dates[:1], dtype="datetime64[D]"), day_format(format_))
                some(source, "empty_date", EMPTY_DATES, _where_empty(changed[source], empty[0]))
        elif column.type == "month" and not column.coarsen:
            other = format_days(frame.columns[source], month_formats(format_)[-1])
            some(source, "other_month_format", OTHER_MONTHS, other)
        if not column.required:
            some(source, "null_text", NULL_TEXTS, _null_texts(changed[source], contract, rng))
    return changed, counts


def _writable(file_format: FileFormat, said: str) -> bool:
    try:
        said.encode(file_format.encoding)
    except UnicodeEncodeError:
        return False
    return True


def _in_thousands(cells: pa.Array, mark: str, file_format: FileFormat) -> pa.Array:
    decimals = re.escape(file_format.decimal_mark)
    return pc.replace_substring_regex(cells, f"^(-?[0-9]{{1,3}})([0-9]{{3}}{decimals})", rf"\1{mark}\2")


def _with_currency(cells: pa.Array, currency: str) -> pa.Array:
    return pc.if_else(pc.equal(cells, ""), cells, pc.binary_join_element_wise(cells, currency, " "))


def _serials(days: Dates, cells: pa.Array) -> pa.Array:
    """Days as numbers, where such a number is a day and could be no year."""
    number = (days.astype("datetime64[D]") - np.datetime64(SERIAL_ZERO)).astype(np.int64)
    readable = (number >= FIRST_SERIAL) & (number <= LAST_SERIAL) & ~((number >= YEARS[0]) & (number <= YEARS[1]))
    return pc.if_else(pa.array(readable & ~np.isnat(days)), pa.array(number).cast(pa.string()), cells)


def _with_blanks(cells: pa.Array) -> pa.Array:
    padded = pc.binary_join_element_wise(" ", cells, " ", "")
    return pc.if_else(pc.equal(cells, ""), cells, padded)


def _where_empty(cells: pa.Array, said: pa.Scalar) -> pa.Array:
    return pc.if_else(pc.equal(cells, ""), said, cells)


def _null_texts(cells: pa.Array, contract: Contract, rng: np.random.Generator) -> pa.Array:
    """Every empty cell in one of the contract's own ways to say so."""
    words = [word for word in contract.file_format.null_texts if word]
    drawn = pa.array(words, pa.string()).take(pa.array(rng.integers(0, len(words), len(cells))))
    return pc.if_else(pc.equal(cells, ""), drawn, cells)
