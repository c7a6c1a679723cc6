"""The output airlock as an asset: how many of the analysts' own tables wait, left, or were refused.

Belongs here: what Dagster shows of queue and history. Does not belong here: who may let a table leave, and the rules
(`polku.disclosure.airlock`): people do that by `polku check-output`, at any time of the day.
"""

from __future__ import annotations

from collections import Counter

import dagster as dg

from assets.landing import OWNERS
from assets.quiet import without_values
from polku.disclosure.airlock.queue import APPROVED, CHECKED, REFUSED, RELEASED
from polku.layout import DataRoot
from polku.research.airlock import queue_of

KEY = dg.AssetKey(["published", "outputs"])
STATES = {"waiting": CHECKED, "approved": APPROVED, "refused": REFUSED, "released": RELEASED}


def outputs_asset(root: DataRoot) -> dg.AssetsDefinition:
    """Queue and history in numbers that Dagster plots, once chain and files of released ones are verified."""

    @dg.asset(
        key=KEY,
        group_name="published",
        kinds={"csv"},
        owners=OWNERS,
        description="Analysts' own tables that asked to leave (`polku check-output`). Reading the history verifies it: "
        "a changed or missing file of it fails here.",
    )
    def outputs() -> dg.MaterializeResult[None]:
        with without_values():
            queue = queue_of(root)
            requests = queue.requests()
            queue.history()
        counts = Counter(request.state for request in requests)
        records = [
            dg.TableRecord(
                {
                    "output": request.no,
                    "state": request.state,
                    "title": request.details.title,
                    "since": request.entries[-1].recorded_at,
                }
            )
            for request in requests
            if request.state != REFUSED
        ]
        return dg.MaterializeResult(
            metadata={
                **{name: dg.MetadataValue.int(counts[state]) for name, state in STATES.items()},
                **({"outputs": dg.MetadataValue.table(records)} if records else {}),
            }
        )

    return outputs
