"""What a register knew when: its consecutive deliveries, made from what it knows in the end.

Belongs here: which rows an extract holds and what they say on its day, by the words of the contract (`replaces`,
`period_by`, `withdrawn`, ordered days, natural key). Does not belong here: any register's own columns (`registers`),
which rows are wrong at first (`corrections`), what is wrong in a file (`respellings`, `faulty_rows`). After the last
delivery exactly what the register knows in the end stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from polku.contracts.model import Column, Contract, Table
from polku.studies import Study
from polku.twin.chance import Bools, Dates
from polku.twin.corrections import found_out, with_ghosts, wrong_values
from polku.twin.people import People
from polku.twin.registers.frame import Frame

DAYS_AFTER_PERIOD = (75, 75, 320)
"""The first extracts are made in the middle of March; the last one when even annual tax data is final."""

REACHES_BACK_MONTHS = 13
"""A delivery that replaces a period speaks also of the months that are still revised: those of the Incomes Register,
which are more than any other register's."""

LATE, DAYS_LATE = 0.01, (30, 500)
"""Rows that were registered so long after the day they tell of."""

ALWAYS = np.datetime64("1900-01-01", "D")
NEVER = np.datetime64("9999-01-01", "D")


@dataclass(frozen=True)
class Extract:
    """One extract of a register: its number (from 1), the day it was made and the days it speaks of (inclusive)."""

    number: int
    made_on: date
    first: date
    last: date

    @property
    def period(self) -> tuple[date, date]:
        """First and last day."""
        return self.first, self.last


def schedule(study: Study, contract: Contract) -> tuple[Extract, ...]:
    """The extracts of a register, oldest first: up to the end of the study's window and of the two years before it, but
    none of a time when the register did not exist."""
    ends = [study.window_until.replace(year=study.window_until.year - years) for years in (2, 1, 0)]
    by_period = any(table.replaces == "period" for table in contract.tables)
    extracts: list[Extract] = []
    for last, days in zip(ends, DAYS_AFTER_PERIOD, strict=True):
        first = ALWAYS
        if extracts and by_period:
            first = np.datetime64(extracts[-1].last, "M") + 1 - REACHES_BACK_MONTHS
        made_on = last + timedelta(days=days)
        if made_on >= contract.covered_from:
            extracts.append(Extract(len(extracts) + 1, made_on, first.astype("datetime64[D]").item(), last))
    return tuple(extracts)


def delivered(
    frame: Frame, table: Table, contract: Contract, people: People, extracts: tuple[Extract, ...], rng: Any
) -> Iterator[tuple[Frame, Counter[str]]]:
    """Rows of each of the extracts, and how many of them are corrections, by kind."""
    history = _History.of(frame, table, contract, people, extracts, rng)
    before: _Known | None = None
    for extract in extracts:
        known = history.known(extract)
        chosen = known.present.copy()
        if history.reaches is not None:
            chosen &= np.isnat(history.reaches) | (history.reaches >= np.datetime64(extract.first))
        elif table.replaces == "rows" and before is not None:
            chosen &= ~before.present | known.differs(before)
        yield known.frame.rows(chosen), history.corrections(extract, chosen)
        before = known


@dataclass(frozen=True)
class _Known:
    """All rows of a register as it knew them on a day; `present` are those that it had."""

    frame: Frame
    present: Bools

    def differs(self, other: _Known) -> Bools:
        """Rows that say something else than in `other`."""
        different = np.zeros(len(self.frame), dtype=bool)
        for name, values in self.frame.columns.items():
            former = other.frame.columns[name]
            unlike = values != former
            if values.dtype.kind == "M":
                unlike &= ~(np.isnat(values) & np.isnat(former))
            different |= unlike
        return different


