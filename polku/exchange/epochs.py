"""Which token epoch a register has reached: nobody becomes a stranger by a rotation of keys.

Belongs here: what may be sealed and taken in after a rotation. Does not belong here: keys and tokens.
The authority asks before it seals, the research platform before it opens; each asks its own ledger.
"""

from __future__ import annotations

from polku.errors import Exit, Refusal
from polku.exchange.delivery import BRIDGE
from polku.exchange.keys import EPOCH
from polku.exchange.ledger import Ledger
from polku.exchange.trust import Trust


def check_epoch(ledger: Ledger, register: str, kind: str, trust: Trust) -> None:
    """Refuse (BRIDGE_MISSING) what a register may not send yet.

    Its first delivery of an epoch must be its bridge, unless it is its first of all: persons of earlier
    deliveries would silently be others. A bridge must start from the epoch that the register has reached.
    """
    reached = [str(entry.facts.get("epoch", EPOCH)) for entry in ledger.accepted(register)]
    if not reached:
        return
    if kind == BRIDGE and trust.previous_epoch not in reached:
        raise Refusal(
            Exit.BRIDGE_MISSING,
            f"the bridge would start from token epoch {trust.previous_epoch}, but the register has reached "
            f"{reached[-1]}.",
            "Bridge every rotation in its order: the steward issues the trust file of the one that was left out.",
            register=register,
        )
    if kind != BRIDGE and reached[-1] != trust.epoch:
        raise Refusal(
            Exit.BRIDGE_MISSING,
            f"the token keys were rotated to epoch {trust.epoch}, and the register has not sent its bridge.",
            "The authority runs `polku bridge` with its latest extract, then seals.",
            register=register,
        )
