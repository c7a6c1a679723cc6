"""From frames to files: values as text, in the format of the authority's contract.

Belongs here: how dates, months, amounts and empty cells are written. Does not belong here: which values
there are (`registers`) and mistakes in them (`dirt`).
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from polku.contracts.model import Column, Contract, FileFormat, Table
from polku.twin.chance import Dates, Ints
from polku.twin.registers.frame import Frame

BYTE_ORDER_MARK = frozenset(("koski",))
"""Registers whose UTF-8 files begin with a byte order mark."""


def as_text(frame: Frame, table: Table, file_format: FileFormat) -> dict[str, pa.Array]:
    """The columns of `table` by source name, each as an array of texts; an empty cell is ''."""
    return {c.source: _texts(frame.columns[c.source], c, file_format) for c in table.columns}


def day_format(file_format: FileFormat) -> str:
    """How the register writes a day."""
    return next(pattern for pattern in file_format.date_formats if "%d" in pattern)


def month_formats(file_format: FileFormat) -> tuple[str, ...]:
    """How the register writes a month that is not a day; of old and of new, when it has changed."""
    return tuple(pattern for pattern in file_format.date_formats if "%d" not in pattern)


OTHER_HEADINGS = 0.5
"""Columns with several headers over the years that have not got the first of them."""


def write_file(
    path: Path,
    parts: Iterable[dict[str, pa.Array]],
    table: Table,
    contract: Contract,
    rng: np.random.Generator,
    rows_before: int | None = None,
    ends: bool = True,
) -> Counter[str]:
    """Write one file of the extract, part by part, in the contract's encoding, with its title rows and a footer where
    the contract has them; or go on with a file of `rows_before` rows, and leave it open for more unless it `ends`.
    Returns how many titles and footers there are, and columns under another header."""
    file_format = contract.file_format
    options = csv.WriteOptions(include_header=False, delimiter=file_format.delimiter, quoting_style="needed")
    counts: Counter[str] = Counter()
    rows, width = rows_before or 0, 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb" if rows_before is None else "ab") as file:
        for number, texts in enumerate(parts):
            buffer = io.BytesIO()
            csv.write_csv(pa.table(texts), buffer, options)
            if number == 0 and rows_before is None:
                top = _top(list(texts), table, contract, rng, counts)
                file.write(top.encode("utf-8-sig" if contract.register in BYTE_ORDER_MARK else file_format.encoding))
            file.write(_encoded(buffer.getvalue().decode(), file_format))
            width, rows = len(texts), rows + len(next(iter(texts.values())))
        for footer in file_format.footers[:1] if ends else ():
            # Sums of a spreadsheet are as wide as the table, last lines of a report are not.
            wide = rng.random() < 0.5
            last = f"{footer}{file_format.delimiter * (width - 1)}" if wide else f"{footer} {rows}"
            file.write(_encoded(f"{last}\n", file_format))
            counts["footer"] += 1
    return counts


def _top(sources: list[str], table: Table, contract: Contract, rng: np.random.Generator, counts: Counter[str]) -> str:
    """Title rows and header."""
    titles = [f"Poiminta {table.file}"] * contract.file_format.title_rows
    headings = {c.source: str(rng.choice(c.also)) for c in table.columns if c.also and rng.random() < OTHER_HEADINGS}
    counts.update(title_row=len(titles), other_header=len(headings))
    header = contract.file_format.delimiter.join(headings.get(source, source) for source in sources)
    return "".join(f"{line}\n" for line in (*titles, header))


def _encoded(said: str, file_format: FileFormat) -> bytes:
    """Without a byte order mark, which stands at the top of a file alone."""
    return said.encode("utf-16-le" if file_format.encoding == "utf-16" else file_format.encoding)


def _texts(values: npt.NDArray[Any], column: Column, file_format: FileFormat) -> pa.Array:
    match column.type:
        case "date":
            return format_days(values, day_format(file_format))
        case "month":
            formats = () if column.coarsen else month_formats(file_format)
            return format_days(values, formats[0] if formats else day_format(file_format))
        case "amount":
            return _amounts(values, file_format.decimal_mark)
        case "boolean":
            return pa.array(np.where(values, "kyllä", "ei").astype(object), pa.string())
        case "integer" | "year":
            return pa.array(values).cast(pa.string())
    return pa.array(values, pa.string())


def format_days(days: Dates, pattern: str) -> pa.Array:
    """Days as text. A calendar is formatted once and looked up, because files hold few different days."""
    days = days.astype("datetime64[D]")
    empty = np.isnat(days)
    if empty.all():
        return pa.array([""] * len(days), pa.string())
    number = np.where(empty, 0, days.astype(np.int64))
    unique, position = np.unique(number, return_inverse=True)
    calendar = pc.strftime(pa.array(unique.astype("datetime64[D]")), format=pattern)
    return pc.if_else(pa.array(~empty), calendar.take(pa.array(position)), "")


def _amounts(cents: Ints, decimal_mark: str) -> pa.Array:
    sign = pa.array(np.where(cents < 0, "-", ""), pa.string())
    whole, part = np.divmod(np.abs(cents), 100)
    digits = pc.utf8_lpad(pa.array(part).cast(pa.string()), 2, padding="0")
    number = pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), digits, decimal_mark)
    return pc.binary_join_element_wise(sign, number, "")
