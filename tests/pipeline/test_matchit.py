"""A published matching through the whole pipeline: real persons, whose balance the R package MatchIt prints."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from polku.effects.tables import write_estimates
from polku.layout import CHECKOUT
from polku.studies import load_study

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


def test_the_difference_of_the_second_year_is_not_called_an_effect(finished: Callable[[str], Any]) -> None:
    """How the matched differ hangs on who of the persons with one score is taken, so only the raw figure is told."""
    columns = "estimator_code, persons_client, persons_other, difference, is_effect, reason_code"
    rows = {row[0]: row[1:] for row in finished(STUDY).query(f"select {columns} from matched_difference")}
    assert rows["unmatched"][:2] == (185, 429)
    assert rows["matched"][:2] == (185, 185)
    assert float(rows["unmatched"][2]) == pytest.approx(-635.03, abs=0.1)
    assert [row[3:] for row in rows.values()] == [(False, "not_matched"), *[(False, "groups_differ")] * 2]


def test_pictures_and_the_method_stand_with_the_table(
    finished: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(finished(STUDY).base / "dagster"))
    with dg.DagsterInstance.get() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["marts", "covariate_balance"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    for picture in ("love_plot", "overlap"):
        assert str(metadata[picture].value).startswith("![")
        assert "data:image/png;base64,iVBOR" in str(metadata[picture].value)
    assert "Without replacement" in str(metadata["method_en"].value)
    assert metadata["persons_without_support"].value == 0


MAHALANOBIS = {
    "education_years": (10.4270, -0.0403),
    "is_black": (0.8432, 0.0),
    "is_hispan": (0.0595, 0.0),
    "is_married": (0.1784, 0.0276),
    "has_no_degree": (0.7081, 0.0),
    "earlier_wages": (1788.6941, 0.0628),
    "last_wages": (1087.7420, 0.1380),
}
"""Means of the others and standardised differences after matching, as the README of MatchIt 4.7.2 prints them.

Age is not among them: two clients have several others equally near, of whom MatchIt takes one.
"""


def test_other_ways_of_matching_the_same_persons(copy_of: Callable[[str], Any]) -> None:
    root, comparison = copy_of(STUDY).root, load_study(STUDY).comparison
    assert comparison is not None
    by_distance = write_estimates(root, replace(comparison, method="mahalanobis", replacement=True)).tables
    matched = by_distance["covariate_balance"].query("stage_code == 'matched'").set_index("covariate_code")
    found = {name: tuple(matched.loc[name, ["mean_other", "standardised_difference"]].round(4)) for name in MAHALANOBIS}
    assert found == MAHALANOBIS
    cuts = {"age_years": (20.0, 25.0, 30.0, 40.0), "earlier_wages": (1.0, 5000.0), "last_wages": (1.0, 5000.0)}
    by_class = write_estimates(root, replace(comparison, method="coarsened", cuts=cuts))
    balance = by_class.tables["covariate_balance"].query("stage_code == 'matched'").set_index("covariate_code")
    exact = [name for name in comparison.covariates if name not in cuts]
    assert balance.standardised_difference[exact].abs().max() == 0
    assert 0 < by_class.compared.share_matched < 1
    assert by_class.compared.matched.weights.sum() == pytest.approx(balance.persons_client.iloc[0])
