"""Koto-AJ's extract: the clients of 2025 who came over from Koto-CRM, with their plans.

Belongs here: what was migrated. Does not belong here: Koto-CRM itself (`koto_crm`). Form assumed, as the contract says.
"""

from __future__ import annotations

import numpy as np

from polku.twin.integration import Clients, municipal_clients
from polku.twin.registers.frame import Frame, Frames
from polku.twin.registers.koto_crm import client_numbers, client_rows, plan_rows
from polku.twin.world import World


def record(world: World) -> Frames:
    """Tables clients and plans of those whose relationship goes on, under new numbers."""
    clients = municipal_clients(world)
    ongoing = np.isnat(clients.ended_on)
    migrated = Clients(*(getattr(clients, name)[ongoing] for name in clients.__dataclass_fields__))
    number, rng = client_numbers(world, migrated, "KA"), world.rng("koto_aj")
    rows = client_rows(world, rng, migrated, number)
    columns = rows.columns | {"siirretty": np.ones(len(rows), dtype=bool)}
    return {"clients": Frame(rows.person, columns, rows.blemishes), "plans": plan_rows(rng, migrated, number)}
