"""The degree register's extract: degrees completed in Finland, and the few from abroad that somebody told of.

Belongs here: how Statistics Finland records degrees. Does not belong here: what somebody studied (`education`).
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.chance import in_month
from polku.twin.education import education
from polku.twin.registers.frame import Frame, Frames, stack
from polku.twin.world import World

SCHOOL_AND_KIND = {"lukiokoulutus": ("15", "9"), "ammatillinenkoulutus": ("21", "1"), "korkeakoulutus": ("41", "9")}
LOWEST_ISCED, FROM_ABROAD_SHARE = 5, 0.12
"""Of degrees of higher education taken abroad before coming, those that the register knows."""

MONTHS_BEFORE_ARRIVAL = (6, 120)


def record(world: World) -> Frames:
    """Table degrees."""
    studies = education(world)
    studies = studies.where(~np.isnat(studies.completed_on))
    school, kind = np.array([SCHOOL_AND_KIND[form] for form in studies.form.tolist()], dtype=object).reshape(-1, 2).T
    finnish = _degrees(world, studies.spells.person, studies.completed_on, school, kind, False)
    rng, people = world.rng("tutkinnot"), world.people
    told = (people.isced >= LOWEST_ISCED) & (rng.random(len(people)) < FROM_ABROAD_SHARE)
    person = np.flatnonzero(told)
    months = people.arrived_on[person].astype("datetime64[M]") - rng.integers(*MONTHS_BEFORE_ARRIVAL, len(person))
    unknown, other = (np.full(len(person), code, dtype=object) for code in ("BB", "9"))
    abroad = _degrees(world, person, in_month(months, 0), unknown, other, True)
    degrees = stack(abroad, finnish)
    number = np.arange(len(degrees)) - np.searchsorted(degrees.person, degrees.person) + 1
    columns = degrees.columns | {"jarno": number}
    return {"degrees": Frame(degrees.person, columns, Counter(from_abroad=len(person)), known_on=degrees.known_on)}


def _degrees(
    world: World, person: np.ndarray, day: np.ndarray, school: np.ndarray, kind: np.ndarray, abroad: bool
) -> Frame:
    return Frame(
        person,
        {
            "hetu": world.people.code[person],
            "saika": day.astype("datetime64[M]").astype("datetime64[D]"),
            "opty": school,
            "tutklaja": kind,
            "ulkom": np.full(len(person), abroad),
        },
    )
