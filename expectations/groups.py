"""The gate after the cohort: somebody is in the study, and no group is smaller than what may be published.

Belongs here: rules about how many persons the study's groups have. Does not belong here: who is in them
(`dbt_project`), and cells of tables (`release`). No number of persons is told: a small one is what is to be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from expectations.verdict import Verdict
from polku.disclosure import Policy
from polku.layout import DataRoot
from polku.research import storage
from polku.studies import Study

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

GATE = "groups_large_enough"
COHORT = "warehouse.marts.cohort"


def judge_groups(root: DataRoot, study: Study, policy: Policy) -> Verdict:
    """The verdict `groups_large_enough` on the cohort that dbt has just built."""
    from expectations.duckdb_gate import judge

    with storage.connect(root) as con:
        try:
            storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
            con.execute(f"from {COHORT} limit 0")
        except duckdb.Error as error:
            return Verdict.not_judged(GATE, error)
        return judge(con, {("cohort", GATE): {COHORT: _rules(study, policy)}})["cohort", GATE]


def _rules(study: Study, policy: Policy) -> list[Expectation]:
    import great_expectations.expectations as gxe

    def no_group(group: str, broken: str, rule: str) -> Expectation:
        query = f"select 1 as found from {{batch}} where group_code = '{group}' having {broken}"
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, description=f"cohort: {rule}")

    rules: list[Expectation] = [
        gxe.ExpectTableRowCountToBeBetween(min_value=1, description="cohort: somebody is in the study")
    ]
    for group in study.groups:
        if group in study.empty_groups:
            rules.append(no_group(group, "count(*) > 0", f"nobody is in the group `{group}`, as the study says"))
        else:
            needed = f"the {policy.threshold} persons below which profile {policy.profile} publishes nothing"
            rules.append(no_group(group, f"count(*) < {policy.threshold}", f"the group `{group}` has {needed}"))
    return rules
