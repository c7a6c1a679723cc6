"""URA's extract: job searches, spells of employment codes, and all tables together.

Belongs here: how the employment authority records the world, with the codes of each time. Does not belong
here: services and plans (`ura_services`), other registers. Codes: Statistics Finland's catalogue of
TEM_19912023_jua_tyonhaku_001.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Dates, Texts, pick
from polku.twin.people import GROUNDS
from polku.twin.registers.frame import Frame, Frames, texts, with_overlaps
from polku.twin.registers.identity_changes import replaced_temporary_codes
from polku.twin.registers.ura_services import OPEN_END, offices, record_plans, record_services
from polku.twin.spells import Spells
from polku.twin.world import World

SERVICES_CODED = np.datetime64("2012-01-01")
PART_TIME_CODED = np.datetime64("2022-05-01")
LONGER_PERMIT_CODES = np.datetime64("2024-01-01")
UKRAINE, TEMPORARY_PROTECTION = "804", np.datetime64("2022-03-01")
LAY_OFFS = (np.datetime64("2020-03-15"), np.datetime64("2020-09-01"))
WORK_WEIGHTS = (0.84, 0.05, 0.01, 0.10)
"""Open labour market, with support, reduced week, part-time."""

LAID_OFF_SHARE = 0.6
STUDIES_SHARE, STAYS_SHARE = 0.35, 0.5
"""Former job seekers whom URA still knows while they study by their own motion or are outside the labour
force; the others leave its books."""

OVERLAP_SHARE = 0.01


def record(world: World) -> Frames:
    """Tables job_searches and employment_spells, those of services and plans, and identity_changes."""
    rng = world.rng("ura employment codes")
    known, code = _employment_codes(world, rng)
    frames = {"job_searches": _job_searches(world), "employment_spells": _employment_spells(world, rng, known, code)}
    frames |= record_services(world, known.where(code == "00")) | record_plans(world)
    return frames | {"identity_changes": replaced_temporary_codes(world, "ura", *frames.values())}


def _job_searches(world: World) -> Frame:
    rng = world.rng("ura job searches")
    state = world.activity.state
    seeking = np.isin(state, (a.UNEMPLOYED, a.IN_SERVICE))
    # 100 marks the search: the states around it stay readable as `before` and `after`.
    spells = world.spells_of(np.where(seeking, 100, state))
    searches = spells.where(spells.value == 100)
    frame = Frame(
        searches.person,
        {
            "hetu": world.people.code_on(searches.person, searches.started_on),
            "alkpv1": searches.started_on,
            "loppv1": _open(searches.ended_on),
            "hapkd": _end_reasons(rng, searches),
            "hedkd": _prior_activities(searches),
            "otlupa": _permits(world, searches),
            "toinoh": offices(world, searches.person, searches.started_on),
        },
    )
    return with_overlaps(frame, "alkpv1", "loppv1", OVERLAP_SHARE, rng, blank="hapkd")


def _end_reasons(rng: np.random.Generator, searches: Spells) -> Texts:
    """Found a job 03, placed 01; education 08 or, from 2012, self-motivated study 13; left the labour force
    05, other or not known 06."""
    new = searches.ended_on >= SERVICES_CODED
    return np.select(
        [
            np.isnat(searches.ended_on),
            searches.after == a.EMPLOYED,
            np.isin(searches.after, (a.GENERAL, a.VOCATIONAL, a.HIGHER)),
            np.isin(searches.after, (a.FAMILY_LEAVE, a.OTHER, a.PENSION)),
        ],
        ["", np.where(rng.random(len(searches)) < 0.8, "03", "01"), np.where(new, "13", "08"), "05"],
        "06",
    ).astype(object)


def _prior_activities(searches: Spells) -> Texts:
    """13 other or not known, 01 in work, 03 and 04 in vocational and general education, 10 on family leave."""
    codes = {a.EMPLOYED: "01", a.VOCATIONAL: "03", a.GENERAL: "04", a.FAMILY_LEAVE: "10"}
    return np.select([searches.before == state for state in codes], list(codes.values()), "13").astype(object)


def _permits(world: World, searches: Spells) -> Texts:
    """6 continuous, 7 permanent permit (from five years), 8 citizen of an EU country, C temporary protection;
    two characters from 2024."""
    ground = world.people.ground[searches.person]
    years = (searches.started_on - world.people.arrived_on[searches.person]).astype(int) / 365.25
    permit = np.where(ground == GROUNDS.index("mobility"), "8", np.where(years > 5, "7", "6")).astype(object)
    fled = (world.people.country[searches.person] == UKRAINE) & (searches.started_on >= TEMPORARY_PROTECTION)
    permit[fled & (ground == GROUNDS.index("protection"))] = "C"
    longer = np.where(permit == "C", "1", "0") + permit
    return np.where(searches.started_on >= LONGER_PERMIT_CODES, longer, permit)


def _employment_codes(world: World, rng: np.random.Generator) -> tuple[Spells, Texts]:
    """Codes are written from the first job search on; before it URA does not know the person."""
    spells = world.spells
    count = len(spells)
    seeking = np.isin(spells.value, (a.UNEMPLOYED, a.IN_SERVICE))
    first_search = np.full(len(world.people), len(world.months))
    np.minimum.at(first_search, spells.person[seeking], spells.first[seeking])
    after_search = np.isin(spells.before, (a.UNEMPLOYED, a.IN_SERVICE))
    new = spells.started_on >= SERVICES_CODED
    work = texts(("01", "00", "04", "09"), pick(rng, WORK_WEIGHTS, count))
    work[(work == "09") & (spells.started_on < PART_TIME_CODED) | (work == "00") & ~after_search] = "01"
    laid_off = (spells.before == a.EMPLOYED) & (rng.random(count) < LAID_OFF_SHARE)
    laid_off &= (spells.started_on >= LAY_OFFS[0]) & (spells.started_on < LAY_OFFS[1])
    studies = (spells.value == a.VOCATIONAL) & after_search & new & (rng.random(count) < STUDIES_SHARE)
    stays = (spells.value == a.OTHER) & after_search & (rng.random(count) < STAYS_SHARE)
    states = [spells.value == state for state in (a.EMPLOYED, a.UNEMPLOYED, a.IN_SERVICE)]
    codes: list[Any] = [work, np.where(laid_off, "03", "02"), np.where(new, "07", "05"), "08", "05"]
    code = np.select([*states, studies, stays], codes, "").astype(object)
    written = (code != "") & (spells.first >= first_search[spells.person])
    return spells.where(written), code[written]


def _employment_spells(world: World, rng: np.random.Generator, known: Spells, code: Texts) -> Frame:
    frame = Frame(
        known.person,
        {
            "hetu": world.people.code_on(known.person, known.started_on),
            "tyok1": code,
            "tappvh": known.started_on,
            "tppvm": _open(known.ended_on),
        },
    )
    return with_overlaps(frame, "tappvh", "tppvm", OVERLAP_SHARE, rng)


def _open(ended_on: Dates) -> Dates:
    return np.where(np.isnat(ended_on), OPEN_END, ended_on)
