"""Release profiles and their one question."""

from __future__ import annotations

import dataclasses

import pytest

from polku.disclosure import load_policy
from polku.disclosure.policy import Rules
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT
from polku.studies import load_study


def test_the_default_is_ten_persons_zeros_and_complements_included() -> None:
    policy = load_policy("fi_study_v1")
    assert [n for n in range(12) if policy.too_small(n)] == list(range(10))
    assert policy.protect_complements


@pytest.mark.parametrize("threshold", [3, 5, 7])
def test_milder_profiles_publish_zeros(threshold: int) -> None:
    policy = load_policy(f"threshold_{threshold}")
    assert [n for n in range(12) if policy.too_small(n)] == list(range(1, threshold))


@pytest.mark.parametrize("profile", ["fi_study_v1", "threshold_3", "threshold_5", "threshold_7"])
def test_every_profile_names_its_sources(profile: str) -> None:
    assert all(load_policy(profile).sources)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(Refusal, match="fi_study_v1") as refused:
        load_policy("none")
    assert refused.value.exit is Exit.STUDY_INVALID


@pytest.mark.parametrize("study", [path.stem for path in (CHECKOUT / "studies").glob("*.toml")])
def test_every_study_names_a_profile(study: str) -> None:
    assert load_policy(load_study(study).release_profile).threshold > 1


# ------------------------------------------------------------------------------------------------- primary rules
@pytest.mark.parametrize("profile", ["fi_study_v1", "threshold_3", "threshold_5", "threshold_7"])
def test_every_number_of_a_rule_names_its_source(profile: str) -> None:
    rules = load_policy(profile).rules
    asked = {
        "group_percent": rules.group_percent,
        "dominance": rules.dominance,
        "p_percent": rules.p_percent,
        "prior_posterior": rules.prior_posterior,
        "degrees_of_freedom": rules.degrees_of_freedom,
    }
    assert {name for name, number in asked.items() if number} == rules.sources.keys()


def test_wages_need_ten_persons_and_five_payers_and_other_figures_what_the_profile_says() -> None:
    policy = load_policy("fi_study_v1")
    wages = policy.of_register("tulorekisteri", "wages")
    assert (wages.threshold, wages.rules.payers) == (10, 5)
    assert (1, 75) in wages.rules.dominance
    assert "TAX_INCOMES_jua_report_002" in wages.rules.sources["payers"]
    assert policy.of_register("tulorekisteri", "benefits").rules.payers == 3
    assert policy.of_register("ura", "spells") is policy


def test_a_register_never_makes_a_rule_milder() -> None:
    strict = dataclasses.replace(
        load_policy("fi_study_v1"), threshold=20, rules=Rules(payers=8, dominance=((1, 50), (1, 75)))
    )
    wages = strict.of_register("tulorekisteri", "wages")
    assert (wages.threshold, wages.rules.payers, wages.rules.dominance) == (20, 8, ((1, 50), (1, 75)))
