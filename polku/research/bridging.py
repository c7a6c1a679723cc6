"""Takes a bridge in: tokens of the new epoch stand for the keys that those of the old one stood for.

Belongs here: what a bridge does to the store of identities. Does not belong here: rows - keys, facts and marts
stay as they are, and no analyst sees a rotation.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from polku.errors import Exit, Refusal
from polku.exchange.delivery import BRIDGE, Delivery
from polku.exchange.ledger import Ledger
from polku.exchange.parts import BRIDGE_PART, PREVIOUS
from polku.layout import DataRoot
from polku.research import archive, arrived_parts, erasure, opening
from polku.research.identities import Identities, identities
from polku.research.research_tokens import Ring
from polku.studies import Study


def take(root: DataRoot, study: Study, delivery: Delivery) -> dict[str, int]:
    """Take in a bridge; returns its counts, which the ledger keeps.

    `identifiers` in the bridge, of which `bridged` got a token of the new epoch, `joined` had come as somebody new
    before and are one with whom they were, `unknown` had never been delivered, `erased` stay out under the new
    token too. One transaction, then the ledger: killed in between, the bridge is taken once more and changes
    nothing. Deliveries that came before their bridge return to the inbox.
    """
    with arrived_parts.open_parts(root, study, delivery, BRIDGE) as parts, identities(root) as store:
        ring, pairs = Ring.of(root, store), _pairs(parts)
        linked, linked_before = parts.linked("links", PREVIOUS)
        present, before = (
            _in_order(linked, pairs["present"], delivery),
            _in_order(linked_before, pairs["previous"], delivery),
        )
        if present["id_type"] != before["id_type"]:
            raise _broken(delivery)
        tokens, _ = ring.tokens_of(store, present)
        tokens_before, erased = ring.tokens_of(store, before)
        counts = _bridge(store, ring, delivery.delivery_id, tokens_before, tokens, erased)
    facts = {"kind": BRIDGE, "epoch": parts.heading.epoch, "archived": False, **counts}
    Ledger(root.ledger).record(delivery, facts)
    archive.put_away(root, delivery, keep=False)
    erasure.resume(root, study)
    opening.retry(root, delivery.register, Exit.BRIDGE_MISSING)
    return counts


def _pairs(parts: arrived_parts.Parts) -> pa.Table:
    tables = [reader.read_all() for _, reader in parts.data.tables()]
    if len(tables) != 1 or tables[0].schema != BRIDGE_PART:
        raise Refusal(
            Exit.DELIVERY_INCOMPLETE,
            "the authority's part does not hold a bridge.",
            "Ask the authority to seal the bridge again.",
            file=parts.data.file,
        )
    return tables[0].combine_chunks()


def _in_order(linked: pa.Table, handles: pa.ChunkedArray, delivery: Delivery) -> pa.Table:
    """The linked tokens of these handles, in their order; every handle once, and none else."""
    at = pc.index_in(handles.combine_chunks(), value_set=linked["handle"].combine_chunks())
    if at.null_count or len(at.unique()) != len(at) or len(at) != linked.num_rows:
        raise _broken(delivery)
    return linked.take(at)


def _broken(delivery: Delivery) -> Refusal:
    return Refusal(
        Exit.DELIVERY_INCOMPLETE,
        "the pairs of the bridge and the linkage unit's tokens do not belong together.",
        "Ask the authority to seal the bridge again.",
        register=delivery.register,
        file=delivery.delivery_id,
    )


def _bridge(
    store: Identities, ring: Ring, delivery_id: str, before: pa.Table, present: pa.Table, erased: pa.Array
) -> dict[str, int]:
    kept = pc.invert(erased)
    rows = pa.table([before["id_type"], before["rho"], present["rho"]], names=["id_type", "before", "present"])
    store.con.register("pairs", rows.filter(kept))
    was = "pairs join identities.token o on o.id_type = pairs.id_type and o.rho = pairs.before"
    now = "identities.token n on n.id_type = pairs.id_type and n.rho = pairs.present"
    known = _count(store, f"from {was}")
    bridged = _count(store, f"from {was} anti join {now}")
    store.con.execute(
        f"insert into identities.token select pairs.id_type, present, o.entity_key from {was} anti join {now}"
    )
    different = f"from {was} join {now} where o.entity_key <> n.entity_key"
    joined = _count(store, different)
    store.con.execute(
        "insert or ignore into identities.same select distinct least(o.entity_key, n.entity_key), "
        f"greatest(o.entity_key, n.entity_key), ? {different}",
        [delivery_id],
    )
    store.con.unregister("pairs")
    gone = present.filter(erased)
    ring.entomb(store, delivery_id, gone)
    # Somebody erased who came back as a stranger, by a register that had sent its bridge earlier.
    returned = store.known_keys(gone).drop_null().to_pylist()
    erasure.begin(store, ring, delivery_id, returned, {})
    return {
        "identifiers": before.num_rows, "bridged": bridged, "joined": joined,
        "unknown": len(kept) - gone.num_rows - known, "erased": gone.num_rows,
    }  # fmt: skip


def _count(store: Identities, from_: str) -> int:
    return int(store.con.execute(f"select count(*) {from_}").fetchall()[0][0])
