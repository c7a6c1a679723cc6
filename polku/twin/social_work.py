"""Who is a client of social work, and whom it pays assistance: the truth behind two registers of social services.

Belongs here: spells of clients and months of supplementary and preventive assistance. Does not belong here: how the
county writes them down (`registers.hyvinvointialue`), and basic social assistance (`benefits`). Shares are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Ints, pick
from polku.twin.people import GROUNDS
from polku.twin.spells import Spells
from polku.twin.world import World

SERVICES = ("AIKSOS", "MAASOS", "PERSOS", "SOSKUN")
"""The county's codes: work with adults, immigrants and families, and rehabilitation."""

WITHOUT_WORK_MONTHS, CLIENT_SHARE, WAITS_MONTHS = 8, 0.2, 3
"""Of those without work for so long a share become clients, some months after they lost it."""

KINDS, KIND_WEIGHTS = ("TT", "ET"), (0.8, 0.2)
ASSISTED_PER_MONTH, CENTS = 0.07, (4_000, 45_000)
"""Months of clients with supplementary or preventive assistance, and how much it is."""


@dataclass(frozen=True)
class Assistance:
    """One element per person and month with assistance; `kind` is a position in KINDS."""

    person: Ints
    month: Ints
    kind: Ints
    cents: Ints


def client_spells(world: World) -> Spells:
    """Spells of clients; their value is 1 more than the position in SERVICES. Only residents of the study's
    municipality are its clients."""
    rng, people = world.rng("social work"), world.people
    without_work = world.spells.where(np.isin(world.spells.value, (a.UNEMPLOYED, a.OTHER)))
    newcomer = people.ground == GROUNDS.index("protection")
    service = np.select(
        [rng.random(len(people)) < 0.15, newcomer & (rng.random(len(people)) < 0.6), people.has_children], [4, 2, 3], 1
    )
    chosen = (without_work.months >= WITHOUT_WORK_MONTHS) & (rng.random(len(without_work)) < CLIENT_SHARE)
    clients = without_work.where(chosen)
    clients = replace(clients, first=clients.first + WAITS_MONTHS)
    values = clients.paint(service[clients.person], world.activity.state.shape)
    return world.spells_of(values * (world.residence.place == world.study_area))


def assistance(world: World) -> Assistance:
    """Assistance paid to clients, beside the basic social assistance."""
    rng, spells = world.rng("social work assistance"), client_spells(world)
    client = spells.paint(spells.value, world.activity.state.shape) > 0
    person, month = np.nonzero((client & (rng.random(client.shape) < ASSISTED_PER_MONTH)).T)
    return Assistance(person, month, pick(rng, KIND_WEIGHTS, len(person)), rng.integers(*CENTS, len(person)))
