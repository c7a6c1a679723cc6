"""From the marts to the tables of estimates.

Belongs here: reading what is compared out of the warehouse, and keeping what was estimated. Does not belong here: any
estimate (`comparing`, `balance`, `difference`).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from polku.effects.balance import covariate_balance
from polku.effects.comparing import Compared, compare
from polku.effects.difference import matched_difference
from polku.effects.plan import BALANCE, COARSENED, DIFFERENCE, Comparison, Outcome
from polku.effects.strata import strata_of
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import storage

_TYPES = {
    BALANCE: {
        "stage_code": "varchar",
        "covariate_code": "varchar",
        "level_code": "varchar",
        "persons_client": "bigint",
        "persons_other": "bigint",
        "mean_client": "decimal(18, 8)",
        "mean_other": "decimal(18, 8)",
        "standardised_difference": "decimal(18, 8)",
        "variance_ratio": "decimal(18, 8)",
        "is_balanced": "boolean",
    },
    DIFFERENCE: {
        "estimator_code": "varchar",
        "persons_client": "bigint",
        "persons_other": "bigint",
        "effective_others": "decimal(18, 4)",
        "difference": "decimal(18, 4)",
        "standard_error": "decimal(18, 4)",
        "reason_code": "varchar",
        "is_effect": "boolean",
    },
}

_KNOWN = """
create temporary table outcomes as
select person_key, cast(sum(cast({column} as double)) as double) as outcome
from warehouse.marts.person_outcome
where months_since_entry between {from_month} and {until_month}
group by person_key
having count({column}) = {until_month} - {from_month} + 1
"""


@dataclass(frozen=True)
class Estimated:
    """What a night estimated. `not_known` are persons left out because their outcome is not known in every month."""

    compared: Compared
    tables: dict[str, pd.DataFrame]
    not_known: int


def write_estimates(root: DataRoot, comparison: Comparison) -> Estimated:
    """Estimate the tables of the comparison from the warehouse's persons, and keep them.

    Refuses (NO_COMPARISON) where nobody can be compared.
    """
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        con.execute(
            "create temporary table covariates as "
            "from warehouse.marts.covariate where covariate_code in (select unnest(?))",
            [list(comparison.covariates)],
        )
        not_known = 0 if comparison.outcome is None else _keep_known(con, comparison.outcome)
        strata = strata_of(con, "covariates", comparison) if comparison.method == COARSENED else None
        compared = compare(con.execute("from covariates").df(), comparison, strata)
        tables = {BALANCE: covariate_balance(compared)}
        if comparison.outcome is not None:
            outcomes = con.execute("from outcomes").df().set_index("person_key").outcome
            outcome = outcomes.reindex(compared.design.persons).to_numpy(dtype=float)
            tables[DIFFERENCE] = matched_difference(compared, tables[BALANCE], outcome)
        for name, table in tables.items():
            con.register("estimated", table)
            columns = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in _TYPES[name].items())
            storage.write_parquet(con, f"select {columns} from estimated", root.estimate(name))
    return Estimated(compared, tables, not_known)


def _keep_known(con: duckdb.DuckDBPyConnection, outcome: Outcome) -> int:
    """Leave those whose outcome is known in every month; how many were left out. Refuses (NO_COMPARISON) empty groups.

    Who died or moved abroad before the last month is among them, and so is who entered too late to be followed so long.
    """
    con.execute(_KNOWN.format(**vars(outcome)))
    total = "select count(distinct person_key) from covariates"
    [[before]] = con.execute(total).fetchall()
    con.execute("delete from covariates where person_key not in (select person_key from outcomes)")
    [[after]] = con.execute(total).fetchall()
    [[groups]] = con.execute("select count(distinct group_code) from covariates").fetchall()
    if groups < 2:
        raise Refusal(
            Exit.NO_COMPARISON,
            f"`{outcome.column}` is not known of anybody of a whole group in every month of the outcome.",
            "Name earlier or fewer months in the study's [comparison.outcome].",
        )
    return int(before - after)
