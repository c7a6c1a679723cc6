"""The chance of entering: what the regression finds, and of whom it says nothing."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import Logit

from polku.effects import entering
from polku.effects.entering import AT_RISK, FEWEST_ENTRIES, NUMBERS, SCORES, entry_chances, register

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
    monkeypatch.setattr(entering, "ROWS_AT_ONCE", 700)
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


@pytest.mark.parametrize("entries", [0, FEWEST_ENTRIES - 1])
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


@pytest.mark.parametrize("rows", [0, 1, ROWS])
def test_sql_calls_the_regression_on_any_number_of_rows(rows: int) -> None:
    at_risk = risk_sets().assign(own_entry_month_index=None)[:rows]
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in AT_RISK.items())
    with duckdb.connect() as con:
        register(con)
        con.register("frame", at_risk)
        con.execute(f"create table at_risk as select {columns} from frame")
        found = con.execute("select unnest(entry_chances(list(at_risk)), recursive := true) from at_risk").df()
    expected = entry_chances(at_risk)
    assert list(found) in (list(SCORES), ["unnest(entry_chances(list(at_risk)), recursive := true)"])
    assert len(found) == len(expected)
    if rows == ROWS:
        pd.testing.assert_frame_equal(
            found.sort_values("person_key", ignore_index=True),
            expected.sort_values("person_key", ignore_index=True),
            check_dtype=False,
        )
