"""The invented world of one study: its people, where they live and what they do, month by month.

Belongs here: putting the parts of the simulation together. Does not belong here: what registers say of
the world (`registers`) and the mistakes they make (`dirt`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polku.studies import Study
from polku.twin.activity import EMPLOYED, Activity, simulate_activity
from polku.twin.chance import Dates, Floats, stream
from polku.twin.people import People, make_people
from polku.twin.residence import Residence, simulate_residence
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

    @cached_property
    def employment_effect(self) -> Floats:
        """True effect of the service on the share employed of clients who live in Finland, by months since
        entry (0, 1, ...): this world less the same world, same draws, without the service."""
        without = simulate_activity(self.people, self.residence, self.months, self.study_area, self.seed, service=False)
        clients = np.flatnonzero(self.activity.is_client)
        effects = []
        for k in range(self.study.months_after + 1):
            followed = clients[self.activity.entry[clients] + k < len(self.months)]
            followed = followed[self.residence.present[self.activity.entry[followed] + k, followed]]
            month = self.activity.entry[followed] + k
            gained = (self.activity.state[month, followed] == EMPLOYED).astype(int)
            gained -= without.state[month, followed] == EMPLOYED
            effects.append(gained.mean() if len(gained) else 0.0)
        return np.array(effects)


def make_world(study: Study, persons: int, seed: int) -> World:
    """Simulate `persons` persons over the window of `study`."""
    months = np.arange(study.window_from.strftime("%Y-%m"), study.window_until.strftime("%Y-%m"), dtype="datetime64[M]")
    months = np.append(months, months[-1] + 1)
    study_area = int(study.municipality_code or 0)
    people = make_people(persons, months, seed)
    residence = simulate_residence(people, months, study_area, seed)
    activity = simulate_activity(people, residence, months, study_area, seed)
    return World(study, seed, months, study_area, people, residence, activity)
