"""The student register's extract: who was a student on 20 September, until Koski is complete.

Belongs here: how Statistics Finland counts students. Does not belong here: what somebody studied
(`education`). Education that aims at no degree after basic education is not counted by person.
"""

from __future__ import annotations

import numpy as np

from polku.twin.education import Education, education
from polku.twin.registers.frame import Frame, Frames
from polku.twin.world import World

CENSUS_DAYS = 50
"""From 1 August to 20 September."""

LAST_YEAR = 2019
SCHOOL_TYPES = {"lukiokoulutus": ("15", "15"), "ammatillinenkoulutus": ("21", "24"), "korkeakoulutus": ("41", "42")}
"""By form of education; one person in three is in the second one."""


def record(world: World) -> Frames:
    """Table students."""
    studies = education(world)
    studies = studies.where(studies.aims_at_degree)
    years = range(world.months[0].astype("datetime64[Y]").astype(int) + 1970, LAST_YEAR + 1)
    parts = [_students(world, studies, year) for year in years]
    person = np.concatenate([part[0] for part in parts])
    school = np.concatenate([part[1] for part in parts])
    year = np.repeat(list(years), [len(part[0]) for part in parts])
    order = np.lexsort((year, person))
    columns = {"hetu": world.people.code[person], "vuosi": year, "opty": school}
    return {"students": Frame(person[order], {name: values[order] for name, values in columns.items()})}


def _students(world: World, studies: Education, year: int) -> tuple[np.ndarray, np.ndarray]:
    day = np.datetime64(f"{year}-08-01") + CENSUS_DAYS
    ended = np.where(np.isnat(studies.spells.ended_on), np.datetime64("2999-01-01"), studies.spells.ended_on)
    there = (studies.spells.started_on <= day) & (ended >= day)
    person = studies.spells.person[there]
    second = (world.first_person + person) % 3 == 0
    pairs = [SCHOOL_TYPES[form] for form in studies.form[there].tolist()]
    return person, np.array([pair[other] for pair, other in zip(pairs, second.tolist(), strict=True)], dtype=object)
