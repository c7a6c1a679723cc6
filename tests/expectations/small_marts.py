"""Small marts of two persons over two months, as they come out of dbt."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from polku import storage
from polku.layout import DataRoot
from polku.studies import Study, load_study

MARTS = {
    "person": "select i as person_key, date '1990-05-01' as birth_month, 1990 as birth_year, null::date as died_on",
    "cohort": "select i as person_key, date '2020-01-01' as entry_month",
    "person_month": "select i as person_key, unnest([date '2020-01-01', date '2020-02-01']) as month",
    "service_episode": "select i as person_key, 30 as duration_days",
    "person_outcome": "select i as person_key, 1 as months_since_entry",
    "state_share_by_month": "select unnest([date '2020-01-01', date '2020-02-01']) as month, 0.5 as share, 0.5 as weighted_share",
    "state_transition_rate": "select 'employed' as from_state_code, 0.5 as rate",
    "outcome_by_months_since_entry": "select 0.25 as share",
    "exit_outcome": "select 0.25 as share",
}


def two_month_study() -> Study:
    return replace(
        load_study("mvad"),
        window_from=date(2020, 1, 1),
        window_until=date(2020, 2, 29),
        months_before=1,
        months_after=2,
    )


def build_warehouse(root: DataRoot, **broken: str) -> None:
    """A warehouse of two persons; `broken` is SQL that is run on a mart afterwards."""
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create schema warehouse.marts")
        for mart, select in MARTS.items():
            con.execute(f"create table warehouse.marts.{mart} as {select} from range(1, 3) as t (i)")
        for mart, change in broken.items():
            con.execute(change.format(mart=f"warehouse.marts.{mart}"))
