"""Koto-CRM's extract: clients of the early-stage integration services, their plans, appointments and consents.

Belongs here: how the city records integration services until 2024. Does not belong here: who is a client and has
which plan (`twin.integration`). Form assumed, as the contract says.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from polku.twin.chance import Texts, pick
from polku.twin.integration import NEVER, Clients, last_day, municipal_clients, present_codes, protected
from polku.twin.people import GROUNDS
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.world import World

KEPT_MONTHS = 48
"""The register deletes clients so long after the end of the relationship (681/2023, section 77)."""

NO_CODE_SHARE = 0.02
KINDS = ("reception", "needs_assessment", "plan_meeting")
"""Of the first three appointments, in their order; the later ones are guidance."""

MOST_APPOINTMENTS, DAYS_BETWEEN, SURE, LATER_SHARE = 30, 45, 4, 0.45
"""One appointment in so many days is possible, the first few are sure."""

OUTCOMES, OUTCOME_WEIGHTS = ("held", "cancelled", "no_show"), (0.85, 0.08, 0.07)
EXCHANGE_SHARE, WITHDRAWN_SHARE = 0.8, 0.08
ASKED_DAYS = 30
"""Before the end of the integration period those who go on are asked for their permission."""

STAFF = 50


def record(world: World) -> Frames:
    """Tables clients, plans, appointments and consents of the clients who have not been deleted yet."""
    clients = kept(world, municipal_clients(world))
    number = client_numbers(world, clients, "KC")
    rng = world.rng("koto_crm")
    permission = _permission(rng, clients, number)
    return {
        "clients": client_rows(world, rng, clients, number),
        "plans": plan_rows(rng, clients, number),
        "appointments": _appointments(world, rng, clients, number),
        "consents": stack(permission, _exchange(rng, clients, number)),
    }


def kept(world: World, clients: Clients) -> Clients:
    """Those whom the register has still: the relationship goes on or ended within the last four years."""
    oldest = (world.months[-1] + 1 - KEPT_MONTHS).astype("datetime64[D]")
    chosen = np.isnat(clients.ended_on) | (clients.ended_on >= oldest)
    return Clients(*(getattr(clients, name)[chosen] for name in clients.__dataclass_fields__))


def client_numbers(world: World, clients: Clients, prefix: str) -> Texts:
    """Numbers of clients, unique over all persons."""
    numbers = (world.first_person + clients.person + 1).tolist()
    return np.array([f"{prefix}-{number:07d}" for number in numbers], dtype=object)


def client_rows(world: World, rng: np.random.Generator, clients: Clients, number: Texts) -> Frame:
    """The table clients."""
    people, person = world.people, clients.person
    code = np.where(rng.random(len(person)) < NO_CODE_SHARE, "", present_codes(world, person))
    frame = Frame(
        person,
        {
            "asiakasnro": number,
            "hetu": code,
            "asiakkuus_alkoi": clients.started_on,
            "asiakkuus_paattyi": clients.ended_on,
            "kotoutumisaika_alkoi": clients.started_on,
            "kotoutumisaika_paattyi": clients.integration_ended_on,
            "maahantulo": people.arrived_on[person],
            "luvan_peruste": texts(GROUNDS, people.ground[person]),
            "palvelukieli": people.language[person],
            "tulkin_tarve": rng.random(len(person)) < 0.6,
            "koulutustaso": people.isced[person].astype(str).astype(object),
        },
        Counter(missing_identity_code=int((code == "").sum())),
    )
    return frame


def plan_rows(rng: np.random.Generator, clients: Clients, number: Texts) -> Frame:
    """The table plans."""
    planned = ~np.isnat(clients.plan_on)
    made = clients.plan_on[planned]
    return Frame(
        clients.person[planned],
        {
            "asiakasnro": number[planned],
            "suunnitelman_laji": np.full(len(made), "first", dtype=object),
            "laadittu": made,
            "voimassa_alkaen": made,
            "voimassa_asti": clients.plan_ended_on[planned],
            "kirjaaja": _staff(rng, len(made)),
        },
    )


def _appointments(world: World, rng: np.random.Generator, clients: Clients, number: Texts) -> Frame:
    """Appointments while the relationship goes on; only those who came for protection are received."""
    order = np.arange(MOST_APPOINTMENTS)[:, None]
    count = len(clients.person)
    day = clients.started_on + order * DAYS_BETWEEN + rng.integers(0, 30, (MOST_APPOINTMENTS, count))
    until = np.where(np.isnat(clients.ended_on), last_day(world), clients.ended_on)
    sure = (order < SURE) | (rng.random((MOST_APPOINTMENTS, count)) < LATER_SHARE)
    received = (order > 0) | protected(world)[clients.person]
    chosen, client = np.nonzero(sure & received & (day <= until))
    kind = texts((*KINDS, "guidance"), np.minimum(chosen, len(KINDS)))
    return stack(
        Frame(
            clients.person[client],
            {
                "asiakasnro": number[client],
                "tapaamisen_laji": kind,
                "tapaamispv": day[chosen, client],
                "toteuma": texts(OUTCOMES, pick(rng, OUTCOME_WEIGHTS, len(client))),
                "kirjaaja": _staff(rng, len(client)),
            },
        )
    )


def _permission(rng: np.random.Generator, clients: Clients, number: Texts) -> Frame:
    """Permissions to process after the integration period; some take theirs back."""
    given = clients.integration_ended_on[clients.extended] - ASKED_DAYS
    count = len(given)
    withdrawn = rng.random(count) < WITHDRAWN_SHARE
    return Frame(
        clients.person[clients.extended],
        {
            "asiakasnro": number[clients.extended],
            "suostumuksen_laji": np.full(count, "after_integration", dtype=object),
            "annettu": given,
            "peruttu": np.where(withdrawn, given + rng.integers(60, 200, count), NEVER),
        },
    )


def _exchange(rng: np.random.Generator, clients: Clients, number: Texts) -> Frame:
    asked = rng.random(len(number)) < EXCHANGE_SHARE
    count = int(asked.sum())
    given = clients.started_on[asked]
    withdrawn = rng.random(count) < WITHDRAWN_SHARE
    return Frame(
        clients.person[asked],
        {
            "asiakasnro": number[asked],
            "suostumuksen_laji": np.full(count, "exchange", dtype=object),
            "annettu": given,
            "peruttu": np.where(withdrawn, given + rng.integers(30, 400, count), NEVER),
        },
    )


def _staff(rng: np.random.Generator, count: int) -> Texts:
    return np.array([f"espoo\\ko{n:03d}" for n in rng.integers(0, STAFF, count).tolist()], dtype=object)
