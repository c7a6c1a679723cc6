"""The gate before landing: a staged delivery keeps its contract and hides no identifier.

Belongs here: rules that follow from a register's contract. Does not belong here: what the data mean
(dbt tests), and reading or quarantining rows (`polku.research.landing`).

Every rule is a count of rows that break it; DuckDB counts all rules of a table in one reading, and great_expectations
judges the counts. Stated one by one, each rule cost 18 ms and a reading of its own, whatever the size of the delivery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from expectations.identifiers import KINDS, leaks_query
from expectations.verdict import Verdict
from polku.contracts.model import Code, Column, Table
from polku.contracts.sql import PROVENANCE, empty_columns
from polku.layout import DataRoot
from polku.research import storage
from polku.sql_text import text, texts

if TYPE_CHECKING:
    from polku.research.landing import Staged, StagedTable

CONTRACT, IDENTIFIERS = CHECKS = ("matches_contract", "free_of_identifiers")


@dataclass(frozen=True)
class Rule:
    """`broken` is SQL over one table: an aggregate, the number of rows that break the rule `description`."""

    description: str
    broken: str


def judge_landing(root: DataRoot, staged: Staged) -> dict[str, tuple[Verdict, ...]]:
    """The verdicts on each table of a staged delivery, in the order of `CHECKS`.

    That the delivery is whole (`polku.research.opening`) and below its limit of bad rows
    (`polku.research.landing`) has been seen to before anything is staged.
    """
    import great_expectations.expectations as gxe

    from expectations.duckdb_gate import judge

    verdicts: dict[tuple[str, str], Verdict] = {}
    with storage.connect(root) as con:
        con.execute("create table counts (table_name varchar, gate varchar, rule varchar, broken bigint, rows bigint)")
        for part in staged.tables:
            verdicts |= _count(con, f"{staged.contract.register}.{part.table.name}", staged, part)
        gates = {
            (staged.delivery.delivery_id, gate): {
                "counts": [
                    gxe.UnexpectedRowsExpectation(
                        unexpected_rows_query=f"select 1 as found from {{batch}} where gate = '{gate}' and broken > 0",
                        description=gate,
                    )
                ]
            }
            for gate in CHECKS
        }
        for (_, gate), judged in judge(con, gates).items():
            for part in staged.tables:
                key = (part.table.name, gate)
                if key not in verdicts:
                    verdicts[key] = _verdict(con, part.table.name, judged)
    return {part.table.name: tuple(verdicts[part.table.name, check] for check in CHECKS) for part in staged.tables}


def _count(
    con: duckdb.DuckDBPyConnection, place: str, staged: Staged, part: StagedTable
) -> dict[tuple[str, str], Verdict]:
    """Fill `counts` with every rule of one part; returns the gates that cannot be judged, since SQL failed."""
    name, failed = part.table.name, {}
    try:
        con.execute(f"create view part__{name} as from {storage.parquet(part.file)}")
        con.execute(f"create view columns__{name} as select column_name, column_type from (describe part__{name})")
    except duckdb.Error as error:
        return {(name, check): Verdict.not_judged(check, error) for check in CHECKS}
    try:
        _record(con, name, CONTRACT, f"columns__{name}", [_columns_match(place, part.table)])
        _record(con, name, CONTRACT, f"part__{name}", list(_rows_match(place, staged, part)))
    except duckdb.Error as error:
        failed[name, CONTRACT] = Verdict.not_judged(CONTRACT, error)
    try:
        columns = _text_columns(con, name)
        con.execute(f"create table leaks__{name} as {leaks_query(_distinct_texts(name, columns))}")
        _record(con, name, IDENTIFIERS, f"leaks__{name}", _no_identifier(place, columns))
    except duckdb.Error as error:
        failed[name, IDENTIFIERS] = Verdict.not_judged(IDENTIFIERS, error)
    return failed


def _record(con: duckdb.DuckDBPyConnection, table: str, gate: str, relation: str, rules: list[Rule]) -> None:
    if not rules:
        return
    counts = ", ".join(f"coalesce({rule.broken}, 0)" for rule in rules)
    described = texts(rule.description for rule in rules)
    con.execute(f"""
        insert into counts
        select {text(table)}, {text(gate)}, unnest([{described}]), unnest(broken), rows
        from (select [{counts}] as broken, count(*) as rows from {relation})""")


def _verdict(con: duckdb.DuckDBPyConnection, table: str, judged: Verdict) -> Verdict:
    """The verdict on one table, where great_expectations has judged the whole delivery."""
    rules = con.execute(
        "select rule, broken, rows from counts where table_name = ? and gate = ?", [table, judged.name]
    ).fetchall()
    broken = sorted(f"{rule}: {count} of {rows} rows break it" for rule, count, rows in rules if count)
    return Verdict(judged.name, len(rules), tuple(broken) if judged.failures else (), judged.could_judge)


def _text_columns(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """Every text column that is there, also one that the contract does not know.

    The delivery's name is none of them: it has one value, which the contract gate compares.
    """
    query = f"select column_name from columns__{name} where column_type = 'VARCHAR' and column_name <> 'delivery_id'"
    return [column for (column,) in con.execute(query).fetchall()]


def _distinct_texts(name: str, columns: list[str]) -> str:
    if not columns:
        return "(select null::varchar as column_name, null::varchar as text where false)"
    return (
        f"(select distinct column_name, text from (unpivot part__{name} on {', '.join(columns)} "
        "into name column_name value text))"
    )


def _columns_match(place: str, table: Table) -> Rule:
    """Columns too many, missing, or of another type."""
    wanted = [f"{column} {kind.upper()}" for column, kind in empty_columns(table).items()]
    there = f"count_if(column_name || ' ' || column_type in ({texts(wanted)}))"
    return Rule(
        f"{place}: the columns are the contract's {len(wanted)}, in their types",
        f"greatest(count(*), {len(wanted)}) - {there}",
    )


def _rows_match(place: str, staged: Staged, part: StagedTable) -> Iterator[Rule]:
    table = part.table
    yield Rule(
        f"{place}: as many rows are here as were read and kept the contract ({part.rows})",
        f"abs(count(*) - {part.rows})",
    )
    yield Rule(f"{place}.row_no: no row is there twice", "count(row_no) - count(distinct row_no)")
    another = f"delivery_id <> {text(staged.delivery.delivery_id)}"
    yield Rule(f"{place}.delivery_id: this delivery's name", f"count_if({another})")
    for name in (*(column.name for column in table.columns if column.required), *PROVENANCE):
        yield Rule(f"{place}.{name}: never missing", f"count_if({name} is null)")
    for first, second in table.ordered:
        yield Rule(f"{place}.{second}: not before {first}", f"count_if({second} < {first})")
    for column in table.columns:
        yield from _values_match(f"{place}.{column.name}", column, staged.contract.codes)


def _values_match(place: str, column: Column, codes: Mapping[str, tuple[Code, ...]]) -> Iterator[Rule]:
    name = column.name
    bounds = [(column.minimum, "<"), (column.maximum, ">")]
    outside = " or ".join(f"{name} {sign} {bound}" for bound, sign in bounds if bound is not None)
    if outside:
        yield Rule(f"{place}: within the contract's range", f"count_if({outside})")
    if column.type == "month":
        yield Rule(f"{place}: always the first day of a month", f"count_if({name} <> date_trunc('month', {name}))")
    if column.codes is not None:
        known = codes[column.codes]
        listed = texts(sorted({code.code for code in known}))
        yield Rule(f"{place}: a code of the list {column.codes}", f"count_if({name} not in ({listed}))")
        if column.dated_by is not None and any(code.valid_from or code.valid_until for code in known):
            valid = _valid_then(name, column.dated_by, known)
            yield Rule(f"{place}: a code that was valid on {column.dated_by}", f"count_if(not ({valid}))")


def _valid_then(column: str, dated_by: str, known: tuple[Code, ...]) -> str:
    return " or ".join(
        f"({column} = {text(code.code)} and {dated_by} between "
        f"date '{code.valid_from or date.min}' and date '{code.valid_until or date.max}')"
        for code in known
    )


def _no_identifier(place: str, columns: list[str]) -> list[Rule]:
    looks_like = f"no text looks like {', '.join(KINDS[:-1])} or {KINDS[-1]}"
    return [Rule(f"{place}.{column}: {looks_like}", f"count_if(column_name = {text(column)})") for column in columns]
