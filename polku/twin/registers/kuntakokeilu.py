"""The municipal trial's extract: who was its client when, and the city's services for them.

Belongs here: how the city records the trial. Does not belong here: URA, which has the same job seekers (`ura`).
Form assumed, as the contract says.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Texts, pick
from polku.twin.integration import NEVER, last_day, present_codes
from polku.twin.registers.frame import Frame, Frames, texts, with_overlaps
from polku.twin.spells import Spells
from polku.twin.world import World

BEGAN = np.datetime64("2021-03")
YOUNG_YEARS = 30
SERVED_SHARE = 0.5
SERVICES = ("job_coaching", "career_guidance", "language_coaching", "digital_coaching", "group_coaching")
SERVICE_WEIGHTS = (0.4, 0.2, 0.15, 0.15, 0.1)
CANCELLED_SHARE, OVERLAP_SHARE = 0.05, 0.01
STAFF = 60


def record(world: World) -> Frames:
    """Tables client_spells and services: job seekers who live in the municipality while the trial lasts."""
    rng = world.rng("kuntakokeilu")
    seeking = np.isin(world.activity.state, (a.UNEMPLOYED, a.IN_SERVICE))
    here = world.residence.place == world.study_area
    spells = world.spells_of((seeking & here & (world.months >= BEGAN)[:, None]).astype(np.int8))
    first = world.months[spells.first] == BEGAN
    began = np.where(first, BEGAN.astype("datetime64[D]"), spells.started_on)
    ended = np.where(np.isnat(spells.ended_on), last_day(world), spells.ended_on)
    code = present_codes(world, spells.person)
    known = code != ""
    born = world.people.born_on[spells.person]
    young = (began - born).astype(int) / 365.25 < YOUNG_YEARS
    clients = Frame(
        spells.person[known],
        {
            "hetu": code[known],
            "kohderyhma": np.where(young, "under_30", "immigrant").astype(object)[known],
            "siirtopv": began[known],
            "paattymispv": ended[known],
            "paattymissyy": _end_reasons(world, spells)[known],
        },
    )
    return {"client_spells": clients, "services": _services(rng, clients)}


def _end_reasons(world: World, spells: Spells) -> Texts:
    following = np.minimum(spells.last + 1, len(world.months) - 1)
    after = world.activity.state[following, spells.person]
    moved = world.residence.place[following, spells.person] != world.study_area
    school = np.isin(after, (a.GENERAL, a.VOCATIONAL, a.HIGHER))
    reasons = ["trial_ended", "moved", "employed", "education"]
    return np.select([np.isnat(spells.ended_on), moved, after == a.EMPLOYED, school], reasons, "other").astype(object)


def _services(rng: np.random.Generator, clients: Frame) -> Frame:
    """One service of the city for some of the clients who stay long enough."""
    days = (clients.columns["paattymispv"] - clients.columns["siirtopv"]).astype(int)
    served = clients.rows((days > 120) & (rng.random(len(clients)) < SERVED_SHARE))
    count = len(served)
    start = served.columns["siirtopv"] + rng.integers(20, 60, count)
    end = np.minimum(start + rng.integers(30, 150, count), served.columns["paattymispv"])
    cancelled = rng.random(count) < CANCELLED_SHARE
    frame = Frame(
        served.person,
        {
            "hetu": served.columns["hetu"],
            "palvelu": texts(SERVICES, pick(rng, SERVICE_WEIGHTS, count)),
            "alkupv": start,
            "loppupv": np.where(cancelled, NEVER, end),
            "tila": np.where(cancelled, "cancelled", "completed").astype(object),
            "kirjaaja": np.array([f"espoo\\tk{n:03d}" for n in rng.integers(0, STAFF, count).tolist()], dtype=object),
        },
        Counter(cancelled_service=int(cancelled.sum())),
    )
    return with_overlaps(frame, "alkupv", "loppupv", OVERLAP_SHARE, rng)
