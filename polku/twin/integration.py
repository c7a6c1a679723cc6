"""Integration services in the twin's world: who is an integration client, has a plan and is in which training.

Belongs here: the truth about services outside the Skills Centre. Does not belong here: how registers record it
(`registers`). Shares are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from polku.twin.chance import Bools, Dates, Ints, Texts, in_month
from polku.twin.people import GROUNDS
from polku.twin.services import INTEGRATION, LITERACY, NONE, SKILLS_CENTRE
from polku.twin.spells import Spells
from polku.twin.world import World

NEVER = np.datetime64("NaT", "D")
CLIENT_SHARE = np.array([0.0, 0.40, 0.92, 0.0, 0.0])
"""Of those who arrive in the study's municipality, by ground of residence, the clients of its early-stage services."""

FIRST_VISIT_DAYS, PLAN_AFTER_DAYS = (5, 60), (60, 200)
PLAN_DAYS, INTEGRATION_DAYS, EXTENSION_DAYS = 730, 1095, 365
"""A plan of two years, the integration period of three (1386/2010), and a year more for those who permit it."""

EXTENDED_SHARE = 0.35
PLAN_OF_BOTH_SHARE = 0.25
"""Job seekers' plans, which the employment office makes, that the municipality holds too."""


@dataclass(frozen=True)
class Clients:
    """Clients of the municipality's early-stage services, one element per person in every array.

    `ended_on` and `plan_ended_on` are inclusive; `ended_on` is NaT while the relationship goes on at the window's end.
    `plan_on` is NaT where the employment office alone has the plan; `extended` after the integration period.
    """

    person: Ints
    started_on: Dates
    ended_on: Dates
    integration_ended_on: Dates
    plan_on: Dates
    extended: Bools

    @property
    def plan_ended_on(self) -> Dates:
        """Last day of the plan."""
        return self.plan_on + (PLAN_DAYS - 1)


def last_day(world: World) -> Dates:
    """Last day of the window."""
    day: Dates = (world.months[-1] + 1).astype("datetime64[D]") - 1
    return day


def present_codes(world: World, person: Ints) -> Texts:
    """The codes of a register that overwrites them: the permanent one, '' for persons who have none in the end."""
    code = world.people.code_on(person, np.full(len(person), last_day(world)))
    return np.where(code == world.people.temporary_code[person], "", code)


def plan_days(world: World) -> Dates:
    """By person: the day on which the employment office made the integration plan (NaT: none)."""
    month = world.activity.plan
    person = np.arange(len(month))
    day = in_month(world.months[month], world.residence.day[month, person])
    return np.where(month >= 0, day, NEVER)


def municipal_clients(world: World) -> Clients:
    """Those who came to the municipality as family members or for protection, until they leave or need it no more."""
    people, rng = world.people, world.rng("municipal clients")
    share, both, extended = rng.random((3, len(people)))
    visit, plan = rng.integers(*FIRST_VISIT_DAYS, len(people)), rng.integers(*PLAN_AFTER_DAYS, len(people))
    arrived = np.maximum(people.arrival_month, 0)
    there = world.residence.place[arrived, np.arange(len(people))] == world.study_area
    person = np.flatnonzero((people.arrival_month >= 0) & there & (share < CLIENT_SHARE[people.ground]))
    start = people.arrived_on[person] + visit[person]
    integrated = start + (INTEGRATION_DAYS - 1)
    longer = extended[person] < EXTENDED_SHARE
    end = np.minimum(integrated + np.where(longer, EXTENSION_DAYS, 0), _leaves_on(world, person))
    by_office = plan_days(world)[person]
    own = np.where(
        np.isnat(by_office), start + plan[person], np.where(both[person] < PLAN_OF_BOTH_SHARE, by_office, NEVER)
    )
    last = last_day(world)
    own = np.where((own <= end) & (own >= start) & (own <= last), own, NEVER)
    began = (start <= last) & (start <= end)
    clients = Clients(person, start, np.where(end > last, NEVER, end), integrated, own, longer & (end > integrated))
    return Clients(*(getattr(clients, name)[began] for name in clients.__dataclass_fields__))


def _leaves_on(world: World, person: Ints) -> Dates:
    """The day before a person first lives elsewhere after her arrival; far away for those who never do."""
    month = np.arange(len(world.months))[:, None]
    away = (world.residence.place[:, person] != world.study_area) & (month > world.people.arrival_month[person])
    first = away.argmax(axis=0)
    day = in_month(world.months[first], world.residence.day[first, person]) - 1
    return np.where(away.any(axis=0), day, np.datetime64("2999-01-01"))


def services(world: World) -> tuple[Spells, Ints]:
    """Spells of employment-promoting service outside the Skills Centre, and the kind of each."""
    service = world.activity.service
    spells = world.spells_of(np.where(service > SKILLS_CENTRE, service, NONE))
    return spells, spells.value


def trainings(world: World) -> tuple[Spells, Bools]:
    """The spells of integration training, and whether they are of literacy training."""
    spells, kind = services(world)
    chosen = np.isin(kind, (INTEGRATION, LITERACY))
    return spells.where(chosen), kind[chosen] == LITERACY


def protected(world: World) -> Bools:
    """By person: came for international protection within the window."""
    ground: Bools = world.people.ground == GROUNDS.index("protection")
    return ground & (world.people.arrival_month >= 0)
