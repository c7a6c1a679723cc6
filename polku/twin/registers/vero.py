"""The Tax Administration's extract: one row of incomes and taxes per person and year.

Belongs here: how taxation records the world. Does not belong here: true wages and benefits (`earnings`,
`benefits`).
"""

from __future__ import annotations

import numpy as np

from polku.twin import benefits
from polku.twin.chance import Floats
from polku.twin.earnings import monthly_wages, self_employed
from polku.twin.registers.frame import Frame, Frames
from polku.twin.world import World

TAX_FREE_EUR, TAX_RATE, HIGH_INCOME_EUR, HIGH_TAX_RATE = 9_000, 0.19, 40_000, 0.42
"""Roughly what wage earners pay in state and municipal tax; below the first amount nothing."""


def record(world: World) -> Frames:
    """Table annual_incomes: a row for every year in which the person lived in Finland in some month."""
    people = world.people
    year = world.months.astype("datetime64[Y]").astype(int) + 1970
    years, first_month = np.unique(year, return_index=True)

    def by_year(monthly: Floats) -> Floats:
        return np.add.reduceat(monthly, first_month, axis=0)

    work = by_year(monthly_wages(world))
    taxable, pensions = np.zeros((2, len(years), len(people)))
    for entitlement in benefits.entitlements(world):
        total = taxable if entitlement.code in benefits.TAXABLE else pensions
        if entitlement.code in (*benefits.TAXABLE, *benefits.PENSIONS):
            np.add.at(total, (year[entitlement.month] - years[0], entitlement.person), entitlement.cents / 100)
    own_account = self_employed(world)
    income = work + taxable + pensions
    taxes = TAX_RATE * np.clip(income - TAX_FREE_EUR, 0, None)
    taxes += (HIGH_TAX_RATE - TAX_RATE) * np.clip(income - HIGH_INCOME_EUR, 0, None)
    person, row = np.nonzero(by_year(world.residence.present.astype(float)).T > 0)

    def cents(amount: Floats) -> np.ndarray:
        return np.rint(amount[row, person] * 100).astype(np.int64)

    return {
        "annual_incomes": Frame(
            person,
            {
                "hetu": people.code[person],
                "vuosi": years[row],
                "palkkatulo": cents(np.where(own_account, 0, work)),
                "yrittajatulo": cents(np.where(own_account, work, 0)),
                "elaketulo": cents(pensions),
                "etuustulo": cents(taxable),
                "verot": cents(taxes),
            },
        )
    }
