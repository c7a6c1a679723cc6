"""The gate before a release, of amounts: no published amount is made up by few persons.

Belongs here: the rules of amounts once more, over the persons behind the cells of a protected table. Does not belong
here: hiding anything, and counts (`release`). Shares no code with what hides amounts (`polku.disclosure.primary`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import duckdb
import pandas as pd

from expectations.release import Attacked, Tables, attacked
from polku.disclosure import Finding, Policy, ReleaseSpec
from polku.disclosure.cells import code_of, words
from polku.layout import DataRoot
from polku.research import storage

AMOUNTS = "amounts_not_dominated"
RULE = "no amount is made up by few persons"


def attack_amounts(root: DataRoot, tables: Tables, policy: Policy) -> list[Attacked]:
    """The attack of the gate `amounts_not_dominated` on each protected table that publishes amounts.

    It reads the table as it would leave, beside the amounts of the persons whom the warehouse of this night lists.
    """
    return [
        attacked(AMOUNTS, name, {name: spec}, RULE, partial(_in_warehouse, root, table, spec, policy))
        for name, (table, spec) in tables.items()
        if spec.amounts
    ]


def _in_warehouse(root: DataRoot, table: pd.DataFrame, spec: ReleaseSpec, policy: Policy) -> list[Finding]:
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        return dominated(con, table, spec, f"warehouse.intermediate.{spec.members}", policy)


def dominated(
    con: duckdb.DuckDBPyConnection, table: pd.DataFrame, spec: ReleaseSpec, members: str, policy: Policy
) -> list[Finding]:
    """Amounts that the table shows although they break a rule; by measure, rule and cell. No figures.

    `members` is SQL of a relation with a row per cell and person and the columns that `spec.amounts` names.
    """
    con.register("published", table)
    try:
        return [finding for measure in spec.amounts for finding in _of_measure(con, spec, measure, members, policy)]
    finally:
        con.unregister("published")


def _of_measure(
    con: duckdb.DuckDBPyConnection, spec: ReleaseSpec, measure: str, members: str, policy: Policy
) -> Iterator[Finding]:
    """An amount of nought contributes nothing, one that was paid back as much as one that was paid."""
    codes = ", ".join(f"members.{d}" for d in spec.dimensions)
    same = " and ".join(f"members.{d} is not distinct from published.{d}" for d in spec.dimensions)
    amount = f"members.{spec.amounts[measure]}"
    largest = max([2, *(n for n, _ in policy.rules.dominance)])
    con.execute(f"""
        create or replace temp table contributions as
        select {codes}, sum(abs({amount})::double) as total, max(abs({amount})::double, {largest}) as largest,
            min({amount}) as least, max({amount}) as most
        from {members} as members join published on {same}
        where published.{measure} is not null and {amount} <> 0
        group by {codes}
    """)
    for why, broken in _rules(policy):
        rows = con.execute(f"select {', '.join(spec.dimensions)} from contributions where {broken} order by all")
        for row in rows.fetchall():
            yield Finding(words(tuple(map(code_of, row)), spec.dimensions), measure, why)
    con.execute("drop table contributions")


def _rules(policy: Policy) -> Iterator[tuple[str, str]]:
    """What is said of a cell, and the condition in SQL under which it is true."""
    for n, percent in policy.rules.dominance:
        yield f"the {n} largest have more than {percent:g} %", f"list_sum(largest[:{n}]) * 100 > {percent} * total"
    rest = "(total - list_sum(largest[:2])) * 100"
    if policy.rules.p_percent is not None:
        p = policy.rules.p_percent
        yield f"the second largest knows the largest within {p:g} %", f"{rest} < {p} * largest[1]"
    if policy.rules.prior_posterior is not None:
        p, q = policy.rules.prior_posterior
        yield f"what is known within {q:g} % is then known within {p:g} %", f"{rest} * {q} < {p} * 100 * largest[1]"
    yield "all who have an amount have the same", "least = most"
