"""From values by month and person to spells with days: the form in which registers keep time.

Belongs here: spells and paintings of spells. Does not belong here: what the values mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Bools, Dates, Ints, in_month


@dataclass(frozen=True)
class Spells:
    """One element per spell in every array, by person and time. `first` and `last` are months of the window;
    `before` and `after` the values next to the spell (-1: outside the window); `ended_on` is inclusive and
    NaT while the spell goes on at the window's end."""

    person: Ints
    value: Ints
    first: Ints
    last: Ints
    before: Ints
    after: Ints
    started_on: Dates
    ended_on: Dates

    def __len__(self) -> int:
        return len(self.person)

    @property
    def months(self) -> Ints:
        """Months of the window that the spell covers at their end."""
        return self.last - self.first + 1

    def where(self, mask: Bools) -> Spells:
        """The spells of `mask`."""
        return Spells(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))

    def paint(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """(months, persons): the value of the spell that covers the month, 0 or False where none does."""
        canvas = np.zeros(shape[::-1], dtype=values.dtype).ravel()
        months = self.months
        # Position of a spell's first cell on the flat canvas, less the cells of all spells before it.
        shift = self.person * shape[0] + self.first - (np.cumsum(months) - months)
        cells = np.arange(months.sum()) + np.repeat(shift, months)
        canvas[cells] = np.repeat(values, months)
        return canvas.reshape(shape[::-1]).T


def spells_of(values: npt.NDArray[Any], months: Dates, day: npt.NDArray[np.int8], first_day: Dates) -> Spells:
    """Spells of equal values other than 0 in `values` (months, persons).

    A change in a month happens on that person's `day` of the month (0 = the first), so that on the month's
    last day the value of the month holds. A spell of the window's first month began on `first_day`.
    """
    length = len(values)
    flat = np.ascontiguousarray(values.T).ravel()
    new = np.ones(len(flat), dtype=bool)
    new[1:] = flat[1:] != flat[:-1]
    new[::length] = True
    start = np.flatnonzero(new)
    person, first = np.divmod(start, length)
    last = np.append(start[1:], len(flat)) - 1 - person * length
    value = flat[start].astype(np.int64)
    before = np.where(first > 0, np.append(-1, value[:-1]), -1)
    ongoing = last == length - 1
    after = np.where(ongoing, -1, np.append(value[1:], -1))
    started_on = in_month(months[first], day[first, person])
    started_on = np.where(first == 0, first_day[person], started_on)
    ended_on = np.where(ongoing, np.datetime64("NaT"), np.append(started_on[1:], np.datetime64("NaT")) - 1)
    return Spells(person, value, first, last, before, after, started_on, ended_on).where(value != 0)
