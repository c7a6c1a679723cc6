"""Employment-promoting services outside the Skills Centre: who enters which, and what each changes.

Belongs here: selection into services and their true effects, as the monthly chain of activities uses them. Does not
belong here: the Skills Centre (`skills_centre`), and how registers record services (`registers`). All is assumed; that
training first locks in and helps afterwards is what evaluations of such services find.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Bools, Dates, Floats, Ints, pick_rows, stream
from polku.twin.people import GROUNDS, People

NONE, SKILLS_CENTRE, PRACTICE, COACHING, TRAINING, INTEGRATION, LITERACY = range(7)
"""Service in which a person is: positions in the tables below."""

KINDS = {
    "skills_centre": (SKILLS_CENTRE,),
    "integration_training": (INTEGRATION, LITERACY),
    "labour_market_training": (TRAINING,),
    "employment_services": (PRACTICE, COACHING),
}
"""Services whose true effect is told."""

JOB_FINDING_INSIDE = np.array([1.0, 1.0, 0.70, 0.85, 0.35, 0.20, 0.15])
"""Factor on the chance of finding work while in the service: the lock-in."""

JOB_FINDING_AFTER = np.array([1.0, 1.0, 1.12, 1.08, 1.35, 1.40, 1.30])
"""Lasting factor after it; of several services the greatest counts."""

PLAN_WITHIN, PLAN_SHARE = 36, 0.9
"""An integration plan is drawn up for job seekers within so many months of arrival."""

TRAINING_WITHIN_MONTHS, TRAINING_SHARE = 36, 0.6
"""Services of job seekers with a plan that are integration training, within the first months of the plan."""

OTHER_WEIGHTS = (0.45, 0.25, 0.30)
"""Of PRACTICE, COACHING and TRAINING."""

ENTRY_ON_EMPLOYABILITY, ENTRY_BY_ISCED = -0.30, -0.04
"""Log factors on the chance of entering a service, per standard deviation and per level of education above 3: those in
a weak position are sent first, so that a raw comparison understates what services do."""

PLACES = ((2009, 0.85), (2013, 1.0), (2016, 1.3), (2018, 1.2), (2020, 0.7), (2021, 0.9), (2024, 1.1))
"""Factor on the same chance by year: places were opened in 2015-2018 and closed in 2020."""


class Services:
    """Who is in which service, and who has a plan; kept while the months go by.

    What is drawn is drawn for all persons in every month, so that a world without one of the services (`without`: a key
    of KINDS) differs by that service alone: who would have entered it stays a job seeker.
    """

    def __init__(self, people: People, months: Dates, seed: int, without: str | None) -> None:
        persons = len(people)
        self._people, self._rng = people, stream(seed, "kinds of service")
        self._without = KINDS.get(without or "", ())
        self.inside = np.full(persons, NONE, dtype=np.int8)
        self.plan = np.full(persons, -1)
        self._may_have_plan = np.isin(people.ground, (GROUNDS.index("family"), GROUNDS.index("protection")))
        self._may_have_plan &= stream(seed, "plans").random(persons) < PLAN_SHARE
        self._lift = np.ones(persons)
        position = ENTRY_ON_EMPLOYABILITY * people.employability + ENTRY_BY_ISCED * (people.isced - 3)
        years, factors = zip(*PLACES, strict=True)
        self._places = np.interp(months.astype(float) / 12 + 1970, years, factors)
        self._access = np.exp(position)

    @property
    def job_finding(self) -> Floats:
        """By person: the factor on the chance of finding work."""
        factor: Floats = np.where(self.inside > NONE, JOB_FINDING_INSIDE[self.inside], self._lift)
        return factor

    def access(self, t: int) -> Floats:
        """By person: the factor on the chance of entering a service in month `t`."""
        access: Floats = self._access * self._places[t]
        return access

    def draw_up_plans(self, seeking: Bools, t: int) -> None:
        """Plans for those who seek work soon after they came as a family member or for protection."""
        arrival = self._people.arrival_month
        early = (arrival >= 0) & (t >= arrival) & (t < arrival + PLAN_WITHIN)
        self.plan[seeking & early & self._may_have_plan & (self.plan < 0)] = t

    def move(self, stays: Bools, enters: Bools, t: int) -> Bools:
        """Move on by a month: `stays` are in the service they were in, `enters` come into one. Returns who does not
        come into it, as it does not exist."""
        kind = self._kinds(t)
        refused: Bools = enters & np.isin(kind, self._without)
        inside = np.select([stays, enters & ~refused], [self.inside, kind], NONE).astype(np.int8)
        self._go(inside)
        return refused

    def go_to_centre(self, clients: Bools) -> None:
        """Who is in the Skills Centre is in no other service."""
        self._go(np.where(clients, SKILLS_CENTRE, self.inside).astype(np.int8))

    def _go(self, inside: npt.NDArray[np.int8]) -> None:
        left = inside != self.inside
        self._lift[left] = np.maximum(self._lift, JOB_FINDING_AFTER[self.inside])[left]
        self.inside = inside

    def _kinds(self, t: int) -> Ints:
        """The service that each person would enter in month `t`."""
        persons = len(self._people)
        soon = (self.plan >= 0) & (t < self.plan + TRAINING_WITHIN_MONTHS)
        training = soon & (self._rng.random(persons) < TRAINING_SHARE)
        other = PRACTICE + pick_rows(self._rng, [OTHER_WEIGHTS], np.zeros(persons, dtype=int))
        return np.select([training & (self._people.isced < 1), training], [LITERACY, INTEGRATION], other)


def months_of_entry(service: npt.NDArray[np.int8], kinds: tuple[int, ...]) -> Ints:
    """By person: the first month in one of `kinds` (-1: never); `service` is (months, persons)."""
    inside = np.isin(service, kinds)
    return np.where(inside.any(axis=0), inside.argmax(axis=0), -1)
