"""The invented world of one study: its people, where they live and what they do, month by month.

Belongs here: putting the parts of the simulation together. Does not belong here: what registers say of
the world (`registers`) and the mistakes they make (`dirt`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polku.progress import stepped
from polku.studies import Study
from polku.twin.activity import EMPLOYED, Activity, simulate_activity
from polku.twin.chance import Dates, Floats, stream
from polku.twin.people import CodeBooks, People, make_people
from polku.twin.residence import Residence, simulate_residence
from polku.twin.services import KINDS, months_of_entry
from polku.twin.skills_centre import AS_IT_IS, Practice
from polku.twin.spells import Spells, spells_of

EARLIEST_START_DAYS = 700
"""A state of the window's first month began at most so many days before it."""


@dataclass(frozen=True)
class World:
    """Everything that is true. `months` are those of the study's window; `study_area` its municipality.
    `first_person` is the number of the first of these people: what has to be unique over all of them counts from it."""

    study: Study
    seed: int
    months: Dates
    study_area: int
    people: People
    residence: Residence
    activity: Activity
    first_person: int = 0
    practice: Practice = AS_IT_IS

    @cached_property
    def first_day(self) -> Dates:
        """By person: the day on which a state of the window's first month began."""
        rng = stream(self.seed, "left truncation")
        days = rng.integers(0, EARLIEST_START_DAYS, len(self.people))
        earliest: Dates = self.months[0].astype("datetime64[D]") - days
        return np.maximum(self.people.arrived_on, earliest)

    @cached_property
    def spells(self) -> Spells:
        """Spells of the true main activity."""
        return self.spells_of(self.activity.state)

    def spells_of(self, values: np.ndarray) -> Spells:
        """Spells of anything that is known by month and person; 0 is no spell."""
        return spells_of(values, self.months, self.residence.day, self.first_day)

    def rng(self, part: str) -> np.random.Generator:
        """The random stream of one part of this world."""
        return stream(self.seed, part)

    def employment_gained(self, service: str) -> Floats:
        """(2, months): by months since entry into a service (0, 1, ...), how many more of those who entered it and then
        live in Finland are employed than in the same world, same draws, without it; and how many they are."""
        entry = months_of_entry(self.activity.service, KINDS[service])
        without = simulate_activity(
            self.people, self.residence, self.months, self.study_area, self.seed, service, self.practice
        )
        entrants = np.flatnonzero(entry >= 0)
        gained = np.zeros((2, self.study.months_after + 1))
        for k in range(self.study.months_after + 1):
            followed = entrants[entry[entrants] + k < len(self.months)]
            followed = followed[self.residence.present[entry[followed] + k, followed]]
            month = entry[followed] + k
            employed = (self.activity.state[month, followed] == EMPLOYED).sum()
            gained[:, k] = employed - (without.state[month, followed] == EMPLOYED).sum(), len(followed)
        return gained

    def employment_effect(self, service: str) -> Floats:
        """True effect of a service on the share employed, by months since entry."""
        gained, followed = self.employment_gained(service)
        effect: Floats = gained / np.maximum(followed, 1)
        return effect


def blocks(study: Study, persons: int, seed: int, block: int) -> Iterator[World]:
    """The whole world in blocks of persons, in order; only one is in memory unless the caller keeps more."""
    books = CodeBooks()
    for first in stepped(range(0, persons, block), "twin"):
        yield make_world(study, min(block, persons - first), seed, first, books)


def make_world(
    study: Study,
    persons: int,
    seed: int,
    first_person: int = 0,
    books: CodeBooks | None = None,
    practice: Practice = AS_IT_IS,
) -> World:
    """Simulate `persons` persons over the window of `study`: all of a small world, or those from `first_person` on.

    The persons of another block are drawn with another seed, and `books` keeps the identity codes apart.
    """
    seed += first_person << 32
    months = np.arange(study.window_from.strftime("%Y-%m"), study.window_until.strftime("%Y-%m"), dtype="datetime64[M]")
    months = np.append(months, months[-1] + 1)
    study_area = int(study.municipality_code or 0)
    people = make_people(persons, months, seed, first_person, books or CodeBooks())
    residence = simulate_residence(people, months, study_area, seed)
    activity = simulate_activity(people, residence, months, study_area, seed, practice=practice)
    return World(study, seed, months, study_area, people, residence, activity, first_person, practice)
