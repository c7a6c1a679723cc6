"""Odd spellings of right values, put into the files on purpose: each can be read or repaired without a guess.

Belongs here: what people, spreadsheets and word processors do to single cells. Does not belong here: rows
that break the contract (`faulty_rows`).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.contracts.model import Contract, Table
from polku.twin.files import format_days, month_formats
from polku.twin.registers.frame import Frame

LOWER_CASE, BLANKS, EN_DASHES = 0.002, 0.001, 0.001
"""Shares of identity codes typed in lower case, with blanks around, or with a word processor's dash."""

LOST_ZEROS = 0.02
"""Codes that a spreadsheet took for numbers; share of those that begin with 0."""

NULL_TEXTS = 0.10
"""Empty cells that say so in words."""

THOUSANDS = 0.02
"""Amounts from 1,000 on that are written with a no-break space."""

OTHER_MONTHS = 0.3
"""Months written in the register's other way."""

NO_BREAK_SPACE, EN_DASH = "\u00a0", "\u2013"

Texts = dict[str, pa.Array]


def respell(
    texts: Texts, frame: Frame, table: Table, contract: Contract, rng: np.random.Generator
) -> tuple[Texts, Counter[str]]:
    """The texts of a file with odd spellings, and how many cells got each kind."""
    changed, counts = dict(texts), Counter[str]()

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
            some(source, "blanks", BLANKS, _with_blanks(cells))
            if contract.file_format.encoding == "utf-8":
                some(source, "en_dash", EN_DASHES, pc.replace_substring(cells, "-", EN_DASH))
        elif column.type == "code" and (column.width or 0) > 1:
            some(source, "lost_leading_zero", LOST_ZEROS, pc.replace_substring_regex(cells, "^0+([0-9]+)$", r"\1"))
        elif column.type == "amount":
            spaced = pc.replace_substring_regex(cells, "^(-?[0-9]+)([0-9]{3},)", rf"\1{NO_BREAK_SPACE}\2")
            some(source, "thousands_space", THOUSANDS, spaced)
        elif column.type == "month" and not column.coarsen:
            other = format_days(frame.columns[source], month_formats(contract.file_format)[-1])
            some(source, "other_month_format", OTHER_MONTHS, other)
        if not column.required:
            some(source, "null_text", NULL_TEXTS, _null_texts(texts[source], contract, rng))
    return changed, counts


def _with_blanks(cells: pa.Array) -> pa.Array:
    padded = pc.binary_join_element_wise(" ", cells, " ", "")
    return pc.if_else(pc.equal(cells, ""), cells, padded)


def _null_texts(cells: pa.Array, contract: Contract, rng: np.random.Generator) -> pa.Array:
    """Every empty cell in one of the contract's own ways to say so."""
    words = [word for word in contract.file_format.null_texts if word]
    drawn = pa.array(words, pa.string()).take(pa.array(rng.integers(0, len(words), len(cells))))
    return pc.if_else(pc.equal(cells, ""), drawn, cells)
