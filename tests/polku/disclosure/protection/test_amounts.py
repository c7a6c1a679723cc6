"""Protected amounts, attacked by linear programs over inner cells that share no code with the search: by everybody, and
by every single contributor, who knows what he gives and where he is alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from polku.cli import main
from polku.disclosure import AmountColumns, AmountLevel, AmountRule, Protected, protect_amounts
from polku.disclosure.dimensions import Dimension
from polku.disclosure.policy import Policy, Rules
from polku.disclosure.primary import PRIMARY, CellTable, assess
from polku.disclosure.primary.contributions import amount_cells
from polku.disclosure.protection.amounts import read_contributions
from polku.disclosure.protection.check import faults_of_amounts
from polku.disclosure.protection.ranges import needed
from polku.errors import Exit, Refusal
from tests.polku.disclosure.hierarchies import dimensions
from tests.polku.disclosure.strategies import policy

COLUMNS = AmountColumns("eur", "firm", "group")
NOBODY = -1


def with_rules(threshold: int = 1, *, zeros: bool = False, **numbers: object) -> Policy:
    return replace(policy(threshold, zeros=zeros, complements=False), rules=Rules(**numbers))


RULES = [
    with_rules(p_percent=15.0),
    with_rules(3, p_percent=10.0),
    with_rules(3, prior_posterior=(10.0, 40.0)),
    with_rules(2, dominance=((1, 75.0), (2, 90.0))),
    with_rules(3, zeros=True, p_percent=10.0, dominance=((1, 80.0),)),
]


@dataclass
class Truth:
    """Every cell by its codes: what each holding gives, and what is published."""

    keys: list[tuple[str, ...]]
    inner: np.ndarray
    gives: np.ndarray
    counted: np.ndarray
    shown: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.gives.sum(axis=1)


def leaves_of(dimension: Dimension, code: str) -> set[str]:
    ways = dimension.breakdowns.get(code)
    return {code} if not ways else {leaf for part in ways[0] for leaf in leaves_of(dimension, part)}


def truth_of(records: pd.DataFrame, own: dict[str, Dimension], protected: Protected) -> Truth:
    """By adding up in plain Python: no code of the package but its result."""
    keys = list(product(*(d.codes for d in own.values())))
    leaves = list(product(*(d.leaves for d in own.values())))
    holding = [f"g{g}" if g else f"f{f}" for f, g in zip(records["firm"], records["group"], strict=True)]
    who = sorted(set(holding))
    inner = np.zeros((len(keys), len(leaves)))
    gives, counted = np.zeros((len(keys), len(who))), np.zeros((len(keys), len(who)), dtype=int)
    for row, key in enumerate(keys):
        sets = [leaves_of(d, code) for d, code in zip(own.values(), key, strict=True)]
        inner[row] = [all(c in s for c, s in zip(leaf, sets, strict=True)) for leaf in leaves]
        for at, record in enumerate(records.to_dict("records")):
            if all(record[name] in s for name, s in zip(own, sets, strict=True)):
                gives[row, who.index(holding[at])] += record["eur"]
                counted[row, who.index(holding[at])] += 1
    table = protected.published.set_index(list(own))["eur"].astype(float)
    shown = np.array([table[key if len(key) > 1 else key[0]] for key in keys])
    return Truth(keys, inner, gives, counted, shown)


def widths(truth: Truth, rule: AmountRule, ordinary: float) -> np.ndarray:
    """The protection levels of the Handbook, table of upper protection levels, written down once more."""
    rules, found = rule.policy.rules, []
    for total, gives, counted in zip(truth.total, truth.gives, truth.counted, strict=True):
        x = [*sorted(gives, reverse=True), 0, 0]
        levels = [0.0]
        concentrated = [100 / k * sum(x[:n]) - total for n, k in rules.dominance]
        ratio = 0.0
        if rules.p_percent is not None:
            ratio = rules.p_percent / 100
            concentrated.append(ratio * x[0] - (total - x[0] - x[1]))
        if rules.prior_posterior:
            p, q = rules.prior_posterior
            ratio = max(ratio, p / q)
            concentrated.append(p / q * x[0] - (total - x[0] - x[1]))
        levels += [max(level, 1.0) for level in concentrated if level > 1e-9]
        if 0 < (counted > 0).sum() < rule.policy.threshold:
            levels.append(max((ratio or 0.1) * total, 1.0))
        width = min(max(levels), total * rule.known_within / 100)
        zero = total == 0 and rule.policy.protect_zeros and not counted.any()
        found.append(ordinary if zero else width)
    return np.array(found)


@st.composite
def contributions(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, Dimension]]:
    own = {name: draw(dimensions(name)) for name in ("region", "sector")[: draw(st.integers(1, 2))]}
    firms = draw(st.integers(4, 9))
    groups = [draw(st.sampled_from(["", "", "", "x", "y"])) for _ in range(firms)]
    rows = []
    for _ in range(draw(st.integers(8, 40))):
        firm = draw(st.integers(0, firms - 1))
        codes = [draw(st.sampled_from(d.leaves)) for d in own.values()]
        rows.append((*codes, firm, groups[firm], draw(st.one_of(st.integers(1, 20), st.integers(1, 400)))))
    return pd.DataFrame(rows, columns=[*own, "firm", "group", "eur"]), own


def protected_or_none(records: pd.DataFrame, own: dict[str, Dimension], rule: AmountRule) -> Protected | None:
    try:
        return protect_amounts(records, own, COLUMNS, rule)
    except Refusal:
        return None


def interval(truth: Truth, cell: int, who: int, rule: AmountRule) -> tuple[float, float]:
    """The least and the most of a cell to everybody (`NOBODY`) or to one contributor."""
    total, hidden = truth.total, np.isnan(truth.shown)
    own = np.zeros(len(total)) if who == NOBODY else truth.gives[:, who]
    part = rule.known_within / 100 * (total - own)
    low, high = np.where(hidden, total - part, truth.shown), np.where(hidden, total + part, truth.shown)
    high[hidden & (total == 0)] = np.inf
    rows = np.vstack([truth.inner, -truth.inner])
    limits = np.concatenate([high, -low])
    kept = np.isfinite(limits)
    ends = []
    for sign in (1, -1):
        answer = linprog(sign * truth.inner[cell], A_ub=rows[kept], b_ub=limits[kept] + 1e-9, bounds=(0, None))
        assert answer.status in (0, 3)
        ends.append(sign * answer.fun if answer.status == 0 else np.inf)
    return ends[0], ends[1]


def attack(records: pd.DataFrame, own: dict[str, Dimension], rule: AmountRule, protected: Protected) -> None:
    truth = truth_of(records, {n: d.flattened(sorted(set(records[n]))) for n, d in own.items()}, protected)
    ordinary = float(np.median(records["eur"]))
    needed = widths(truth, rule, ordinary)
    total, hidden = truth.total, np.isnan(truth.shown)
    assert hidden[needed > 0].all(), "an unsafe amount is published"
    assert np.allclose(truth.shown[~hidden], total[~hidden])
    insiders = range(truth.gives.shape[1]) if rule.level is AmountLevel.A3 else ()
    for cell in np.flatnonzero(needed):
        for who in (NOBODY, *insiders):
            known = 0 if who == NOBODY else truth.gives[cell, who]
            believed = needed[cell]
            if total[cell]:
                believed = min(believed, rule.known_within / 100 * (total[cell] - known))
            if believed == 0:
                continue
            low, high = interval(truth, cell, who, rule)
            slack = 1e-5 * max(1, needed[cell])
            assert high >= total[cell] + believed - slack, (truth.keys[cell], who)
            assert low <= max(total[cell] - believed, 0) + slack, (truth.keys[cell], who)
            rest = np.delete(truth.gives[cell], who) if who != NOBODY else truth.gives[cell]
            p = rule.policy.rules.p_percent
            if p is not None and rule.known_within >= p and total[cell]:
                assert high - known >= (1 + p / 100) * rest.max() - slack, "a contribution is known within p percent"


@settings(max_examples=25, deadline=None)
@given(contributions(), st.sampled_from(RULES), st.sampled_from(list(AmountLevel)), st.sampled_from([50.0, 100.0]))
def test_no_amount_is_known_better_than_promised(
    drawn: tuple[pd.DataFrame, dict[str, Dimension]], rules: Policy, level: AmountLevel, known_within: float
) -> None:
    records, own = drawn
    rule = AmountRule(rules, level, known_within)
    protected = protected_or_none(records, own, rule)
    assume(protected is not None)
    assert protected is not None
    attack(records, own, rule, protected)
    assert faults_of_amounts(protected.published, protected.certificates, own, "eur") == []


# ------------------------------------------------------------------------------------------ published worked examples
FLAT = {"town": Dimension("town", "Total", {"Total": (("a", "b"),)})}


def cell_of(*amounts: float) -> pd.DataFrame:
    """One town with these contributions, and one that is safe whatever the rule."""
    rows = [("a", f"f{i}", "", amount) for i, amount in enumerate(amounts)]
    rows += [("b", f"g{i}", "", sum(amounts) + i) for i in range(30)]
    return pd.DataFrame(rows, columns=["town", "firm", "group", "eur"])


@pytest.mark.parametrize(
    ("amounts", "rules", "level"),
    [
        # Handbook on Statistical Disclosure Control (second edition), section 4.2.2, example 4: X max below 352.94.
        ((300, 20, 10), {"dominance": ((1, 85.0),)}, 100 / 85 * 300 - 330),
        # Section 4.2.1, example 1: safe by (1, 90), though the second knows the largest within 2 %
        ((50_000, 49_000, 600, 400), {"dominance": ((1, 90.0),)}, 0),
        ((50_000, 49_000, 600, 400), {"p_percent": 10.0}, 0.1 * 50_000 - 1_000),
        # Example 2: safe by the p % rule with p = 10, not by the (2, k) rule that goes with it.
        ((52_000, 50_000, 5_000, 3_000), {"p_percent": 10.0}, 0),
        ((52_000, 50_000, 5_000, 3_000), {"dominance": ((2, 100 * 100 / 110),)}, 1.1 * 102_000 - 110_000),
        # A prior-posterior rule is a p % rule with p* = 100 p / q.
        ((1_000, 300, 40), {"prior_posterior": (10.0, 50.0)}, 0.2 * 1_000 - 40),
    ],
)
def test_protection_levels_are_those_of_the_handbook(amounts: tuple[float, ...], rules: dict, level: float) -> None:
    rule = AmountRule(with_rules(**rules))
    given, _, decimals = read_contributions(cell_of(*amounts), list(FLAT.values()), COLUMNS)
    width = needed(amount_cells(given, list(FLAT.values()), rule.policy), rule, 1.0)
    assert decimals == 0
    assert dict(zip(FLAT["town"].codes, width, strict=True)) == pytest.approx({"Total": 0, "a": level, "b": 0})


def two_by_two(single: bool) -> tuple[pd.DataFrame, dict[str, Dimension]]:
    """The table of the Handbook's example 3, times 100; (1, 1) is dominated, (1, 2) has one contributor or several."""
    amounts = {("1", "1"): 500, ("1", "2"): 200, ("2", "1"): 100, ("2", "2"): 200, ("3", "1"): 300, ("3", "2"): 300}
    rows = []
    for at, (key, amount) in enumerate(amounts.items()):
        parts = [amount / 10 + (i % 2 - 0.5) for i in range(10)]
        if key == ("1", "1"):
            parts = [440, 20, 10, 10, 10, 10]
        elif key == ("1", "2") and single:
            parts = [amount]
        rows += [(*key, f"f{at}-{i}", "", part) for i, part in enumerate(parts)]
    own = {name: Dimension(name, "Total", {}) for name in ("row", "column")}
    return pd.DataFrame(rows, columns=[*own, "firm", "group", "eur"]), own


