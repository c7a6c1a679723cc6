"""Random dimensions, some with two breakdowns of their total, and the inner cells of tables over them."""

from __future__ import annotations

from itertools import product

import pandas as pd
from hypothesis import strategies as st

from polku.disclosure.dimensions import Dimension


@st.composite
def dimensions(draw: st.DrawFn, name: str) -> Dimension:
    leaves = [f"{name}{i}" for i in range(draw(st.integers(2, 6)))]
    ways = []
    breakdowns: dict[str, tuple[tuple[str, ...], ...]] = {}
    for way in range(draw(st.integers(0, 2))):
        in_group = [draw(st.integers(0, 2)) for _ in leaves]
        groups = {
            f"{name}:{way}:{g}": tuple(x for x, h in zip(leaves, in_group, strict=True) if h == g) for g in range(3)
        }
        for code, parts in groups.items():
            if parts:
                breakdowns[code] = (parts,)
        ways.append(tuple(code for code, parts in groups.items() if parts))
    return Dimension(name, "Total", {"Total": tuple(ways) or (tuple(leaves),), **breakdowns})


@st.composite
def inner_cells(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, Dimension]]:
    dims = {name: draw(dimensions(name)) for name in ("region", "sex", "age")[: draw(st.integers(1, 3))]}
    keys = list(product(*(d.leaves for d in dims.values())))
    counts = [draw(st.one_of(st.integers(0, 4), st.integers(0, 30))) for _ in keys]
    return pd.DataFrame([(*key, n) for key, n in zip(keys, counts, strict=True)], columns=[*dims, "count"]), dims


def parts_that_do_not_add_up(table: pd.DataFrame, dims: dict[str, Dimension]) -> list[tuple[str, ...]]:
    """Cells that are not the sum of their parts, in any breakdown of any dimension."""
    figures = table.set_index(list(dims))["count"].to_dict()
    figures = {key if isinstance(key, tuple) else (key,): n for key, n in figures.items()}
    wrong = []
    for i, dimension in enumerate(dims.values()):
        for code, parts in dimension.splits():
            for key in [k for k in figures if k[i] == code]:
                if figures[key] != sum(figures[(*key[:i], part, *key[i + 1 :])] for part in parts):
                    wrong.append(key)
    return wrong
