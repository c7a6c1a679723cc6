"""The gate before a release: no cell is too small, and none can be worked out from the others.

Belongs here: the rules on what `polku.disclosure` finds when it attacks a protected table. Does not
belong here: the attack itself, and hiding anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import duckdb

from expectations.verdict import Verdict
from polku.disclosure import Finding, Policy, ReleaseSpec, recover, smallest_cells
from polku.errors import Refusal

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

FINDINGS_TOLD = 10
"""A failed gate names this many cells; the rest is counted."""


def judge_release(table: pd.DataFrame, spec: ReleaseSpec, policy: Policy) -> tuple[Verdict, Verdict]:
    """The verdicts `cells_large_enough` and `cells_not_recoverable` on a protected table.

    Judged from the table as it would leave: what was hidden is not looked up in the mart.
    """
    large = f"the policy asks for {policy.threshold} persons"
    return (
        _judge("cells_large_enough", smallest_cells, large, table, spec, policy),
        _judge("cells_not_recoverable", recover, "no hidden figure follows from the others", table, spec, policy),
    )


def _judge(
    name: str,
    attack: Callable[[pd.DataFrame, ReleaseSpec, Policy], list[Finding]],
    rule: str,
    table: pd.DataFrame,
    spec: ReleaseSpec,
    policy: Policy,
) -> Verdict:
    from expectations.duckdb_gate import judge

    try:
        findings = attack(table, spec, policy)
    except Refusal as refusal:
        return Verdict(name, 0, (str(refusal),), could_judge=False)
    with duckdb.connect() as con:
        con.execute("create table findings (cell varchar, column_name varchar, why varchar)")
        if findings:
            con.executemany("insert into findings values (?, ?, ?)", [(f.cell, f.column, f.why) for f in findings])
        verdict = judge(con, {(spec.name, name): {"findings": _no_finding(spec, rule)}})[spec.name, name]
    told = (str(finding) for finding in findings[:FINDINGS_TOLD])
    return Verdict(name, verdict.checked, (*verdict.failures, *told), verdict.could_judge)


def _no_finding(spec: ReleaseSpec, rule: str) -> list[Expectation]:
    import great_expectations.expectations as gxe

    return [
        gxe.UnexpectedRowsExpectation(
            unexpected_rows_query=f"select 1 as found from {{batch}} where column_name = '{column}'",
            description=f"{spec.name}.{column}: {rule}",
        )
        for column in (*spec.with_cell, *([spec.base] if spec.base else []))
    ]
