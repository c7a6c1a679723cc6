"""Protected tables, attacked by whole-number programs over every inner cell that share no code with the search."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from polku.cli import main
from polku.contracts.faults import Faults
from polku.disclosure.dimensions import Dimension, read_dimensions
from polku.disclosure.protection.check import faults_of
from polku.disclosure.protection.levels import Level, Rule
from polku.disclosure.protection.table import Protected, protect_table
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT

DATA = CHECKOUT / "tests" / "data" / "disclosure"

MANY = 100_000
"""No cell of the drawn tables has so many persons; whole-number programs need a limit."""

REGION = {
    "Total": [["north", "south"], ["coast", "inland"]],
    "north": ["a", "b"],
    "south": ["c", "d", "e"],
    "coast": ["a", "c"],
    "inland": ["b", "d", "e"],
}


def dimensions(**trees: dict) -> dict[str, Dimension]:
    faults = Faults()
    read = read_dimensions({name: {"tree": tree} if tree else {} for name, tree in trees.items()}, "dims", faults)
    assert not faults.found
    return read


TWO_WAYS = dimensions(region=REGION, sex={"Total": ["f", "m"]})
FLAT = dimensions(a={"Total": ["p", "q", "r"]}, b={"Total": ["x", "y", "z"]}, c={"Total": ["1", "2"]})


@st.composite
def inner_tables(draw: st.DrawFn) -> tuple[dict[str, Dimension], pd.DataFrame]:
    own = draw(st.sampled_from([TWO_WAYS, FLAT]))
    keys = list(product(*(d.leaves for d in own.values())))
    counts = draw(st.lists(st.one_of(st.integers(0, 30), st.integers(5, 60)), min_size=len(keys), max_size=len(keys)))
    return own, pd.DataFrame(keys, columns=list(own)).assign(count=counts)


def leaves_of(dimension: Dimension, code: str) -> set[str]:
    ways = dimension.breakdowns.get(code)
    return {code} if not ways else {leaf for part in ways[0] for leaf in leaves_of(dimension, part)}


def ranges(protected: Protected, own: dict[str, Dimension], rule: Rule, truth: pd.DataFrame) -> list[tuple[int, int]]:
    """Of every hidden cell that is small the least and the most that it can be, by programs over the inner cells."""
    keys = list(product(*(d.leaves for d in own.values())))
    table = protected.published
    below = [[leaves_of(d, row[name]) for name, d in own.items()] for row in table.to_dict("records")]
    matrix = np.array([[all(k in s for k, s in zip(key, sets, strict=True)) for key in keys] for sets in below], float)
    true = matrix @ truth.set_index(list(own))["count"].reindex(keys).to_numpy()
    hidden = table["count"].isna().to_numpy()
    small = rule.is_small(true.astype(np.int64))
    low, high = np.where(hidden, 0.0, true), np.where(hidden, np.inf, true)
    if rule.level is not Level.A0:
        low[hidden] = 0 if rule.protect_zeros else 1
    if rule.level is Level.A2:
        low[hidden & ~small] = rule.threshold
        high[hidden & small] = rule.threshold - 1
    whole = 0 if rule.level is Level.A0 else 1

    def best(row: np.ndarray) -> int:
        answer = milp(row, constraints=LinearConstraint(matrix, low, high), integrality=whole, bounds=Bounds(0, MANY))
        assert answer.success
        return round(answer.fun, 6)

    return [(best(matrix[i]), -best(-matrix[i])) for i in np.flatnonzero(hidden)]


@settings(max_examples=40, deadline=None)
@given(inner_tables(), st.sampled_from(list(Level)), st.booleans())
def test_no_hidden_count_can_be_worked_out(
    drawn: tuple[dict[str, Dimension], pd.DataFrame], level: Level, zeros: bool
) -> None:
    own, inner = drawn
    rule = Rule(5, level, protect_zeros=zeros)
    try:
        protected = protect_table(inner, own, rule)
    except Refusal:
        assume(False)
    assert all(low < high for low, high in ranges(protected, own, rule, inner))
    shown = protected.published.dropna(subset="count")
    assert not rule.is_small(shown["count"].to_numpy(dtype=np.int64)).any()
    lowest = 1 if level is not Level.A0 and not zeros else 0
    assert faults_of(protected.published, protected.certificates, own, lowest=lowest, truth=whole(inner, own)) == []


def whole(inner: pd.DataFrame, own: dict[str, Dimension]) -> pd.DataFrame:
    """Every cell with its true count, by adding up in pandas."""
    rows = []
    for key in product(*(d.codes for d in own.values())):
        sets = [leaves_of(d, code) for d, code in zip(own.values(), key, strict=True)]
        inside = np.logical_and.reduce([inner[n].isin(s) for n, s in zip(own, sets, strict=True)])
        rows.append((*key, int(inner.loc[inside, "count"].sum())))
    return pd.DataFrame(rows, columns=[*own, "count"])


def ordinary() -> pd.DataFrame:
    counts = [3, 20, 30, 40, 25, 18, 22, 9, 31, 2]
    return pd.DataFrame(product("abcde", "fm"), columns=["region", "sex"]).assign(count=counts)


def test_counts_are_never_changed_and_the_same_table_gets_the_same_gaps() -> None:
    first, second = (protect_table(ordinary(), TWO_WAYS, Rule(5)) for _ in range(2))
    pd.testing.assert_frame_equal(first.published, second.published)
    pd.testing.assert_frame_equal(first.certificates, second.certificates)
    true = whole(ordinary(), TWO_WAYS).rename(columns={"count": "true"})
    both = first.published.merge(true, on=["region", "sex"]).dropna()
    assert (both["count"] == both["true"]).all()
    assert 0 < first.facts["cells_hidden_only_for_others"] < first.facts["cells"]


@pytest.mark.parametrize("fault", ["step", "cell", "missing", "half"])
def test_a_certificate_that_proves_nothing_is_found(fault: str) -> None:
    protected = protect_table(ordinary(), TWO_WAYS, Rule(5))
    proof = protected.certificates.copy()
    if fault == "step":
        proof.loc[0, "step"] += 1
    elif fault == "cell":
        proof.loc[0, ["region", "sex"]] = ["Total", "Total"]
    elif fault == "missing":
        proof = proof[proof["certificate"] != 0]
    else:
        proof["step"] = proof["step"] / 2
    assert faults_of(protected.published, proof, TWO_WAYS)


def test_a_proof_below_zero_is_found_where_the_truth_is_known() -> None:
    protected = protect_table(ordinary(), TWO_WAYS, Rule(5))
    true = whole(ordinary(), TWO_WAYS)
    proof = protected.certificates.assign(step=protected.certificates["step"] * 40)
    assert faults_of(protected.published, proof, TWO_WAYS) == []
    assert any("lower" in fault for fault in faults_of(protected.published, proof, TWO_WAYS, lowest=1, truth=true))


def test_fewer_cells_are_hidden_than_by_the_best_peer_plus_a_tenth() -> None:
    """Table S: tau-Argus OPT hides 171 cells in 51.6 s, MOD 186, GaussSuppression 239 (peer_results.json)."""
    inner = pd.read_csv(DATA / "S_inner.csv").rename(columns={"freq": "count"})
    trees = {}
    for name, group in (("muni", "region"), ("origin", "group")):
        parts = {code: sorted(rows.unique()) for code, rows in inner.groupby(group)[name]}
        trees[name] = {"Total": list(parts), **parts}
    own = dimensions(**trees, sex={})
    protected = protect_table(inner[["muni", "origin", "sex", "count"]], own, Rule(5, Level.A0))
    assert protected.facts["cells"] == 1554
    assert protected.facts["cells_hidden"] - protected.facts["cells_hidden_only_for_others"] == 472
    assert protected.facts["cells_hidden_only_for_others"] <= 188


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": "z"}, "code `z` is outside the hierarchy of `region`"),
        ({"region": "north"}, "code `north` of `region` has parts"),
        ({"count": -1}, "not a whole number"),
        ({"count": 1.5}, "not a whole number"),
        ({"region": "a", "sex": "m"}, "the cell region=a, sex=m stands twice"),
    ],
)
def test_a_faulty_table_is_refused_by_name(change: dict, words: str) -> None:
    inner = ordinary().astype({"count": float})
    inner.loc[0, list(change)] = list(change.values())
    with pytest.raises(Refusal, match=words) as refused:
        protect_table(inner, TWO_WAYS, Rule(5))
    assert refused.value.exit is Exit.USAGE


def test_breakdowns_that_differ_are_refused() -> None:
    tree = {"Total": [["a", "b"], ["c", "d"]]}
    inner = pd.DataFrame({"region": list("abcd"), "count": [10, 20, 15, 16]})
    with pytest.raises(Refusal, match="breakdowns of `Total` in dimension `region` do not have the same leaves"):
        protect_table(inner, dimensions(region=tree), Rule(5))


def test_a_table_of_small_cells_is_refused_with_merges_that_help() -> None:
    keys = list(product([f"m{i:02d}" for i in range(60)], [f"o{i:02d}" for i in range(30)]))
    inner = pd.DataFrame(keys, columns=["town", "origin"]).assign(count=[1 + i % 4 for i in range(len(keys))])
    towns = {"Total": ["R0", "R1"], "R0": [f"m{i:02d}" for i in range(30)], "R1": [f"m{i:02d}" for i in range(30, 60)]}
    with pytest.raises(Refusal) as refused:
        protect_table(inner, dimensions(town=towns, origin={}), Rule(5))
    assert refused.value.exit is Exit.GATE_CLOSED
    assert "publish `town` by 2 groups only, without its leaves: 0 of 93 cells small" in refused.value.advice


def test_a_dimension_called_status_keeps_its_name(tmp_path: pytest.TempPathFactory) -> None:
    inner = ordinary().rename(columns={"sex": "status"})
    inner.to_csv(tmp_path / "inner.csv", index=False)
    (tmp_path / "dims.json").write_text(json.dumps({"dims": {"region": {"tree": REGION}, "status": {}}}))
    words = [
        "--table",
        str(tmp_path / "inner.csv"),
        "--dims",
        str(tmp_path / "dims.json"),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(["protect", *words, "--threshold", "5"]) == Exit.OK
    published = pd.read_csv(tmp_path / "o" / "published.csv")
    assert list(published) == ["region", "status", "count", "cell_status"]
    assert ((published["cell_status"] == "suppressed") == published["count"].isna()).all()
    assert main(["protect", "--check", str(tmp_path / "o"), "--dims", str(tmp_path / "dims.json")]) == Exit.OK
    manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
    assert manifest["level"] == "A1"
    assert manifest["cells_hidden"] == int(published["count"].isna().sum())
    assert str(tmp_path) not in json.dumps(manifest)
    proof = pd.read_csv(tmp_path / "o" / "certificates.csv")
    proof.assign(step=proof["step"] + 1).to_csv(tmp_path / "o" / "certificates.csv", index=False)
    assert main(["protect", "--check", str(tmp_path / "o"), "--dims", str(tmp_path / "dims.json")]) == Exit.GATE_CLOSED
