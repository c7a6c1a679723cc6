"""Which figures of a table may change since earlier releases, and which stand as they were.

Belongs here: the rules between releases, on sketches and public states. Does not belong here: protection within a
release, which takes their masks, and the ledger that remembers.

For each cell, against every state that was ever public of it, withdrawn releases included:

1. The same persons in the cell and in its complement as in its latest state: that state stands, figure or gap.
2. Else, when of any earlier state at least one and fewer than T persons have entered or left the cell or its
   complement: it is held back; the latest state stands, with its day.
3. Else its new figure is free. Where the same persons were in the cell in an earlier state, a gap stays a gap and a
   public figure stays public, as their number is the same.

Persons are counted by flows, not by differences (one in and one out is two), and never as more than they are. Against
every state and not the last alone: ten who come and eleven who go are enough each time, and yet one person is all that
tells the first from the third. Corrections, erasures and merges of persons are such flows like any other.
Where nobody in particular is in a cell (`ReleaseSpec.members` is None) its count is compared instead of persons.
Source of the rules: differencing between releases, and cell suppression that is carried over; see docs/ledger.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from polku.disclosure.ledger.sketch import Sketches, flow_at_least
from polku.disclosure.ledger.states import NEVER, NO_DAY, States


class Verdict(IntEnum):
    """What becomes of a cell."""

    NEW = 0
    """Nothing was ever public of it."""
    UNCHANGED = 1
    HELD = 2
    CHANGED = 3
    NOT_OBSERVED = 4


@dataclass(frozen=True)
class Present:
    """The cells of one table as they are now, before protection; NaN figures where it was not observed.

    `counted_only`: members and complements are made of counts (`Sketches.of_counts`).
    """

    columns: tuple[str, ...]
    keys: np.ndarray
    figures: np.ndarray
    is_observed: np.ndarray
    members: Sketches
    complements: Sketches
    counted_only: bool


@dataclass(frozen=True)
class Decision:
    """One entry per cell of `present`.

    `forced`: its new value must not be published. `kept`: it must stay published, as it is known; hiding it would
    protect nothing. `latest` is the state that stands, or stood; its `since` is NEVER where there was none.
    """

    present: Present
    verdict: np.ndarray
    forced: np.ndarray
    kept: np.ndarray
    latest: States

    @property
    def stands(self) -> np.ndarray:
        """Cells of which the latest state is shown again."""
        return np.isin(self.verdict, (Verdict.UNCHANGED, Verdict.HELD))

    def counts(self) -> dict[str, int]:
        """Cells by verdict."""
        return {verdict.name.lower(): int((self.verdict == verdict).sum()) for verdict in Verdict}


def decide(present: Present, history: Iterable[States], threshold: int) -> Decision:
    """Judge every cell by its earlier states; `history` has those that began in each release, oldest first."""
    cells = len(present.keys)
    blocked, same, was_gap, was_public = (np.zeros(cells, bool) for _ in range(4))
    latest = _none_yet(present)
    for states in history:
        at = states.places_of(present.keys)
        known = (at >= 0) & states.is_observed[at] if len(states) else np.zeros(cells, bool)
        entered_or_left = _flows(present.members, states.members.at(at))
        others = _flows(present.complements, states.complements.at(at))
        blocked |= known & (_too_few(entered_or_left, threshold) | _too_few(others, threshold))
        alike = known & (entered_or_left == 0)
        same = np.where(known, alike & (others == 0), same)
        was_gap |= alike & states.is_gap[at] if len(states) else False
        was_public |= alike & ~states.is_gap[at] if len(states) else False
        _take(latest, states, at, known, present.columns)
    if present.counted_only:
        same &= _equal(present.figures, latest.figures) | latest.is_gap
    seen = latest.since != NEVER
    verdict = np.select(
        [~present.is_observed, ~seen, same, blocked],
        [Verdict.NOT_OBSERVED, Verdict.NEW, Verdict.UNCHANGED, Verdict.HELD],
        Verdict.CHANGED,
    )
    gap = latest.is_gap
    stays_gap = (verdict == Verdict.CHANGED) & was_gap & ~was_public
    forced = (verdict == Verdict.HELD) | ((verdict == Verdict.UNCHANGED) & gap) | stays_gap
    kept = ((verdict == Verdict.UNCHANGED) & ~gap) | ((verdict == Verdict.CHANGED) & was_public)
    return Decision(present, verdict, forced, kept, latest)


def _flows(now: Sketches, then: Sketches) -> np.ndarray:
    return flow_at_least(then, now)


def _too_few(persons: np.ndarray, threshold: int) -> np.ndarray:
    return np.asarray((persons > 0) & (persons < threshold))


def _equal(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1))


def _none_yet(present: Present) -> States:
    cells = len(present.keys)
    return States(
        present.columns,
        present.keys,
        np.full((cells, len(present.columns)), np.nan),
        np.full(cells, "", dtype=object),
        np.full(cells, NO_DAY, dtype="datetime64[D]"),
        np.full(cells, NEVER, dtype=np.int64),
        Sketches.empty(cells),
        Sketches.empty(cells),
    )


def _take(latest: States, states: States, at: np.ndarray, known: np.ndarray, columns: tuple[str, ...]) -> None:
    """Make these states the latest of their cells."""
    from_ = at[known]
    latest.figures[known] = states.figures_in(columns)[from_]
    latest.status[known] = states.status[from_]
    latest.as_of[known] = states.as_of[from_]
    latest.since[known] = states.since[from_]
    for mine, theirs in ((latest.members, states.members), (latest.complements, states.complements)):
        mine.sums[known] = theirs.sums[from_]
        mine.counts[known] = theirs.counts[from_]
