"""Noise is distributed as designed, the same for the same persons, and all that is shown."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.disclosure.cell_key import KEYS, design, perturbed
from polku.disclosure.dimensions import Dimension
from polku.errors import Exit, Refusal

DIMS = {"town": Dimension("town", "Total", {}), "sex": Dimension("sex", "Total", {})}
NOISE = design(5, 3.0)


def people(seed: int = 1, number: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "town": random.choice([*"abcdefgh"], number),
            "sex": random.choice(["f", "m"], number),
            "record_key": random.integers(-(2**63), 2**63, number),
        }
    )


def noisy(rows: pd.DataFrame, dims: dict[str, Dimension] = DIMS) -> dict[tuple[str, ...], int]:
    con = duckdb.connect()
    con.register("people", rows)
    table = perturbed(con, "people", dims, NOISE)
    return table.set_index(list(dims))["count"].to_dict()


@given(st.integers(1, 12), st.floats(0.05, 0.95), st.sampled_from(["stay", "move"]))
def test_every_distribution_has_mean_0_its_variance_and_no_greater_change(
    max_change: int, part: float, zeros: str
) -> None:
    variance = part * max_change
    noise = design(max_change, variance, zeros)  # type: ignore[arg-type]
    values = np.arange(-max_change, max_change + 1)
    in_keys = np.diff(noise.cuts, axis=1, prepend=0) / KEYS
    assert noise.shares.shape == (max_change + 1, 2 * max_change + 1)
    for shares in (noise.shares, in_keys):
        assert (shares >= 0).all()
        assert shares.sum(axis=1) == pytest.approx(1)
        assert shares[1:] @ values == pytest.approx(0, abs=1e-5)
        assert shares[1:] @ values**2 == pytest.approx(variance, abs=1e-4)
    for count in range(max_change + 1):
        assert noise.shares[count][values < -count].sum() == 0
    assert noise.shares[0] @ values**2 == pytest.approx(0 if zeros == "stay" else variance, abs=1e-4)


def test_no_other_distribution_with_these_conditions_has_more_entropy() -> None:
    """Any step that keeps sum, mean and variance takes entropy away."""
    shares = NOISE.shares[5]
    values = np.arange(-5, 6)
    kept = np.stack([np.ones(11), values, values**2])
    _, _, free = np.linalg.svd(kept)
    entropy = -(shares * np.log(shares)).sum()
    for direction in free[3:]:
        for step in (-1e-3, 1e-3):
            other = shares + step * direction
            assert kept @ other == pytest.approx(kept @ shares)
            assert -(other * np.log(other)).sum() < entropy


def test_noise_follows_the_design_over_random_keys() -> None:
    keys = np.random.default_rng(7).integers(0, KEYS, 200_000)
    for count in (1, 2, 40):
        drawn = NOISE.noise(np.full(len(keys), count), keys)
        assert abs(drawn.mean()) < 0.02
        assert drawn.var() == pytest.approx(3.0, abs=0.06)
        assert drawn.min() >= -min(count, 5)
        assert drawn.max() <= 5


def test_the_same_persons_have_the_same_noise_in_any_table() -> None:
    """Whatever a table is broken down by, whatever its codes are called, in whatever order the rows come."""
    rows = people()
    wide = noisy(rows)
    towns = noisy(rows, {"town": DIMS["town"]})
    assert {town: wide[town, "Total"] for town in towns} == towns
    called_otherwise = noisy(rows.assign(town="x" + rows["town"]).sample(frac=1, random_state=3))
    assert [called_otherwise[f"x{town}", "f"] for town in "abcdefgh"] == [wide[town, "f"] for town in "abcdefgh"]
    region = Dimension(
        "town", "Total", {"Total": (("north", "south"),), "north": (("a",),), "south": (tuple("bcdefgh"),)}
    )
    in_regions = noisy(rows, DIMS | {"town": region})
    assert in_regions["north", "f"] == in_regions["a", "f"] == wide["a", "f"]


def test_other_persons_have_other_noise() -> None:
    """As many persons with other keys, twelve times: the noise cannot all be the same."""
    rows = people()
    figures = {noisy(rows.assign(record_key=people(seed)["record_key"]))["Total", "Total"] for seed in range(12)}
    assert len(figures) > 2
    assert all(abs(figure - 300) <= 5 for figure in figures)


def test_nothing_but_noisy_counts_comes_back() -> None:
    con = duckdb.connect()
    con.register("people", people())
    assert list(perturbed(con, "people", DIMS, NOISE)) == ["town", "sex", "count"]


def test_zeros_stay_or_move_as_the_design_says() -> None:
    rows = people(number=2).assign(town="a", sex="f")
    dims = {**DIMS, "town": Dimension("town", "Total", {"Total": (tuple("abcdefghijklmnopqrst"),)})}
    con = duckdb.connect()
    con.register("people", rows)
    staying = perturbed(con, "people", dims, NOISE)
    assert set(staying["town"]) == {"a", "Total"}
    moving = perturbed(con, "people", dims, design(5, 3.0, "move"), zero_secret=b"kept")
    empty = moving[~moving["town"].isin(["a", "Total"])]
    assert len(empty) == 19 * 2
    assert empty["count"].between(0, 5).all()
    assert empty["count"].nunique() > 1
    again = perturbed(con, "people", dims, design(5, 3.0, "move"), zero_secret=b"kept")
    pd.testing.assert_frame_equal(again, moving)
    with pytest.raises(ValueError, match="secret"):
        perturbed(con, "people", dims, design(5, 3.0, "move"))


def test_the_design_tells_what_it_promises() -> None:
    assert "at most 5 up or down" in NOISE.guarantee
    assert "do not add up" in NOISE.guarantee.replace("\n", " ")
    assert "upwards alone, by 1.24 on average" in design(5, 3.0, "move").guarantee


@pytest.mark.parametrize(("max_change", "variance"), [(5, 0.0), (5, 5.0), (0, 0.5)])
def test_noise_that_a_single_person_could_not_have_is_refused(max_change: int, variance: float) -> None:
    with pytest.raises(ValueError, match="variance"):
        design(max_change, variance)


@pytest.mark.parametrize("key", [1, None])
def test_a_person_twice_or_without_a_key_is_refused(key: int | None) -> None:
    rows = pd.DataFrame({"town": ["a", "b"], "sex": ["f", "f"], "record_key": pd.array([1, key], dtype="Int64")})
    con = duckdb.connect()
    con.register("people", rows)
    with pytest.raises(Refusal, match="record key") as refused:
        perturbed(con, "people", DIMS, NOISE)
    assert refused.value.exit is Exit.CONTRACT_INVALID