@dataclass(frozen=True)
class _History:
    """The register's rows with the days on which it learned of them and of its mistakes.

    The rows that it takes back in the end (from `deleted_on`; else NEVER) come last. `wrong` holds by source column the
    rows whose value was another one until `corrected_on`, with that value.
    """

    frame: Frame
    table: Table
    contract: Contract
    known_on: Dates
    corrected_on: Dates
    deleted_on: Dates
    wrong: dict[str, tuple[Bools, npt.NDArray[Any]]]
    settled_on: Dates

    @classmethod
    def of(
        cls, right: Frame, table: Table, contract: Contract, people: People, extracts: tuple[Extract, ...], rng: Any
    ) -> _History:
        frame, is_ghost = with_ghosts(right, table, rng)
        size, days = len(frame), _Days(frame, table, contract)
        known_on = frame.known_on if frame.known_on is not None else days.told
        known_on = np.where(known_on == ALWAYS, people.arrived_on[frame.person], known_on)
        # A row that was taken back is missed only where the period has the day that places it.
        settled_on = np.where(is_ghost, _settled_on(days.placed, extracts), _settled_on(days.reaches, extracts))
        late = rng.random(size) < LATE
        known_on = known_on + np.where(late, rng.integers(*DAYS_LATE, size), 0)
        known_on = np.minimum(known_on, settled_on)
        wrong, is_wrong = wrong_values(frame, table, contract, rng)
        made_on = np.array([extract.made_on for extract in extracts], dtype="datetime64[D]")
        corrected_on = np.minimum(found_out(known_on, made_on, rng), settled_on)
        return cls(
            frame, table, contract, known_on, np.where(is_wrong, corrected_on, known_on),
            np.where(is_ghost, corrected_on, NEVER), wrong, settled_on,
        )  # fmt: skip

    @cached_property
    def reaches(self) -> Dates | None:
        """The last days on which rows belong to the period of an extract; None where extracts have no periods."""
        return self._days.reaches

    def day(self, column: str) -> Dates:
        """The days of one of our columns."""
        return self._days.of(column)

    def known(self, extract: Extract) -> _Known:
        """What the register knew on the day of the extract."""
        today = np.datetime64(extract.made_on, "D")
        columns = dict(self.frame.columns)
        for source, (rows, values) in self.wrong.items():
            columns[source] = np.where(rows & (self.corrected_on > today), values, columns[source])
        for column in self._learned:
            ahead = (columns[column.source] > today) & (self.settled_on > today)
            if ahead.any():
                self._hide(columns, column, ahead)
        present = self.known_on <= today
        present &= ~self._purged(today)
        gone = self.deleted_on <= today
        if self.table.withdrawn and self.table.replaces == "rows":
            source = self.table.column(self.table.withdrawn).source
            columns[source] = columns[source] | gone
        else:
            present &= ~gone
        return _Known(Frame(self.frame.person, columns), present)

    def corrections(self, extract: Extract, chosen: Bools) -> Counter[str]:
        """How many of the chosen rows are to be corrected or deleted later, or have been withdrawn."""
        today = np.datetime64(extract.made_on, "D")
        wrong = np.any([rows for rows, _ in self.wrong.values()] or [np.zeros(len(self.frame), bool)], axis=0)
        return +Counter(
            wrong_at_first=int((chosen & wrong & (self.corrected_on > today)).sum()),
            deleted_later=int((chosen & (self.deleted_on < NEVER) & (self.deleted_on > today)).sum()),
            withdrawn=int((chosen & (self.deleted_on <= today)).sum()),
        )

    def _purged(self, today: np.datetime64) -> Bools:
        """Rows whose time in the register has run out."""
        months, by = self.contract.purge_after_months, self.table.purged_by
        if months is None or by is None:
            return np.zeros(len(self.frame), dtype=bool)
        gone: Bools = self.day(by) + 31 * months < today
        return gone

    def _hide(self, columns: dict[str, npt.NDArray[Any]], column: Column, ahead: Bools) -> None:
        """What lies ahead is not known: the day is open, and so is what the register says of the end."""
        is_end = column.name in {end for _, end in self.table.ordered}
        open_ends = self.contract.file_format.open_ends if is_end else ()
        unknown = np.datetime64(open_ends[0] if open_ends else "NaT", "D")
        columns[column.source] = np.where(ahead, unknown, columns[column.source])
        for other in self.table.columns:
            if other.dated_by == column.name and not other.required:
                columns[other.source] = np.where(ahead, "", columns[other.source]).astype(object)
        edge = self.table.edge
        if edge and edge.valid_from == column.name and not self.table.column(edge.other).required:
            source = self.table.column(edge.other).source
            columns[source] = np.where(ahead, "", columns[source]).astype(object)
        if is_end:
            for source, value in self.frame.while_open.items():
                columns[source] = np.where(ahead, value, columns[source]).astype(columns[source].dtype)

    @cached_property
    def _days(self) -> _Days:
        return _Days(self.frame, self.table, self.contract)

    @cached_property
    def _learned(self) -> list[Column]:
        """Day columns of things that happen after the row was written."""
        ends = {end for _, end in self.table.ordered}
        return [
            c
            for c in self.table.columns
            if c.type == "date"
            and not c.coarsen
            and c.name not in self.table.natural_key
            and c.source not in self.frame.foreseen
            and (not c.required or (c.name in ends and self.contract.file_format.open_ends))
        ]


class _Days:
    """The days that the rows of a frame tell."""

    def __init__(self, frame: Frame, table: Table, contract: Contract) -> None:
        self._frame, self._table = frame, table
        self._maturity = contract.maturity_months

    def of(self, name: str) -> Dates:
        """A date, month or year column as days; of a year its last day."""
        column = self._table.column(name)
        values = self._frame.columns[column.source]
        if column.type == "year":
            return (values - 1970 + 1).astype("datetime64[Y]").astype("datetime64[D]") - 1
        return values.astype("datetime64[D]")

    @property
    def told(self) -> Dates:
        """The day on which a row can be written: the last of the days that every row has, ends of spells left out.
        A row about a year is written when the register's figures of that year are final."""
        ends = {end for _, end in self._table.ordered} - set(self._table.natural_key)
        day = np.full(len(self._frame), ALWAYS)
        for column in self._table.columns:
            if column.type not in ("date", "month", "year") or not column.required or column.coarsen:
                continue
            if column.name not in ends:
                wait = 31 * self._maturity if column.type == "year" else 0
                day = np.fmax(day, self.of(column.name) + wait)
        return day

    @property
    def placed(self) -> Dates | None:
        """The day that places a row in a delivery's period."""
        by = self._table.period_by if self._table.replaces == "period" else None
        return self.of(by) if by else None

    @property
    def reaches(self) -> Dates | None:
        """The last day on which a row belongs to a period: of a spell that a period places by its start, its end."""
        end = next((end for first, end in self._table.ordered if first == self._table.period_by), None)
        placed = self.placed
        if placed is None or end is None:
            return placed
        return np.where(np.isnat(self.of(end)), NEVER, self.of(end))


def _settled_on(days: Dates | None, extracts: tuple[Extract, ...]) -> Dates | np.datetime64:
    """By row: the day of the last extract that can speak of it, which it belongs to until `days`. What is known by then
    stands."""
    last = np.datetime64(extracts[-1].made_on, "D")
    if days is None:
        return last
    settled = np.full(len(days), np.datetime64(extracts[0].made_on, "D"))
    for extract in extracts[1:]:
        settled = np.where(days >= np.datetime64(extract.first), np.datetime64(extract.made_on, "D"), settled)
    return np.where(np.isnat(days), last, settled)
