"""Where the invented persons live in every month: immigration, moves, emigration, return and death.

Belongs here: the place of residence and the moves between places. Does not belong here: what a person
does there (`activity`). Moves do not depend on activity, so that both can be simulated apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Bools, Dates, Ints, in_month, stream
from polku.twin.people import People, municipality_codes

NOT_ARRIVED, ABROAD, DEAD = -1, 200, 0
"""Places that are no municipality; 200 is what the population register writes for abroad."""

IMMIGRATION, EMIGRATION, BETWEEN, WITHIN = 41, 42, 43, 44
"""Kinds of move (`muuttolaji`)."""

FIRST_IN_STUDY_AREA = 0.78
"""Share of persons whose first municipality is the study's; the others move there later."""

NEIGHBOURS = {91: 0.55, 92: 0.25}
"""Helsinki and Vantaa among the other municipalities; the rest is spread over the country."""

MOVES_WITHIN, MOVES_OUT, MOVES_BACK = 0.012, 0.0022, 0.006
"""Monthly probabilities of a move inside the municipality, out of the study's, and back to it."""

EMIGRATES = np.array([0.0030, 0.0010, 0.0005, 0.0045, 0.0035])
"""Monthly, by ground of residence."""

RETURNS = 0.006
DEATH_AT_30, DEATH_GROWTH = 0.00003, 0.088
"""Monthly probability at 30 and its growth per year of age, near the Finnish life table."""


@dataclass(frozen=True)
class Residence:
    """`place` is (months, persons): municipality number, ABROAD, NOT_ARRIVED or DEAD on the month's last day.

    The moves have one element per move in every array; `day` (months, persons) is the day within a month
    (0 = the first) on which that person's changes of that month happen, in every register.
    """

    place: npt.NDArray[np.int16]
    day: npt.NDArray[np.int8]
    move_person: Ints
    move_kind: Ints
    moved_on: Dates
    move_from: Ints
    move_to: Ints

    @property
    def present(self) -> Bools:
        """Whether the person lives in Finland at the end of the month; (months, persons)."""
        return _in_finland(self.place)


def simulate_residence(people: People, months: Dates, study_area: int, seed: int) -> Residence:
    """Places and moves of every month of the window; immigrations before the window are moves as well."""
    rng = stream(seed, "residence")
    persons = len(people)
    others = np.array([int(code) for code in municipality_codes() if int(code) != study_area])
    weights = np.array([NEIGHBOURS.get(code, 0.2 / len(others)) for code in others.tolist()])
    weights /= weights.sum()
    elsewhere = rng.choice(others, persons, p=weights)
    first_place = np.where(rng.random(persons) < FIRST_IN_STUDY_AREA, study_area, elsewhere)
    reaches_on = people.arrival_month + np.where(first_place == study_area, 0, rng.integers(2, 30, persons))
    reaches_on = np.clip(reaches_on, people.arrival_month, len(months) - 1)
    day = rng.integers(0, 28, (len(months), persons), dtype=np.int8)
    born = people.born_on.astype("datetime64[M]").astype(int)
    here = np.where(people.arrival_month < 0, first_place, NOT_ARRIVED)
    here = np.where((people.arrival_month < 0) & (reaches_on < 0), study_area, here)
    place = np.empty((len(months), persons), dtype=np.int16)
    log = _MoveLog()
    early = np.flatnonzero(people.arrival_month < 0)
    log.add(early, IMMIGRATION, people.arrived_on[early], ABROAD, first_place[early])
    settled = early[(reaches_on[early] < 0) & (first_place[early] != study_area)]
    between = in_month(months[0] + reaches_on[settled], day[0, settled])
    log.add(settled, BETWEEN, between, first_place[settled], study_area)
    for t, month in enumerate(months):
        in_country = _in_finland(here)
        u = rng.random((4, persons))
        reached = t > reaches_on
        age = (month.astype(int) - born) / 12
        leaves = (here == study_area) & (u[0] < MOVES_OUT)
        now = np.where(leaves, rng.choice(others, persons, p=weights), here)
        now[in_country & reached & (here != study_area) & (u[0] < MOVES_BACK)] = study_area
        now[in_country & (t == reaches_on)] = study_area
        now[in_country & reached & (u[1] < EMIGRATES[people.ground])] = ABROAD
        now[(here == ABROAD) & (u[1] < RETURNS)] = study_area
        now[in_country & reached & (u[2] < DEATH_AT_30 * np.exp(DEATH_GROWTH * (age - 30)))] = DEAD
        arriving = people.arrival_month == t
        now[arriving] = first_place[arriving]
        day[t, arriving] = (people.arrived_on[arriving] - month.astype("datetime64[D]")).astype(int)
        on = in_month(month, day[t])
        stays = (now == here) & in_country & (u[3] < MOVES_WITHIN)
        log.add_changes(here, now, stays, on)
        place[t] = here = now
    return Residence(place, day, *log.arrays())


def _in_finland(place: npt.NDArray[np.integer[Any]]) -> Bools:
    inside: Bools = (place > DEAD) & (place != ABROAD)
    return inside


class _MoveLog:
    """Collects moves month by month."""

    def __init__(self) -> None:
        self.parts: list[tuple[Ints, Ints, Dates, Ints, Ints]] = []

    def add(self, person: Ints, kind: int, on: Dates, origin: Ints | int, target: Ints | int) -> None:
        spread = np.zeros(len(person), dtype=np.int64)
        self.parts.append((person, spread + kind, on, spread + origin, spread + target))

    def add_changes(self, here: Ints, now: Ints, within: Bools, on: Dates) -> None:
        moved = (here != now) & (now != DEAD)
        for kind, mask in (
            (IMMIGRATION, moved & ((here == NOT_ARRIVED) | (here == ABROAD))),
            (EMIGRATION, moved & (now == ABROAD)),
            (BETWEEN, moved & _in_finland(here) & (now != ABROAD)),
            (WITHIN, within),
        ):
            person = np.flatnonzero(mask)
            origin = ABROAD if kind == IMMIGRATION else here[person]
            self.add(person, kind, on[person], origin, now[person])

    def arrays(self) -> tuple[Ints, Ints, Dates, Ints, Ints]:
        person, kind, on, origin, target = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        order = np.lexsort((on, person))
        return person[order], kind[order], on[order], origin[order], target[order]
