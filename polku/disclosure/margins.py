"""Which cells of published tables every inner cell is a part of.

Belongs here: codes above a code in each dimension, published cells as rows of a matrix over inner cells. Does not
belong here: what is done to a figure (`rounding`, `cell_key`) and whether it may be shown (`primary`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from polku.disclosure.dimensions import Dimension
from polku.errors import Exit, Refusal

MAX_CELLS = 1 << 62
"""More combinations of codes than this cannot be numbered."""


@dataclass(frozen=True)
class Margins:
    """Published cells: their codes, and `parts`, cells times inner cells, 1 where an inner cell is a part."""

    cells: pd.DataFrame
    parts: csr_matrix

    def add_up(self, inner: NDArray[np.int64]) -> NDArray[np.int64]:
        """The figure of every published cell, from figures of inner cells."""
        return np.asarray(self.parts @ inner, dtype=np.int64)


def margins_of(
    inner: pd.DataFrame, dimensions: Mapping[str, Dimension], tables: Sequence[Sequence[str]] | None = None
) -> Margins:
    """Every published cell that has an inner cell, in the order of the dimensions' codes.

    `inner` has one row per inner cell and a column of leaf codes for each dimension. `tables` are the dimensions that
    each published table breaks down by, the total of all others; without them there is one table with all dimensions.
    Cells that several tables have are one cell. Refuses (CONTRACT_INVALID) a code that is no leaf, breakdowns of a code
    that do not have the same leaves, inner cells that stand twice, a table with an unknown dimension.
    """
    names = list(dimensions)
    flat = {name: dimensions[name].flattened(sorted(map(str, inner[name].unique()))) for name in names}
    if inner.duplicated(names).any():
        raise Refusal(Exit.CONTRACT_INVALID, "two inner cells have the same codes.", "Add them up first.")
    for stranger in sorted({name for table in tables or () for name in table} - set(names)):
        raise Refusal(Exit.CONTRACT_INVALID, f"a table names `{stranger}`, which is no dimension.")
    if np.prod([float(len(flat[name].codes)) for name in names]) > MAX_CELLS:
        raise Refusal(Exit.CONTRACT_INVALID, "the dimensions have too many combinations.", "Publish smaller tables.")
    above = {name: _codes_above(flat[name]) for name in names}
    found = [
        _pairs(inner, flat, {name: above[name] if name in table else _total_alone(flat[name]) for name in names})
        for table in (tables or [names])
    ]
    cells, column = np.concatenate([c for c, _ in found]), np.concatenate([r for _, r in found])
    numbers, row = np.unique(cells, return_inverse=True)
    parts = csr_matrix((np.ones(len(row), dtype=np.int64), (row, column)), shape=(len(numbers), len(inner)))
    parts.data[:] = 1  # a cell of several tables is one cell
    return Margins(_named(numbers, flat), parts)


def _codes_above(dimension: Dimension) -> dict[str, list[int]]:
    """By leaf: the positions of the codes that it is a part of, itself among them."""
    dimension.refuse_unless_even()
    position = {code: i for i, code in enumerate(dimension.codes)}
    return {leaf: [position[code] for code in above] for leaf, above in dimension.above.items()}


def _total_alone(dimension: Dimension) -> dict[str, list[int]]:
    return {leaf: [0] for leaf in dimension.leaves}


def _pairs(
    inner: pd.DataFrame, dimensions: Mapping[str, Dimension], above: Mapping[str, Mapping[str, list[int]]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of the cell and of the inner cell, for every inner cell and every cell that it is a part of."""
    number = np.zeros(len(inner), dtype=np.int64)
    row = np.arange(len(inner), dtype=np.int64)
    for name, dimension in dimensions.items():
        leaves = list(above[name])
        at = pd.Index(leaves).get_indexer(pd.Index(inner[name].astype(str)))
        if (at < 0).any():
            stranger = str(inner[name].iloc[int(np.argmax(at < 0))])
            raise Refusal(
                Exit.CONTRACT_INVALID,
                f"code `{stranger}` is no leaf of dimension `{name}`.",
                "Inner cells have codes without parts; add the code to the tree, or count by its parts.",
            )
        many = np.array([len(above[name][leaf]) for leaf in leaves], dtype=np.int64)
        first = np.concatenate([[0], np.cumsum(many)[:-1]]).astype(np.int64)
        codes = np.concatenate([np.asarray(above[name][leaf], dtype=np.int64) for leaf in leaves])
        leaf_of = at.astype(np.int64)[row]
        times = many[leaf_of]
        start = np.repeat(np.cumsum(times) - times, times)
        step = np.arange(len(start), dtype=np.int64) - start
        code = codes[np.repeat(first[leaf_of], times) + step]
        number, row = np.repeat(number, times) * len(dimension.codes) + code, np.repeat(row, times)
    return number, row


def _named(numbers: NDArray[np.int64], dimensions: Mapping[str, Dimension]) -> pd.DataFrame:
    """The codes of numbered cells."""
    columns: dict[str, NDArray[np.object_]] = {}
    for name, dimension in reversed(list(dimensions.items())):
        numbers, code = np.divmod(numbers, len(dimension.codes))
        columns[name] = np.asarray(dimension.codes, dtype=object)[code]
    return pd.DataFrame({name: columns[name] for name in dimensions})
