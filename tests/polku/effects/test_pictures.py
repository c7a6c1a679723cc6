"""Pictures of a comparison: the same each time, and no bar of few persons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from polku.effects.balance import covariate_balance
from polku.effects.comparing import compare
from polku.effects.pictures import coarse_bins, love_plot, overlap_plot
from polku.effects.plan import Comparison
from polku.studies import load_study


@given(st.lists(st.floats(0, 1), max_size=200), st.integers(1, 20))
def test_every_bin_holds_as_many_persons_as_a_release_needs(scores: list[float], threshold: int) -> None:
    edges = coarse_bins(np.array(scores), threshold)
    if len(scores) < threshold:
        assert len(edges) == 0
        return
    assert (edges[0], edges[-1]) == (0, 1)
    counts = np.histogram(scores, edges)[0]
    assert counts.sum() == len(scores)
    assert counts.min() >= threshold


def test_both_pictures_are_drawn_the_same_each_time(tmp_path: Path) -> None:
    rng, study = np.random.default_rng(1), load_study("matchit614")
    rows = [
        (key, "client" if rng.random() < 0.4 else "never_client", name, float(value), None)
        for key in range(80)
        for name, value in [("age_years", rng.integers(20, 60)), ("months_since_arrival", rng.integers(0, 9))]
    ]
    frame = pd.DataFrame(rows, columns=["person_key", "group_code", "covariate_code", "value_number", "value_code"])
    frame["group_code"] = np.where(frame.person_key % 3 == 0, "client", "never_client")
    compared = compare(frame, Comparison(("age_years", "months_since_arrival")))
    balance = covariate_balance(compared)
    drawn = [
        [*love_plot(balance, study, tmp_path / f"love{i}"), *overlap_plot(compared, study, 10, tmp_path / f"over{i}")]
        for i in (1, 2)
    ]
    assert [file.suffix for file in drawn[0]] == [".svg", ".png"] * 2
    assert [file.read_bytes() for file in drawn[0]] == [file.read_bytes() for file in drawn[1]]


def test_without_a_score_there_is_no_overlap_to_draw(tmp_path: Path) -> None:
    rows = [(key, "client" if key < 4 else "never_client", "age_years", 10.0 * key, None) for key in range(8)]
    frame = pd.DataFrame(rows, columns=["person_key", "group_code", "covariate_code", "value_number", "value_code"])
    compared = compare(frame, Comparison(("age_years",)))
    study = load_study("matchit614")
    assert overlap_plot(compared, study, 2, tmp_path / "overlap") == []
    assert len(love_plot(covariate_balance(compared), study, tmp_path / "love")) == 2
