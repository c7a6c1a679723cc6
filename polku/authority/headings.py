"""Under which header each column of a contract stands in one file, or that it rightly has none.

Belongs here: headers that differ by year, columns that come and go. Does not belong here: reading (`extracts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from polku.contracts.model import Column, Contract, Table
from polku.errors import Exit, Refusal


def headings_of(
    contract: Contract, table: Table, columns: Iterable[Column], header: list[str], file: Path, extracted_on: date
) -> dict[str, str | None]:
    """The header of each column by its name in the contract; None where extracts of that day do not have it.

    Refuses (EXTRACT_BREAKS_CONTRACT) a column that should be there and is not, one that is there twice, under one or
    under two of its headers, and one that extracts of that day should not have: its header may mean something new.
    """
    found: dict[str, str | None] = {}
    lacking, twice, early = [], [], []
    for column in columns:
        there = [name for name in header if name in (column.source, *column.also)]
        found[column.name] = there[0] if there else None
        exists = (column.since or date.min) <= extracted_on <= (column.until or date.max)
        if exists and not there:
            lacking.append(_named(column))
        elif there and not exists:
            early.append(there[0])
        elif len(there) > 1:
            twice.append(" and ".join(sorted(set(there))))
    # Free text is kept only where the person can be looked for in it.
    if any(column.free_text for column in columns):
        lacking += [name for name in table.identifying if name not in header]
    for what, names, advice in (
        ("the file lacks", lacking, _ORDER_AGAIN + _TITLE * (contract.file_format.title_rows > 0)),
        ("the file has twice", twice, _ORDER_AGAIN),
        (f"by the contract, extracts of {extracted_on} no longer or not yet have", early, _CHANGED),
    ):
        if names:
            raise Refusal(
                Exit.EXTRACT_BREAKS_CONTRACT,
                f"{what}: {', '.join(names)}.",
                advice,
                register=contract.register,
                file=file.name,
                column=names[0].split(" (")[0],
            )
    return found


_ORDER_AGAIN = "Order the extract again with these columns, or have the contract changed."
_TITLE = " The contract expects title rows before the header."
_CHANGED = "Look at --extracted-on; if it is right, have `since` or `until` changed in the contract."


def _named(column: Column) -> str:
    return f"{column.source} (or {', '.join(column.also)})" if column.also else column.source
