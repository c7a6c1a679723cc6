"""Koski's extract: study rights and the periods of their states.

Belongs here: how the education registry records the world; higher education comes through VIRTA. Does not
belong here: other registers. Coverage: Koski is in use from 2018 and complete from 2020.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Bools, Dates, Ints, Texts, pick_rows
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.spells import Spells
from polku.twin.world import World

IN_USE, COMPLETE = np.datetime64("2018-01-01"), np.datetime64("2020-01-01")
RECORDED_BEFORE_COMPLETE = 0.7
TUVA_BEGINS = np.datetime64("2022-08-01")

FORMS = (
    "aikuistenperusopetus",
    "lukiokoulutus",
    "luva",
    "vapaansivistystyonkoulutus",
    "ammatillinenkoulutus",
    "korkeakoulutus",
)
ATTAINMENTS = (
    "aikuistenperusopetuksenoppimaara",
    "lukionoppimaara",
    "luva",
    "vstmaahanmuuttajienkotoutumiskoulutus",
    "ammatillinentutkinto",
    "korkeakoulututkinto",
)
FORM_WEIGHTS = {a.GENERAL: (55, 15, 10, 20, 0, 0), a.VOCATIONAL: (0, 0, 0, 0, 1, 0), a.HIGHER: (0, 0, 0, 0, 0, 1)}
PART_SHARE = 0.12
"""Vocational study rights that aim at parts of a qualification; never those that ended the Skills Centre's
service as degree education."""

MONTHS_TO_DEGREE = {a.GENERAL: 9, a.VOCATIONAL: 14, a.HIGHER: 24}
GRADUATES, CONFIRMED = 0.75, 0.95
INTERRUPTED_SHARE, INTERRUPTED_DAYS = 0.12, 40
COURSES = 500
"""Numbers of a person's study rights: of courses from this one on."""

COURSE_SHARE = 0.03
"""Unemployment spells with a one-day course, which looks like any study right."""


def record(world: World) -> Frames:
    """Tables study_rights and study_periods."""
    rng = world.rng("koski")
    spells = world.spells.where(np.isin(world.spells.value, tuple(FORM_WEIGHTS)))
    ended_on = np.where(np.isnat(spells.ended_on), np.datetime64("2999-01-01"), spells.ended_on)
    recorded = (ended_on >= IN_USE) & ((ended_on >= COMPLETE) | (rng.random(len(spells)) < RECORDED_BEFORE_COMPLETE))
    rights = spells.where(recorded)
    form = _forms(rng, rights)
    graduated, state = _last_states(rng, rights)
    oid = study_right_oids(world, rights.person)
    attainment = _attainments(world, rng, rights, form)
    table = Frame(
        rights.person,
        {
            "hetu": world.people.code[rights.person],
            "opiskeluoikeus_oid": oid,
            "koulutusmuoto": form,
            "alkamispaiva": rights.started_on,
            "paattymispaiva": rights.ended_on,
            "viimeisin_tila": state,
            "suorituksen_tyyppi": attainment,
            "koulutusmoduuli_koodisto": np.full(len(rights), "koulutus", dtype=object),
            "vahvistus_paiva": np.where(
                graduated & (rng.random(len(rights)) < CONFIRMED), rights.ended_on, np.datetime64("NaT")
            ),
        },
        while_open={"viimeisin_tila": "lasna"},
    )
    funding = np.where(attainment == "ammatillinentutkintoosittainen", "10", "1").astype(object)
    periods = _periods(rng, table, state, funding)
    course_rights, course_periods = _courses(world, rng)
    return {"study_rights": stack(table, course_rights), "study_periods": stack(*periods, course_periods)}


def study_right_oids(world: World, person: Ints, first: int = 0) -> Texts:
    """Unique object identifiers of the persons' study rights, which are sorted by person; numbered from `first`."""
    order = np.arange(len(person)) - np.searchsorted(person, person)
    numbers = 10_000_000_000 + (world.first_person + person) * 1000 + first + order
    return np.array([f"1.2.246.562.15.{number}" for number in numbers.tolist()], dtype=object)


def _forms(rng: np.random.Generator, rights: Spells) -> Texts:
    weights = np.zeros((len(a.STATES), len(FORMS)))
    weights[:, 0] = 1
    for state, by_form in FORM_WEIGHTS.items():
        weights[state] = by_form
    form = texts(FORMS, pick_rows(rng, weights, rights.value))
    return np.where((form == "luva") & (rights.started_on >= TUVA_BEGINS), "tuva", form)


