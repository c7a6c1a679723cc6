"""The gate before the analysts' snapshot: the marts as a whole are plausible.

Belongs here: what no single model can know - that the marts fit each other and the study as it is written
down. Does not belong here: what one model promises (dbt tests) and disclosure (`release`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb

from expectations.verdict import Verdict
from polku.layout import DataRoot
from polku.research import storage
from polku.studies import Study

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

Bound = float | date | None

OLDEST_BIRTH_YEAR = 1890


def judge_marts(root: DataRoot, study: Study) -> Verdict:
    """The verdict `plausible` on the marts of the warehouse that dbt has just built."""
    from expectations.duckdb_gate import judge

    with storage.connect(root) as con:
        try:
            storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
            row = con.execute("select count(*) from warehouse.marts.cohort").fetchone()
        except duckdb.Error as error:
            return Verdict.not_judged("plausible", error)
        rules = {f"warehouse.marts.{mart}": stated for mart, stated in _rules(study, row[0] if row else 0).items()}
        return judge(con, {("marts", "plausible"): rules})["marts", "plausible"]


def _rules(study: Study, members: int) -> dict[str, list[Expectation]]:
    import great_expectations.expectations as gxe

    first, last = study.window_from.replace(day=1), study.window_until.replace(day=1)
    months = (last.year - first.year) * 12 + last.month - first.month + 1

    def none(mart: str, broken: str, rule: str) -> Expectation:
        query = f"select 1 as found from {{batch}} {broken}"
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, description=f"{mart}: {rule}")

    def within(mart: str, column: str, low: Bound, high: Bound, rule: str) -> Expectation:
        return gxe.ExpectColumnValuesToBeBetween(
            column=column, min_value=low, max_value=high, description=f"{mart}.{column}: {rule}"
        )

    def of_the_cohort(mart: str, column: str) -> Expectation:
        return within(mart, column, 0, members, f"not more than the {members} persons of the cohort")

    return {
        "person": [
            within("person", "birth_year", OLDEST_BIRTH_YEAR, last.year, "born in time to be in the study"),
            none("person", "where died_on < birth_month", "nobody died before being born"),
        ],
        "cohort": [
            within("cohort", "entry_month", first, last, "within the study's window"),
            none(
                "cohort",
                "join warehouse.marts.person using (person_key) where entry_month < birth_month",
                "nobody enters before being born",
            ),
        ],
        "person_month": [
            gxe.ExpectTableRowCountToEqual(
                value=members * months,
                description=f"person_month: {members} persons of the cohort in each of {months} months",
            ),
            within("person_month", "month", first, last, "within the study's window"),
        ],
        "person_outcome": [
            within(
                "person_outcome",
                "months_since_entry",
                -study.months_before,
                study.months_after,
                "within the study's follow-up",
            ),
        ],
        "state_share_by_month": [
            none(
                "state_share_by_month",
                f"group by month having sum(persons) > {members}",
                f"a month has not more than the {members} persons of the cohort",
            ),
        ],
        "state_transition_rate": [of_the_cohort("state_transition_rate", "persons")],
        "outcome_by_months_since_entry": [of_the_cohort("outcome_by_months_since_entry", "persons_observed")],
        "exit_outcome": [of_the_cohort("exit_outcome", "persons_in_base")],
    }
