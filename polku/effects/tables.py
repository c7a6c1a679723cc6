"""From the marts to the tables of estimates.

Belongs here: reading what is compared out of the warehouse, and keeping what was estimated. Does not belong here: any
estimate (`balance`).
"""

from __future__ import annotations

import pandas as pd

from polku.effects.balance import covariate_balance
from polku.effects.plan import BALANCE, Comparison
from polku.layout import DataRoot
from polku.research import storage

_TYPES = {
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
}


def write_balance(root: DataRoot, comparison: Comparison) -> pd.DataFrame:
    """Estimate the balance of the warehouse's persons and keep it; returns it.

    Refuses (NO_COMPARISON) where nobody can be compared.
    """
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        query = "select * from warehouse.marts.covariate where covariate_code in (select unnest(?))"
        balance = covariate_balance(con.execute(query, [list(comparison.covariates)]).df(), comparison)
        con.register("balance", balance)
        columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in _TYPES.items())
        storage.write_parquet(con, f"select {columns} from balance", root.estimate(BALANCE))
    return balance
