"""The ELY Centre's extract: participation in integration training, and placements in municipalities.

Belongs here: how the training that it buys is recorded. Does not belong here: who is in training (`twin.integration`)
and attendance, which providers keep (`kotokoulutus`). Form assumed, as the contract says.
"""

from __future__ import annotations

import numpy as np

from polku.twin.chance import pick
from polku.twin.integration import NEVER, present_codes, protected, trainings
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.world import World

HOURS_PER_WEEK, MOST_HOURS = 30, 2000
ASSESSED_SHARE, ASSESSMENT_DAYS, ASSESSMENT_HOURS = 0.8, 14, 40
STATUSES, STATUS_WEIGHTS = ("completed", "interrupted"), (0.85, 0.15)
PLACED_SHARE = 0.5
CONTRACTS = 40
"""Contracts of a year."""


def record(world: World) -> Frames:
    """Tables participations and municipal_placements."""
    return {"participations": _participations(world), "municipal_placements": _placements(world)}


def _participations(world: World) -> Frame:
    """The trainings, most of them with an assessment in the fortnight before."""
    rng = world.rng("ely_keha")
    spells, literacy = trainings(world)
    count = len(spells)
    ongoing = np.isnat(spells.ended_on)
    days = np.where(ongoing, 90, (spells.ended_on - spells.started_on).astype(int) + 1)
    year = spells.started_on.astype("datetime64[Y]").astype(int) + 1970
    contract = rng.integers(0, CONTRACTS, count)
    training = Frame(
        spells.person,
        {
            "hetu": present_codes(world, spells.person),
            "sopimusnro": np.array(
                [f"UUDELY/{y}/{n:03d}" for y, n in zip(year.tolist(), contract.tolist(), strict=True)], dtype=object
            ),
            "koulutus": np.where(literacy, "literacy", "integration").astype(object),
            "alkupv": spells.started_on,
            "loppupv": spells.ended_on,
            "tunteja": np.minimum(days * HOURS_PER_WEEK * 100 // 7, MOST_HOURS * 100),
            "tila": np.where(ongoing, "ongoing", texts(STATUSES, pick(rng, STATUS_WEIGHTS, count))).astype(object),
        },
    )
    before = training.rows(rng.random(count) < ASSESSED_SHARE)
    assessed = before.columns | {
        "koulutus": np.full(len(before), "mapping", dtype=object),
        "alkupv": before.columns["alkupv"] - ASSESSMENT_DAYS,
        "loppupv": before.columns["alkupv"] - 1,
        "tunteja": np.full(len(before), ASSESSMENT_HOURS * 100),
        "tila": np.full(len(before), "completed", dtype=object),
    }
    both = stack(Frame(before.person, assessed), training)
    return both.rows(both.columns["hetu"] != "")


def _placements(world: World) -> Frame:
    """Half of those who came for protection were placed in the municipality of their first home."""
    rng, people = world.rng("ely_keha placements"), world.people
    person = np.flatnonzero(protected(world) & (rng.random(len(people)) < PLACED_SHARE))
    code = present_codes(world, person)
    place = world.residence.place[people.arrival_month[person], person]
    assigned = people.arrived_on[person] + rng.integers(10, 150, len(person))
    moved = assigned + rng.integers(14, 60, len(person))
    placed = (code != "") & (place > 0)
    frame = Frame(
        person,
        {
            "hetu": code,
            "kunta": np.array([f"{number:03d}" for number in place.tolist()], dtype=object),
            "osoitettu": assigned,
            "muutti": np.where(rng.random(len(person)) < 0.95, moved, NEVER),
        },
    )
    return frame.rows(placed)
