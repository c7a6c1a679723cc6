"""The Population Information System's extract: persons and their moves.

Belongs here: how the population register records the world. Does not belong here: other registers.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.chance import Dates, in_month
from polku.twin.registers.frame import Frame, Frames
from polku.twin.registers.identity_changes import changed_codes
from polku.twin.residence import BETWEEN, DEAD, EMIGRATION, IMMIGRATION
from polku.twin.residence_cases import naturalised_on
from polku.twin.world import World

FINLAND, UNKNOWN_COUNTRY, UNKNOWN_MUNICIPALITY = "246", "200", "999"
KEEPS_CITIZENSHIP_SHARE = 0.8
"""Of those who became Finns; the others' states take theirs back."""

UNKNOWN_TARGET_SHARE = 0.2
"""Emigrations whose country of destination nobody notified."""

UNKNOWN_ORIGIN_SHARE = 0.01
"""Moves between municipalities with an unknown municipality of departure: late and hand-made notices."""


def record(world: World) -> Frames:
    """Tables persons, moves and identity_changes."""
    return {"persons": _persons(world), "moves": _moves(world), "identity_changes": changed_codes(world)}


def _persons(world: World) -> Frame:
    people, rng = world.people, world.rng("dvv persons")
    finnish = ~np.isnat(naturalised_on(world))
    keeps = finnish & (rng.random(len(people)) < KEEPS_CITIZENSHIP_SHARE)
    return Frame(
        np.arange(len(people)),
        {
            "hetu": people.code,
            "syntymapaiva": people.born_on,
            "sukupuoli": np.where(people.female, "2", "1").astype(object),
            "aidinkieli": people.language,
            "kansa1": np.where(finnish, FINLAND, people.country),
            "kansa2": np.where(keeps, people.country, ""),
            "svaltio": people.country,
            "syntyp2": people.origin,
            "sivs": people.marital_status,
            "kuolinpv": died_on(world),
        },
    )


def died_on(world: World) -> Dates:
    """By person; NaT for the living."""
    dead = world.residence.place == DEAD
    month = np.argmax(dead, axis=0)
    persons = np.arange(len(world.people))
    return np.where(
        dead.any(axis=0), in_month(world.months[month], world.residence.day[month, persons]), np.datetime64("NaT")
    )


def _moves(world: World) -> Frame:
    moves, people, rng = world.residence, world.people, world.rng("dvv moves")
    person, kind = moves.move_person, moves.move_kind
    count = len(person)
    origin = np.array([f"{code:03d}" for code in moves.move_from.tolist()], dtype=object)
    target = np.array([f"{code:03d}" for code in moves.move_to.tolist()], dtype=object)
    unknown = (kind == BETWEEN) & (rng.random(count) < UNKNOWN_ORIGIN_SHARE)
    untold = rng.random(count) < UNKNOWN_TARGET_SHARE
    return Frame(
        person,
        {
            "hetu": people.code[person],
            "muuttolaji": kind.astype(str).astype(object),
            "muuttopv": moves.moved_on,
            "lkunta": np.where(unknown, UNKNOWN_MUNICIPALITY, origin),
            "tkunta": target,
            "lahtomaakoodi": np.where(kind == IMMIGRATION, people.country[person], FINLAND),
            "tulomaakoodi": np.where(
                kind == EMIGRATION, np.where(untold, UNKNOWN_COUNTRY, people.country[person]), FINLAND
            ),
            "kansa1_m": np.where(naturalised_on(world)[person] <= moves.moved_on, FINLAND, people.country[person]),
        },
        Counter(unknown_municipality=int(unknown.sum())),
    )
