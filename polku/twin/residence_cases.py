"""Permits in the twin's world: what each person applied for and when, how long she waited, when she became a citizen.

Belongs here: the truth about residence permits and citizenship. Does not belong here: how registers record it
(`registers.migri`, `registers.vastaanotto`, `registers.dvv`). Shares are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from polku.twin.chance import Bools, Dates, Texts
from polku.twin.people import GROUNDS
from polku.twin.world import World

QUOTA_SHARE = 0.3
"""Of those under international protection, the quota refugees, who come with a permit."""

TEMPORARY_FROM, UKRAINE = np.datetime64("2022-03-01"), "804"
WAITS_DAYS = {"asylum": (120, 720), "temporary": (250, 400), "other": (30, 240)}
"""From the application to the first home: asylum seekers wait for the permit in reception, those with temporary
protection there too, with a permit; others wait abroad."""

NATURALISED_SHARE, NATURALISED_AFTER_DAYS = 0.45, (2200, 4400)


@dataclass(frozen=True)
class FirstCases:
    """The first case of every person: days of application and permit; and whether she waits in reception."""

    is_quota: Bools
    is_temporary: Bools
    applied_on: Dates
    granted_on: Dates
    in_reception: Bools


def first_cases(world: World) -> FirstCases:
    """The first cases; the first home in a municipality follows them."""
    people, rng = world.people, world.rng("first cases")
    protection = people.ground == GROUNDS.index("protection")
    temporary = protection & (people.country == UKRAINE) & (people.arrived_on > TEMPORARY_FROM)
    quota = protection & ~temporary & (rng.random(len(people)) < QUOTA_SHARE)
    asylum = protection & ~temporary & ~quota
    waits = np.select(
        [asylum, temporary],
        [rng.integers(*WAITS_DAYS["asylum"], len(people)), rng.integers(*WAITS_DAYS["temporary"], len(people))],
        rng.integers(*WAITS_DAYS["other"], len(people)),
    )
    applied: Dates = people.arrived_on - waits
    applied = np.where(temporary, np.maximum(applied, TEMPORARY_FROM), applied)
    granted = np.where(temporary, np.minimum(applied + 10, people.arrived_on), people.arrived_on)
    return FirstCases(quota, temporary, applied, granted, asylum | temporary)


def naturalised_on(world: World) -> Dates:
    """By person: the day on which she became a Finnish citizen within the window, living in Finland (NaT: never)."""
    people, rng = world.people, world.rng("citizenships")
    day: Dates = people.arrived_on + rng.integers(*NATURALISED_AFTER_DAYS, len(people))
    first, last = world.months[0].astype("datetime64[D]"), (world.months[-1] + 1).astype("datetime64[D]") - 1
    month = (np.clip(day, first, last).astype("datetime64[M]") - world.months[0]).astype(int)
    lives_here = world.residence.present[month, np.arange(len(people))] & (day <= last)
    chosen = (rng.random(len(people)) < NATURALISED_SHARE) & lives_here
    return np.where(chosen, day, np.datetime64("NaT"))


def case_numbers(world: World, person: np.ndarray, order: int) -> Texts:
    """Numbers of the persons' cases, unique over all persons; `order` counts the cases of a person."""
    numbers = 5_000_000_000 + (world.first_person + person) * 10 + order
    return np.array([str(number) for number in numbers.tolist()], dtype=object)
