"""The information service's list of contacts: by month, channel, language and topic, without persons.

Belongs here: how the service keeps its list. Does not belong here: other services. Topics and languages are those
of the city's bulletin of 22 December 2020; shares are assumed.
"""

from __future__ import annotations

import numpy as np

from polku.twin.chance import pick
from polku.twin.registers.frame import Frame, Frames, texts
from polku.twin.world import World

OPEN_MONTHS = (np.datetime64("2020-12"), np.datetime64("2021-08"))
VISITS_SINCE = np.datetime64("2021-01-11")
CONTACTS_PER_RESIDENT = 0.4
TOPICS = ("early_education", "study_and_work", "social_services", "health", "housing", "forms", "authorities")
TOPIC_WEIGHTS = (8, 18, 22, 12, 14, 14, 12)
LANGUAGES, LANGUAGE_WEIGHTS = ("fi", "sv", "en", "ku", "other"), (32, 1, 38, 12, 17)
VISIT_SHARE = 0.35


def record(world: World) -> Frames:
    """Table contacts: `person` of a row is who called, whom the list does not name."""
    rng = world.rng("neuvonta")
    first, last = ((month - world.months[0]).astype(int) for month in OPEN_MONTHS)
    residents = np.flatnonzero((world.residence.place[first : last + 1] == world.study_area).all(axis=0))
    person = rng.choice(residents, round(CONTACTS_PER_RESIDENT * len(residents)))
    begin, end = OPEN_MONTHS[0].astype("datetime64[D]"), (OPEN_MONTHS[1] + 1).astype("datetime64[D]")
    day = np.sort(begin + rng.integers(0, (end - begin).astype(int), len(person)))
    visits = (rng.random(len(person)) < VISIT_SHARE) & (day >= VISITS_SINCE)
    number = world.first_person + np.arange(len(person)) + 1
    return {
        "contacts": Frame(
            person,
            {
                "yhteydenottonro": number,
                "paiva": day,
                "kanava": np.where(visits, "visit", "phone").astype(object),
                "kieli": texts(LANGUAGES, pick(rng, LANGUAGE_WEIGHTS, len(person))),
                "aihe": texts(TOPICS, pick(rng, TOPIC_WEIGHTS, len(person))),
            },
        )
    }
