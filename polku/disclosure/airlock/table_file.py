"""The analyst's table as it would leave: a CSV or Parquet file, read as codes and figures.

Belongs here: reading the file and every fault that it shows by itself. Does not belong here: whether its figures are
true (`comparing`) or may leave (`judging`). No message holds a figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from polku.disclosure.airlock.description import Description
from polku.errors import Exit, Refusal
from polku.sql_text import quoted, text

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Offered:
    """A table as it would leave: `frame` has the columns of the description, dimensions as texts, figures as floats
    (NaN where the file shows none: a gap). `decimals` are those written in each column of figures."""

    frame: pd.DataFrame
    decimals: dict[str, int]

    @property
    def is_gap(self) -> np.ndarray:
        """Rows that show no count."""
        return np.asarray(self.frame.iloc[:, self._count].isna())

    @property
    def _count(self) -> int:
        return len(self.frame.columns) - len(self.decimals)


def read_offered(file: Path, description: Description) -> Offered:
    """The table of a file. Refuses (USAGE) a file that cannot be read as described, naming column and row."""
    texts = _texts(file)
    for column in description.columns:
        if column not in texts:
            raise _fault(file, "the file lacks a column that the description names.", column)
    for column in map(str, texts.columns):
        if column not in description.columns:
            raise _fault(file, "the description does not name this column, so nobody could check it.", column)
    if texts.empty:
        raise _fault(file, "the table has no rows.")
    frame = pd.DataFrame(index=texts.index)
    for name, dimension in description.dimensions.items():
        codes = texts[name]
        if (codes == "").any():
            raise _fault(file, "a row has no code.", name, _first(codes == ""))
        known = codes.isin(dimension.codes) | (not dimension.breakdowns)
        if not known.all():
            raise _fault(file, f"code `{codes[~known].iloc[0]}` is outside the hierarchy.", name, _first(~known))
        frame[name] = codes
    twice = texts.duplicated(list(description.names))
    if twice.any():
        raise _fault(file, "the codes of this row stand twice in the table.", row_no=_first(twice))
    figures = [description.count, *(measure.name for measure in description.measures)]
    for column in figures:
        frame[column] = _figures(file, texts[column], column)
    counts = frame[description.count]
    wrong = (counts < 0) | (counts % 1 != 0) & counts.notna()
    if wrong.any():
        raise _fault(file, "a count is not a whole number of persons.", description.count, _first(wrong))
    return Offered(frame, {column: max(map(_decimals, texts[column]), default=0) for column in figures})


def as_csv(offered: Offered) -> str:
    """The table as it leaves: what was read of it and nothing else, with as many decimals as it had; gaps are empty.

    A file may hold more than its table (metadata, statistics, comments) that nobody has checked.
    """
    told = offered.frame.copy()
    for column, places in offered.decimals.items():
        told[column] = ["" if pd.isna(value) else f"{value:.{places}f}" for value in offered.frame[column]]
    return str(told.to_csv(index=False, lineterminator="\n"))


def _texts(file: Path) -> pd.DataFrame:
    """The columns as texts, blanks where nothing is."""
    if file.suffix not in SUFFIXES:
        raise _fault(file, f"the table is a file with the ending {' or '.join(SUFFIXES)}.")
    try:
        if file.suffix == ".csv":
            read = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            if not isinstance(read.index, pd.RangeIndex):
                raise ValueError("more values than columns")
            return read
        file.open("rb").close()
        with duckdb.connect() as con:
            rows = con.from_parquet(str(file))
            columns = ", ".join(f"coalesce(cast({quoted(c)} as varchar), '') as {quoted(c)}" for c in rows.columns)
            return con.execute(f"select {columns} from read_parquet({text(str(file))})").df()
    except OSError as error:
        raise _fault(file, f"cannot be read ({error.strerror}).") from None
    except (ValueError, duckdb.Error):
        raise _fault(file, "is no table in UTF-8 with a header and as many values in each row.") from None


def _figures(file: Path, texts: pd.Series[str], column: str) -> pd.Series[float]:
    numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce").astype("float64")
    wrong = ((texts != "") & numbers.isna()) | np.isinf(numbers)
    if wrong.any():
        raise _fault(file, "text stands where a figure belongs; a gap is an empty value.", column, _first(wrong))
    return numbers


def _decimals(figure: str) -> int:
    """Decimals of a figure as written; an exponent counts."""
    digits, _, exponent = figure.lower().partition("e")
    whole_tail = digits.partition(".")[2].rstrip("0")
    return max(len(whole_tail) - (int(exponent) if exponent else 0), 0)


def _first(wrong: pd.Series[bool]) -> int:
    """The row as a spreadsheet counts."""
    return int(np.flatnonzero(wrong.to_numpy())[0]) + 2


def _fault(file: Path, what: str, column: str | None = None, row_no: int | None = None) -> Refusal:
    return Refusal(
        Exit.USAGE, what, "Correct the file or its description.", file=file.name, column=column, row_no=row_no
    )
