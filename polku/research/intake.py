"""Takes one delivery in, of whichever kind: an extract, a notice or a bridge.

Belongs here: the choice. Does not belong here: what each kind needs (`landing`, `notices`, `bridging`).
"""

from __future__ import annotations

from collections.abc import Callable

from polku.exchange.delivery import BRIDGE, NOTICE, Delivery
from polku.layout import DataRoot
from polku.research import arrived_parts, bridging, erasure, landing, notices
from polku.research.crosswalk import entities_of_persons
from polku.studies import Study


def take(
    root: DataRoot, study: Study, delivery: Delivery, judge: Callable[[landing.Staged], None]
) -> tuple[str, landing.Staged | None]:
    """Take a delivery in; returns its kind, and the staged tables of an extract.

    `judge` is asked between reading an extract and landing it, and raises what keeps it out.
    """
    kind = arrived_parts.kind_of(root, delivery)
    if kind == BRIDGE:
        bridging.take(root, study, delivery)
        return kind, None
    if kind == NOTICE:
        notices.take(root, study, delivery, entities_of_persons)
        return kind, None
    staged = landing.stage(root, study, delivery)
    judge(staged)
    landing.commit(root, staged)
    if not staged.archived:
        # It names an erased person, who may have come under a number that is new.
        erasure.resume(root, study)
    return kind, staged
