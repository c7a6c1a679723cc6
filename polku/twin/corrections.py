"""Mistakes that a register makes and finds out later: values that are corrected, rows that are taken back.

Belongs here: which rows of a table are wrong at first, by the words of its contract. Does not belong here: when which
delivery says what (`deliveries`), and mistakes that stay in a file (`respellings`, `faulty_rows`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from polku.contracts.model import Column, Contract, Table
from polku.twin.chance import Bools, Dates, Ints, pick
from polku.twin.registers.frame import Frame

WRONG, WRONG_END_DAYS, WRONG_AMOUNT = 0.01, 20, (0.5, 1.5)
"""Rows of which one value was wrong until it was corrected: a code, an end by so many days, an amount by a factor."""

DELETED = 0.004
"""Rows that the source takes back: a right one with another first day, entered by mistake."""


def found_out(known_on: Dates, made_on: Dates, rng: Any) -> Dates:
    """By row: the day of an extract by which a mistake in it is found out, after another extract that has the row.

    `made_on` are the days of all extracts; the day on which it was written where there is no such extract.
    """
    first = np.searchsorted(made_on, known_on)
    after = first + 1 + (rng.random(len(known_on)) * (len(made_on) - 1 - first)).astype(int)
    return np.where(first < len(made_on) - 1, made_on[np.minimum(after, len(made_on) - 1)], known_on)


def with_ghosts(right: Frame, table: Table, rng: Any) -> tuple[Frame, Bools]:
    """The rows with those that the source takes back in the end, which come last.

    Only where a table has words for it (a withdrawal, or deliveries that replace), and its natural key a day.
    """
    key = [table.column(name) for name in table.natural_key]
    day = next((c for c in key if c.type == "date" and c.required and not c.coarsen), None)
    can = table.withdrawn is not None or table.replaces != "rows"
    if day is None or not can or not len(right):
        return right, np.zeros(len(right), dtype=bool)
    start = right.columns[day.source]
    # In the same month, so that codes and periods of time stay what they are; and never the key of a right row.
    shifted = start - rng.integers(1, 5, len(right))
    number = right.person * 100_000
    free = ~np.isin(number + shifted.astype(int), number + start.astype(int))
    free &= shifted.astype("datetime64[M]") == start.astype("datetime64[M]")
    chosen = np.flatnonzero(free & (rng.random(len(right)) < DELETED))
    columns = {
        name: np.concatenate([values, shifted[chosen] if name == day.source else values[chosen]])
        for name, values in right.columns.items()
    }
    known_on = None if right.known_on is None else np.concatenate([right.known_on, right.known_on[chosen]])
    frame = right.having(columns, np.concatenate([right.person, right.person[chosen]]), known_on)
    return frame, np.arange(len(frame)) >= len(right)


def wrong_values(
    frame: Frame, table: Table, contract: Contract, rng: Any
) -> tuple[dict[str, tuple[Bools, npt.NDArray[Any]]], Bools]:
    """By source column: rows with a wrong value in it, and the values; and all rows that have one."""
    columns = [] if table.edge else [c for c in table.columns if c.name not in table.natural_key]
    made = [(c.source, *_wrong_in(frame, c, table, contract, rng)) for c in columns]
    made = [(source, possible, values) for source, possible, values in made if possible.any()]
    chosen = rng.random(len(frame)) < WRONG
    if not made:
        return {}, np.zeros(len(frame), dtype=bool)
    column: Ints = pick(rng, [1.0] * len(made), len(frame))
    wrong = {source: (chosen & possible & (column == i), values) for i, (source, possible, values) in enumerate(made)}
    return wrong, np.any([rows for rows, _ in wrong.values()], axis=0)


def _wrong_in(
    frame: Frame, column: Column, table: Table, contract: Contract, rng: Any
) -> tuple[Bools, npt.NDArray[Any]]:
    """Where a clerk may have entered something else in this column, and what."""
    values = frame.columns[column.source]
    size = len(frame)
    nowhere = np.zeros(size, dtype=bool)
    if column.type == "amount":
        lowest, highest = column.minimum, column.maximum
        other = (values * rng.uniform(*WRONG_AMOUNT, size)).astype(np.int64)
        fits = (other >= (lowest or 0) * 100) | (lowest is None)
        return fits & ((other <= (highest or 0) * 100) | (highest is None)) & (other != values), other
    if column.type == "code" and column.codes and not column.dated_by:
        codes = [c.code for c in contract.codes[column.codes] if c.valid_from is None and c.valid_until is None]
        if len(codes) < 2:
            return nowhere, values
        other = np.array(codes, dtype=object)[rng.integers(0, len(codes), size)]
        return (other != values) & (values != ""), other
    start = next((first for first, end in table.ordered if end == column.name), None)
    if start is not None and column.type == "date":
        begins = frame.columns[table.column(start).source]
        open_ends = np.array(contract.file_format.open_ends, dtype="datetime64[D]")
        other = values - rng.integers(1, WRONG_END_DAYS, size)
        return ~np.isin(values, open_ends) & ~np.isnat(values) & (other >= begins), other
    return nowhere, values
