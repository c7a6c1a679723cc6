"""A published matching through the whole pipeline: real persons, whose balance the R package MatchIt prints."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from polku.layout import CHECKOUT

pytestmark = pytest.mark.pipeline

STUDY = "matchit614"
OURS = {
    "ps": "propensity_score",
    "age": "age_years",
    "educ": "education_years",
    "black": "is_black",
    "hispan": "is_hispan",
    "married": "is_married",
    "nodegree": "has_no_degree",
    "re74": "earlier_wages",
    "re75": "last_wages",
}
COLUMNS = {"mean_treated": "mean_client", "mean_control": "mean_other", "smd": "standardised_difference"}
WHITE = "white"
"""Neither black nor hispan: no covariate of its own."""


def published() -> dict[tuple[str, str, str], float]:
    """The printed figures by stage, our covariate and our column."""
    found = {}
    with (CHECKOUT / "examples" / STUDY / "expected.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            stage, _, rest = row["metric"].partition("_")
            for measure, column in COLUMNS.items():
                name = rest.removeprefix(f"{measure}_")
                if name != rest and name != WHITE:
                    found[stage, OURS[name], column] = float(row["value"])
    return found


@pytest.fixture(scope="module")
def balance(finished: Callable[[str], Any]) -> dict[tuple[str, str], dict[str, Any]]:
    columns = ["stage_code", "covariate_code", "persons_client", "persons_other", *COLUMNS.values(), "is_balanced"]
    rows = finished(STUDY).query(f"select {', '.join(columns)} from covariate_balance")
    return {(row[0], row[1]): dict(zip(columns, row, strict=True)) for row in rows}


def test_the_balance_is_the_printed_one_to_four_decimals(balance: dict[tuple[str, str], dict[str, Any]]) -> None:
    expected = published()
    assert len(expected) == 37
    found = {(stage, name, column): float(balance[stage, name][column]) for stage, name, column in expected}
    assert {key: round(value, 4) for key, value in found.items()} == expected


def test_every_participant_has_somebody_and_the_groups_are_not_called_alike(
    balance: dict[tuple[str, str], dict[str, Any]],
) -> None:
    """MatchIt's own vignette calls this matching unacceptable and goes on to another."""
    assert {row["persons_client"] for row in balance.values()} == {185}
    assert {balance[stage, "age_years"]["persons_other"] for stage in ("unmatched", "matched")} == {429, 185}
    assert balance["matched", "age_years"]["is_balanced"]
    assert not balance["matched", "is_black"]["is_balanced"]


def test_the_user_interface_says_that_a_difference_is_not_an_effect(
    finished: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(finished(STUDY).base / "dagster"))
    check = dg.AssetCheckKey(dg.AssetKey(["marts", "covariate_balance"]), "groups_alike")
    with dg.DagsterInstance.get() as instance:
        [record] = instance.event_log_storage.get_asset_check_execution_history(check, limit=1)
    evaluation = record.evaluation
    assert evaluation is not None
    assert not evaluation.passed
    assert evaluation.description == (
        "Still different: education_years, has_no_degree, is_black, is_hispan, propensity_score. "
        "A difference in outcomes is not an effect."
    )
