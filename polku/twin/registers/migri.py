"""The Finnish Immigration Service's extract: client numbers, applications, decisions, valid permits, citizenships.

Belongs here: how the register of aliens records the world. Does not belong here: who applied for what when
(`residence_cases`), and reception (`vastaanotto`). Codes: Statistics Finland's catalogue of MIGR_OLESK.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from polku.twin.people import GROUNDS
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.residence_cases import FirstCases, case_numbers, first_cases, naturalised_on
from polku.twin.world import World

GROUND_CODES = {"work": "2", "family": "1", "protection": "490001", "study": "3", "mobility": "490003"}
QUOTA, TEMPORARY = "460001", "480001"
EXTENDED = {"protection": "50"}
"""The ground of a further permit, where it is another one."""

FIRST, FURTHER, MOBILITY = "59", "60", "63"
ASYLUM_TYPE, QUOTA_TYPE, TEMPORARY_TYPE = "49", "46", "48"
"""Types of case."""

POSITIVE, NEGATIVE = "1", "9"
FIRST_PERMIT_DAYS = 365
APPLIES_BEFORE_DAYS, CORRECTED_AFTER_DAYS = 60, 12
"""Before the end of a permit the next one is applied for."""

CORRECTED_SHARE, APPEALED_SHARE, CANCELLED_SHARE = 0.02, 0.25, 0.004
"""Decisions written anew for a mistake of writing; asylum seekers who were refused first, and won in court; first
permits that were cancelled after half a year, because another one was given."""

CANCELLED_AFTER_DAYS = 180
NO_CODE_SHARE = 0.02
"""Customers whose identity code was never entered."""

TWO_PERSONS_SHARE = 0.001
"""Client numbers that name two persons: a clerk opened the wrong customer. At least one."""

UMA_SINCE = np.datetime64("2011-01-01")
OPEN_END = np.datetime64("9999-12-31")
NO_DAY = np.datetime64("NaT", "D")


def record(world: World) -> Frames:
    """Tables customers, applications, decisions, permits and citizenships."""
    cases = _cases(world, first_cases(world))
    in_uma = cases.rows(cases.columns["applied"] >= UMA_SINCE)
    granted = naturalised_on(world)
    citizen = np.flatnonzero(granted >= UMA_SINCE)
    return {
        "customers": _customers(world),
        "applications": _applications(in_uma),
        "decisions": _decisions(world, in_uma),
        "permits": _permits(cases),
        "citizenships": Frame(
            citizen,
            {"CUSTOMER_ID": world.people.migri_number[citizen], "DCSN_MEASURE_CONFIRMATION_DAY": granted[citizen]},
        ),
    }


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


def _cases(world: World, first: FirstCases) -> Frame:
    """The true cases of everybody: a first permit of a year and an open one after it, decided within the window.

    Citizens of the EU register once, for good.
    """
    people = world.people
    person = np.arange(len(people))
    ground = texts(GROUNDS, people.ground)
    mobile, asylum = ground == "mobility", first.in_reception & ~first.is_temporary
    kinds = [first.is_quota, first.is_temporary, asylum, mobile]
    code = np.array([GROUND_CODES[g] for g in ground], dtype=object)
    ends = np.where(mobile, OPEN_END, first.granted_on + (FIRST_PERMIT_DAYS - 1))
    begins = ends + 1
    early = Frame(
        person,
        {
            "number": people.migri_number,
            "case": case_numbers(world, person, 1),
            "type": np.select(kinds, [QUOTA_TYPE, TEMPORARY_TYPE, ASYLUM_TYPE, MOBILITY], FIRST).astype(object),
            "ground": np.select(kinds[:2], [QUOTA, TEMPORARY], code).astype(object),
            "applied": first.applied_on,
            "decided": first.granted_on,
            "started": first.granted_on,
            "ended": ends,
        },
    )
    later = {
        "number": people.migri_number,
        "case": case_numbers(world, person, 2),
        "type": np.full(len(person), FURTHER, dtype=object),
        "ground": np.array([EXTENDED.get(g, GROUND_CODES[g]) for g in ground], dtype=object),
        "applied": begins - APPLIES_BEFORE_DAYS,
        "decided": begins,
        "started": begins,
        "ended": np.full(len(person), OPEN_END),
    }
    last = (world.months[-1] + 1).astype("datetime64[D]") - 1
    cases = stack(early, Frame(person, later).rows(~mobile))
    return cases.rows(cases.columns["decided"] <= last)


def _applications(cases: Frame) -> Frame:
    of = cases.columns
    return Frame(
        cases.person,
        {
            "CASE_ID": of["case"],
            "CUSTOMER_ID": of["number"],
            "CASE_TYPE": of["type"],
            "PROCESSING_GROUNDS_GROUP": of["ground"],
            "initiation_month": of["applied"],
        },
        known_on=of["applied"],
    )


def _decisions(world: World, cases: Frame) -> Frame:
    """The decision that stands of every case, and those before it that it replaced."""
    rng, of = world.rng("migri decisions"), cases.columns
    count = len(cases)
    corrected, appealed, cancelled = rng.random((3, count)) < [[CORRECTED_SHARE], [APPEALED_SHARE], [CANCELLED_SHARE]]
    appealed &= of["type"] == ASYLUM_TYPE
    cancelled &= (of["type"] == FIRST) & ~corrected
    registration = of["type"] == MOBILITY
    day_of_decision = "DCSN_MEASURE_CONFIRMATION_DAY"
    standing = Frame(
        cases.person,
        {
            "CASE_ID": of["case"],
            "CUSTOMER_ID": of["number"],
            day_of_decision: of["decided"],
            "DCSN_TYPE_ID": np.full(count, POSITIVE, dtype=object),
            "DCSN_LEVEL": np.where(appealed, "2", "1").astype(object),
            "VALIDITY_START_DATE": np.where(registration, NO_DAY, of["started"]),
            "VALIDITY_END_DATE": of["ended"],
            "VALIDITY_PERMANENT": of["ended"] == OPEN_END,
            "CANCELLATION_DATE": np.where(cancelled, of["started"] + CANCELLED_AFTER_DAYS, NO_DAY),
        },
        known_on=of["decided"],
        foreseen=("VALIDITY_START_DATE", "VALIDITY_END_DATE"),
    )
    before = standing.rows(corrected & ~registration)
    written = before.columns[day_of_decision] - CORRECTED_AFTER_DAYS
    shorter = before.columns["VALIDITY_START_DATE"] + 29
    first = replace(
        before, columns=before.columns | {day_of_decision: written, "VALIDITY_END_DATE": shorter}, known_on=written
    )
    refused = standing.rows(appealed)
    half = of["applied"][appealed] + (of["decided"] - of["applied"])[appealed] // 2
    nothing = np.full(len(refused), NO_DAY)
    negative = {
        day_of_decision: half,
        "DCSN_TYPE_ID": np.full(len(refused), NEGATIVE, dtype=object),
        "DCSN_LEVEL": np.full(len(refused), "1", dtype=object),
        "VALIDITY_START_DATE": nothing,
        "VALIDITY_END_DATE": nothing,
        "VALIDITY_PERMANENT": np.zeros(len(refused), dtype=bool),
    }
    appealed_against = replace(refused, columns=refused.columns | negative, known_on=half)
    every = stack(standing, first, appealed_against)
    return replace(every, blemishes=Counter(corrected_decision=len(first), cancelled_permit=int(cancelled.sum())))


def _permits(cases: Frame) -> Frame:
    """The permits that were valid after the end of 2010, with the number of the case where UMA has the case."""
    of = cases.columns
    permits = Frame(
        cases.person,
        {
            "CASE_ID": np.where(of["applied"] >= UMA_SINCE, of["case"], "").astype(object),
            "CUSTOMER_ID": of["number"],
            "PROCESSING_GROUNDS_GROUP": of["ground"],
            "VALIDITY_START_DATE": of["started"],
            "VALIDITY_END_DATE": of["ended"],
        },
        foreseen=("VALIDITY_END_DATE",),
    )
    return permits.rows(of["ended"] >= UMA_SINCE)