def test_whoever_is_alone_in_a_gap_works_out_no_other() -> None:
    """Footnote 8 of the Handbook's chapter 4: the only contributor of (1, 2) subtracts her own from the row."""
    rule = AmountRule(with_rules(3, p_percent=10.0))
    for single in (True, False):
        records, own = two_by_two(single)
        hidden = {}
        for level in AmountLevel:
            protected = protect_amounts(records, own, COLUMNS, replace(rule, level=level))
            gaps = protected.published[protected.published["eur"].isna()]
            hidden[level] = set(zip(gaps["row"], gaps["column"], strict=True))
            attack(records, own, replace(rule, level=level), protected)
        assert len(hidden[AmountLevel.A0]) == 4
        assert (len(hidden[AmountLevel.A3]) > 4) == single


# --------------------------------------------------------------------------------------------------------- other rules
@settings(max_examples=25, deadline=None)
@given(contributions(), st.sampled_from(RULES))
def test_unsafe_amounts_are_those_that_break_the_primary_rules(
    drawn: tuple[pd.DataFrame, dict[str, Dimension]], rules: Policy
) -> None:
    """The rules are told of cells with hierarchies what they are told of single records: the same as `assess`."""
    records, own = drawn
    flat = {name: Dimension(name, "Total", {}).flattened(sorted(set(records[name]))) for name in own}
    given, _, _ = read_contributions(records, list(flat.values()), COLUMNS)
    cells = amount_cells(given, list(flat.values()), rules)
    found = dict(zip(product(*(d.codes for d in flat.values())), cells.primary, strict=True))
    every = [tuple(n for i, n in enumerate(flat) if bits >> i & 1) for bits in range(2 ** len(flat))]
    table = CellTable("records", "firm", tuple(flat), tuple(every), value="eur", holding="group")
    with duckdb.connect() as con:
        con.register("records", records.assign(group=records["group"].replace("", None)))
        expected = assess(con, table, rules).set_index(list(flat))[PRIMARY].to_dict()
    assert found == {key if isinstance(key, tuple) else (key,): flag for key, flag in expected.items()}


