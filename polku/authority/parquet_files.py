"""Reading an authority's Parquet file as the text that the contract's CSV would hold.

Belongs here: types of Parquet. Does not belong here: columns of the contract (`extracts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb

from polku.authority.sources import Cell, Source, unreadable
from polku.contracts.model import Column, Contract
from polku.errors import Exit, Refusal
from polku.sql_text import quoted, text

SUFFIX = ".parquet"

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WRITTEN_OUT = frozenset(("BOOLEAN", *_INTEGERS, *(f"U{each}" for each in _INTEGERS)))


@contextmanager
def parquet_source(con: duckdb.DuckDBPyConnection, contract: Contract, file: Path) -> Iterator[Source]:
    """The file's columns, each as the text that the contract's CSV would have.

    It has no header; its rows are counted as those of the same table in CSV.
    """
    relation = f"read_parquet({text(str(file))}, hive_partitioning = false)"
    try:
        described = con.execute(f"describe from {relation}").fetchall()
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        refusal = unreadable(contract, file, str(error))
    else:
        yield Source(relation, [Cell(r[0].strip(), partial(_written, contract, file, r[0], r[1])) for r in described])
        return
    raise refusal


def _written(contract: Contract, file: Path, name: str, kind: str, column: Column | None) -> str:
    """SQL for a cell of a Parquet column (`kind` is its type in DuckDB) as the contract's CSV would have it.

    Text stays as it is. Whole numbers, booleans and decimals (with the contract's mark) are written out, but
    identifiers must be text: a number has lost its leading zeros. Days are written in the contract's first format for
    the column. Floats have lost zeros and digits, and a time of day is finer than any contract: they are refused.
    """
    cell, format_ = quoted(name), contract.file_format
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return f"{cell}::varchar"
    is_key = column is not None and column.type == "identifier"
    if kind == "DATE" and not is_key:
        month = column is not None and column.type == "month" and not column.coarsen
        formats = [f for f in format_.date_formats if ("%d" in f) != month]
        return f"strftime({cell}, {text(formats[0])})" if formats else f"{cell}::varchar"
    if kind.startswith("DECIMAL") and not is_key:
        return f"replace({cell}::varchar, '.', {text(format_.decimal_mark)})"
    if kind in _WRITTEN_OUT and not is_key:
        return f"{cell}::varchar"
    why = "has lost its leading zeros" if is_key else "cannot be written out without guessing"
    raise Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"the column is of the Parquet type {kind}, which {why}.",
        "Export it as text; dates may be dates and amounts decimals.",
        register=contract.register,
        file=file.name,
        column=name.strip(),
    )
