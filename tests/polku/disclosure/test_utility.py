"""The loss by code, of a table whose gaps are counted by hand."""

from __future__ import annotations

import pandas as pd

from polku.disclosure import ReleaseSpec
from polku.disclosure.utility import in_words, loss

SPEC = ReleaseSpec("t", ("group", "year"), "persons")
TABLE = pd.DataFrame(
    {
        "group": ["small", "small", "large", "large", "large"],
        "year": [2020, 2021, 2020, 2021, 2022],
        "persons": [None, None, 50, None, 0],
        "status": ["primary", "secondary", "ok", "secondary", "structural_zero"],
    }
)


def test_the_loss_is_counted_by_code_without_structural_zeros() -> None:
    found = loss(TABLE, SPEC).set_index(["dimension", "code"])
    assert found.loc[("group", "small")].to_dict() == {"cells": 2, "hidden": 2, "hidden_share": 1.0}
    assert found.loc[("group", "large")].to_dict() == {"cells": 2, "hidden": 1, "hidden_share": 0.5}
    assert ("year", "2022") not in found.index
    assert found["hidden_share"].is_monotonic_decreasing


def test_the_codes_that_lose_most_are_told_first() -> None:
    told = in_words(loss(TABLE, SPEC)).splitlines()
    assert told[2] == "| group | small | 2 | 2 | 100% |"
    assert in_words(loss(TABLE.assign(status="ok"), SPEC)) == "Nothing is hidden."