def firms() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = [
        (region, sector, f"f{region}{sector}{i}", "", float(np.round(amount, 2)))
        for region in "abcde"
        for sector in ("mining", "trade", "care")
        for i, amount in enumerate(rng.lognormal(5, 1.2, rng.integers(2, 12)))
    ]
    return pd.DataFrame(rows, columns=["region", "sector", "firm", "group", "eur"])


REGION = {"Total": [["north", "south"], ["coast", "inland"]], "north": ["a", "b"], "south": ["c", "d", "e"]}
REGION |= {"coast": ["a", "c"], "inland": ["b", "d", "e"]}
WAYS = {code: tuple(map(tuple, ways)) if code == "Total" else (tuple(ways),) for code, ways in REGION.items()}
TWO_WAYS = {"region": Dimension("region", "Total", WAYS), "sector": Dimension("sector", "Total", {})}
FIRMS = AmountRule(with_rules(3, p_percent=10.0))


def test_amounts_are_never_changed_and_the_same_table_gets_the_same_gaps() -> None:
    first, second = (protect_amounts(firms(), TWO_WAYS, COLUMNS, FIRMS) for _ in range(2))
    pd.testing.assert_frame_equal(first.published, second.published)
    pd.testing.assert_frame_equal(first.certificates, second.certificates)
    assert first.facts["cells_hidden_only_for_others"] > 0
    attack(firms(), TWO_WAYS, FIRMS, first)


