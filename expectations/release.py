"""The gate before a release: no cell is too small, and none can be worked out from the others.

Belongs here: the rules on what `polku.disclosure` finds when it attacks a protected table. Does not
belong here: the attack itself, and hiding anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from expectations.verdict import Verdict
from polku.disclosure import Finding, Policy, ReleaseSpec, recover, recover_all, recover_between, smallest_cells
from polku.errors import Refusal

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

    from polku.disclosure.ledger.cell_file import PublicRelease

RECOVERABLE = "cells_not_recoverable"
PROVED = "gaps_have_proof"
WITH_EARLIER = "not_recoverable_with_earlier_releases"
NOTHING_FOLLOWS = "no hidden figure follows from the others"
FINDINGS_TOLD = 10
"""A failed gate names this many cells; the rest is counted."""


def judge_release(table: pd.DataFrame, spec: ReleaseSpec, policy: Policy) -> tuple[Verdict, Verdict]:
    """The verdicts `cells_large_enough` and `cells_not_recoverable` on a protected table.

    Judged from the table as it would leave: what was hidden is not looked up in the mart.
    """
    large = f"the policy asks for {policy.threshold} persons"
    return (
        _judge("cells_large_enough", smallest_cells, large, table, spec, policy),
        _judge(RECOVERABLE, recover, NOTHING_FOLLOWS, table, spec, policy),
    )


def judge_recoverable_together(tables: Mapping[str, tuple[pd.DataFrame, ReleaseSpec]], policy: Policy) -> Verdict:
    """The verdict `cells_not_recoverable` on all protected tables of a release, by name, as one linked system."""
    specs = {name: spec for name, (_, spec) in tables.items()}
    return _judge_together(RECOVERABLE, lambda: recover_all(tables, policy), specs)


def judge_with_earlier(releases: Sequence[PublicRelease], specs: Mapping[str, ReleaseSpec], policy: Policy) -> Verdict:
    """The verdict `not_recoverable_with_earlier_releases` on the last of all `releases` (`Plan.public_with`)."""
    return _judge_together(WITH_EARLIER, lambda: recover_between(releases, specs, policy), specs)


def _judge_together(name: str, attack: Callable[[], list[Finding]], specs: Mapping[str, ReleaseSpec]) -> Verdict:
    try:
        findings = attack()
    except Refusal as refusal:
        return Verdict(name, 0, (str(refusal),), could_judge=False)
    rules = [rule for table, spec in specs.items() for rule in _no_finding(replace(spec, name=table), NOTHING_FOLLOWS)]
    return _verdict(name, "release", findings, rules)


def judge_proof(
    tables: Mapping[str, tuple[pd.DataFrame, ReleaseSpec]], certificates: pd.DataFrame
) -> dict[str, Verdict]:
    """The verdict `gaps_have_proof` of each table: certificates of all its gaps that hold (`ProtectedRelease`)."""
    from polku.disclosure.protection.check import faults_of_release

    verdicts = {}
    for name, (table, spec) in tables.items():
        findings = faults_of_release({name: (table, spec)}, certificates)
        rules = _no_finding(replace(spec, name=name), "every gap has a proof")
        verdicts[name] = _verdict(PROVED, name, findings, rules)
    return verdicts


def _judge(
    name: str,
    attack: Callable[[pd.DataFrame, ReleaseSpec, Policy], list[Finding]],
    rule: str,
    table: pd.DataFrame,
    spec: ReleaseSpec,
    policy: Policy,
) -> Verdict:
    try:
        findings = attack(table, spec, policy)
    except Refusal as refusal:
        return Verdict(name, 0, (str(refusal),), could_judge=False)
    return verdict_on(name, spec, findings, rule)


def verdict_on(name: str, spec: ReleaseSpec, findings: list[Finding], rule: str) -> Verdict:
    """The verdict of this name on one table: every finding breaks the rule of its column."""
    own = [replace(finding, table=spec.name) for finding in findings]
    return _verdict(name, spec.name, own, _no_finding(spec, rule))


def _verdict(name: str, what: str, findings: list[Finding], rules: list[Expectation]) -> Verdict:
    from expectations.duckdb_gate import judge

    with duckdb.connect() as con:
        con.execute("create table findings (table_name varchar, cell varchar, column_name varchar, why varchar)")
        if findings:
            rows = [(f.table, f.cell, f.column, f.why) for f in findings]
            con.executemany("insert into findings values (?, ?, ?, ?)", rows)
        verdict = judge(con, {(what, name): {"findings": rules}})[what, name]
    told = (str(finding) for finding in findings[:FINDINGS_TOLD])
    return Verdict(name, verdict.checked, (*verdict.failures, *told), verdict.could_judge)


def _no_finding(spec: ReleaseSpec, rule: str) -> list[Expectation]:
    import great_expectations.expectations as gxe

    return [
        gxe.UnexpectedRowsExpectation(
            unexpected_rows_query="select 1 as found from {batch} "
            f"where table_name = '{spec.name}' and column_name = '{column}'",
            description=f"{spec.name}.{column}: {rule}",
        )
        for column in (*spec.with_cell, *([spec.base] if spec.base else []))
    ]
