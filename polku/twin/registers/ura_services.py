"""What URA records besides searches and employment codes: services, plans, statements and service lines.

Belongs here: their tables, with the codes of each time. Does not belong here: who uses which service when
(`twin.integration`) and other tables of URA (`ura`). Codes: TEM_19912023_jua_tyonhaku_001, KEHA_2022_jua_URA_002.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from polku.twin import activity as a
from polku.twin.chance import Dates, Ints, Texts, pick
from polku.twin.integration import plan_days, services
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.services import COACHING, LITERACY, PRACTICE, TRAINING
from polku.twin.spells import Spells
from polku.twin.world import World

OPEN_END = np.datetime64("2222-11-11")
TRIALS_SINCE = np.datetime64("2013-01-01")
COACHED_SINCE = np.datetime64("2010-01-01")
SUBSIDY_RENEWED = np.datetime64("2015-01-01")
MUNICIPAL_TRIAL = (np.datetime64("2021-03-01"), np.datetime64("2024-12-31"))
MULTI_SECTOR_SINCE = np.datetime64("2022-05-01")
LINES_SINCE, JOINT_SERVICE_SINCE = np.datetime64("2013-01-01"), np.datetime64("2015-01-01")
SIGNED_SINCE = np.datetime64("2011-01-01")

KNOWN_TRAINING_SHARE = 0.5
"""Integration trainings that URA has too, as labour market training; the ELY Centre has all."""

NOT_STARTED_SHARE, CANCELLED_SHARE = 0.04, 0.02
ACTIVATION_AFTER_MONTHS, ACTIVATION_SHARE, MULTI_SECTOR_SHARE = 18, 0.3, 0.05
REVIEWED_SHARE, SIGNED_SHARE, SIGNED_LATER_SHARE = 0.7, 0.95, 0.2
LINE_WEIGHTS = (0.05, 0.35, 0.32, 0.20, 0.05, 0.03)
SIGNED = {"00": "01", "01": "04", "02": "03", "07": "01"}
"""URA's own code of a plan, by the statistics' code; it has none for the multi-sector plan."""

COURSES = 400


def record_services(world: World, placed: Spells) -> Frames:
    """Tables placements, work_trials and trainings; `placed` are the spells of work with support."""
    rng = world.rng("ura services")
    spells, kind = services(world)
    early = (kind == PRACTICE) & (spells.started_on < TRIALS_SINCE)
    practice = spells.where(early)
    coded = np.where(practice.started_on >= COACHED_SINCE, "71", "70")
    subsidy = np.where(placed.started_on >= SUBSIDY_RENEWED, "6T", "60")
    placements = stack(_placements(world, rng, practice, coded), _placements(world, rng, placed, subsidy))
    trials = spells.where((kind == PRACTICE) & ~early)
    known = (kind > TRAINING) & (rng.random(len(spells)) < KNOWN_TRAINING_SHARE)
    trained = np.isin(kind, (COACHING, TRAINING)) | known
    return {
        "placements": placements,
        "work_trials": Frame(
            trials.person,
            _spell(world, trials, "alkpv4", "loppv4")
            | {"kokeilu": texts(("20", "21"), (rng.random(len(trials)) < 0.2).astype(int))},
        ),
        "trainings": _trainings(world, rng, spells.where(trained), kind[trained]),
    }


def _placements(world: World, rng: np.random.Generator, spells: Spells, code: npt.NDArray[np.str_]) -> Frame:
    reason = texts(("01", "02", "03", "06", "07"), pick(rng, (0.6, 0.1, 0.1, 0.1, 0.1), len(spells)))
    return Frame(
        spells.person,
        _spell(world, spells, "alkpv2", "loppv2")
        | {"sijkds": code.astype(object), "sipkd": np.where(np.isnat(spells.ended_on), "", reason)},
    )


def _trainings(world: World, rng: np.random.Generator, spells: Spells, kind: Ints) -> Frame:
    """Courses of integration training are for foreigners (03) or for those who cannot read (08)."""
    count = len(spells)
    taken = Frame(
        spells.person,
        _spell(world, spells, "alpvm", "papvm")
        | {
            "ktunoh": np.array([f"{n:06d}" for n in rng.integers(0, COURSES, count).tolist()], dtype=object),
            "kurslaji": np.where(kind == COACHING, "14", "15").astype(object),
            "erryhm": np.select([kind == LITERACY, kind > TRAINING], ["08", "03"], "").astype(object),
            "alkood": np.full(count, "1", dtype=object),
            "pasyy": np.where(np.isnat(spells.ended_on), "", texts(("0", "2", "5"), pick(rng, (0.8, 0.1, 0.1), count))),
            "perutk": np.full(count, "", dtype=object),
        },
    )
    # Selected for another course as well, which did not begin for the person, or for anybody.
    idle = taken.rows(rng.random(count) < NOT_STARTED_SHARE + CANCELLED_SHARE)
    cancelled = rng.random(len(idle)) < CANCELLED_SHARE / (NOT_STARTED_SHARE + CANCELLED_SHARE)
    columns = idle.columns | {
        "ktunoh": np.char.add("P", idle.columns["ktunoh"].astype(str)).astype(object),
        "pasyy": np.full(len(idle), "", dtype=object),
        "alkood": np.where(cancelled, "1", "0").astype(object),
        "perutk": np.where(cancelled, "P", "").astype(object),
    }
    return stack(taken, Frame(idle.person, columns))


def _spell(world: World, spells: Spells, start: str, end: str) -> dict[str, npt.NDArray[np.generic]]:
    return {
        "hetu": world.people.code_on(spells.person, spells.started_on),
        start: spells.started_on,
        end: np.where(np.isnat(spells.ended_on), OPEN_END, spells.ended_on),
        "toinoh": offices(world, spells.person, spells.started_on),
    }


def record_plans(world: World) -> Frames:
    """Tables plans, signed_plans, statements and service_lines."""
    rng = world.rng("ura plans")
    plan_on = plan_days(world)
    planned = np.flatnonzero(~np.isnat(plan_on))
    searches = _searches(world)
    integration = _plans(world, planned, plan_on[planned], "01")
    again = planned[rng.random(len(planned)) < REVIEWED_SHARE]
    again = again[plan_on[again] + 365 <= world.months[-1].astype("datetime64[D]")]
    employment = searches.where((searches.months > 1) & ~(searches.started_on >= plan_on[searches.person]))
    new = employment.started_on >= MULTI_SECTOR_SINCE
    multi = new & (rng.random(len(employment)) < MULTI_SECTOR_SHARE)
    long = (searches.months > ACTIVATION_AFTER_MONTHS) & (rng.random(len(searches)) < ACTIVATION_SHARE)
    activated = searches.where(long)
    plans = stack(
        integration,
        _plans(world, again, plan_on[again] + 365, "01"),
        _plans(world, employment.person, employment.started_on + 14, np.where(multi, "07", "00")),
        _plans(world, activated.person, activated.started_on + 500, "02"),
    )
    return {
        "plans": plans,
        "signed_plans": _signed(world, rng, plans),
        "statements": stack(
            _statements(world, integration, "G1", rng.integers(0, 6, len(integration))),
            _statements(world, integration, "H1", rng.integers(6, 20, len(integration))),
        ),
        "service_lines": _service_lines(world, rng, searches),
    }


def _searches(world: World) -> Spells:
    seeking = np.isin(world.activity.state, (a.UNEMPLOYED, a.IN_SERVICE))
    return world.spells_of(seeking.astype(np.int8))


def _plans(world: World, person: Ints, made_on: Dates, code: str | npt.NDArray[np.str_]) -> Frame:
    return Frame(
        person,
        {
            "hetu": world.people.code_on(person, made_on),
            "kotsk": np.broadcast_to(np.asarray(code, dtype=object), len(person)),
            "thspv": made_on,
            "toinoh": offices(world, person, made_on),
        },
    )


def _signed(world: World, rng: np.random.Generator, plans: Frame) -> Frame:
    """The same plans in URA's own table, some signed a few days after they were made."""
    rows = plans.rows((plans.columns["thspv"] >= SIGNED_SINCE) & (rng.random(len(plans)) < SIGNED_SHARE))
    later = rng.random(len(rows)) < SIGNED_LATER_SHARE
    signed = rows.columns["thspv"] + np.where(later, rng.integers(1, 10, len(rows)), 0)
    return Frame(
        rows.person,
        {
            "hetu": rows.columns["hetu"],
            "toimsuunlaji": np.array([SIGNED[code] for code in rows.columns["kotsk"]], dtype=object),
            "allekpvm": signed,
            "toimviimpvm": signed + 180,
            "toinoh": rows.columns["toinoh"],
        },
    )


