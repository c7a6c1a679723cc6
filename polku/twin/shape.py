"""Shares that are published of the real services, as they are in the invented world.

Belongs here: the figures of `lists/published.csv` and how each is counted. Does not belong here: assumptions that were
set so that they come out (`activity`, `skills_centre`, `services`), and pictures (`comparing`).
"""

from __future__ import annotations

import csv
from collections import Counter
from importlib import resources

import numpy as np

from polku.twin import activity as a
from polku.twin import skills_centre
from polku.twin.chance import Bools, Ints
from polku.twin.services import NONE
from polku.twin.world import World

OF = " of"
WITHIN_MONTHS, LATER_MONTHS = 36, 60


def published() -> list[dict[str, str]]:
    """The published figures: name, value, whether the twin's assumptions were set to meet it, words and source."""
    text = resources.files("polku.twin").joinpath("lists", "published.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def shape(world: World) -> dict[str, float]:
    """The figures of one world."""
    return shares(shape_counts(world))


def shares(counts: Counter[str]) -> dict[str, float]:
    """The figures of counts that were added up over blocks of persons."""
    names = [name.removesuffix(OF) for name in counts if name.endswith(OF)]
    return {name: counts[name] / max(counts[f"{name}{OF}"], 1) for name in names}


def shape_counts(world: World) -> Counter[str]:
    """Persons by figure, and under its name with OF those of whom the figure is a share."""
    state, months = world.activity.state, world.months
    plan = world.activity.plan
    planned = np.flatnonzero((plan >= 0) & (plan + WITHIN_MONTHS < len(months)))
    measures = _measures(world, planned)
    took_part = measures > 0
    later = np.flatnonzero((plan >= 0) & (plan + LATER_MONTHS < len(months)))
    later = later[world.residence.present[plan[later] + LATER_MONTHS, later]]
    after = state[plan[later] + LATER_MONTHS, later]
    arrived = np.flatnonzero(world.people.arrival_month >= 0)
    december = int((np.datetime64("2019-12") - months[0]).astype(int))
    in_espoo = state[december, world.residence.place[december] == world.study_area]
    figures = _of_the_centre(world) | {
        "plan_clients_after_5_years_employed": (after == a.EMPLOYED, _all(after)),
        "plan_clients_after_5_years_seeking": (np.isin(after, (a.UNEMPLOYED, a.IN_SERVICE)), _all(after)),
        "plan_clients_after_5_years_outside": (after >= a.GENERAL, _all(after)),
        "first_state_job_seeker": (
            state[world.people.arrival_month[arrived], arrived] == a.UNEMPLOYED, _all(arrived),
        ),
        "plan_clients_in_a_measure": (took_part, _all(planned)),
        "participants_in_3_measures": (measures >= 3, took_part),
        "participants_in_5_measures": (measures >= 5, took_part),
        "unemployment_rate_2019_12": (in_espoo == a.UNEMPLOYED, np.isin(in_espoo, (a.EMPLOYED, a.UNEMPLOYED))),
    }  # fmt: skip
    counts: Counter[str] = Counter()
    for name, (which, among) in figures.items():
        counts[name], counts[f"{name}{OF}"] = int((which & among).sum()), int(among.sum())
    return counts


def _of_the_centre(world: World) -> dict[str, tuple[Bools, Bools]]:
    act, year = world.activity, world.months.astype("datetime64[Y]").astype(int) + 1970
    outcomes = list(skills_centre.OUTCOMES)
    left = (act.exit >= 0) & (year[act.exit] == 2020)
    since_2019 = act.is_client & (year[np.maximum(act.entry, 0)] >= 2019)

    def had(*names: str) -> Bools:
        ended: Bools = (act.exit >= 0) & np.isin(act.outcome, [outcomes.index(name) for name in names])
        return ended

    return {
        "leavers_2020_employed": (had("employed"), left),
        "leavers_2020_in_education": (had("degree_education", "other_education"), left),
        "clients_since_2019_employed": (had("employed"), since_2019),
        "clients_since_2019_degree_education": (had("degree_education"), since_2019),
    }


def _measures(world: World, planned: Ints) -> Ints:
    """How many services each of the persons entered within three years of the plan."""
    service, plan = world.activity.service[:, planned], world.activity.plan[planned]
    entered = service != NONE
    entered[1:] &= service[1:] != service[:-1]
    month = np.arange(len(service))[:, None]
    measures: Ints = (entered & (month >= plan) & (month < plan + WITHIN_MONTHS)).sum(axis=0)
    return measures


def _all(persons: np.ndarray) -> Bools:
    return np.ones(len(persons), dtype=bool)
