"""Amounts of a released table that few persons make up.

Belongs here: the rules of amounts over the persons behind each cell, and taking such amounts out of a mart. Does not
belong here: the rules (`rules`), small cells (`released`), and the gate, which looks for such amounts by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from polku.disclosure.cells import ReleaseSpec, code_of
from polku.disclosure.policy import Policy
from polku.disclosure.primary.assess import CellTable, assess
from polku.disclosure.primary.rules import of_amounts
from polku.sql_text import quoted

if TYPE_CHECKING:
    import pandas as pd

Codes = tuple[str | None, ...]
"""The codes of a cell as texts, a null as None."""

Unsafe = Mapping[str, Collection[Codes]]
"""By measure the cells whose amount may not be published."""


def unsafe_amounts(con: duckdb.DuckDBPyConnection, spec: ReleaseSpec, members: str, policy: Policy) -> Unsafe:
    """By measure of `spec.amounts` the cells whose amount breaks a rule of amounts (dominance, p %, all equal).

    `members` is SQL of a relation with the table's dimensions, `person_key` and the columns that `amounts` names, one
    row per cell and person. Whoever has an amount other than nought contributes, whether counted in the cell or not:
    what was paid back is part of the published mean too.
    """
    names = [rule.name for rule in of_amounts(policy, ())]
    unsafe = {}
    for measure, column in spec.amounts.items():
        # A person is in a cell once, so each row is a contribution of its own: counting rows takes a third of the time.
        contributions = f"(select *, row_number() over () as row_no from {members} where {quoted(column)} <> 0)"
        table = CellTable(contributions, "row_no", spec.dimensions, (spec.dimensions,), value=column)
        found = assess(con, table, policy)
        broken = found.loc[found[names].any(axis=1), list(spec.dimensions)]
        unsafe[measure] = frozenset(_codes(broken, spec))
    return unsafe


def without_amounts(table: pd.DataFrame, spec: ReleaseSpec, unsafe: Unsafe) -> pd.DataFrame:
    """The mart without the amounts of these cells. Nothing else has to go: amounts add up along nothing (`spec_of`)."""
    keys = _codes(table, spec)
    return table.assign(
        **{
            measure: table[measure].mask(np.array([key in cells for key in keys], dtype=bool))
            for measure, cells in unsafe.items()
        }
    )


def _codes(table: pd.DataFrame, spec: ReleaseSpec) -> list[Codes]:
    rows = table[list(spec.dimensions)].itertuples(index=False, name=None)
    return [tuple(None if (code := code_of(value)) is None else str(code) for value in row) for row in rows]
