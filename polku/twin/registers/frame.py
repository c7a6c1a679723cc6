"""A table as an authority holds it, before it becomes text.

Belongs here: the container and the small operations every register needs. Does not belong here: any
register's own columns.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Bools, Dates, Ints


@dataclass(frozen=True)
class Frame:
    """Columns by source name: datetime64[D] (NaT: empty), int64 (cents where the contract has an amount,
    hundredths where hours), bool, or object with texts ('' : empty). `person` is the row's true person.
    `blemishes` counts the mistakes that the register itself already made, by reason.

    A frame says what the register knows in the end; what it knew earlier is made of that (`twin.deliveries`).
    `known_on` is the day on which each row was written down (None: the last of the days that every row tells, the ends
    of spells left out). Days after that are open until they come, but for the columns `foreseen`, which a decision
    sets beforehand; `while_open` is what other columns say as long as the end of the row's spell is open."""

    person: Ints
    columns: dict[str, npt.NDArray[Any]]
    blemishes: Counter[str] = field(default_factory=Counter)
    known_on: Dates | None = None
    while_open: dict[str, Any] = field(default_factory=dict)
    foreseen: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.person)

    def rows(self, chosen: Ints | Bools) -> Frame:
        """The chosen rows, without the count of blemishes."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        return self.having(columns, self.person[chosen], None if self.known_on is None else self.known_on[chosen])

    def having(self, columns: dict[str, npt.NDArray[Any]], person: Ints, known_on: Dates | None) -> Frame:
        """Other rows of the same table, without blemishes."""
        return Frame(person, columns, known_on=known_on, while_open=self.while_open, foreseen=self.foreseen)


Frames = dict[str, Frame]


def texts(codes: tuple[str, ...], positions: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """The codes at `positions`."""
    chosen: npt.NDArray[np.object_] = np.array(codes, dtype=object)[positions]
    return chosen


def stack(*frames: Frame) -> Frame:
    """One frame of several with the same columns, by person; rows of a person keep the order of `frames`."""
    person = np.concatenate([frame.person for frame in frames])
    order = np.argsort(person, kind="stable")
    blemishes: Counter[str] = Counter()
    for frame in frames:
        blemishes.update(frame.blemishes)
    columns = {name: np.concatenate([frame.columns[name] for frame in frames])[order] for name in frames[0].columns}
    days = [frame.known_on for frame in frames if frame.known_on is not None]
    known_on = np.concatenate(days)[order] if len(days) == len(frames) else None
    return replace(frames[0].having(columns, person[order], known_on), blemishes=blemishes)


def with_overlaps(
    frame: Frame, start: str, end: str, share: float, rng: np.random.Generator, blank: str | None = None
) -> Frame:
    """Split a share of the long closed spells into two rows that overlap: together they cover the same days.

    The first of them has nothing in the column `blank`, which tells of the end.
    """
    days = (frame.columns[end] - frame.columns[start]).astype(float)
    split = (rng.random(len(frame)) < share) & (days > 60)
    first, second = frame.rows(~split), frame.rows(split)
    early, late = dict(second.columns), dict(second.columns)
    early[end] = second.columns[start] + 45
    if blank is not None:
        early[blank] = np.full(len(second), "", dtype=object)
    late[start] = second.columns[start] + 25
    whole = replace(first, blemishes=frame.blemishes + Counter(overlapping_spell=int(split.sum())))
    return stack(whole, replace(second, columns=early), replace(second, columns=late))
