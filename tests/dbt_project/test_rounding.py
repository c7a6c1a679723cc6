"""A figure at a half is rounded alike whatever the order of the sum behind it, on every engine."""

from __future__ import annotations

import math
import re
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dbt_project.landed import PROJECT


class Adapter:
    """What dbt gives to macros, of one engine."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        text = (PROJECT / "macros" / "portable.sql").read_text("utf-8")
        given_to_macros = {"adapter": self, "return": lambda sql: sql}
        self.macros: Any = jinja2.Environment(autoescape=False).from_string(text, given_to_macros).module

    def dispatch(self, name: str, package: str) -> Any:
        return getattr(self.macros, f"{self._engine}__{name}")


DUCKDB = duckdb.connect()
ENGINES = {engine: Adapter(engine).macros for engine in ("duckdb", "spark")}


def rounded(engine: str, numbers: list[float], decimals: int) -> list[float]:
    """By the macro's SQL for an engine, in DuckDB: it knows doubles without Spark's suffix."""
    sql = re.sub(r"(1e-?\d+)D", r"\1", str(ENGINES[engine].round_to("number", decimals)))
    query = f"select {sql} from (select unnest($1::double[]) as number)"
    return [figure for (figure,) in DUCKDB.execute(query, [numbers]).fetchall()]


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
@pytest.mark.parametrize("decimals", [2, 6, 7])
@given(data=st.data())
def test_the_last_bit_does_not_decide_about_a_half(engine: str, decimals: int, data: st.DataObject) -> None:
    """Of figures up to a hundred thousand, whose last bit is below the tenth decimal."""
    most = 10 ** (5 + decimals)
    exact = [(n + 0.5) / 10**decimals for n in data.draw(st.lists(st.integers(-most, most), min_size=1))]
    below, at, above = (
        rounded(engine, [math.nextafter(number, towards) if towards else number for number in exact], decimals)
        for towards in (-math.inf, None, math.inf)
    )
    assert below == at == above


def test_what_is_clearly_below_a_half_stays_below() -> None:
    assert rounded("duckdb", [0.12499999, 1.0049999, -0.12499999], 2) == [0.12, 1.0, -0.12]
