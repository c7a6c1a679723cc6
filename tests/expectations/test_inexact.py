"""The gate of rounded and noisy tables: each promise broken by itself closes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from expectations import Verdict, attack_inexact, judge_release
from expectations.inexact import AS_PROMISED, broken_promises
from polku.disclosure.inexact.protections import Protection
from tests.polku.disclosure.inexact.register import EXITS, POLICY, STATES, Register
from tests.polku.disclosure.inexact.test_nights import exits, groups

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[Protection, tuple[pd.DataFrame, pd.DataFrame]]:
    """The table that leaves, and its mart, by protection."""
    found = {}
    for protection in (Protection.ROUNDING, Protection.CELL_KEY):
        register = Register(tmp_path_factory.mktemp("ledger"), EXITS, protection)
        outcome, _ = register.night(exits(3, 40, 61, 25, 30, 73, 44, 51, 38, 62, 47, 55, 36, 41, 29, 33, 57, 64))
        assert register.plan is not None
        found[protection] = (outcome.tables["exits"].table, register.plan.tables["exits"][0])
    return found


def judged(table: pd.DataFrame, mart: pd.DataFrame, protection: Protection) -> Verdict:
    attacks = attack_inexact({"exits": (table, EXITS)}, {"exits": mart}, POLICY, {"exits": protection})
    (verdict,) = judge_release({}, POLICY, pd.DataFrame(), {}, {}, attacks)["exits"]
    return verdict


def at(table: pd.DataFrame, year: int | None, outcome: str) -> pd.Series:
    return (table["outcome"] == outcome) & (table["year"].isna() if year is None else table["year"] == year)


def put(column: str, change: Callable[[float], float], year: int | None = 2021, outcome: str = "c") -> Change:
    """The same table with one figure changed."""

    def put_in(table: pd.DataFrame) -> pd.DataFrame:
        changed = table.copy()
        row = at(table, year, outcome)
        changed.loc[row, column] = change(table.loc[row, column].fillna(0).iloc[0])
        return changed

    return put_in


def test_the_gate_opens(made: dict[Protection, tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    for protection, (table, mart) in made.items():
        verdict = judged(table, mart, protection)
        assert (verdict.name, verdict.passed, verdict.failures) == (AS_PROMISED, True, ())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("persons", lambda n: 7), "the count is below the base of the rounding"),
        (put("persons", lambda n: n + 1), "the figure is neither true nor rounded"),
        (put("persons", lambda n: n + 20, year=None), "the parts along year do not add up to it"),
        (put("leavers", lambda n: n + 20), "another row shows another base"),
        (lambda t: t.assign(leavers=t["leavers"] + 4), "the base or its rest is below the base of the rounding"),
        (put("share", lambda share: share + 0.01), "the share is not that of the rounded counts"),
        (put("mean_days", lambda mean: 12.5), "an exact measure stands beside inexact counts"),
    ],
)
def test_a_rounded_table_that_breaks_a_promise(
    made: dict[Protection, tuple[pd.DataFrame, pd.DataFrame]], change: Change, said: str
) -> None:
    table, mart = made[Protection.ROUNDING]
    assert said in {f.why for f in broken_promises(change(table), mart, EXITS, POLICY, Protection.ROUNDING)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("persons", lambda n: 7), "the figure is below the threshold"),
        (put("persons", lambda n: n + 20), "the figure is further from the truth than its noise may be"),
        (put("leavers", lambda n: 60), "the figure is further from the truth than its noise may be"),
        (put("share", lambda share: share + 0.01), "the share is not that of the noisy figures"),
        (put("mean_days", lambda mean: 12.5), "an exact measure stands beside inexact counts"),
        (put("share", lambda share: 0.1, 2020, "a"), "the cell is not cleared but has a figure"),
    ],
)
def test_a_noisy_table_that_breaks_a_promise(
    made: dict[Protection, tuple[pd.DataFrame, pd.DataFrame]], change: Change, said: str
) -> None:
    table, mart = made[Protection.CELL_KEY]
    assert said in {f.why for f in broken_promises(change(table), mart, EXITS, POLICY, Protection.CELL_KEY)}


def test_exact_figures_under_the_name_of_noise_close_the_gate(
    made: dict[Protection, tuple[pd.DataFrame, pd.DataFrame]],
) -> None:
    """Whoever forgets the noise is found, and whoever forgets it in the shares alone."""
    table, mart = made[Protection.CELL_KEY]
    true = mart.set_index(["year", "outcome"])
    codes = [(None if pd.isna(y) else y, o) for y, o in table[["year", "outcome"]].itertuples(index=False)]
    shown = table["persons"].notna()
    exact = table.assign(
        persons=pd.array([true["persons"][code] for code in codes], dtype="Int64"),
        leavers=pd.array([true["leavers"][code] for code in codes], dtype="Int64"),
    )
    exact.loc[~shown, ["persons"]] = pd.NA
    verdict = judged(exact, mart, Protection.CELL_KEY)
    assert not verdict.passed
    assert any("the figures are the exact ones" in failure for failure in verdict.failures)


def test_a_small_count_that_the_true_total_tells_closes_the_gate(tmp_path: Path) -> None:
    register = Register(tmp_path, STATES, Protection.ROUNDING)
    cells = {("2020-01", f"s{i}"): persons for i, persons in enumerate(groups([3, 45, 62]))}
    outcome, found = register.night(cells)
    assert found == []
    table = outcome.tables["states"].table
    alone = table.assign(
        persons=pd.array([0, 45, 62], dtype="Int64"), share=[0.0, round(45 / 107, 4), round(62 / 107, 4)]
    )
    mart = register.plan.tables["states"][0] if register.plan else None
    (finding,) = broken_promises(alone, mart, STATES, POLICY, Protection.ROUNDING)
    assert str(finding) == "persons at month=2020-01, state=s0: whoever knows the total of its line knows it"


def test_shares_of_the_true_total_beside_noisy_counts_close_the_gate(tmp_path: Path) -> None:
    cells = {("2020-01", f"s{i}"): persons for i, persons in enumerate(groups([40, 60, 80, 70, 55]))}
    register = Register(tmp_path, STATES, Protection.CELL_KEY)
    outcome, found = register.night(cells)
    assert found == []
    table = outcome.tables["states"].table
    exact = table.assign(share=[round(len(cells["2020-01", state]) / 305, 4) for state in table["state"]])
    mart = register.plan.tables["states"][0] if register.plan else None
    said = {f.why for f in broken_promises(exact, mart, STATES, POLICY, Protection.CELL_KEY)}
    assert said == {"shares of its line are not of one noisy total"}


def test_a_table_that_cannot_be_read_closes_the_gate(
    made: dict[Protection, tuple[pd.DataFrame, pd.DataFrame]],
) -> None:
    table, mart = made[Protection.ROUNDING]
    assert not judged(table.drop(columns="share"), mart, Protection.ROUNDING).could_judge
