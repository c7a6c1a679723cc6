"""What the invented persons do in every month: a Markov chain over main activities with calendar effects.

Belongs here: states, chances of moving between them and the monthly simulation. Does not belong here:
how registers record it (`registers`). The chances are assumed; they are set so that integration-plan
clients are, five years later, a third employed, a third outside the labour force and a third job seekers
or in services (PTT 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Bools, Dates, Floats, Ints, pick_rows, stream
from polku.twin.people import People
from polku.twin.residence import ABROAD, DEAD, Residence
from polku.twin.services import SKILLS_CENTRE, Services
from polku.twin.skills_centre import (
    AS_IT_IS,
    JOB_FINDING_RATIO,
    JOB_LOSS_RATIO,
    OLDEST_AT_ENTRY,
    OUTCOMES,
    Practice,
    SkillsCentre,
)

STATES = (
    "not_arrived",
    "employed",
    "unemployed",
    "in_service",
    "general_education",
    "vocational_education",
    "higher_education",
    "family_leave",
    "pension",
    "other",
    "emigrated",
    "dead",
)
(
    NOT_ARRIVED,
    EMPLOYED,
    UNEMPLOYED,
    IN_SERVICE,
    GENERAL,
    VOCATIONAL,
    HIGHER,
    FAMILY_LEAVE,
    PENSION,
    OTHER,
    EMIGRATED,
    DEAD_STATE,
) = range(len(STATES))
"""True states: positions in STATES."""

LIVING = tuple(range(EMPLOYED, OTHER + 1))
"""States of persons who live in Finland."""

FIRST = {
    EMPLOYED: (0.92, 0.18, 0.05, 0.07, 0.68),
    UNEMPLOYED: (0.03, 0.36, 0.60, 0.02, 0.14),
    GENERAL: (0.00, 0.04, 0.12, 0.00, 0.01),
    VOCATIONAL: (0.00, 0.01, 0.01, 0.08, 0.01),
    HIGHER: (0.00, 0.01, 0.00, 0.82, 0.02),
    FAMILY_LEAVE: (0.01, 0.15, 0.06, 0.00, 0.04),
    OTHER: (0.04, 0.25, 0.16, 0.01, 0.10),
}
"""State in the first month in Finland, by ground of residence."""

MONTHLY = {
    EMPLOYED: {UNEMPLOYED: 0.020, VOCATIONAL: 0.0008, HIGHER: 0.0005, FAMILY_LEAVE: 0.0028, OTHER: 0.0025},
    UNEMPLOYED: {
        EMPLOYED: 0.021,
        IN_SERVICE: 0.050,
        GENERAL: 0.003,
        VOCATIONAL: 0.004,
        HIGHER: 0.001,
        FAMILY_LEAVE: 0.004,
        OTHER: 0.011,
    },
    IN_SERVICE: {UNEMPLOYED: 0.130, EMPLOYED: 0.028, GENERAL: 0.006, VOCATIONAL: 0.008, HIGHER: 0.001, OTHER: 0.009},
    GENERAL: {UNEMPLOYED: 0.022, VOCATIONAL: 0.026, HIGHER: 0.003, EMPLOYED: 0.012, FAMILY_LEAVE: 0.003, OTHER: 0.006},
    VOCATIONAL: {EMPLOYED: 0.026, UNEMPLOYED: 0.012, FAMILY_LEAVE: 0.002, OTHER: 0.004},
    HIGHER: {EMPLOYED: 0.024, UNEMPLOYED: 0.006, OTHER: 0.003},
    FAMILY_LEAVE: {UNEMPLOYED: 0.024, EMPLOYED: 0.016, VOCATIONAL: 0.002, OTHER: 0.010},
    OTHER: {UNEMPLOYED: 0.024, EMPLOYED: 0.012, GENERAL: 0.003, VOCATIONAL: 0.003, FAMILY_LEAVE: 0.004},
}
"""Chances per month before the factors below."""

JOB_FINDING = np.array([2.2, 0.82, 0.75, 1.5, 1.6])
JOB_LOSS = np.array([0.35, 1.0, 1.3, 0.7, 0.6])
"""Factors by ground of residence."""

EMPLOYABILITY = 0.45
"""Log factor on job finding (and, negative and halved, on job loss) per standard deviation."""

PENSION_AGE, PENSION_RATE, DISABILITY_AGE, DISABILITY_RATE = 64.5, 0.08, 50, 0.0008
STUDY_BY_AGE = ((0, 2.4), (25, 1.4), (35, 0.8), (45, 0.25))
SCHOOL_STARTS = {8: 3.6, 1: 2.4}
"""Studies start in August and January; the factor of other months is 0.6."""

COVID = (np.datetime64("2020-04"), np.datetime64("2020-09"), np.datetime64("2021-06"))
"""Lay-offs from the first to the second month; weak hiring until the third."""

SERVICE_LEADS_TO = {
    "employed": EMPLOYED,
    "degree_education": VOCATIONAL,
    "other_education": GENERAL,
    "job_seeker_service": IN_SERVICE,
    "family_leave": FAMILY_LEAVE,
    "illness": OTHER,
    "dropped_out": UNEMPLOYED,
    "not_known": UNEMPLOYED,
}


@dataclass(frozen=True)
class Activity:
    """`state` is (months, persons) on the month's last day; `entry` and `exit` are months of the window by
    person (-1: never, or not within the window), `outcome` a position in OUTCOMES or skills_centre.LEFT. `service` is
    (months, persons), a kind of `services`; `plan` the month of the integration plan (-1: none)."""

    state: npt.NDArray[np.int8]
    entry: Ints
    exit: Ints
    outcome: Ints
    service: npt.NDArray[np.int8]
    plan: Ints

    @property
    def is_client(self) -> Bools:
        """By person."""
        return self.entry >= 0


def simulate_activity(
    people: People,
    residence: Residence,
    months: Dates,
    study_area: int,
    seed: int,
    without: str | None = None,
    practice: Practice = AS_IT_IS,
) -> Activity:
    """Run the chain over the window. Where it runs `without` a service (a key of `services.KINDS`), nobody enters that:
    the same random draws then give the world without it, from which the truth file takes the true effect."""
    rng = stream(seed, "activity")
    centre = SkillsCentre(people, months, study_area, seed, practice)
    services = Services(people, months, seed, without)
    leads_to = np.array([SERVICE_LEADS_TO[name] for name in OUTCOMES])
    chances = _Chances(people, months)
    state = np.full((len(months), len(people)), NOT_ARRIVED, dtype=np.int8)
    service = np.zeros_like(state)
    before = state[0]
    for t, place in enumerate(residence.place):
        present = residence.present[t]
        first = chances.first_states(rng, t)
        now = chances.step(before, rng.random(len(people)), t, centre.changed, services)
        now = np.where(present & ~np.isin(before, LIVING), first, now)
        now = np.select([place == ABROAD, place == DEAD], [EMIGRATED, DEAD_STATE], now).astype(np.int8)
        ended = centre.let_go(place, t)
        led_to = leads_to[centre.outcome[ended]]
        now[ended] = np.where((led_to == VOCATIONAL) & centre.in_higher_education[ended], HIGHER, led_to)
        in_service = (now == IN_SERVICE) & ~centre.inside
        stays = in_service & (before == IN_SERVICE) & (services.inside > SKILLS_CENTRE)
        refused = services.move(stays, in_service & ~stays, t)
        now[refused] = UNEMPLOYED
        services.draw_up_plans(np.isin(now, (UNEMPLOYED, IN_SERVICE)), t)
        if without != "skills_centre":
            eligible = np.isin(now, (UNEMPLOYED, IN_SERVICE)) & (place == study_area) & (people.origin == "22")
            eligible &= chances.age(t) < OLDEST_AT_ENTRY
            centre.admit(eligible, (state[max(t - 24, 0) : t] == UNEMPLOYED).sum(axis=0), t)
            now[centre.inside] = IN_SERVICE
        services.go_to_centre(centre.inside)
        service[t] = services.inside
        state[t] = before = now
    return Activity(state, centre.entry, centre.exit, centre.outcome, service, services.plan)


class _Chances:
    """Monthly chances of every person: the table MONTHLY with the factors of person and calendar."""

    def __init__(self, people: People, months: Dates) -> None:
        self.people, self.months = people, months
        size = len(STATES)
        self.table = np.zeros((size, size))
        for origin, targets in MONTHLY.items():
            for target, chance in targets.items():
                self.table[origin, target] = chance
        self.first = np.zeros((len(JOB_FINDING), size))
        for target, by_ground in FIRST.items():
            self.first[:, target] = by_ground
        self.born = people.born_on.astype("datetime64[M]").astype(int)
        trait = EMPLOYABILITY * people.employability + 0.05 * (people.isced - 3)
        self.finding = JOB_FINDING[people.ground] * np.exp(trait)
        self.losing = JOB_LOSS[people.ground] * np.exp(-0.5 * trait)
        self.fertile = np.where(people.female, 2.0, 0.3)

    def age(self, t: int) -> Floats:
        """Age in years in month `t` of the window."""
        years: Floats = (self.months[t].astype(int) - self.born) / 12
        return years

    def first_states(self, rng: np.random.Generator, t: int) -> Ints:
        """States of arrivals (all persons are drawn, few are used, so that draws never shift)."""
        first = pick_rows(rng, self.first, self.people.ground)
        first = np.where(self.age(t) < 19, GENERAL, first)
        return np.where(self.age(t) > PENSION_AGE, PENSION, first)

    def step(
        self, now: npt.NDArray[np.int8], u: Floats, t: int, after_centre: Bools, services: Services
    ) -> npt.NDArray[np.int8]:
        """The state one month later; `u` is one uniform draw per person."""
        month, age = self.months[t], self.age(t)
        chance = self.table[now]
        years_here = (t - self.people.arrival_month) / 12
        settled = np.interp(years_here, (0, 2, 5), (0.7, 1.0, 1.15))
        hiring = self.finding * settled * np.where(age > 55, 0.6, 1.0)
        hiring *= np.where(after_centre, JOB_FINDING_RATIO, 1.0) * services.job_finding
        loss = self.losing * np.where(after_centre, JOB_LOSS_RATIO, 1.0)
        if COVID[0] <= month < COVID[2]:
            hiring = hiring * (0.5 if month < COVID[1] else 0.75)
        if COVID[0] <= month < COVID[1]:
            loss = loss * 2.2
        chance[:, EMPLOYED] *= hiring
        chance[:, UNEMPLOYED] *= np.where(now == EMPLOYED, loss, 1.0)
        chance[:, IN_SERVICE] *= services.access(t)
        chance[:, FAMILY_LEAVE] *= self.fertile * (age < 42)
        ages, factors = zip(*STUDY_BY_AGE, strict=True)
        studies = np.array(factors)[np.searchsorted(ages, age, side="right") - 1]
        studies = studies * SCHOOL_STARTS.get(month.astype(int) % 12 + 1, 0.6)
        chance[:, GENERAL : HIGHER + 1] *= studies[:, None]
        disability = np.where(age > DISABILITY_AGE, DISABILITY_RATE, 0)
        chance[:, PENSION] = np.where(age > PENSION_AGE, PENSION_RATE, disability)
        chance[(now == PENSION) | (now == NOT_ARRIVED)] = 0
        cumulated = np.cumsum(chance, axis=1)
        moves = u < cumulated[:, -1]
        target = (u[:, None] >= cumulated).sum(axis=1)
        return np.where(moves, target, now).astype(np.int8)
