"""Small marts of two persons over two months, as they come out of dbt."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from polku.layout import DataRoot
from polku.research import storage
from polku.studies import Study, load_study

MARTS = {
    "person": "select i as person_key, date '1990-05-01' as birth_month, 1990 as birth_year, null::date as died_on",
    "cohort": "select i as person_key, 'client' as group_code, date '2020-01-01' as entry_month",
    "person_month": "select i as person_key, unnest([date '2020-01-01', date '2020-02-01']) as month",
    "person_outcome": "select i as person_key, 1 as months_since_entry",
    "state_share_by_month": "select date '2020-01-01' as month, 'state ' || i as state_code, 1 as persons",
    "state_transition_rate": "select 'employed' as from_state_code, i as persons",
    "outcome_by_months_since_entry": "select i as persons_observed",
    "exit_outcome": "select i as persons_in_base",
}
"""SQL of each mart over the two persons `i`, with the columns that are judged."""


def two_month_study() -> Study:
    """A study whose window and follow-up fit the small marts."""
    return replace(
        load_study("mvad"),
        window_from=date(2020, 1, 1),
        window_until=date(2020, 2, 29),
        months_before=1,
        months_after=2,
    )


def build_warehouse(root: DataRoot, **broken: str) -> None:
    """The warehouse anew; `broken` is SQL that is run on a mart afterwards."""
    root.warehouse.unlink(missing_ok=True)
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create schema warehouse.marts")
        for mart, select in MARTS.items():
            con.execute(f"create table warehouse.marts.{mart} as {select} from range(1, 3) as t (i)")
        for mart, change in broken.items():
            con.execute(change.format(mart=f"warehouse.marts.{mart}"))
