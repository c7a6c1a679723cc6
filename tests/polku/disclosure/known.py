"""Tables with known answers, as an outsider sees them."""

from __future__ import annotations

import pandas as pd

from polku.disclosure import STATUS, ReleaseSpec
from polku.layout import CHECKOUT

FOLDER = CHECKOUT / "tests" / "data" / "disclosure"


def two_way(a: str, b: str, count: str) -> ReleaseSpec:
    total = dict.fromkeys((a, b), "Total")
    return ReleaseSpec("known", (a, b), count, additive=(a, b), total_code=total)


GRID = two_way("a", "b", "count")
COUNTRIES = two_way("age", "geo", "freq")
EXITS = ReleaseSpec(
    "exits",
    ("year", "outcome"),
    "persons",
    base="leavers",
    base_by=("year",),
    additive=("outcome", "year"),
    total_code={"year": None},
)
"""Who left, by year and how; the years are added up, and so are the ways to leave within one."""


def seen(name: str, *, marks: bool = True) -> pd.DataFrame:
    """A table with gaps; without `marks` every gap is called secondary, so that the mark tells nothing."""
    table = pd.read_csv(FOLDER / f"{name}.csv")
    gap = ["primary" if primary and marks else "secondary" for primary in table["primary"]]
    table[STATUS] = [mark if pd.isna(count) else "ok" for mark, count in zip(gap, table["count"], strict=True)]
    return table[["a", "b", "count", STATUS]]


def truth(name: str) -> pd.DataFrame:
    """The same table with nothing hidden."""
    table = pd.read_csv(FOLDER / f"{name}.csv")
    return table[["a", "b"]].assign(count=table["truth"])
