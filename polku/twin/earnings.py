"""What the invented persons earn in a month of work.

Belongs here: true wages. Does not belong here: how they are taxed and recorded (`registers.vero`,
`registers.tulorekisteri`).
"""

from __future__ import annotations

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Bools, Floats
from polku.twin.world import World

EUR_BY_ISCED = np.array([1950, 1950, 2050, 2250, 2300, 2500, 2800, 3400, 4000], dtype=float)
"""Gross wage of a month of full-time work in 2020."""

BY_GROUND = np.array([1.25, 0.95, 0.92, 0.95, 1.05])
GROWTH, SPREAD, EMPLOYABILITY = 0.022, 0.20, 0.08
PART_TIME_SHARE, PART_TIME = 0.18, 0.55
FIRST_MONTH = 0.5
"""A job begins in the course of a month."""

SELF_EMPLOYED_SHARE = 0.06


def monthly_wages(world: World) -> Floats:
    """EUR by month and person; 0 where the person does not work. Shape (months, persons)."""
    people, rng = world.people, world.rng("wages")
    persons = len(people)
    level = EUR_BY_ISCED[people.isced] * BY_GROUND[people.ground]
    level = level * np.exp(EMPLOYABILITY * people.employability + rng.normal(0, SPREAD, persons))
    level = level * np.where(rng.random(persons) < PART_TIME_SHARE, PART_TIME, 1.0)
    year = world.months.astype("datetime64[Y]").astype(int) + 1970
    works = world.activity.state == a.EMPLOYED
    begins = works.copy()
    begins[1:] &= ~works[:-1]
    wages: Floats = works * level * (1 + GROWTH * (year - 2020))[:, None] * np.where(begins, FIRST_MONTH, 1.0)
    return wages


def self_employed(world: World) -> Bools:
    """By person: whether she works for herself, so that her earnings are no wages."""
    chosen: Bools = world.rng("vero").random(len(world.people)) < SELF_EMPLOYED_SHARE
    return chosen
