"""Tables of every shape that is released, with random counts, for property tests."""

from __future__ import annotations

from datetime import date
from itertools import product

import pandas as pd
from hypothesis import strategies as st

from polku.disclosure import Policy, ReleaseSpec

COUNTS = st.one_of(st.integers(0, 12), st.integers(0, 60), st.just(0))


def policy(threshold: int = 5, *, zeros: bool = True, complements: bool = True) -> Policy:
    return Policy("test", "test", threshold, zeros, complements, 4, 0, assumed=True, sources=())


policies = st.builds(policy, st.sampled_from([3, 5, 10]), zeros=st.booleans(), complements=st.booleans())


@st.composite
def with_total_rows(draw: st.DrawFn) -> tuple[pd.DataFrame, ReleaseSpec]:
    """One to three dimensions, a published total along each."""
    dimensions = ("region", "sex", "age")[: draw(st.integers(1, 3))]
    codes = [[f"{d}{i}" for i in range(draw(st.integers(2, 3)))] for d in dimensions]
    inner = {key: draw(COUNTS) for key in product(*codes)}
    impossible = {key for key, n in inner.items() if n == 0 and draw(st.booleans())}
    rows, empty = [], []
    for key in product(*([*c, "all"] for c in codes)):
        covered = [k for k in inner if all(a in ("all", b) for a, b in zip(key, k, strict=True))]
        rows.append((*key, sum(inner[k] for k in covered)))
        if impossible.issuperset(covered):
            empty.append(dict(zip(dimensions, key, strict=True)))
    table = pd.DataFrame(rows, columns=[*dimensions, "persons"])
    spec = ReleaseSpec(
        "regions",
        dimensions,
        "persons",
        additive=dimensions,
        total_code=dict.fromkeys(dimensions, "all"),
        structural_zeros=tuple(empty),
    )
    return table, spec


@st.composite
def state_shares(draw: st.DrawFn) -> tuple[pd.DataFrame, ReleaseSpec]:
    """Shares of states by month: the total has no row, but follows from n / share."""
    states = ["employed", "unemployed", "student", "other"][: draw(st.integers(2, 4))]
    rows = []
    for month in range(1, draw(st.integers(1, 3)) + 1):
        counts = [draw(COUNTS) for _ in states]
        total = sum(counts) or 1
        for state, n in zip(states, counts, strict=True):
            rows.append((date(2020, month, 1), state, n, n / total, n / total))
    table = pd.DataFrame(rows, columns=["month", "state_code", "persons", "share", "weighted_share"])
    spec = ReleaseSpec(
        "shares",
        ("month", "state_code"),
        "persons",
        measures=("share", "weighted_share"),
        additive=("state_code",),
    )
    return table, spec


@st.composite
def transitions(draw: st.DrawFn) -> tuple[pd.DataFrame, ReleaseSpec]:
    """Transition rates: events add up in both directions, persons overlap."""
    states = ["a", "b", "c"][: draw(st.integers(2, 3))]
    persons = {pair: draw(COUNTS) for pair in product(states, states)}
    events = {pair: n + (draw(st.integers(0, 30)) if n else 0) for pair, n in persons.items()}
    rows = []
    for pair, n in persons.items():
        leaving = sum(m for p, m in events.items() if p[0] == pair[0]) or 1
        rows.append((*pair, n, events[pair], events[pair] / leaving))
    columns = ["from_state_code", "to_state_code", "persons", "transitions", "rate"]
    spec = ReleaseSpec(
        "transitions",
        ("from_state_code", "to_state_code"),
        "persons",
        counts=("transitions",),
        measures=("rate",),
        additive=("to_state_code", "from_state_code"),
    )
    return pd.DataFrame(rows, columns=columns), spec


@st.composite
def exits(draw: st.DrawFn) -> tuple[pd.DataFrame, ReleaseSpec]:
    """x of n by year and for all years (a null year), several outcomes of the same persons."""
    years = list(range(2019, 2019 + draw(st.integers(2, 4))))
    outcomes = ["employed", "in_education"][: draw(st.integers(1, 2))]
    bases = {year: draw(COUNTS) for year in years}
    rows = []
    for outcome in outcomes:
        counts = {year: draw(st.integers(0, bases[year])) for year in years}
        for year in [*years, None]:
            n = sum(bases.values()) if year is None else bases[year]
            x = sum(counts.values()) if year is None else counts[year]
            rows.append((year, outcome, n, x, x / n if n else None))
    columns = ["year", "outcome_code", "persons_in_base", "persons_with_outcome", "share"]
    spec = ReleaseSpec(
        "exits",
        ("year", "outcome_code"),
        "persons_with_outcome",
        base="persons_in_base",
        base_by=("year",),
        measures=("share",),
        additive=("year",),
        total_code={"year": None},
    )
    return pd.DataFrame(rows, columns=columns), spec


tables = st.one_of(with_total_rows(), state_shares(), transitions(), exits())
