"""The gate between the cohort and all that is made of its groups.

Belongs here: when the groups are judged. Does not belong here: the rules (`expectations.groups`).
"""

from __future__ import annotations

import dagster as dg

from assets.checks import check_result
from assets.quiet import without_values
from expectations import judge_groups
from polku.disclosure import load_policy
from polku.layout import DataRoot
from polku.studies import Study

COHORT = dg.AssetKey(["marts", "cohort"])


def groups_checks(root: DataRoot, study: Study) -> list[dg.AssetChecksDefinition]:
    """A check of its own, since dbt writes the cohort: what follows the cohort waits for it, the snapshot first.

    Marts as they were known at an earlier time are never released, and few may have been clients by then: no check.
    """
    if root.as_of is not None:
        return []
    policy = load_policy(study.release_profile)

    @dg.asset_check(
        asset=COHORT,
        name="groups_large_enough",
        blocking=True,
        description="Somebody is in the study, and no group has fewer persons than a published figure needs.",
    )
    def groups_large_enough() -> dg.AssetCheckResult:
        with without_values():
            verdict = judge_groups(root, study, policy)
        return check_result(verdict, COHORT)

    return [groups_large_enough]
