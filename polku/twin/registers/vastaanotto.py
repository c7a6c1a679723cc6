"""Reception's extract: who was on the books of a centre at the end of each month, and allowances paid.

Belongs here: how reception records those who wait. Does not belong here: who waits how long (`residence_cases`), and
decisions (`migri`). Columns: Statistics Finland's catalogue of MIGR_VOPAL.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.chance import Dates, Ints, Texts
from polku.twin.registers.frame import Frame, Frames
from polku.twin.residence_cases import first_cases
from polku.twin.world import World

UMA_SINCE = np.datetime64("2011-01")
CENTRES = 40
SECOND_CENTRE_SHARE = 0.15
"""Persons who are moved to another centre after half a year."""

MOVED_AFTER_MONTHS = 6
ALLOWANCE_SHARE, ALLOWANCE_CENTS = 0.85, 32_000
"""Those without wages get the allowance; a month's euros of a single person, about."""


def record(world: World) -> Frames:
    """Tables lodgings and allowances: months from the application to the first home, at the end of which she waits."""
    people, rng = world.people, world.rng("vastaanotto")
    cases = first_cases(world)
    waiting = np.flatnonzero(cases.in_reception)
    first = np.maximum(cases.applied_on[waiting].astype("datetime64[M]"), UMA_SINCE)
    # The month of the first home is not one: at its end she lives there.
    count = np.maximum((people.arrived_on[waiting].astype("datetime64[M]") - first).astype(int), 0)
    person = np.repeat(waiting, count)
    nth: Ints = np.arange(len(person)) - np.repeat(np.cumsum(count) - count, count)
    month: Dates = np.repeat(first, count) + nth.astype("timedelta64[M]")
    centre = rng.integers(0, CENTRES, len(people))
    moved = (rng.random(len(people)) < SECOND_CENTRE_SHARE)[person] & (nth >= MOVED_AFTER_MONTHS)
    office = (centre[person] + moved) % CENTRES
    paid = (rng.random(len(people)) < ALLOWANCE_SHARE)[person]
    lodgings = Frame(
        person,
        {
            "CUSTOMER_ID": people.migri_number[person],
            "LODGING_DAY": (month + 1).astype("datetime64[D]") - 1,
            "AUTHORITY_OFFICE_ID": np.array([f"VOK{number:03d}" for number in office.tolist()], dtype=object),
        },
        Counter(second_centre=int(moved.sum())),
    )
    level = rng.uniform(0.8, 1.2, len(people))
    return {"lodgings": lodgings, "allowances": _allowances(world, person[paid], nth[paid], month[paid], level)}


def _allowances(world: World, person: Ints, nth: Ints, month: Dates, level: np.ndarray) -> Frame:
    day = month.astype("datetime64[D]")
    return Frame(
        person,
        {
            "CUSTOMER_ID": world.people.migri_number[person],
            "ALLOWANCE_PAYM_DETAIL_ID": _payment_numbers(world, person, nth),
            "payment_start_month": day,
            "payment_end_month": day,
            "PAYMENT_SUM": (ALLOWANCE_CENTS * level[person]).astype(np.int64),
        },
        known_on=day,
    )


def _payment_numbers(world: World, person: Ints, nth: Ints) -> Texts:
    numbers = 7_000_000_000 + (world.first_person + person) * 100 + nth
    return np.array([str(number) for number in numbers.tolist()], dtype=object)
