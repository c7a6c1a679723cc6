"""How a gate's verdict becomes an asset check.

Belongs here: the one form of gates in Dagster's user interface. Does not belong here: any rule. A check
is yielded before its asset is written, and blocks everything downstream when it fails.
"""

from __future__ import annotations

import dagster as dg

from expectations import Verdict


def check_spec(name: str, asset: dg.AssetKey, description: str) -> dg.AssetCheckSpec:
    """A gate before `asset`."""
    return dg.AssetCheckSpec(name, asset=asset, blocking=True, description=description)


def check_result(verdict: Verdict, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """The verdict in words and numbers; a gate that could not judge has failed."""
    nothing = "Nothing breaks it." if verdict.checked else "There was nothing new to judge."
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=verdict.name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=" ".join(f"{failure}." for failure in verdict.failures) or nothing,
        metadata={
            "rules": dg.MetadataValue.int(verdict.checked),
            "failures": dg.MetadataValue.int(len(verdict.failures)),
            "could_judge": dg.MetadataValue.bool(verdict.could_judge),
        },
    )
