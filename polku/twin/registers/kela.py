"""Kela's extract: decisions on benefits and payments.

Belongs here: how Kela records entitlements. Does not belong here: who is entitled (`benefits`). Form: the
research release of the basic income experiment (KELA_20172018_jua_perustulojaksot_001, _perustulomaksut_001).
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.benefits import BEGINS, ENDS, Entitlement, entitlements
from polku.twin.chance import Bools, Dates, Ints, Texts, in_month
from polku.twin.registers.frame import Frame, Frames, stack, with_overlaps
from polku.twin.registers.identity_changes import replaced_temporary_codes
from polku.twin.residence import ABROAD, DEAD
from polku.twin.world import World

DECISION_MONTHS = 12
"""The longest time that one decision covers."""

REFUSED_BEFORE_SHARE, REFUSED_DAYS = 0.05, 45
ARREARS_SHARE, MOST_MONTHS_LATE = 0.15, 3
"""First payments of a spell that come late, and how late: Kela's own rule of maturity is three months."""

RECOVERED_SHARE = 0.008
LAST_PAYMENT_MONTHS = 4
"""The extract holds payments until so many months after the window."""

OVERLAP_SHARE = 0.005


def record(world: World) -> Frames:
    """Tables benefit_spells and payments."""
    rng = world.rng("kela")
    decisions, payments = [], []
    for entitlement in entitlements(world):
        decisions.append(_granted(world, rng, entitlement))
        decisions.append(_refused(world, rng, entitlement))
        decisions.append(_terminated(world, entitlement))
        payments.append(_payments(world, rng, entitlement))
    spells = with_overlaps(stack(*decisions), "jakso_alpv", "jakso_lopv", OVERLAP_SHARE, rng)
    paid = stack(*payments)
    changes = replaced_temporary_codes(world, "kela", spells, paid)
    return {"benefit_spells": spells, "payments": paid, "identity_changes": changes}


def _granted(world: World, rng: np.random.Generator, entitlement: Entitlement) -> Frame:
    """A spell is granted for at most a year at a time; every later year is a review."""
    spells = entitlement.spells
    pieces = -(-spells.months // DECISION_MONTHS)
    spell = np.repeat(np.arange(len(spells)), pieces)
    order = np.arange(len(spell)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begins = in_month(world.months[0] + spells.first[spell] + DECISION_MONTHS * order, 0)
    ends = in_month(world.months[0] + spells.first[spell] + DECISION_MONTHS * (order + 1), 0) - 1
    start = np.where(order == 0, spells.started_on[spell], begins)
    end = np.where(order == pieces[spell] - 1, spells.ended_on[spell], ends)
    decided = start + np.where(order == 0, rng.integers(3, 40, len(spell)), -rng.integers(3, 25, len(spell)))
    kind = np.where(order == 0, "MYÖ", "TAR").astype(object)
    return _decisions(world, entitlement.code, spells.person[spell], start, end, kind, "", decided)


def _refused(world: World, rng: np.random.Generator, entitlement: Entitlement) -> Frame:
    """A first application that was refused; the second one led to the spell."""
    spells = entitlement.spells
    refused = (rng.random(len(spells)) < REFUSED_BEFORE_SHARE) & (spells.first > 2)
    again = spells.where(refused & _exists(entitlement.code, spells.started_on - REFUSED_DAYS))
    start = again.started_on - REFUSED_DAYS
    reason = np.array(["02", "53", "99"], dtype=object)[rng.integers(0, 3, len(again))]
    return _decisions(world, entitlement.code, again.person, start, again.started_on - 1, "HYL", reason, start + 20)


def _terminated(world: World, entitlement: Entitlement) -> Frame:
    """A benefit that ended because its recipient moved abroad (55) or died (03)."""
    spells = entitlement.spells
    spells = spells.where((spells.last < len(world.months) - 1) & _exists(entitlement.code, spells.ended_on + 1))
    place = world.residence.place[spells.last + 1, spells.person]
    gone = (place == ABROAD) | (place == DEAD)
    spells = spells.where(gone)
    reason = np.where(place[gone] == DEAD, "03", "55")
    start, end = spells.ended_on + 1, np.full(len(spells), np.datetime64("NaT", "D"))
    return _decisions(world, entitlement.code, spells.person, start, end, "LAK", reason, start + 10)


def _exists(benefit: str, days: Dates) -> Bools:
    """Whether Kela paid the benefit at all on these days."""
    existed = np.ones(len(days), dtype=bool)
    if benefit in BEGINS:
        existed &= days >= BEGINS[benefit]
    if benefit in ENDS:
        existed &= days <= ENDS[benefit]
    return existed


def _decisions(
    world: World,
    benefit: str,
    person: Ints,
    start: Dates,
    end: Dates,
    kind: str | Texts,
    reason: str | Texts,
    decided: Dates,
) -> Frame:
    count = len(person)
    return Frame(
        person,
        {
            "hetu": world.people.code_on(person, start),
            "etuus": np.full(count, benefit, dtype=object),
            "jakso_alpv": start,
            "jakso_lopv": end,
            "ratkaisutyyppi": np.full(count, kind, dtype=object),
            "syykoodi": np.full(count, reason, dtype=object),
            "ratkaisu_pv": decided,
        },
    )


def _payments(world: World, rng: np.random.Generator, entitlement: Entitlement) -> Frame:
    person, month = entitlement.person, entitlement.month
    count = len(person)
    starts_spell = np.ones(count, dtype=bool)
    starts_spell[1:] = (person[1:] != person[:-1]) | (month[1:] != month[:-1] + 1)
    late = starts_spell & (rng.random(count) < ARREARS_SHARE)
    delay = 1 + np.where(late, rng.integers(1, MOST_MONTHS_LATE + 1, count), 0)
    number = np.arange(count) - np.searchsorted(person, person) + 1
    target = in_month(world.months[month], 0)
    paid = Frame(
        person,
        {
            "hetu": world.people.code_on(person, target),
            "etuus": np.full(count, entitlement.code, dtype=object),
            "maty": np.where(late, "T", "S").astype(object),
            "majno": number,
            "matodpv": in_month(world.months[month] + delay, 2 + person % 8),
            "kohdekk": target,
            "bruttomaara": entitlement.cents,
        },
    )
    back = paid.rows(rng.random(count) < RECOVERED_SHARE)
    share = 0.2 + 0.8 * rng.random(len(back))
    recovered = back.columns | {
        "maty": np.full(len(back), "P", dtype=object),
        "matodpv": back.columns["matodpv"] + rng.integers(30, 300, len(back)),
        "bruttomaara": -(back.columns["bruttomaara"] * share).astype(np.int64),
    }
    until = in_month(world.months[-1] + LAST_PAYMENT_MONTHS, 0)
    recovery = Frame(back.person, recovered).rows(recovered["matodpv"] < until)
    return stack(Frame(paid.person, paid.columns, Counter(recovered_payment=len(recovery))), recovery)
