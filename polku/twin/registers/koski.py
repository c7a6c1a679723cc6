"""Koski's extract: study rights and the periods of their states.

Belongs here: how the education registry records studies; higher education comes through VIRTA. Does not belong here:
what somebody studied (`education`), and other registers. Coverage: Koski is in use from 2018 and complete from 2020.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Dates, Ints, Texts
from polku.twin.education import FORMS, Education, education
from polku.twin.registers.frame import Frame, Frames, stack
from polku.twin.world import World

IN_USE, COMPLETE = np.datetime64("2018-01-01"), np.datetime64("2020-01-01")
RECORDED_BEFORE_COMPLETE = 0.7
ATTAINMENTS = (
    "aikuistenperusopetuksenoppimaara",
    "lukionoppimaara",
    "luva",
    "vstmaahanmuuttajienkotoutumiskoulutus",
    "ammatillinentutkinto",
    "korkeakoulututkinto",
)
"""By form of education."""

INTERRUPTED_SHARE, INTERRUPTED_DAYS = 0.12, 40
COURSES, BOUGHT, VOIDED = 500, 600, 700
"""Numbers of a person's study rights: of courses, of bought training and of voided rights from these on."""

COURSE_SHARE = 0.03
"""Unemployment spells with a one-day course, which looks like any study right."""

BOUGHT_SHARE = 0.05
"""Vocational study rights of which another provider gives a part, with a right of its own there."""

VOIDED_SHARE, VOIDED_DAYS = 0.01, 200
"""Study rights that were first entered with a first day so long before the right one, and voided."""

NONE = np.datetime64("NaT", "D")


def record(world: World) -> Frames:
    """Tables study_rights and study_periods."""
    rng = world.rng("koski")
    studies = education(world)
    ended_on = np.where(np.isnat(studies.spells.ended_on), np.datetime64("2999-01-01"), studies.spells.ended_on)
    early = rng.random(len(studies)) < RECORDED_BEFORE_COMPLETE
    studies = studies.where((ended_on >= IN_USE) & ((ended_on >= COMPLETE) | early))
    rights = _rights(world, rng, studies)
    funding = np.where(studies.is_part, "10", "1").astype(object)
    periods = _periods(rng, rights, rights.columns["viimeisin_tila"], funding)
    courses = _courses(world, rng)
    bought = _bought(world, rng, rights)
    voided = _voided(world, rng, rights)
    return {
        "study_rights": stack(rights, *(right for right, _ in (courses, bought, voided))),
        "study_periods": stack(*periods, *(period for _, period in (courses, bought, voided))),
    }


def _rights(world: World, rng: np.random.Generator, studies: Education) -> Frame:
    """One study right for each of the studies."""
    count, spells = len(studies), studies.spells
    by_form = dict(zip(FORMS, ATTAINMENTS, strict=True)) | {"tuva": "tuvakoulutuksensuoritus"}
    attainment = np.array([by_form[name] for name in studies.form.tolist()], dtype=object)
    attainment[studies.is_part] = "ammatillinentutkintoosittainen"
    state = np.where(rng.random(count) < 0.6, "eronnut", "katsotaaneronneeksi").astype(object)
    state[studies.graduated] = "valmistunut"
    state[np.isnat(spells.ended_on)] = "lasna"
    return Frame(
        spells.person,
        {
            "hetu": world.people.code[spells.person],
            "opiskeluoikeus_oid": study_right_oids(world, spells.person),
            "sis_opiskeluoikeuteen_oid": np.full(count, "", dtype=object),
            "koulutusmuoto": studies.form,
            "alkamispaiva": spells.started_on,
            "paattymispaiva": spells.ended_on,
            "viimeisin_tila": state,
            "suorituksen_tyyppi": attainment,
            "koulutusmoduuli_koodisto": np.full(count, "koulutus", dtype=object),
            "vahvistus_paiva": np.where(studies.confirmed, spells.ended_on, NONE),
        },
        while_open={"viimeisin_tila": "lasna"},
    )


def study_right_oids(world: World, person: Ints, first: int = 0) -> Texts:
    """Unique object identifiers of the persons' study rights, which are sorted by person; numbered from `first`."""
    order = np.arange(len(person)) - np.searchsorted(person, person)
    numbers = 10_000_000_000 + (world.first_person + person) * 1000 + first + order
    return np.array([f"1.2.246.562.15.{number}" for number in numbers.tolist()], dtype=object)


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
            "sis_opiskeluoikeuteen_oid": np.full(count, "", dtype=object),
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


def _bought(world: World, rng: np.random.Generator, rights: Frame) -> tuple[Frame, Frame]:
    """Rights at the providers that training was bought from: as long as the buyer's, and parts of it."""
    chosen = (rights.columns["suorituksen_tyyppi"] == "ammatillinentutkinto") & (rng.random(len(rights)) < BOUGHT_SHARE)
    whole = rights.rows(chosen)
    parts = {
        "opiskeluoikeus_oid": study_right_oids(world, whole.person, BOUGHT),
        "sis_opiskeluoikeuteen_oid": whole.columns["opiskeluoikeus_oid"],
    }
    bought = replace(whole, columns=whole.columns | parts, blemishes=Counter(bought_training=len(whole)))
    start, end = whole.columns["alkamispaiva"], whole.columns["paattymispaiva"]
    last = np.where(start < end, end - 1, end)  # the day on which the right ends is another state's
    return bought, _period(bought, start, last, "lasna", "1")


def _voided(world: World, rng: np.random.Generator, rights: Frame) -> tuple[Frame, Frame]:
    """Rights that were entered with a wrong first day: voided, and entered anew."""
    entered = rights.rows(rng.random(len(rights)) < VOIDED_SHARE)
    wrong = {
        "opiskeluoikeus_oid": study_right_oids(world, entered.person, VOIDED),
        "alkamispaiva": entered.columns["alkamispaiva"] - VOIDED_DAYS,
        "paattymispaiva": entered.columns["alkamispaiva"],
        "viimeisin_tila": np.full(len(entered), "mitatoity", dtype=object),
        "vahvistus_paiva": np.full(len(entered), NONE),
    }
    counted = Counter(voided_right=len(entered))
    # The state that shows a mistake is there from the day on which it was voided: never present in the end.
    voided = replace(entered, columns=entered.columns | wrong, blemishes=counted, while_open={})
    start, end = voided.columns["alkamispaiva"], voided.columns["paattymispaiva"]
    return voided, _period(voided, start, end, "lasna", "1")
