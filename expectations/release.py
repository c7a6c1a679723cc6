"""The gate before a release: no cell is too small, and none can be worked out from the others.

Belongs here: the rules on what `polku.disclosure` finds when it attacks a protected table. Does not
belong here: the attack itself, and hiding anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import duckdb

from expectations.verdict import Verdict
from polku.disclosure import Finding, Policy, ReleaseSpec, recover, recover_all, recover_between, smallest_cells
from polku.disclosure.attack.alike import recover_alike
from polku.errors import Refusal

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

    from polku.disclosure.cells import Key
    from polku.disclosure.ledger.cell_file import PublicRelease
    from polku.disclosure.ledger.night import CellSketches

LARGE_ENOUGH = "cells_large_enough"
RECOVERABLE = "cells_not_recoverable"
PROVED = "gaps_have_proof"
ALIKE = "same_persons_hidden_alike"
WITH_EARLIER = "not_recoverable_with_earlier_releases"
OF_TABLES = (LARGE_ENOUGH, RECOVERABLE, PROVED, ALIKE)
"""The gates of each table, in their order."""
NOTHING_FOLLOWS = "no hidden figure follows from the others"
FINDINGS_TOLD = 10
"""A failed gate names this many cells; the rest is counted."""

Tables = Mapping[str, "tuple[pd.DataFrame, ReleaseSpec]"]
"""Protected tables by name, each with its declaration."""


def judge_release(
    tables: Tables,
    policy: Policy,
    certificates: pd.DataFrame,
    sketches: CellSketches,
    kept: Mapping[str, Collection[Key]],
) -> dict[str, tuple[Verdict, ...]]:
    """The verdicts `cells_large_enough`, `cells_not_recoverable`, `gaps_have_proof` and `same_persons_hidden_alike` on
    each protected table.

    Judged from the tables as they would leave, from certificates of all their gaps (`ProtectedRelease`), and from
    sketches of who is in the cells: what was hidden is not looked up in the marts. `kept` are cells that were public
    before and still tell of the same persons.
    """
    from polku.disclosure.protection.check import faults_of_release

    large = f"the policy asks for {policy.threshold} persons"
    attacks = []
    for name, (table, spec) in tables.items():
        own = {name: replace(spec, name=name)}
        attacks += [
            _attack(LARGE_ENOUGH, name, own, large, partial(smallest_cells, table, spec, policy)),
            _attack(RECOVERABLE, name, own, NOTHING_FOLLOWS, partial(recover, table, spec, policy)),
            _attack(
                PROVED,
                name,
                own,
                "every gap has a proof",
                partial(faults_of_release, {name: (table, spec)}, certificates),
            ),
        ]
    specs = {name: spec for name, (_, spec) in tables.items()}
    apart = "no figure is shown of persons whose figure is hidden elsewhere"
    attacks += _by_table(_attack(ALIKE, "", specs, apart, partial(recover_alike, tables, sketches, kept)))
    verdicts = _verdicts(attacks)
    return {name: tuple(verdicts[name, gate] for gate in OF_TABLES) for name in tables}


def _by_table(attacked: _Attacked) -> list[_Attacked]:
    """An attack on all tables at once as one on each."""
    return [
        replace(
            attacked,
            what=name,
            columns={name: columns},
            findings=[finding for finding in attacked.findings if finding.table == name],
        )
        for name, columns in attacked.columns.items()
    ]


def judge_recoverable_together(tables: Tables, policy: Policy) -> Verdict:
    """The verdict `cells_not_recoverable` on all protected tables of a release, by name, as one linked system."""
    specs = {name: spec for name, (_, spec) in tables.items()}
    return _judge_together(RECOVERABLE, partial(recover_all, tables, policy), specs)


def judge_with_earlier(releases: Sequence[PublicRelease], specs: Mapping[str, ReleaseSpec], policy: Policy) -> Verdict:
    """The verdict `not_recoverable_with_earlier_releases` on the last of all `releases` (`Plan.public_with`)."""
    return _judge_together(WITH_EARLIER, partial(recover_between, releases, specs, policy), specs)


def _judge_together(gate: str, attack: Callable[[], list[Finding]], specs: Mapping[str, ReleaseSpec]) -> Verdict:
    return _verdicts([_attack(gate, "release", specs, NOTHING_FOLLOWS, attack)])["release", gate]


@dataclass(frozen=True)
class _Attacked:
    """What an attack on `what` found for a gate, or why it could not be made; the columns it is about by table."""

    gate: str
    what: str
    columns: Mapping[str, tuple[str, ...]]
    rule: str
    findings: Sequence[Finding]
    refusal: str | None = None

    def rules(self) -> list[Expectation]:
        """An expectation for each column."""
        import great_expectations.expectations as gxe

        return [
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query="select 1 as found from {batch} "
                f"where gate = '{self.gate}' and what = '{self.what}' "
                f"and table_name = '{table}' and column_name = '{column}'",
                description=f"{table}.{column}: {self.rule}",
            )
            for table, columns in self.columns.items()
            for column in columns
        ]


def _attack(
    gate: str, what: str, specs: Mapping[str, ReleaseSpec], rule: str, attack: Callable[[], list[Finding]]
) -> _Attacked:
    columns = {name: (*spec.with_cell, *([spec.base] if spec.base else [])) for name, spec in specs.items()}
    alone = next(iter(specs)) if len(specs) == 1 else ""
    try:
        findings = [replace(finding, table=finding.table or alone) for finding in attack()]
    except Refusal as refusal:
        return _Attacked(gate, what, columns, rule, (), str(refusal))
    return _Attacked(gate, what, columns, rule, findings)


def _verdicts(attacks: Sequence[_Attacked]) -> dict[tuple[str, str], Verdict]:
    """The verdict of each attack by (what, gate); all are judged in one call, which costs most of it."""
    from expectations.duckdb_gate import judge

    made = [attacked for attacked in attacks if attacked.refusal is None]
    with duckdb.connect() as con:
        con.execute(
            "create table findings "
            "(gate varchar, what varchar, table_name varchar, cell varchar, column_name varchar, why varchar)"
        )
        if rows := [(a.gate, a.what, f.table, f.cell, f.column, f.why) for a in made for f in a.findings]:
            con.executemany("insert into findings values (?, ?, ?, ?, ?, ?)", rows)
        judged = judge(con, {(a.what, a.gate): {"findings": a.rules()} for a in made}) if made else {}
    found = {}
    for a in attacks:
        if a.refusal is not None:
            found[a.what, a.gate] = Verdict(a.gate, 0, (a.refusal,), could_judge=False)
            continue
        verdict = judged[a.what, a.gate]
        told = (str(finding) for finding in a.findings[:FINDINGS_TOLD])
        found[a.what, a.gate] = replace(verdict, failures=(*verdict.failures, *told))
    return found
