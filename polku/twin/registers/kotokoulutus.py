"""The providers' extract: participants under numbers of their own, and hours attended by month.

Belongs here: how providers of integration support services keep their lists. Does not belong here: who is in training
(`twin.integration`) and contracts (`ely_keha`). Form assumed, as the contract says.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.chance import Dates, Ints, Texts, in_month
from polku.twin.integration import last_day, municipal_clients, present_codes, trainings
from polku.twin.registers.frame import Frame, Frames, stack
from polku.twin.world import World

COVERED_FROM = np.datetime64("2015-01")
NO_CODE_SHARE = 0.15
LEAST_HOURS, MOST_HOURS = 40, 120
ABSENT_SHARE = 0.04
"""Months in which a participant was on the list and never came."""

GROUP_SHARE, GROUP_MONTHS, GROUP_HOURS = 0.35, (2, 9), (4, 20)
"""Clients of the municipality in language groups or civic orientation."""


def record(world: World) -> Frames:
    """Tables participants and attendances."""
    rng = world.rng("kotokoulutus")
    attended = stack(_training(world, rng), _groups(world, rng))
    attended = attended.rows(attended.columns["kuukausi"] >= COVERED_FROM.astype("datetime64[D]"))
    person, first = np.unique(attended.person, return_index=True)
    code = np.where(rng.random(len(person)) < NO_CODE_SHARE, "", present_codes(world, person))
    participants = Frame(
        person,
        {
            "asiakasnro": _numbers(world, person),
            "hetu": code,
            "ilmoittautui": attended.columns["kuukausi"][first] - rng.integers(0, 20, len(person)),
        },
        Counter(missing_identity_code=int((code == "").sum())),
    )
    return {"participants": participants, "attendances": attended}


def _numbers(world: World, person: Ints) -> Texts:
    """The number of a provider's client: each of its own series, told apart by a letter."""
    numbers = (world.first_person + person).tolist()
    return np.array([f"{'ABCD'[number % 4]}{number // 4 + 1:06d}" for number in numbers], dtype=object)


def _training(world: World, rng: np.random.Generator) -> Frame:
    """Every month that a training touches, some without an hour."""
    spells, literacy = trainings(world)
    spell = np.repeat(np.arange(len(spells)), spells.months)
    order = np.arange(len(spell)) - np.repeat(np.cumsum(spells.months) - spells.months, spells.months)
    month = in_month(world.months[spells.first[spell] + order], 0)
    hours = rng.integers(LEAST_HOURS * 100, MOST_HOURS * 100, len(spell))
    hours = np.where(rng.random(len(spell)) < ABSENT_SHARE, 0, hours)
    service = np.where(literacy, "literacy", "integration").astype(object)[spell]
    return _rows(world, spells.person[spell], service, month, hours)


def _groups(world: World, rng: np.random.Generator) -> Frame:
    clients = municipal_clients(world)
    chosen = rng.random(len(clients.person)) < GROUP_SHARE
    person = clients.person[chosen]
    start = clients.started_on[chosen].astype("datetime64[M]") + 1
    months = rng.integers(*GROUP_MONTHS, len(person))
    group = np.repeat(np.arange(len(person)), months)
    order = np.arange(len(group)) - np.repeat(np.cumsum(months) - months, months)
    month = in_month(start[group] + order, 0)
    until = np.where(np.isnat(clients.ended_on[chosen]), last_day(world), clients.ended_on[chosen])
    service = np.where(rng.random(len(person)) < 0.7, "language_group", "orientation").astype(object)[group]
    hours = rng.integers(GROUP_HOURS[0] * 100, GROUP_HOURS[1] * 100, len(group))
    rows = _rows(world, person[group], service, month, hours)
    return rows.rows(month <= until[group])


def _rows(world: World, person: Ints, service: Texts, month: Dates, hours: Ints) -> Frame:
    numbers = _numbers(world, person)
    return Frame(person, {"asiakasnro": numbers, "palvelu": service, "kuukausi": month, "tunnit": hours})
