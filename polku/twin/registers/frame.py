"""A table as an authority holds it, before it becomes text.

Belongs here: the container and the small operations every register needs. Does not belong here: any
register's own columns.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Bools, Ints


@dataclass(frozen=True)
class Frame:
    """Columns by source name: datetime64[D] (NaT: empty), int64 (cents where the contract has an amount,
    hundredths where hours), bool, or object with texts ('' : empty). `person` is the row's true person.
    `blemishes` counts the mistakes that the register itself already made, by reason."""

    person: Ints
    columns: dict[str, npt.NDArray[Any]]
    blemishes: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.person)

    def rows(self, chosen: Ints | Bools) -> Frame:
        """The chosen rows, without the count of blemishes."""
        return Frame(self.person[chosen], {name: values[chosen] for name, values in self.columns.items()})


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
    return Frame(person[order], columns, blemishes)


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
    whole = Frame(first.person, first.columns, frame.blemishes + Counter(overlapping_spell=int(split.sum())))
    return stack(whole, Frame(second.person, early), Frame(second.person, late))
