"""From the warehouse to the kept tables: who is left out because of the outcome, and what has no figure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from polku.effects.plan import BALANCE, COARSENED, DIFFERENCE, MAHALANOBIS, PROPENSITY, Comparison, Outcome
from polku.effects.tables import write_estimates
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import storage

MONTHS = (1, 2)


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    """Ten persons; of number 8 the last month is not known, number 9 has none (she died)."""
    root = DataRoot("study", tmp_path)
    covariates = pd.DataFrame(
        [
            (key, "client" if key % 2 else "never_client", "age_years", 20.0 + 10 * (key // 4), None)
            for key in range(10)
        ],
        columns=["person_key", "group_code", "covariate_code", "value_number", "value_code"],
    ).astype({"value_code": "str"})
    outcomes = pd.DataFrame(
        [
            (key, month, None if (key, month) == (8, 2) else 100.0 * key, None if (key, month) == (8, 2) else key > 4)
            for key in range(9)
            for month in MONTHS
        ],
        columns=["person_key", "months_since_entry", "earnings_eur", "employed"],
    ).astype({"employed": "boolean"})
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create schema warehouse.marts")
        for name, table in (("covariate", covariates), ("person_outcome", outcomes)):
            con.register("made", table)
            con.execute(f"create table warehouse.marts.{name} as from made")
    return root


def kept(root: DataRoot, name: str) -> pd.DataFrame:
    with storage.connect(root) as con:
        return con.execute(f"from {storage.parquet(root.estimate(name))}").df()


def test_who_is_not_known_in_every_month_is_left_out_and_counted(root: DataRoot) -> None:
    outcome = Outcome("earnings_eur", *MONTHS)
    estimated = write_estimates(root, Comparison(("age_years",), COARSENED, outcome=outcome))
    assert estimated.not_known == 2
    assert estimated.compared.design.persons.tolist() == list(range(8))
    raw, matched, _ = kept(root, DIFFERENCE).difference.astype(float)
    # Clients 1, 3, 5, 7 and others 0, 2, 4, 6, each 100 euros apart in each of two months.
    assert (raw, matched) == (200, 200)
    assert kept(root, DIFFERENCE).is_effect.tolist() == [False, True, True]


def test_an_outcome_that_nobody_of_a_group_has_is_refused_by_name(root: DataRoot) -> None:
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("update warehouse.marts.person_outcome set employed = null where person_key % 2 = 1")
    with pytest.raises(Refusal, match="`employed` is not known of anybody of a whole group") as refusal:
        write_estimates(root, Comparison(("age_years",), outcome=Outcome("employed", *MONTHS)))
    assert refusal.value.exit is Exit.NO_COMPARISON


def test_a_yes_or_no_counts_months(root: DataRoot) -> None:
    write_estimates(root, Comparison(("age_years",), MAHALANOBIS, True, outcome=Outcome("employed", *MONTHS)))
    # Employed are 5, 6 and 7: of four clients two, of four others one, two months each.
    assert float(kept(root, DIFFERENCE).difference[0]) == 2 * (2 - 1) / 4


def test_without_an_outcome_everybody_is_compared_and_only_the_balance_kept(root: DataRoot) -> None:
    estimated = write_estimates(root, Comparison(("age_years",)))
    assert (estimated.not_known, len(estimated.compared.design.persons)) == (0, 10)
    assert list(estimated.tables) == [BALANCE]
    assert not root.estimate(DIFFERENCE).exists()


def test_where_nobody_is_matched_there_is_no_figure_and_a_reason(root: DataRoot) -> None:
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("update warehouse.marts.covariate set value_number = 60 where group_code = 'client'")
    outcome = Outcome("earnings_eur", *MONTHS)
    write_estimates(root, Comparison(("age_years",), PROPENSITY, outcome=outcome))
    table = kept(root, DIFFERENCE)
    assert table.difference.isna().tolist() == [False, True, True]
    assert table.reason_code.tolist() == ["not_matched", "few_matched", "few_matched"]
    assert kept(root, BALANCE).query("stage_code == 'matched'").mean_other.isna().all()
