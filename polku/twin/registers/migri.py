"""The Finnish Immigration Service's extract: whose its client numbers are, and residence permits.

Belongs here: how the register of aliens records the world. Does not belong here: other registers. Codes:
Statistics Finland's catalogue of MIGR_OLESK_jua_voimassaoleva_000.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.people import GROUNDS
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.world import World

GROUND_CODES = {"work": "2", "family": "1", "protection": "490001", "study": "3", "mobility": "490003"}
EXTENDED = {"protection": "50"}
"""The ground of a further permit, where it is another one."""

FIRST_PERMIT_DAYS = 365
NO_CODE_SHARE = 0.02
"""Customers whose identity code was never entered."""

TWO_PERSONS_SHARE = 0.001
"""Client numbers that name two persons: a clerk opened the wrong customer. At least one."""

UMA_SINCE = np.datetime64("2011-01-01")


def record(world: World) -> Frames:
    """Tables customers and permits."""
    return {"customers": _customers(world), "permits": _permits(world)}


def _customers(world: World) -> Frame:
    people, rng = world.people, world.rng("migri customers")
    person = np.arange(len(people))
    known = rng.random(len(people)) >= NO_CODE_SHARE
    registered = np.where(np.isnat(people.temporary_until), people.arrived_on, people.temporary_until)
    right = Frame(
        person,
        {
            "CUSTOMER_ID": people.migri_number,
            "HENKILOTUNNUS": np.where(known, people.code, ""),
            "TUNNUS_PVM": np.where(known, registered, np.datetime64("NaT")),
        },
        Counter(missing_identity_code=int((~known).sum())),
    )
    mixed = rng.choice(np.flatnonzero(known), max(1, round(TWO_PERSONS_SHARE * len(people))), replace=False)
    other = (mixed + 1) % len(people)
    wrong = Frame(
        mixed,
        {
            "CUSTOMER_ID": people.migri_number[mixed],
            "HENKILOTUNNUS": people.code[other],
            "TUNNUS_PVM": registered[mixed],
        },
        Counter(number_of_two_persons=len(mixed)),
    )
    return stack(right, wrong)


def _permits(world: World) -> Frame:
    """A first permit of a year and an open one after it; what ended before UMA is not in it."""
    people = world.people
    person = np.arange(len(people))
    ground = texts(GROUNDS, people.ground)
    first = Frame(
        person,
        {
            "CUSTOMER_ID": people.migri_number,
            "PROCESSING_GROUNDS_GROUP": np.array([GROUND_CODES[g] for g in ground], dtype=object),
            "VALIDITY_START_DATE": people.arrived_on,
            "VALIDITY_END_DATE": people.arrived_on + FIRST_PERMIT_DAYS - 1,
        },
    )
    second = Frame(
        person,
        {
            "CUSTOMER_ID": people.migri_number,
            "PROCESSING_GROUNDS_GROUP": np.array([EXTENDED.get(g, GROUND_CODES[g]) for g in ground], dtype=object),
            "VALIDITY_START_DATE": people.arrived_on + FIRST_PERMIT_DAYS,
            "VALIDITY_END_DATE": np.full(len(person), np.datetime64("9999-12-31")),
        },
    )
    both = stack(first, second)
    return both.rows(both.columns["VALIDITY_END_DATE"] >= UMA_SINCE)
