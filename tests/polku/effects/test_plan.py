"""What a study may say of its comparison."""

from __future__ import annotations

import re
from typing import Any

import pytest

from polku.contracts.faults import Faults
from polku.contracts.reading import load_contracts
from polku.effects.plan import BEFORE_ENTRY, Comparison, parse_comparison
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT
from polku.studies import load_study

MART = CHECKOUT / "dbt_project" / "models" / "marts" / "covariate.sql"


def parsed(data: dict[str, Any]) -> Comparison:
    faults = Faults()
    comparison = parse_comparison(data, load_contracts(CHECKOUT / "contracts").values(), faults)
    faults.refuse("study.toml", Exit.STUDY_INVALID, "study")
    return comparison


def test_covariates_are_those_that_the_mart_has() -> None:
    text = MART.read_text(encoding="utf-8").split("with cohort as")[0]
    numbers = re.findall(r"'(\w+)': '\1'", text)
    codes = re.findall(r"set codes = \[(.*?)\]", text)[0].replace("'", "").split(", ")
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
    assert parsed({"covariates": ["age_years"], "caliper": 1}) == Comparison(("age_years",), 1.0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"covariates": ["employed"]}, "`employed` is no characteristic from before the entry"),
        ({"covariates": ["marital_status_code"]}, "`marital_status_code` is no characteristic from before the entry"),
        ({"covariates": ["age_years", "age_years"]}, "names one twice"),
        ({"covariates": ["age_years"], "caliper": 0}, "`caliper` is above zero"),
        ({"covariates": ["age_years"], "method": "guess"}, "unknown key `method`"),
        ({}, "covariates"),
    ],
)
def test_what_cannot_be_compared_by_is_refused_by_name(data: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal) as refusal:
        parsed(data)
    assert refusal.value.exit is Exit.STUDY_INVALID
    assert said in str(refusal.value)