@pytest.mark.parametrize("level", list(AmountLevel))
def test_where_zeros_are_protected_nobody_knows_that_a_row_is_empty(level: AmountLevel) -> None:
    rows = [(t, s, f"{t}{s}{i}", "", 90 + i) for t in "ab" for s in "xyz" for i in range(20) if (t, s) != ("b", "z")]
    records = pd.DataFrame(rows, columns=["region", "sector", "firm", "group", "eur"])
    own = {"region": Dimension("region", "Total", {"Total": (("a", "b", "c"),)}), "sector": TWO_WAYS["sector"]}
    rule = AmountRule(with_rules(3, zeros=True, p_percent=10.0), level)
    protected = protect_amounts(records, own, COLUMNS, rule)
    gaps = protected.published[protected.published["eur"].isna()]
    assert {("c", "x"), ("c", "Total"), ("b", "z")} <= set(zip(gaps["region"], gaps["sector"], strict=True))
    attack(records, own, rule, protected)


def test_a_holding_is_one_contributor() -> None:
    """Ten firms of the same size are no risk; nine of them in one holding are nearly the whole amount."""
    rows = [("a", f"f{i}", "x" if i < 9 else "", 100 + i) for i in range(10)]
    rows += [(town, f"{town}{i}", "", 90 + i) for town in "bc" for i in range(20)]
    records = pd.DataFrame(rows, columns=["town", "firm", "group", "eur"])
    own = {"town": Dimension("town", "Total", {})}
    rule = AmountRule(with_rules(p_percent=20.0))
    apart = protect_amounts(records, own, replace(COLUMNS, holding=None), rule)
    together = protect_amounts(records, own, COLUMNS, rule)
    assert apart.facts["cells_hidden"] == 0
    assert together.published.set_index("town")["eur"].isna()["a"]


def test_the_paid_are_counted_and_the_payers_too() -> None:
    """Ten persons paid by two employers: enough persons, too few payers."""
    rows = [("a", f"e{i % 2}", i, 100 + i) for i in range(10)]
    rows += [(town, f"{town}{i % 7}", f"{town}{i}", 100 + i) for town in "bc" for i in range(70)]
    records = pd.DataFrame(rows, columns=["town", "employer", "person", "eur"])
    own = {"town": Dimension("town", "Total", {})}
    columns = AmountColumns("eur", "employer", person="person")
    paid = protect_amounts(records, own, columns, AmountRule(with_rules(10, payers=5, p_percent=10.0)))
    assert paid.published.set_index("town")["eur"].isna()["a"]
    assert paid.facts["cells_unsafe_by_rule"] == {"contributors": 1, "p": 1}


