"""The note of the method says of every study what its settings mean, in three languages."""

from __future__ import annotations

import pytest

from polku.contracts.model import LANGUAGES
from polku.effects.note import method_note
from polku.effects.plan import COARSENED, MAHALANOBIS, METHODS, PROPENSITY, Comparison


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("caliper", [None, 0.25])
def test_every_setting_has_its_words(language: str, method: str, replacement: bool, caliper: float | None) -> None:
    note = method_note(Comparison(("age_years",), method, replacement, caliper), language)
    lines = note.splitlines()
    assert len(lines) == 11
    assert all(line.count("|") == 3 for line in lines)
    assert "{" not in note
    if caliper and method != COARSENED:
        assert ("0.25" if language == "en" else "0,25") in note


def test_what_differs_is_said() -> None:
    pairs = method_note(Comparison(("age_years",), PROPENSITY), "en")
    shared = method_note(Comparison(("age_years",), MAHALANOBIS, replacement=True), "en")
    assert "descending order of the score" in pairs
    assert "Without replacement" in pairs
    assert "All equally near persons share the weight" in shared
    assert "80% of the clients" in pairs
