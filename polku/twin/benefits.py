"""Which benefits the invented persons receive, month by month, and how much.

Belongs here: who is entitled to what. Does not belong here: decisions and payments, which are Kela's way
to record it (`registers.kela`). Amounts are near those of 2020; shares are assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Bools, Ints, pick_rows
from polku.twin.spells import Spells
from polku.twin.world import World

EUR_PER_MONTH = {
    "FM": 724,
    "FP": 760,
    "KOTT": 740,
    "TOTU": 430,
    "YAT": 350,
    "OPR": 265,
    "LL": 150,
    "VR": 850,
    "KHT": 480,
    "PR": 620,
    "QE": 560,
    "TAKE": 830,
    "MAET": 560,
    "municipal": 430,
}
"""Gross, by Kela's code of the benefit, in 2020; before and after by INDEX a year."""

INDEX = 0.015
TAXABLE = ("FM", "FP", "KOTT", "OPR", "VR", "KHT", "PR")
PENSIONS = ("QE", "TAKE", "MAET")

PLAN_MONTHS = 30
"""An integration plan lasts 2-3 years."""

BEGINS = {"TOTU": np.datetime64("2017-01-01"), "TAKE": np.datetime64("2011-03-01")}
ENDS = {"MAET": np.datetime64("2011-02-28")}
"""First and last days of benefits that Kela has not paid all the time: social assistance was the municipalities',
and the guarantee pension replaced the special assistance for immigrants."""

MUNICIPAL = "municipal"
"""Social assistance of the time before Kela's; no code of hers."""

POOR_SHARE, GRANT_SHARE, CHILDLESS_YEARS = 0.4, 0.65, 24
PARENTAL_MONTHS, BASIC_ALLOWANCE_MONTHS = 10, 14
SICK_PER_MONTH = 0.004


@dataclass(frozen=True)
class Entitlement:
    """One benefit: its spells, and one element per person and month in `person`, `month` and `cents`."""

    code: str
    spells: Spells
    person: Ints
    month: Ints
    cents: Ints


def entitlements(world: World) -> Iterator[Entitlement]:
    """All of Kela's benefits in the world, one after the other."""
    return (entitlement for entitlement in _all(world) if entitlement.code != MUNICIPAL)


def municipal_assistance(world: World) -> Entitlement:
    """Basic social assistance before Kela's."""
    return next(entitlement for entitlement in _all(world) if entitlement.code == MUNICIPAL)


def _all(world: World) -> Iterator[Entitlement]:
    rng = world.rng("benefit amounts")
    persons = len(world.people)
    year = world.months.astype("datetime64[Y]").astype(int) + 1970
    for code, mask in _received(world).items():
        spells = world.spells_of(mask.astype(np.int8))
        person, month = np.nonzero(mask.T)
        level = np.clip(rng.normal(1.0, 0.25, persons), 0.4, 1.8)
        if code == "LL":
            level = rng.integers(1, 4, persons).astype(float)
        eur = EUR_PER_MONTH[code] * level[person] * (1 + INDEX * (year[month] - 2020))
        first_month = (month == 0) | ~mask[month - 1, person]
        eur *= np.where(first_month, 1 - world.residence.day[month, person] / 30, 1)
        yield Entitlement(code, spells, person, month, np.maximum((eur * 100).astype(np.int64), 100))


def _received(world: World) -> dict[str, Bools]:
    """By code of the benefit: who receives it; (months, persons)."""
    people, state, months = world.people, world.activity.state, world.months
    rng = world.rng("benefits")
    persons = len(people)
    month = np.arange(len(months))[:, None]
    seeking = np.isin(state, (a.UNEMPLOYED, a.IN_SERVICE))
    plan = world.activity.plan
    in_plan = (plan >= 0) & (month >= plan) & (month < plan + PLAN_MONTHS)
    subsidy, allowance = _unemployment_benefit(world, rng, seeking)
    studying = np.isin(state, (a.GENERAL, a.VOCATIONAL, a.HIGHER))
    poor, grant = rng.random(persons) < POOR_SHARE, rng.random(persons) < GRANT_SHARE
    without_work = seeking | (state == a.OTHER)
    born = people.born_on.astype("datetime64[M]").astype(int)
    age = (months.astype(int)[:, None] - born) / 12
    parent = people.has_children & (rng.random(persons) < np.where(people.female, 0.6, 0.15))
    pension = state == a.PENSION
    guaranteed = months[:, None] >= BEGINS["TAKE"]
    leave = world.spells.where(world.spells.value == a.FAMILY_LEAVE)
    parental = leave.paint(leave.first + PARENTAL_MONTHS, state.shape) > month
    return {
        "FM": seeking & ~in_plan & subsidy,
        "FP": seeking & ~in_plan & allowance,
        "KOTT": seeking & in_plan,
        "TOTU": without_work & poor & (months[:, None] >= BEGINS["TOTU"]),
        "YAT": (without_work | studying | (state == a.FAMILY_LEAVE)) & people.rents,
        "OPR": studying & grant & (age >= 18),
        "LL": world.residence.present & parent & (age > CHILDLESS_YEARS) & (age < CHILDLESS_YEARS + 17),
        "VR": (state == a.FAMILY_LEAVE) & parental,
        "KHT": (state == a.FAMILY_LEAVE) & ~parental,
        "PR": np.isin(state, (a.EMPLOYED, a.UNEMPLOYED)) & (rng.random(state.shape) < SICK_PER_MONTH),
        "QE": pension & (rng.random(persons) < 0.5),
        "TAKE": pension & guaranteed,
        "MAET": pension & ~guaranteed,
        MUNICIPAL: without_work & poor & (months[:, None] < BEGINS["TOTU"]),
    }


def _unemployment_benefit(world: World, rng: np.random.Generator, seeking: Bools) -> tuple[Bools, Bools]:
    """Labour market subsidy and basic allowance by (months, persons). After work some are paid by an
    unemployment fund instead, which is not Kela; the basic allowance ends after its maximum time."""
    state = world.activity.state
    searches = world.spells_of(np.where(seeking, 100, state))
    searches = searches.where(searches.value == 100)
    kind = pick_rows(rng, [(0.92, 0.0, 0.08), (0.3, 0.45, 0.25)], (searches.before == a.EMPLOYED).astype(int))
    month = np.arange(len(world.months))[:, None]
    until = searches.paint(np.where(kind == 1, searches.first + BASIC_ALLOWANCE_MONTHS, 0), state.shape)
    allowance = month < until
    entitled = searches.paint(kind < 2, state.shape)
    return entitled & ~allowance, allowance
