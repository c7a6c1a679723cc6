"""Release profiles and their one question."""

from __future__ import annotations

import pytest

from polku.disclosure import load_policy
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
