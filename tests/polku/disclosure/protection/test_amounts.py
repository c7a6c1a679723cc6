"""Protected amounts, attacked by linear programs over inner cells that share no code with the search: by everybody, and
by every single contributor, who knows what he gives and where he is alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from polku.disclosure import AmountColumns, AmountLevel, AmountRule, Protected, protect_amounts
from polku.disclosure.dimensions import Dimension
from polku.disclosure.policy import Policy, Rules
from polku.errors import Exit, Refusal
from tests.polku.disclosure.hierarchies import dimensions
from tests.polku.disclosure.strategies import policy

COLUMNS = AmountColumns("eur", "firm", "group")
LENIENT = policy(1, zeros=False, complements=False)
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
        x = sorted(gives, reverse=True) + [0, 0]
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


def protected_or_none(
    records: pd.DataFrame, own: dict[str, Dimension], rule: AmountRule, columns: AmountColumns = COLUMNS
) -> Protected | None:
    try:
        return protect_amounts(records, own, columns, rule)
    except Refusal as refusal:
        assert refusal.exit is Exit.GATE_CLOSED
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
    truth = truth_of(records, own, protected)
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


@settings(max_examples=60, deadline=None)
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
