"""The check that tells of notices which are due: it stops nothing, and shows counts.

Belongs here: what Dagster shows of notices. Does not belong here: what is due (`polku.research.notices`).
"""

from datetime import date

import dagster as dg

from polku.layout import DataRoot
from polku.research.notices import due

CHECK = "notices_in_time"


def notices_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check, on the asset that is made whenever deliveries have landed."""
    return dg.AssetCheckSpec(
        CHECK,
        asset=asset,
        blocking=False,
        description="Every rectification that an authority asked for was delivered within a month (GDPR 12.3).",
    )


def notices_result(root: DataRoot, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """What is open and what is overdue, in counts by register."""
    today, waiting = date.today(), [notice for notice in due(root) if notice.done_on is None]
    late = [notice for notice in waiting if notice.overdue(today)]
    registers = ", ".join(sorted({notice.register for notice in late}))
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=CHECK,
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Overdue: {len(late)}, of {registers}. `polku notice --list` names them."
        if late
        else "Nothing is overdue.",
        metadata={
            "notices_open": dg.MetadataValue.int(len(waiting)),
            "notices_overdue": dg.MetadataValue.int(len(late)),
        },
    )
