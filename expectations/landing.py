"""The gate before landing: a staged delivery keeps its contract and hides no identifier.

Belongs here: rules that follow from a register's contract. Does not belong here: what the data mean
(dbt tests), and reading or quarantining rows (`polku.research.landing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from expectations.identifiers import KINDS, leaks_query
from expectations.verdict import Verdict
from polku.contracts.model import Code, Column, Table
from polku.contracts.sql import PROVENANCE, empty_columns
from polku.layout import DataRoot
from polku.research import storage
from polku.sql_text import text

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

    from polku.research.landing import Staged, StagedTable


CHECKS = ("matches_contract", "free_of_identifiers")


def judge_landing(root: DataRoot, staged: Staged) -> dict[str, tuple[Verdict, ...]]:
    """The verdicts on each table of a staged delivery, in the order of `CHECKS`.

    That the delivery is whole (`polku.research.opening`) and below its limit of bad rows
    (`polku.research.landing`) has been seen to before anything is staged.
    """
    from expectations.duckdb_gate import judge

    stated: dict[tuple[str, str], dict[str, list[Expectation]]] = {}
    verdicts: dict[tuple[str, str], Verdict] = {}
    with storage.connect(root) as con:
        for part in staged.tables:
            name = part.table.name
            try:
                rules = _rules(con, f"{staged.contract.register}.{name}", staged, part)
            except duckdb.Error as error:
                verdicts |= {(name, check): Verdict.not_judged(check, error) for check in CHECKS}
            else:
                stated |= {(name, check): rules[check] for check in CHECKS}
        verdicts |= judge(con, stated)
    return {part.table.name: tuple(verdicts[part.table.name, check] for check in CHECKS) for part in staged.tables}


def _rules(
    con: duckdb.DuckDBPyConnection, place: str, staged: Staged, part: StagedTable
) -> dict[str, dict[str, list[Expectation]]]:
    """What both gates state of one part, over the views that they are judged on."""
    name = part.table.name
    con.execute(f"create view part__{name} as from {storage.parquet(part.file)}")
    con.execute(f"create view columns__{name} as select column_name, column_type from (describe part__{name})")
    texts = _text_columns(con, name)
    con.execute(f"create table leaks__{name} as {leaks_query(_distinct_texts(name, texts))}")
    return {
        "matches_contract": {
            f"columns__{name}": _columns_match(place, part.table),
            f"part__{name}": _rows_match(place, staged, part),
        },
        "free_of_identifiers": {f"leaks__{name}": _no_identifier(place, texts)},
    }


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


def _columns_match(place: str, table: Table) -> list[Expectation]:
    import great_expectations.expectations as gxe

    columns = [(column, kind.upper()) for column, kind in empty_columns(table).items()]
    return [
        gxe.ExpectColumnPairValuesToBeInSet(
            column_A="column_name",
            column_B="column_type",
            value_pairs_set=columns,
            description=f"{place}: every column is one of the contract, in its type",
        ),
        gxe.ExpectTableRowCountToEqual(
            value=len(columns), description=f"{place}: there are the contract's {len(columns)} columns"
        ),
    ]


def _rows_match(place: str, staged: Staged, part: StagedTable) -> list[Expectation]:
    import great_expectations.expectations as gxe

    table = part.table
    required = [column.name for column in table.columns if column.required]
    rules: list[Expectation] = [
        gxe.ExpectTableRowCountToEqual(
            value=part.rows,
            description=f"{place}: {part.rows} rows were read and kept the contract, so many are here",
        ),
        gxe.ExpectColumnValuesToBeUnique(column="row_no", description=f"{place}.row_no: no row is there twice"),
        gxe.ExpectColumnValuesToBeInSet(
            column="delivery_id",
            value_set=[staged.delivery.delivery_id],
            description=f"{place}.delivery_id: this delivery's name",
        ),
    ]
    for name in (*required, *PROVENANCE):
        rules.append(gxe.ExpectColumnValuesToNotBeNull(column=name, description=f"{place}.{name}: never missing"))
    for first, second in table.ordered:
        rules.append(
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=second,
                column_B=first,
                or_equal=True,
                ignore_row_if="either_value_is_missing",
                description=f"{place}.{second}: not before {first}",
            )
        )
    for column in table.columns:
        rules += _values_match(f"{place}.{column.name}", column, staged.contract.codes)
    return rules


def _values_match(place: str, column: Column, codes: Mapping[str, tuple[Code, ...]]) -> list[Expectation]:
    import great_expectations.expectations as gxe

    rules: list[Expectation] = []
    if column.minimum is not None or column.maximum is not None:
        rules.append(
            gxe.ExpectColumnValuesToBeBetween(
                column=column.name,
                min_value=column.minimum,
                max_value=column.maximum,
                description=f"{place}: within the contract's range",
            )
        )
    if column.type == "month":
        off = f"select 1 as found from {{batch}} where {column.name} <> date_trunc('month', {column.name})"
        rules.append(
            gxe.UnexpectedRowsExpectation(
                unexpected_rows_query=off, description=f"{place}: always the first day of a month"
            )
        )
    if column.codes is not None and column.unknown_code == "quarantine":
        known = codes[column.codes]
        rules.append(
            gxe.ExpectColumnValuesToBeInSet(
                column=column.name,
                value_set=sorted({code.code for code in known}),
                description=f"{place}: a code of the list {column.codes}",
            )
        )
        if column.dated_by is not None and any(code.valid_from or code.valid_until for code in known):
            rules.append(
                gxe.UnexpectedRowsExpectation(
                    unexpected_rows_query=_invalid_then(column.name, column.dated_by, known),
                    description=f"{place}: a code that was valid on {column.dated_by}",
                )
            )
    return rules


def _invalid_then(column: str, dated_by: str, known: tuple[Code, ...]) -> str:
    periods = " or ".join(
        f"({column} = {text(code.code)} and {dated_by} between "
        f"date '{code.valid_from or date.min}' and date '{code.valid_until or date.max}')"
        for code in known
    )
    return f"select 1 as found from {{batch}} where not ({periods})"


def _no_identifier(place: str, columns: list[str]) -> list[Expectation]:
    import great_expectations.expectations as gxe

    return [
        gxe.UnexpectedRowsExpectation(
            unexpected_rows_query=f"select 1 as found from {{batch}} where column_name = '{column}'",
            description=f"{place}.{column}: no text looks like {', '.join(KINDS[:-1])} or {KINDS[-1]}",
        )
        for column in columns
    ]
