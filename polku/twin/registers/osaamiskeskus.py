"""The Skills Centre's extract: clients, services and exits.

Belongs here: how Omnia's client system records the world. Does not belong here: who becomes a client and
how it ends (`skills_centre`). Form assumed, as the contract says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Dates, Ints, Texts, in_month, pick
from polku.twin.registers.frame import Frame, Frames, stack, texts, with_overlaps
from polku.twin.registers.identity_changes import replaced_temporary_codes
from polku.twin.skills_centre import OUTCOMES
from polku.twin.world import World

REFERRALS, REFERRAL_WEIGHTS = ("te_office", "city", "omnia", "self", "other"), (55, 25, 12, 6, 2)
FINNISH_LEVELS = ("X", "A1.1", "A1.2", "A1.3", "A2.1", "A2.2", "B1.1", "B1.2", "B2.1", "B2.2")
LEVELS_PER_YEAR = 0.8
NO_CODE_SHARE = 0.015
"""Clients whose identity code is missing: not asked for at the first visit, and never added."""

STARTS_AT_REFERRAL_SHARE = 0.15
UNKNOWN_EDUCATION_SHARE = 0.1
TRAINING_SHARE, JOB_SEARCH_SHARE = 0.45, 0.6
"""Shares with each part of the service; nearly all who go on to education, or to work, have the matching one."""

BROKEN_TRAINING_SHARE, BREAK_DAYS = 0.2, (5, 25)
NEVER_CLOSED_SHARE = 0.01
CANCELLED_SHARE = 0.04
ONGOING = np.datetime64("2999-01-01")
MOST_HOURS = 1500
RETURNED_SHARE, RETURN_AFTER_MONTHS, RETURN_DAYS = 0.06, 8, 70
"""Former clients, again job seekers, who come back for a while under a new client number."""

OVERLAP_SHARE = 0.01
STAFF = 40
"""Employees who record services."""


def record(world: World) -> Frames:
    """Tables clients, services, exits and identity_changes."""
    rng = world.rng("osaamiskeskus")
    act = world.activity
    person = np.flatnonzero(act.is_client)
    start, end = _day(world, act.entry[person], person), _day(world, act.exit[person], person)
    # LEFT is -1: the last of the codes.
    outcome = texts((*OUTCOMES, "moved"), act.outcome[person])
    outcome[act.exit[person] < 0] = ""
    died = (act.exit[person] >= 0) & (act.state[act.exit[person], person] == a.DEAD_STATE)
    outcome[died] = "not_known"
    back, back_on = _returns(world, rng, person)
    number = _client_numbers(world, np.concatenate([start, back_on]))
    first, second = number[: len(person)], number[len(person) :]
    back_until = back_on + RETURN_DAYS
    services = stack(
        _services(rng, person, first, start, end, outcome),
        _service_rows(
            rng, back, second, "job_search", back_on, back_until,
            _each("te_office", len(back)), 4, _each("completed", len(back)),
        ),
    )  # fmt: skip
    exits = stack(
        _exits(person, first, end, outcome),
        _exits(back, second, back_until, _each("job_seeker_service", len(back))),
    )
    clients = stack(
        _clients(world, rng, person, first, start, end),
        _clients(world, rng, back, second, back_on, back_until, Counter(new_client_number=len(back))),
    )
    return {
        "clients": clients,
        "services": with_overlaps(services, "start", "end", OVERLAP_SHARE, rng),
        "exits": exits,
        "identity_changes": replaced_temporary_codes(world, "osaamiskeskus", clients),
    }


def _day(world: World, month: Ints, person: Ints) -> Dates:
    day = in_month(world.months[month], world.residence.day[month, person])
    return np.where(month < 0, np.datetime64("NaT"), day)


def _returns(world: World, rng: np.random.Generator, person: Ints) -> tuple[Ints, Dates]:
    month = world.activity.exit[person] + RETURN_AFTER_MONTHS
    possible = (world.activity.exit[person] >= 0) & (month < len(world.months) - 4)
    person, month = person[possible], month[possible]
    resident = world.residence.place[month, person] == world.study_area
    seeking = np.isin(world.activity.state[month, person], (a.UNEMPLOYED, a.IN_SERVICE))
    back = resident & seeking & (rng.random(len(person)) < RETURNED_SHARE)
    return person[back], in_month(world.months[month[back]], 9)


def _client_numbers(world: World, start: Dates) -> Texts:
    """Numbers run in the order of arrival at the centre."""
    number = np.empty(len(start), dtype=object)
    order = np.argsort(start, kind="stable")
    years = start.astype("datetime64[Y]").astype(int) + 1970
    number[order] = [f"OK{year}-{i:05d}" for i, year in enumerate(years[order].tolist(), world.first_person + 1)]
    return number


def _clients(
    world: World,
    rng: np.random.Generator,
    person: Ints,
    number: Texts,
    start: Dates,
    end: Dates,
    blemishes: Counter[str] | None = None,
) -> Frame:
    people, count = world.people, len(person)
    years = (start - people.arrived_on[person]).astype(int) / 365.25
    level = np.clip((1 + LEVELS_PER_YEAR * years + rng.normal(0, 1.5, count)).astype(int), 0, len(FINNISH_LEVELS) - 1)
    no_code = rng.random(count) < NO_CODE_SHARE
    referred = rng.random(count) < STARTS_AT_REFERRAL_SHARE
    counted = (blemishes or Counter()) + Counter(missing_identity_code=int(no_code.sum()))
    return Frame(
        person,
        {
            "client_no": number,
            "hetu": np.where(no_code, "", people.code_on(person, start)),
            "start_date": start - np.where(referred, rng.integers(3, 30, count), 0),
            "end_date": end,
            "referral_source": texts(REFERRALS, pick(rng, REFERRAL_WEIGHTS, count)),
            "language": people.language[person],
            "interpreter_need": level < 3,
            "prior_education": np.where(
                rng.random(count) < UNKNOWN_EDUCATION_SHARE, "", people.isced[person].astype(str).astype(object)
            ),
            "finnish_level": texts(FINNISH_LEVELS, level),
        },
        counted,
    )


def _services(rng: np.random.Generator, person: Ints, number: Texts, start: Dates, end: Dates, outcome: Texts) -> Frame:
    """Skills assessment first, then job search and a training path, at the same time or one of them."""
    count = len(person)
    last = np.where(np.isnat(end), ONGOING, end - 1)
    assessed = np.minimum(start + rng.integers(27, 60, count), last)
    goes_on = assessed < last
    to_school = np.isin(outcome, ("degree_education", "other_education"))
    trains = rng.random(count) < np.where(to_school, 0.9, TRAINING_SHARE)
    seeks = (rng.random(count) < np.where(outcome == "employed", 0.85, JOB_SEARCH_SHARE)) | ~trains
    half = assessed + (np.minimum(last, start + 300) - assessed) // 2
    resumed = half + rng.integers(*BREAK_DAYS, count)
    broken = trains & goes_on & (resumed + 10 < last) & (rng.random(count) < BROKEN_TRAINING_SHARE)
    job_from = np.minimum(assessed + 1 + np.where(trains, rng.integers(0, 60, count), 0), last)
    forgotten = goes_on & (rng.random(count) < NEVER_CLOSED_SHARE)
    cancelled = (last < ONGOING) & (rng.random(count) < CANCELLED_SHARE)
    assessor = np.where(rng.random(count) < 0.6, "omnia", "city")
    coach = np.where(rng.random(count) < 0.6, "te_office", "city")
    status = np.where(np.isin(outcome, ("dropped_out", "illness", "moved")), "interrupted", "completed")
    everyone = np.ones(count, dtype=bool)
    spells = (
        (everyone, "skills_assessment", start, np.where(forgotten, ONGOING, assessed), assessor, 6, "completed"),
        (trains & goes_on & ~broken, "training_path", assessed + 1, last, "omnia", 22, status),
        (broken, "training_path", assessed + 1, half, "omnia", 22, "completed"),
        (broken, "training_path", resumed, last, "omnia", 22, status),
        (seeks & goes_on, "job_search", job_from, last, coach, 4, status),
        (cancelled, "job_search", last + 20, last + 60, coach, 4, "cancelled"),
    )
    frames = [
        _service_rows(
            rng, person[rows], number[rows], service, first[rows], final[rows],
            _each(provider, count)[rows], hours_per_week, _each(state, count)[rows],
        )
        for rows, service, first, final, provider, hours_per_week, state in spells
    ]  # fmt: skip
    services = stack(*frames)
    return replace(services, blemishes=Counter(never_closed=int(forgotten.sum())))


def _each(value: str | Texts, count: int) -> Texts:
    return np.broadcast_to(np.asarray(value, dtype=object), count)


def _service_rows(
    rng: np.random.Generator,
    person: Ints,
    number: Texts,
    service: str,
    start: Dates,
    end: Dates,
    provider: Texts,
    hours_per_week: float,
    status: Texts,
) -> Frame:
    """Rows of one service; an `end` of ONGOING is written as an open one. Hours in hundredths."""
    count, ongoing = len(person), end >= ONGOING
    days = np.where(ongoing, 90, (end - start).astype(int) + 1)
    planned = np.minimum((days * hours_per_week / 7 * 100).astype(np.int64), MOST_HOURS * 100)
    attended = (planned * (0.6 + 0.4 * rng.random(count))).astype(np.int64)
    return Frame(
        person,
        {
            "client_no": number,
            "service_code": np.full(count, service, dtype=object),
            "start": start,
            "end": np.where(ongoing, np.datetime64("NaT"), end),
            "provider": provider,
            "hours_planned": planned,
            "hours_attended": np.where(status == "cancelled", 0, attended),
            "status": np.where(ongoing, "ongoing", status).astype(object),
            "kirjaaja": np.array([f"omnia\\kt{n:03d}" for n in rng.integers(0, STAFF, count).tolist()], dtype=object),
        },
        while_open={"status": "ongoing"},
    )


def _exits(person: Ints, number: Texts, end: Dates, outcome: Texts) -> Frame:
    left = ~np.isnat(end)
    return Frame(person[left], {"client_no": number[left], "exit_date": end[left], "exit_code": outcome[left]})
