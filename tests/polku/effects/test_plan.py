"""What a study may say of its comparison."""

from __future__ import annotations

import re
from typing import Any

import pytest

from polku.contracts.faults import Faults
from polku.contracts.reading import load_contracts
from polku.effects.plan import BEFORE_ENTRY, Comparison, Outcome, parse_comparison
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT
from polku.studies import load_study

MART = CHECKOUT / "dbt_project" / "models" / "marts" / "covariate.sql"


def parsed(data: dict[str, Any]) -> Comparison:
    faults = Faults()
    comparison = parse_comparison(data, load_contracts(CHECKOUT / "contracts").values(), 24, faults)
    faults.refuse("study.toml", Exit.STUDY_INVALID, "study")
    return comparison


OUTCOME = {"column": "earnings_eur", "from_month": 13, "until_month": 24}


def cuts(**values: Any) -> dict[str, Any]:
    return {"covariates": ["age_years", "sex_code"], "method": "coarsened", "cuts": values}


def outcome(**changes: Any) -> dict[str, Any]:
    return {"covariates": ["age_years"], "outcome": OUTCOME | changes}


def test_covariates_are_those_that_the_mart_has() -> None:
    text = MART.read_text(encoding="utf-8").split("with cohort as")[0]
    numbers, codes = (re.findall(r"'(\w+)'", listed) for listed in re.findall(r"= \[(.*?)\] -%", text, re.DOTALL))
    assert (*numbers, *codes) == BEFORE_ENTRY


def test_a_study_names_its_own_characteristics_too() -> None:
    study = load_study("matchit614")
    assert study.comparison is not None
    assert set(study.comparison.covariates) - set(BEFORE_ENTRY) == {
        *("education_years", "is_black", "is_hispan", "is_married", "has_no_degree", "earlier_wages", "last_wages")
    }
    assert load_study("mvad").comparison is None


def test_a_caliper_is_optional() -> None:
    assert parsed({"covariates": ["age_years"]}) == Comparison(("age_years",))
    assert parsed({"covariates": ["age_years"], "caliper": 1}) == Comparison(("age_years",), caliper=1.0)


def test_the_method_and_what_belongs_to_it() -> None:
    nearest = {"covariates": ["age_years"], "method": "mahalanobis", "replacement": True}
    assert parsed(nearest) == Comparison(("age_years",), "mahalanobis", True)
    classes = {"covariates": ["age_years", "sex_code"], "method": "coarsened", "cuts": {"age_years": [30, 45]}}
    assert parsed(classes).cuts == {"age_years": (30.0, 45.0)}


def test_an_outcome_adds_the_table_of_differences() -> None:
    with_outcome = parsed({"covariates": ["age_years"], "outcome": OUTCOME})
    assert with_outcome.outcome == Outcome("earnings_eur", 13, 24)
    assert with_outcome.tables == ("covariate_balance", "matched_difference")
    assert parsed({"covariates": ["age_years"]}).tables == ("covariate_balance",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"covariates": ["employed"]}, "`employed` is no characteristic from before the entry"),
        ({"covariates": ["marital_status_code"]}, "`marital_status_code` is no characteristic from before the entry"),
        ({"covariates": ["age_years", "age_years"]}, "names one twice"),
        ({"covariates": ["age_years"], "caliper": 0}, "`caliper` is above zero"),
        ({"covariates": ["age_years"], "weights": 1}, "unknown key `weights`"),
        (
            {"covariates": ["age_years"], "method": "guess"},
            "`method` must be one of propensity, mahalanobis, coarsened",
        ),
        ({"covariates": ["age_years"], "replacement": 1}, "`replacement` is of the wrong type"),
        ({"covariates": ["age_years"], "method": "coarsened", "replacement": False}, "`replacement` says nothing"),
        ({"covariates": ["age_years"], "method": "coarsened", "caliper": 0.2}, "`caliper` says nothing"),
        ({"covariates": ["age_years"], "cuts": {"age_years": [30]}}, "`cuts` are for the method `coarsened` alone"),
        (cuts(wages_1_year_before_eur=[1]), "`wages_1_year_before_eur` is not among `covariates`"),
        (cuts(sex_code=[1]), "`sex_code` is a code"),
        (cuts(age_years=[30, 30]), "`age_years` must list numbers, each above the one before it"),
        (cuts(age_years=["30"]), "`age_years` must list numbers"),
        (cuts(age_years=[]), "`age_years` must list numbers"),
        (outcome(column="entry_month"), "`column` must be one of earnings_eur, employed, studying"),
        (outcome(from_month=25), "months go from 0 to 24"),
        (outcome(until_month=25), "months go from 0 to 24"),
        (outcome(from_month=-1), "months go from 0 to 24"),
        (outcome(from_month="1"), "`from_month` is of the wrong type"),
        ({"covariates": ["age_years"], "outcome": {"column": "employed"}}, "`from_month` is missing"),
        ({}, "covariates"),
    ],
)
def test_what_cannot_be_compared_by_is_refused_by_name(data: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal) as refusal:
        parsed(data)
    assert refusal.value.exit is Exit.STUDY_INVALID
    assert said in str(refusal.value)
