"""The chance of entering: what the regression finds, and of whom it says nothing."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import Logit

from polku.effects import regression
from polku.effects.entering import HANDED_OVER, NUMBERS, SCORES, register
from polku.effects.regression import FEWEST_EVENTS

ROWS = 6000


def risk_sets(seed: int = 1) -> pd.DataFrame:
    """Person-months in which the odds of entering double with each year of unemployment, and nothing else tells."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.integers(0, 25, ROWS) for name in NUMBERS})
    frame["person_key"] = rng.permutation(ROWS)
    frame["month_index"] = 24240 + rng.integers(0, 24, ROWS)
    frame["sex_code"] = rng.choice(["1", "2"], ROWS)
    frame["residence_ground_code"] = rng.choice(["work", "family"], ROWS)
    frame["earlier_state_code"] = "unemployed"
    logit = -3 + np.log(2) * frame.months_unemployed_24_before / 12
    frame["is_entry"] = rng.random(ROWS) < 1 / (1 + np.exp(-logit))
    return frame


def table_of(con: duckdb.DuckDBPyConnection, rows: pd.DataFrame) -> None:
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in HANDED_OVER.items())
    con.register("frame", rows)
    con.execute(f"create or replace table at_risk as select {columns} from frame")


def entry_chances(rows: pd.DataFrame) -> pd.DataFrame:
    with duckdb.connect() as con:
        register(con)
        table_of(con, rows)
        return con.execute("from entry_chances('at_risk') order by month_index, person_key").df()


def test_the_chances_are_those_by_which_persons_enter() -> None:
    rows = risk_sets()
    scored = entry_chances(rows).merge(rows, on=["person_key", "month_index"])
    assert len(scored) == ROWS
    assert scored.entry_chance.sum() == pytest.approx(rows.is_entry.sum())
    slope = np.polyfit(scored.months_unemployed_24_before, scored.entry_logit, 1)[0]
    assert slope == pytest.approx(np.log(2) / 12, abs=0.02)
    assert np.allclose(1 / (1 + np.exp(-scored.entry_logit)), scored.entry_chance)


def test_the_chances_are_those_of_a_library_in_whichever_blocks_they_are_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = risk_sets().astype({"months_since_arrival": "Float64"})
    rows.loc[::7, "months_since_arrival"] = pd.NA
    codes = rows[["sex_code", "residence_ground_code"]].assign(year=rows.month_index // 12)
    columns = [pd.get_dummies(codes.astype(str), drop_first=True)]
    for name in NUMBERS:
        known = rows[name].notna()
        values = rows[name].fillna(rows[name].mean()).astype(float)
        columns.append(pd.DataFrame({name: values, f"{name} squared": (values - values.mean()) ** 2}))
        if not known.all():
            columns.append(pd.DataFrame({f"{name} unknown": ~known}))
    design = pd.concat(columns, axis=1).assign(constant=1.0).astype(float)
    rows["expected"] = design @ Logit(rows.is_entry, design).fit(disp=False).params
    monkeypatch.setattr(regression, "ROWS_AT_ONCE", 700)
    scored = entry_chances(rows).merge(rows, on=["person_key", "month_index"])
    assert np.allclose(scored.entry_logit, scored.expected, rtol=0, atol=1e-7)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = risk_sets()
    pd.testing.assert_frame_equal(entry_chances(rows), entry_chances(rows.sample(frac=1, random_state=3)))


def test_nobody_is_scored_where_nobody_enters_or_everybody() -> None:
    rows = risk_sets()
    rows.loc[:99, "residence_ground_code"] = "study"
    rows.loc[:99, "is_entry"] = False
    rows.loc[100:109, "earlier_state_code"] = "in_service"
    rows.loc[100:109, "is_entry"] = True
    rows.loc[110:199, "month_index"] = 25000
    rows.loc[110:199, "is_entry"] = False
    scored = entry_chances(rows)
    assert set(scored.person_key) == set(rows.person_key[200:])


def test_a_number_that_is_known_of_some_counts_for_these() -> None:
    rows = risk_sets().astype({"months_since_arrival": "Float64"})
    rows.loc[::2, "months_since_arrival"] = pd.NA
    assert len(entry_chances(rows)) == ROWS
    rows["months_since_arrival"] = pd.NA
    assert len(entry_chances(rows)) == ROWS


@pytest.mark.parametrize("entries", [0, FEWEST_EVENTS - 1])
def test_too_few_entries_make_no_regression(entries: int) -> None:
    rows = risk_sets()
    rows["is_entry"] = np.arange(ROWS) < entries
    scored = entry_chances(rows)
    assert scored.empty
    assert list(scored) == list(SCORES)


def test_no_chance_where_the_covariates_tell_without_error_who_enters() -> None:
    rows = risk_sets()
    rows["is_entry"] = rows.months_unemployed_24_before > 12
    assert entry_chances(rows).empty


@pytest.mark.parametrize("rows", [0, 1])
def test_there_may_be_hardly_anybody(rows: int) -> None:
    assert entry_chances(risk_sets()[:rows]).empty


def test_a_statement_that_failed_leaves_nothing_to_the_next() -> None:
    rows = risk_sets()
    with duckdb.connect() as con:
        register(con)
        table_of(con, rows.assign(is_entry=True))
        row = ", ".join(f"{name} := {name}" for name in HANDED_OVER)
        with pytest.raises(duckdb.Error, match="no"):
            con.execute(f"select case when sum(hand_over(struct_pack({row}))) > 0 then error('no') end from at_risk")
        table_of(con, rows)
        found = con.execute("from entry_chances('at_risk') order by month_index, person_key").df()
    pd.testing.assert_frame_equal(found, entry_chances(rows))


def test_a_cursor_and_a_cte_may_ask_and_ask_again() -> None:
    with duckdb.connect() as con:
        register(con)
        for seed in (1, 2):
            table_of(con, risk_sets(seed))
            query = "with asked as (from at_risk) from entry_chances('asked') order by month_index, person_key"
            found = con.cursor().execute(query).df()
            pd.testing.assert_frame_equal(found, entry_chances(risk_sets(seed)))


def test_chances_are_not_asked_for_before_all_rows_are_there() -> None:
    """Of several threads each has a part of the rows: DuckDB gives a thread 122,880 at a time."""
    rows = pd.concat([risk_sets(seed) for seed in range(50)], ignore_index=True)
    rows["person_key"] = np.arange(len(rows))
    assert len(entry_chances(rows)) == len(rows)