def _statements(world: World, plans: Frame, code: str, days: Ints) -> Frame:
    made: Dates = plans.columns["thspv"]
    stated: Dates = made + days
    nothing = np.full(len(plans), np.datetime64("NaT", "D"))
    return Frame(
        plans.person,
        {
            "hetu": world.people.code_on(plans.person, stated),
            "lausno": np.full(len(plans), code, dtype=object),
            "rekpv": stated,
            "alkpv7": nothing,
            "loppv7": nothing,
            "toinoh": plans.columns["toinoh"],
        },
    )


def _service_lines(world: World, rng: np.random.Generator, searches: Spells) -> Frame:
    lines = searches.where(searches.started_on >= LINES_SINCE)
    day = lines.started_on + 7
    code = texts(("00", "01", "02", "03", "04", "05"), pick(rng, LINE_WEIGHTS, len(lines)))
    code[(code == "05") & (day < JOINT_SERVICE_SINCE)] = "03"
    return Frame(
        lines.person,
        {
            "hetu": world.people.code_on(lines.person, day),
            "segmenttikoodi": code,
            "segmenttipvm": day,
            "toinoh": offices(world, lines.person, day),
        },
    )


def offices(world: World, person: Ints, days: Dates) -> Texts:
    """Espoo's own office, the one of Uusimaa from 2013, and the municipal trial for those who live in Espoo."""
    month = np.clip((days.astype("datetime64[M]") - world.months[0]).astype(int), 0, len(world.months) - 1)
    here = world.residence.place[month, person] == world.study_area
    trial = here & (days >= MUNICIPAL_TRIAL[0]) & (days <= MUNICIPAL_TRIAL[1])
    return np.select([trial, here & (days < TRIALS_SINCE)], ["0231", "0272"], "0299").astype(object)