# ------------------------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": "z"}, "column region, row 4: code `z` is outside the hierarchy of `region`"),
        ({"region": "north"}, "row 4: code `north` of `region` has parts"),
        ({"eur": "much"}, "column eur, row 4: the value is not a number"),
        ({"eur": -1}, "column eur, row 4: a contribution is negative"),
        ({"firm": ""}, "column firm, row 4: it is not said who this is"),
        ({"firm": "famining1", "group": "x"}, "column group, row 4: a contributor belongs to two holdings"),
    ],
)
def test_a_faulty_record_is_refused_by_column_and_row(change: dict, words: str) -> None:
    records = firms().astype(object)
    records.loc[2, list(change)] = list(change.values())
    with pytest.raises(Refusal, match=words) as refused:
        protect_amounts(records, TWO_WAYS, COLUMNS, FIRMS)
    assert refused.value.exit is Exit.USAGE


def test_a_rule_that_asks_for_more_than_is_open_beforehand_is_refused() -> None:
    with pytest.raises(Refusal, match="p=30 asks for an uncertainty of 30 percent"):
        protect_amounts(firms(), TWO_WAYS, COLUMNS, AmountRule(with_rules(p_percent=30.0), known_within=20))


@pytest.mark.parametrize("fault", ["sum", "published", "short", "missing"])
def test_a_certificate_that_proves_nothing_is_found(fault: str) -> None:
    protected = protect_amounts(firms(), TWO_WAYS, COLUMNS, FIRMS)
    proof = protected.certificates.copy()
    if fault == "sum":
        proof.loc[0, "step"] *= 1.001
    elif fault == "published":
        proof.loc[0, ["region", "sector"]] = ["Total", "Total"]
    elif fault == "short":
        proof["step"] *= 0.99
    else:
        of_one = proof.merge(proof.loc[[0], ["region", "sector"]])["certificate"]
        proof = proof[~proof["certificate"].isin(of_one)]
    assert faults_of_amounts(protected.published, proof, TWO_WAYS, "eur")


def test_the_command_protects_checks_and_withstands_the_audit(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    firms().to_csv(tmp_path / "firms.csv", index=False)
    dims = {"region": {"tree": REGION}, "sector": {}}
    (tmp_path / "dims.json").write_text(json.dumps(dims))
    out = tmp_path / "out"
    words = ["--table", str(tmp_path / "firms.csv"), "--dims", str(tmp_path / "dims.json"), "--out", str(out)]
    whose = ["--value", "eur", "--contributor", "firm", "--holding", "group"]
    assert main(["protect", *words, *whose, "--threshold", "3", "--p", "10"]) == Exit.OK
    assert main(["protect", "--check", str(out), "--dims", str(tmp_path / "dims.json")]) == Exit.OK
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["value"], manifest["level"]) == ("eur", "A3")
    assert "10" not in json.dumps(manifest["cells_unsafe_by_rule"]), "the numbers of rules stay inside"
    spec = {"dims": dims, "tables": [{"file": "out/published.csv", "count": "eur"}]}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    capsys.readouterr()
    assert main(["audit", str(tmp_path / "spec.json"), "--json"]) == 0
    intervals = {gap["cell"]: gap for gap in json.loads(capsys.readouterr().out)["intervals"]}
    true = firms().groupby(["region", "sector"])["eur"].sum()
    proofs = pd.read_csv(out / "certificates.csv").dropna(subset="needed").drop_duplicates(["region", "sector"])
    inner = proofs[proofs["region"].isin(list("abcde")) & (proofs["sector"] != "Total")]
    assert len(inner)
    for row in inner.to_dict("records"):
        gap = intervals[f"region={row['region']}, sector={row['sector']}"]
        amount = true[row["region"], row["sector"]]
        assert gap["low"] <= amount - row["needed"] * (1 - 1e-5)
        assert gap["high"] >= amount + row["needed"] * (1 - 1e-5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--value", "eur", "--threshold", "3"], "--value needs --contributor"),
        (["--value", "eur", "--contributor", "who", "--threshold", "3"], "there is no such column"),
        (["--value", "eur", "--contributor", "firm"], "needs --threshold"),
        (["--contributor", "firm", "--threshold", "3"], "--contributor is for amounts"),
        (
            ["--value", "eur", "--contributor", "firm", "--threshold", "3", "--level", "A1"],
            "amounts are protected",
        ),
        (["--value", "eur", "--contributor", "firm", "--profile", "threshold_3", "--p", "5"], "those of --profile"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    firms().to_csv(tmp_path / "firms.csv", index=False)
    (tmp_path / "dims.json").write_text(json.dumps({"region": {"tree": REGION}, "sector": {}}))
    files = ["--table", str(tmp_path / "firms.csv"), "--dims", str(tmp_path / "dims.json"), "--out", str(tmp_path)]
    assert main(["protect", *files, *words]) == Exit.USAGE
    assert said in capsys.readouterr().err
