"""The gate before the analysts' snapshot: the marts as a whole are plausible.

Belongs here: what no single model can know - that tables fit each other and the study. Does not belong
here: the meaning of a column (dbt tests) and disclosure (`release`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb

from expectations.verdict import Verdict
from polku import storage
from polku.layout import DataRoot
from polku.studies import Study

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

Bound = float | date | None

ROUNDING = 1e-6
"""Shares are rounded on their way; a sum may differ from one by this much."""


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

    return {
        "person": [
            gxe.ExpectTableRowCountToBeBetween(min_value=1, description="person: somebody is in the study"),
            within("person", "birth_year", 1890, study.window_until.year, "born in time to be in the study"),
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
            gxe.ExpectCompoundColumnsToBeUnique(
                column_list=["person_key", "month"], description="person_month: one state per person and month"
            ),
            within("person_month", "month", first, last, "within the study's window"),
        ],
        "service_episode": [
            within("service_episode", "duration_days", 1, None, "an episode lasts at least a day"),
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
                f"group by month having abs(sum(share) - 1) > {ROUNDING}",
                "the shares of a month sum to one",
            ),
            none(
                "state_share_by_month",
                f"group by month having abs(sum(weighted_share) - 1) > {ROUNDING}",
                "the weighted shares of a month sum to one",
            ),
        ],
        "state_transition_rate": [
            none(
                "state_transition_rate",
                f"group by from_state_code having abs(sum(rate) - 1) > {ROUNDING}",
                "the rates out of a state sum to one",
            ),
        ],
        "outcome_by_months_since_entry": [
            within("outcome_by_months_since_entry", "share", 0, 1, "a share"),
        ],
        "exit_outcome": [
            within("exit_outcome", "share", 0, 1, "a share"),
        ],
    }
