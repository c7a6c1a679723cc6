"""The figures of published tables: one CSV file as columns of codes, figures and marks.

Belongs here: reading files and every fault that one file shows by itself. Does not belong here: how tables hang
together (`system`). No message holds a figure; codes of dimensions are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from polku.disclosure.attack.spec import Table
from polku.disclosure.cells import Status
from polku.disclosure.dimensions import Dimension
from polku.errors import Exit, Refusal

NO_MARK, OTHER, PRIMARY = 0, 1, 2
# In this order: a cell that one table marks and another does not is marked.
EMPTY = ("", "NA", "NaN", "nan")
"""How programs write that there is no figure."""


@dataclass(frozen=True)
class Column:
    """Codes of one dimension: `codes[position]` in the order of rows."""

    codes: tuple[str, ...]
    position: np.ndarray


@dataclass(frozen=True)
class Figures:
    """One table as it was published.

    - `columns`: the codes by dimension, `figure` the published figures (NaN where there is none),
    - `gap`: rows whose figure was suppressed (a row that was not observed is no gap),
    - `mark`: what the table says of a gap: PRIMARY, OTHER, or NO_MARK.
    """

    table: Table
    columns: Mapping[str, Column]
    figure: np.ndarray
    gap: np.ndarray
    mark: np.ndarray

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return len(self.figure)


def read_figures(table: Table, dims: Mapping[str, Dimension]) -> Figures:
    """The table's file. Refuses (USAGE) what cannot be read: no file or column, text for a number, a negative."""
    read = _read(table.path, table.name)
    names = table.dims if table.dims is not None else tuple(name for name in dims if name in read)
    need = [*names, table.count]
    for name in need:
        if name not in read:
            raise fault(table.name, "the file lacks this column.", column=name)
    if not len(read[table.count]):
        raise fault(table.name, "the table has no rows.")
    if not names and len(read[table.count]) != 1:
        raise fault(table.name, f"no column is a dimension; dimensions: {', '.join(dims)}.")
    figure = numbers_of(read[table.count], table.name, table.count)
    status = None if "status" not in read or "status" in names else np.asarray(read["status"].to_pylist(), dtype=object)
    gap = np.isnan(figure)
    mark = np.full(len(figure), NO_MARK, dtype=np.int8)
    if "primary" in read:
        primary = numbers_of(read["primary"], table.name, "primary", words={"true": 1.0, "false": 0.0})
        mark[gap] = np.where(primary[gap] > 0, PRIMARY, OTHER)
        mark[np.isnan(primary)] = NO_MARK
    elif status is not None:
        mark[gap & (status == Status.PRIMARY)] = PRIMARY
        mark[gap & (status == Status.SECONDARY)] = OTHER
    if status is not None:
        figure[gap & (status == Status.STRUCTURAL_ZERO)] = 0
        gap &= ~((status == Status.STRUCTURAL_ZERO) | (status == Status.NOT_OBSERVED))
    return Figures(table, {name: column_of(read[name], table.name, name) for name in names}, figure, gap, mark)


def read_rate_file(
    path: Path, column: str, names: Sequence[str] | None, dims: Mapping[str, Dimension]
) -> tuple[dict[str, Column], list[str | None]]:
    """The codes and the rates, as they are written, of a CSV file of rates."""
    read = _read(path, path.name)
    names = tuple(name for name in dims if name in read) if names is None else names
    for name in (*names, column):
        if name not in read:
            raise fault(path.name, "the file lacks this column.", column=name)
    numbers_of(read[column], path.name, column)
    texts = [None if text in EMPTY else text for text in read[column].to_pylist()]
    return {name: column_of(read[name], path.name, name) for name in names}, texts


def fault(file: str, what: str, column: str | None = None, row_no: int | None = None) -> Refusal:
    """A refusal of something in a file that is audited."""
    return Refusal(Exit.USAGE, what, file=file, column=column, row_no=row_no)


def _read(path: Path, name: str) -> dict[str, pa.ChunkedArray]:
    try:
        with path.open("rb") as file:
            header = file.readline().decode("utf-8-sig").strip()
        delimiter = "," if header.count(",") >= header.count(";") else ";"
        names = [part.strip().strip('"') for part in header.split(delimiter)]
        if len(set(names)) < len(names):
            raise fault(name, "two columns have the same name.")
        table = pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
    except OSError as error:
        raise fault(str(path), f"the file cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise fault(name, "the file is not UTF-8 text.") from None
    except pa.ArrowInvalid as error:
        empty = "the table has no rows." if "Empty CSV" in str(error) else ""
        wrong = "the file is not a CSV table with a header and as many values in each row."
        raise fault(name, empty or wrong) from None
    return {column: pc.utf8_trim_whitespace(table[column]) for column in names}


def column_of(texts: pa.ChunkedArray, file: str, name: str) -> Column:
    """Codes in the order in which they first stand. Refuses (USAGE) a row without a code."""
    encoded = texts.combine_chunks().dictionary_encode()
    codes = tuple(encoded.dictionary.to_pylist())
    position = encoded.indices.to_numpy(zero_copy_only=False)
    if "" in codes:
        row = int(np.flatnonzero(position == codes.index(""))[0])
        raise fault(file, "a row has no code.", column=name, row_no=row + 2)
    return Column(codes, position)


def numbers_of(texts: pa.ChunkedArray, file: str, column: str, words: Mapping[str, float] | None = None) -> np.ndarray:
    """Numbers of at least 0, NaN where a value is empty. Refuses (USAGE) text where a number belongs."""
    numbers: np.ndarray = np.full(len(texts), np.nan)
    filled = np.flatnonzero(~pc.is_in(texts, pa.array(EMPTY)).to_numpy())
    values = texts.take(pa.array(filled))
    try:
        numbers[filled] = pc.cast(values, pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        for row, text in zip(filled, values.to_pylist(), strict=True):
            numbers[row] = _number(text, words or {}, file, column, int(row))
    bad = filled[~np.isfinite(numbers[filled])]
    if len(bad):
        raise fault(file, "text stands where a number belongs.", column, int(bad[0]) + 2)
    negative = np.flatnonzero(numbers < 0)
    if len(negative):
        raise fault(file, "a figure is negative.", column, int(negative[0]) + 2)
    return numbers


def _number(text: str, words: Mapping[str, float], file: str, column: str, row: int) -> float:
    if text.lower() in words:
        return words[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise fault(file, "text stands where a number belongs.", column, row + 2) from None


def codes_of(figures: Iterable[Figures], dimension: str) -> list[str]:
    """Every code that the tables have of a dimension, in the order in which they first stand."""
    return list(
        dict.fromkeys(code for each in figures if dimension in each.columns for code in each.columns[dimension].codes)
    )
