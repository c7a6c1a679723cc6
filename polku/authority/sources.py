"""One file of an extract as a relation of text, whatever its format.

Belongs here: what readers of CSV (`csv_files`) and Parquet (`parquet_files`) give to `extracts`, and how a file is
refused that they cannot read. Does not belong here: the formats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from polku.contracts.model import Column, Contract
from polku.errors import Exit, Refusal

HEADER_ROW = 1

_LINE = re.compile(r"CSV Error on Line: ([0-9]+)")
_CAUSES = {
    "Expected Number of Columns": "a row has another number of columns than the header",
    "unterminated quote": "a quotation mark is not closed",
    "Invalid unicode": "a text is not UTF-8",
    "state machine": "its lines do not all end alike, or a quotation mark stands where none may",
    "Parquet": "it is not a whole Parquet file",
    "encoded": "it is not written in the encoding that the contract names",
}


@dataclass(frozen=True)
class Cell:
    """A column of a file: its name, and SQL for its text when it is read as a column of the contract (None: as no
    such)."""

    name: str
    as_text: Callable[[Column | None], str]


@dataclass(frozen=True)
class Source:
    """`relation` is SQL of a relation with the file's rows; `cells` are its columns in order, `first_row` is the number
    of its first row, as a spreadsheet counts."""

    relation: str
    cells: list[Cell]
    first_row: int = HEADER_ROW + 1


def unreadable(contract: Contract, file: Path, message: str) -> Refusal:
    """The refusal of a file for DuckDB's reason, which is not repeated: it quotes the line."""
    line = _LINE.search(message)
    cause = next((said for mark, said in _CAUSES.items() if mark in message), "it is not written as the contract says")
    return Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"the file cannot be read: {cause}.",
        "Mend the row in the source system's export, or save the file in the contract's format.",
        register=contract.register,
        file=file.name,
        row_no=int(line[1]) if line else None,
    )
