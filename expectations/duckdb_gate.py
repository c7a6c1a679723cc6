"""Judges tables inside DuckDB with Great Expectations.

Belongs here: the one adapter between the two, and the way from a result to a verdict. Does not belong
here: any rule.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import duckdb
from duckdb_engine import ConnectionWrapper

from expectations.verdict import Verdict

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

Rules = Mapping[str, "Sequence[Expectation]"]
"""Expectations by the table or view that they are about. The `description` of each is the sentence that
a failure prints."""

# By default results carry offending values; this format carries counts alone.
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def judge(con: duckdb.DuckDBPyConnection, gates: Mapping[tuple[str, str], Rules]) -> dict[tuple[str, str], Verdict]:
    """One verdict for the rules of each gate (what it judges, its name), on tables or views that `con` can read.

    A rule that great_expectations could not evaluate (a missing column, a query that does not run)
    closes its gate as *could not be judged*.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    _adapt()
    cursors: list[duckdb.DuckDBPyConnection] = []

    def open_cursor() -> ConnectionWrapper:
        cursors.append(con.cursor())
        return ConnectionWrapper(cursors[-1])

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # Nobody reads the settings of an ephemeral context, which are written as YAML at each following step (8 ms).
    context._save_project_config = lambda: None  # type: ignore[method-assign]
    source = context.data_sources.add_polku_duckdb(
        name="duckdb",
        connection_string="duckdb:///:memory:",
        create_temp_table=False,
        kwargs={"creator": open_cursor},
    )
    try:
        batches = {
            table: source.add_query_asset(table, query=f"select * from {table}")
            .add_batch_definition_whole_table(table)
            .get_batch()
            for table in dict.fromkeys(table for rules in gates.values() for table in rules)
        }
        return {(what, name): _verdict(batches, name, rules) for (what, name), rules in gates.items()}
    finally:
        for cursor in cursors:
            cursor.close()


@cache
def _adapt() -> None:
    """Teach great_expectations to read from connections that the caller has opened and decrypted.

    DuckDB has no rows to give once a connection is closed, so a result is fetched before (issue 11579 of
    great_expectations; the native engine of its pull request 12084 will replace this).
    """
    from great_expectations.datasource.fluent import SQLDatasource
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine

    class DuckDBEngine(SqlAlchemyExecutionEngine):
        def execute_query(self, query: Any) -> Any:
            with self.get_connection() as connection:
                result = connection.execute(query)
                return result.freeze()() if result.returns_rows else result

    class DuckDBDatasource(SQLDatasource):
        type: Literal["polku_duckdb"] = "polku_duckdb"  # type: ignore[assignment]
        execution_engine_override = DuckDBEngine

    # Their messages repeat SQL and values of a query that failed, and the output of a run may be kept.
    for name in ("great_expectations", "sqlalchemy"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False


def _verdict(batches: Mapping[str, Any], name: str, rules: Rules) -> Verdict:
    import great_expectations as gx

    failures: list[str] = []
    could_judge = True
    for table, expectations in rules.items():
        suite = gx.ExpectationSuite(table, expectations=list(expectations))
        for result in batches[table].validate(suite, result_format=COUNTS_ONLY).results:
            rule = result.expectation_config.description
            if not result.success and not result.result:
                could_judge = False
                failures.append(f"{rule}: could not be judged")
            elif not result.success:
                failures.append(f"{rule}: {_counted(result.result)}")
    return Verdict(name, sum(map(len, rules.values())), tuple(sorted(failures)), could_judge)


def _counted(result: Mapping[str, Any]) -> str:
    """How often a rule is broken, or which count was found instead."""
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} of {result['element_count']} rows break it"
    return f"{result['observed_value']} found"
