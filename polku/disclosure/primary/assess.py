"""Which cells of a table over records break which primary rule.

Belongs here: counting persons, contributors and amounts by grouping sets, and the result, cells by rules. Does not
belong here: the rules (`rules`), their numbers (`policy.toml`), or any figure: only reasons come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from polku.disclosure.dimensions import TOTAL
from polku.disclosure.policy import Policy
from polku.disclosure.primary.rules import Rule, contributors, of_amounts, of_counts
from polku.errors import Exit, Refusal
from polku.sql_text import quoted, text

PRIMARY = "primary"
"""Column of the result: the cell breaks some rule."""


@dataclass(frozen=True)
class CellTable:
    """A table over records, and what its cells are about.

    - `relation`: what stands after `from` in SQL; records, any number of a person or contributor.
    - `entity`: the column by which persons are counted.
    - `dimensions`, `grouping_sets`: the table's columns, and by which of them each part of the table is broken down.
    - `base_by`: dimensions that decide the persons of whom a cell's are a part (of leavers of a year, those employed).
    - `value`: the column whose sums, means or `quantiles` are published; records without one do not count.
    - `contributor`: who contributes to the value, where that is not the person (an employer); `holding`: the column
      that says which contributors belong together. An empty holding is a contributor by itself.
    - `structural_zeros`: combinations of codes that nobody can be in.
    """

    relation: str
    entity: str
    dimensions: tuple[str, ...]
    grouping_sets: tuple[tuple[str, ...], ...]
    base_by: tuple[str, ...] | None = None
    value: str | None = None
    contributor: str | None = None
    holding: str | None = None
    quantiles: tuple[float, ...] = ()
    structural_zeros: tuple[Mapping[str, str], ...] = ()

    def rules(self, policy: Policy) -> list[Rule]:
        """The rules that such a table is asked for."""
        least = policy.rules.payers if self.contributor else policy.threshold
        return [
            *of_counts(policy, len(self.dimensions)),
            *([contributors(least)] if self.contributor or self.holding else []),
            *(of_amounts(policy, self.quantiles) if self.value else []),
        ]


def assess(con: duckdb.DuckDBPyConnection, table: CellTable, policy: Policy) -> pd.DataFrame:
    """Cells by rules: the dimensions' codes as texts (`Total` where a cell is not broken down), a boolean column for
    each rule, and `primary`; one row per cell, in the order of codes, cells with nobody among them. No figures.

    Refuses (CONTRACT_INVALID) a contributor of two holdings, codes that are `Total`, and a declaration that names a
    dimension which is none.
    """
    _refuse_strangers(table)
    statement = _Statement(table, largest=max([2, *(n for n, _ in policy.rules.dominance)]))
    for check, what in statement.checks():
        found = con.execute(check).fetchone()
        if found and found[0]:
            raise Refusal(Exit.CONTRACT_INVALID, what, "Mend the records.")
    statement.see(con)
    rules = table.rules(policy)
    return con.execute(statement.text(rules)).df()


def _refuse_strangers(table: CellTable) -> None:
    named = [*(d for by in table.grouping_sets for d in by), *(table.base_by or ())]
    named += [d for combination in table.structural_zeros for d in combination]
    for stranger in sorted(set(named) - set(table.dimensions)):
        raise Refusal(Exit.CONTRACT_INVALID, f"`{stranger}` is no dimension of the table.")


class _Statement:
    """The SQL. Dimensions are d0, d1, ...; `gs` has the bit of each by which a cell is broken down.

    `largest` contributions of each cell are kept. Margins and bases that the rules need are counted with the rest.
    """

    def __init__(self, table: CellTable, largest: int) -> None:
        self._table, self._largest = table, largest
        self._others_contribute = bool(table.contributor or table.holding)
        self._one_each = False
        self._columns = [f"d{i}" for i in range(len(table.dimensions))]
        self._asked = sorted({self._bits(by) for by in table.grouping_sets})
        self._base = None if table.base_by is None else self._bits(table.base_by)
        needed = set(self._asked)
        for gs in self._asked:
            needed |= {gs & ~(1 << i) for i in range(len(self._columns))}
            needed |= {gs & self._base} if self._base is not None else set()
        self._needed = sorted(needed)

    def see(self, con: duckdb.DuckDBPyConnection) -> None:
        """Look whether every person has one record: then records are counted, which takes a tenth of the time."""
        found = con.execute(f"with {self._source()} select count(*) = count(distinct entity) from source").fetchone()
        self._one_each = bool(found and found[0])

    def checks(self) -> list[tuple[str, str]]:
        """Statements that must find nothing, and what is wrong otherwise."""
        total = " or ".join(f"{d} = {text(TOTAL)}" for d in self._columns) or "false"
        named = (f"with {self._source()} select count(*) from source where {total}", f"a code is called `{TOTAL}`.")
        if not self._table.holding:
            return [named]
        return [
            named,
            (
                f"with {self._source()} select count(*) from (select contributor from source group by contributor "
                "having min(holding) is distinct from max(holding))",
                "a contributor belongs to two holdings.",
            ),
        ]

    def text(self, rules: Sequence[Rule]) -> str:
        """Cells by rules."""
        columns = self._columns
        named = ", ".join(
            f"case when (gs & {1 << i}) > 0 then {d} else {text(TOTAL)} end as {quoted(name)}"
            for i, (d, name) in enumerate(zip(columns, self._table.dimensions, strict=True))
        )
        broken = [f"coalesce({rule.condition}, false) as {quoted(rule.name)}" for rule in rules]
        either = " or ".join(f"coalesce({rule.condition}, false)" for rule in rules)
        order = ", ".join(["gs", *(f"{d} nulls last" for d in columns)])
        margins = "".join(f", margin_{i}.persons as margin_{i}" for i in range(len(columns)))
        joins = "".join(
            f" left join cells as margin_{i} on (cells.gs & {1 << i}) > 0 and margin_{i}.gs = cells.gs - {1 << i}"
            + self._same([d for d in columns if d != f"d{i}"], f"margin_{i}")
            for i in range(len(columns))
        )
        if self._base is None:
            base, base_join = "cast(null as bigint)", ""
        else:
            decided = [d for i, d in enumerate(columns) if self._base >> i & 1]
            base = "base.persons"
            base_join = (
                f" left join cells as base on base.gs = (cells.gs & {self._base}) and base.gs <> cells.gs"
                + self._same(decided, "base")
            )
        return f"""
            with {self._source()},
            {self._cells()},
            judged as (
                select cells.*, {base} as base_persons{margins}, {self._structural()} as is_structural
                from cells{base_join}{joins}
                where cells.gs in ({", ".join(map(str, self._asked))})
            )
            select {named}, {", ".join([*broken, f"{either} as {PRIMARY}"])}
            from judged order by {order}
        """

    def _source(self) -> str:
        table = self._table
        contributor = quoted(table.contributor or table.entity)
        holding = contributor
        if table.holding:
            of_many = f"'holding ' || cast({quoted(table.holding)} as varchar)"
            holding = f"coalesce({of_many}, 'alone ' || cast({contributor} as varchar))"
        selected = [
            *(
                f"cast({quoted(name)} as varchar) as {d}"
                for d, name in zip(self._columns, table.dimensions, strict=True)
            ),
            f"{quoted(table.entity)} as entity",
            f"{contributor} as contributor",
            f"{holding} as holding",
            f"{quoted(table.value) if table.value else 0} as amount",
        ]
        kept = f" where {quoted(table.value)} is not null" if table.value else ""
        return f"source as (select {', '.join(selected)} from {table.relation}{kept})"

    def _cells(self) -> str:
        """Persons and holdings counted once each; contributions summed by contributor, then by holding, by amount.

        Taking amounts without their sign keeps a holding's gains and losses from hiding each other, so that seeing
        holdings never makes a cell safer.
        """
        by = ", ".join(["gs", *self._columns])
        sets = ", ".join(f"({', '.join(self._of(gs))})" for gs in self._needed)
        with_contributor = ", ".join(f"({', '.join([*self._of(gs), 'holding', 'contributor'])})" for gs in self._needed)
        gs = " + ".join(f"(1 - grouping({d})) * {1 << i}" for i, d in enumerate(self._columns)) or "0"
        dims = ", ".join(self._columns)
        same = self._same(self._columns, "amounts", "counted")
        persons = "count(*)" if self._one_each else "count(distinct entity)"
        contributing = "count(distinct holding)" if self._others_contribute else "persons"
        counted = f"""
            counted as materialized (
                select cast({gs} as bigint) as gs, {dims},
                    {persons} as persons, {contributing} as contributors
                from source group by grouping sets ({sets})
            )
        """
        if not self._table.value:
            return f"""
                {counted},
                filled as (from counted),
                cells as materialized (select * from filled union all by name {self._empty()})
            """
        by_contributor = f"""
            contributions as (
                select cast({gs} as bigint) as gs, {dims}, holding, contributor, sum(amount) as amount
                from source group by grouping sets ({with_contributor})
            ),
            of_holdings as (
                select {by}, holding, sum(abs(cast(amount as double))) as amount,
                    min(amount) as least, max(amount) as greatest
                from contributions group by {by}, holding
            ),
            amounts as (
                select {by}, sum(amount) as total, max(amount, {self._largest}) as largest,
                    min(least) as least, max(greatest) as greatest
                from of_holdings group by {by}
            )
        """
        by_record = f"""
            amounts as (
                select cast({gs} as bigint) as gs, {dims}, sum(abs(cast(amount as double))) as total,
                    max(abs(cast(amount as double)), {self._largest}) as largest,
                    min(amount) as least, max(amount) as greatest
                from source group by grouping sets ({sets})
            )
        """
        return f"""
            {counted},
            {by_record if self._one_each and not self._others_contribute else by_contributor},
            filled as materialized (
                select counted.*, amounts.total, amounts.largest, amounts.least, amounts.greatest
                from counted inner join amounts on counted.gs = amounts.gs{same}
            ),
            cells as materialized (select * from filled union all by name {self._empty()})
        """

    def _empty(self) -> str:
        """Combinations of codes of the asked grouping sets that have no records."""
        missing = []
        for gs in self._asked:
            kept = self._of(gs)
            if not kept:
                continue
            codes = " cross join ".join(f"(select distinct {d} from source)" for d in kept)
            absent = " and ".join([f"filled.gs = {gs}", *(f"filled.{d} is not distinct from every.{d}" for d in kept)])
            dims = ", ".join(f"every.{d}" for d in kept)
            missing.append(
                f"select cast({gs} as bigint) as gs, {dims}, 0 as persons, 0 as contributors "
                f"from (select * from {codes}) as every anti join filled on {absent}"
            )
        return " union all by name ".join(missing) or "select * from filled where false"

    def _structural(self) -> str:
        place = dict(zip(self._table.dimensions, self._columns, strict=True))
        found = [
            "("
            + " and ".join(f"coalesce(cells.{place[name]} = {text(str(code))}, false)" for name, code in c.items())
            + ")"
            for c in self._table.structural_zeros
        ]
        return " or ".join(found) or "false"

    def _of(self, gs: int) -> list[str]:
        return [d for i, d in enumerate(self._columns) if gs >> i & 1]

    def _bits(self, by: Sequence[str]) -> int:
        return sum(1 << self._table.dimensions.index(name) for name in set(by))

    @staticmethod
    def _same(columns: Sequence[str], other: str, one: str = "cells") -> str:
        return "".join(f" and {other}.{d} is not distinct from {one}.{d}" for d in columns)
