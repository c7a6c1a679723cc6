"""The wellbeing services county's extract: spells of social-work clients, and the assistance that it decides on.

Belongs here: how the county, and the municipality before it, record social work. Does not belong here: who is a client
(`social_work`). Form assumed, as the contract says.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.chance import Dates, Texts, in_month
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.social_work import KINDS, SERVICES, assistance, client_spells
from polku.twin.world import World

TAKES_OVER = np.datetime64("2023-01-01")
REHABILITATION_BEGINS = np.datetime64("2015-04-01")
ONGOING = np.datetime64("2099-12-31")
RECOVERED_SHARE = 0.01


def record(world: World) -> Frames:
    """Tables client_spells and assistance."""
    return {"client_spells": _client_spells(world), "assistance": _assistance(world)}


def _client_spells(world: World) -> Frame:
    """What was open when the county took over ends with the municipality and begins again."""
    spells = client_spells(world)
    service = texts(("", *SERVICES), spells.value)
    service[(service == "SOSKUN") & (spells.started_on < REHABILITATION_BEGINS)] = "AIKSOS"
    end = np.where(np.isnat(spells.ended_on), ONGOING, spells.ended_on)
    whole = Frame(
        spells.person,
        {
            "hetu": world.people.code_on(spells.person, spells.started_on),
            "palvelu": service,
            "alkupvm": spells.started_on,
            "loppupvm": end,
            "yksikko": _unit(spells.started_on),
        },
    )
    moved = (spells.started_on < TAKES_OVER) & (end >= TAKES_OVER)
    before, after = whole.rows(moved), whole.rows(moved)
    before.columns["loppupvm"] = np.full(len(before), TAKES_OVER - 1)
    after.columns["alkupvm"] = np.full(len(after), TAKES_OVER)
    after.columns["yksikko"] = _unit(after.columns["alkupvm"])
    kept = whole.rows(~moved)
    return stack(Frame(kept.person, kept.columns, Counter(transferred_spell=len(after))), before, after)


def _assistance(world: World) -> Frame:
    paid, rng = assistance(world), world.rng("hyvinvointialue")
    count = len(paid.person)
    month = in_month(world.months[paid.month], 0)
    decided = month + rng.integers(2, 26, count)
    right = Frame(
        paid.person,
        {
            "hetu": world.people.code_on(paid.person, month),
            "tukimuoto": texts(KINDS, paid.kind),
            "kuukausi": month,
            "paatospvm": decided,
            "yksikko": _unit(decided),
            "maara": paid.cents,
        },
    )
    back = right.rows(rng.random(count) < RECOVERED_SHARE)
    later = back.columns["paatospvm"] + 40
    recovered = back.columns | {"paatospvm": later, "yksikko": _unit(later), "maara": -(back.columns["maara"] // 2)}
    blemishes = Counter(recovered_payment=len(back))
    return stack(Frame(right.person, right.columns, blemishes), Frame(back.person, recovered))


def _unit(days: Dates) -> Texts:
    return np.where(days < TAKES_OVER, "K049", "HVA").astype(object)