def _attainments(world: World, rng: np.random.Generator, rights: Spells, form: Texts) -> Texts:
    by_form = dict(zip(FORMS, ATTAINMENTS, strict=True)) | {"tuva": "tuvakoulutuksensuoritus"}
    attainment = np.array([by_form[name] for name in form.tolist()], dtype=object)
    from_service = world.activity.exit[rights.person] == rights.first
    part = (attainment == "ammatillinentutkinto") & (rng.random(len(rights)) < PART_SHARE) & ~from_service
    attainment[part] = "ammatillinentutkintoosittainen"
    return attainment


def _last_states(rng: np.random.Generator, rights: Spells) -> tuple[Bools, Texts]:
    needed = np.zeros(len(a.STATES))
    for kind, months in MONTHS_TO_DEGREE.items():
        needed[kind] = months
    ended = ~np.isnat(rights.ended_on)
    graduated = ended & (rights.months >= needed[rights.value]) & (rng.random(len(rights)) < GRADUATES)
    state = np.where(rng.random(len(rights)) < 0.6, "eronnut", "katsotaaneronneeksi").astype(object)
    state[graduated] = "valmistunut"
    state[~ended] = "lasna"
    return graduated, state


def _periods(rng: np.random.Generator, rights: Frame, state: Texts, funding: Texts) -> list[Frame]:
    """Present from the first day; the day on which a right ends is a period of its final state of its own."""
    start, end = rights.columns["alkamispaiva"], rights.columns["paattymispaiva"]
    ended = ~np.isnat(end)
    long = (np.where(ended, end, np.datetime64("2999-01-01")) - start).astype(int) > 300
    paused = long & (rng.random(len(rights)) < INTERRUPTED_SHARE)
    pause = start + rng.integers(100, 200, len(rights))
    studied = ~ended | (end > start)
    everyone, last = np.arange(len(rights)), end - 1
    parts = (
        (everyone[studied & ~paused], start, last, "lasna"),
        (everyone[paused], start, pause - 1, "lasna"),
        (everyone[paused], pause, pause + INTERRUPTED_DAYS - 1, "valiaikaisestikeskeytynyt"),
        (everyone[paused], pause + INTERRUPTED_DAYS, last, "lasna"),
        (everyone[ended], end, end, state),
    )
    return [
        _period(
            rights.rows(chosen),
            first[chosen],
            final[chosen],
            np.broadcast_to(name, len(rights))[chosen],
            funding[chosen],
        )
        for chosen, first, final, name in parts
    ]


def _period(rights: Frame, start: Dates, end: Dates, state: str | Texts, funding: str | Texts) -> Frame:
    columns = {name: rights.columns[name] for name in ("hetu", "opiskeluoikeus_oid", "koulutusmuoto")}
    columns |= {"alku": start, "loppu": end}
    columns |= {"tila": np.full(len(rights), state, dtype=object)}
    columns |= {"opintojen_rahoitus": np.full(len(rights), funding, dtype=object)}
    return Frame(rights.person, columns)


def _courses(world: World, rng: np.random.Generator) -> tuple[Frame, Frame]:
    spells = world.spells
    takes = (spells.value == a.UNEMPLOYED) & (spells.months > 2) & (rng.random(len(spells)) < COURSE_SHARE)
    takes &= spells.started_on >= IN_USE
    taken = spells.where(takes)
    day = taken.started_on + 40
    person: Ints = taken.person
    count = len(person)
    oid = study_right_oids(world, person, COURSES)
    rights = Frame(
        person,
        {
            "hetu": world.people.code[person],
            "opiskeluoikeus_oid": oid,
            "koulutusmuoto": np.full(count, "ammatillinenkoulutus", dtype=object),
            "alkamispaiva": day,
            "paattymispaiva": day,
            "viimeisin_tila": np.full(count, "valmistunut", dtype=object),
            "suorituksen_tyyppi": np.full(count, "muuammatillinenkoulutus", dtype=object),
            "koulutusmoduuli_koodisto": np.full(count, "ammatilliseentehtavaanvalmistavakoulutus", dtype=object),
            "vahvistus_paiva": day,
        },
        Counter(one_day_course=count),
    )
    return rights, _period(rights, day, day, "lasna", "6")
