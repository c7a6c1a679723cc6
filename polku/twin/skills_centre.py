"""The Skills Centre in the twin's world: who enters, how long it lasts, how it ends and what it changes.

Belongs here: selection into the service, its length and outcomes, and the true effect. Does not belong
here: what everybody else does in a month (`activity`).

Shape after what Omnia and Espoo published: pilot from 10/2018, three parts of service, 32 % of the
leavers of 2020 employed and 55 % in education; of clients since 1/2019 28.5 % found work and 31.8 %
started degree education.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Bools, Dates, Ints, pick, stream
from polku.twin.people import People

PILOT_MONTH = np.datetime64("2018-10")
CLIENT_SHARE = 1 / 3
"""Clients among all persons of the twin, reached at the end of the window at a steady pace."""

OLDEST_AT_ENTRY = 62
SHORTEST_MONTHS, EXTRA_MONTHS, LONGEST_MONTHS = 3, (3.0, 1.75), 18
"""Length: at least three months, plus a gamma(shape, scale); training alone takes up to 6-10 months."""

OUTCOMES = {
    "employed": 0.330,
    "degree_education": 0.365,
    "other_education": 0.200,
    "job_seeker_service": 0.030,
    "family_leave": 0.025,
    "illness": 0.010,
    "dropped_out": 0.030,
    "not_known": 0.010,
}
"""How it ends for those who stay in Espoo until the end; who leaves before has the outcome `moved`."""

HIGHER_EDUCATION_SHARE = 0.15
"""Of those who start degree education, the share in higher education."""

SELECTION_PER_UNEMPLOYED_MONTH = 0.08
SELECTION_ON_EMPLOYABILITY = -0.35
SELECTION_BY_GROUND = np.array([0.5, 1.2, 1.7, 0.4, 0.7])
"""Weights of eligible job seekers grow with unemployment in the 24 months before and with a weak position:
a raw comparison of clients and others therefore understates the effect."""

JOB_FINDING_RATIO, JOB_LOSS_RATIO = 1.20, 0.90
"""The true lasting effect after exit: factors on the monthly chances of finding and losing work."""


NOT_KNOWN = list(OUTCOMES).index("not_known")
LEFT = -1
"""Outcome of those who left Espoo or died before the service ended; others are positions in OUTCOMES."""


@dataclass(frozen=True)
class Practice:
    """How the service takes and helps people: as in the twin, or so that an assumption of estimators holds or fails."""

    unseen_selection: float = SELECTION_ON_EMPLOYABILITY
    """How employability, which no register sees, steers the entry; 0 where registers know all that does."""

    later_failures: float = 0
    """Share of those whom the service does not help at all among them who enter in the second half of its months: they
    leave it as unemployed as they came."""


AS_IT_IS = Practice()


class SkillsCentre:
    """The service's book: month of entry and exit (-1: none) and outcome of every person.

    Length and outcome are drawn beforehand for all persons alike, so that the world with the service and
    the world without it differ by the service alone.
    """

    def __init__(self, people: People, months: Dates, study_area: int, seed: int, practice: Practice) -> None:
        persons = len(people)
        self.people, self.study_area, self.practice = people, study_area, practice
        self.entry, self.exit, self.outcome = np.full((3, persons), -1)
        rng = stream(seed, "skills centre plans")
        length = SHORTEST_MONTHS + rng.gamma(*EXTRA_MONTHS, persons).astype(int)
        self.length = np.minimum(length, LONGEST_MONTHS)
        self.planned_outcome = pick(rng, list(OUTCOMES.values()), persons)
        self.in_higher_education = rng.random(persons) < HIGHER_EDUCATION_SHARE
        self.selection = stream(seed, "skills centre selection")
        self.fails = stream(seed, "skills centre failures").random(persons) < practice.later_failures
        self.clients_by_month = _clients_by_month(months, persons)
        opened = int((PILOT_MONTH - months[0]).astype(int))
        self.second_half = (opened + len(months)) // 2

    @property
    def inside(self) -> Bools:
        """Who is in the service now."""
        return (self.entry >= 0) & (self.exit < 0)

    @property
    def changed(self) -> Bools:
        """Whose chances the service has changed for good."""
        return (self.exit >= 0) & ~self._unhelped

    def let_go(self, place: npt.NDArray[np.int16], t: int) -> Bools:
        """End the service of those whose time has come, who are returned, and of those who have left Espoo."""
        left = self.inside & (place != self.study_area)
        ends: Bools = self.inside & ~left & (t >= self.entry + self.length)
        self.exit[left | ends] = t
        self.outcome[left] = LEFT
        self.outcome[ends] = np.where(self._unhelped, NOT_KNOWN, self.planned_outcome)[ends]
        return ends

    def admit(self, eligible: Bools, unemployed_months: Ints, t: int) -> None:
        """Take in this month's clients: some of the eligible, weighted, without replacement."""
        eligible = eligible & (self.entry < 0)
        log_weight = SELECTION_PER_UNEMPLOYED_MONTH * unemployed_months
        log_weight = log_weight + self.practice.unseen_selection * self.people.employability
        log_weight += np.log(SELECTION_BY_GROUND[self.people.ground])
        # The largest of (log weight + Gumbel noise) are a weighted draw without replacement.
        score = np.where(eligible, log_weight + self.selection.gumbel(size=len(eligible)), -np.inf)
        places = int(self.clients_by_month[t]) - int((self.entry >= 0).sum())
        best = np.argsort(-score, kind="stable")[: min(places, int(eligible.sum()))]
        self.entry[best] = t

    @property
    def _unhelped(self) -> Bools:
        unhelped: Bools = self.fails & (self.entry >= self.second_half)
        return unhelped


def _clients_by_month(months: Dates, persons: int) -> Ints:
    """How many persons have become clients by the end of each month of the window."""
    open_months = np.clip((months - PILOT_MONTH).astype(int) + 1, 0, None)
    clients: Ints = np.floor(persons * CLIENT_SHARE * open_months / max(open_months[-1], 1)).astype(int)
    return clients
