"""The cells of a table of amounts with all its margins: who contributes how much, and which rules each cell breaks.

Belongs here: adding contributions up over hierarchies, by contributor. Does not belong here: the rules (`rules`) and
their numbers (`policy.toml`), reading files, and what is hidden besides (`polku.disclosure.protection`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from polku.disclosure.dimensions import Dimension
from polku.disclosure.policy import Policy
from polku.disclosure.primary.assess import CellTable
from polku.sql_text import quoted

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Contributions:
    """Records of contributions, of which those of one contributor may be many. All arrays have one entry per record.

    - `leaves`: by dimension the place of its code among the dimension's leaves.
    - `amounts`: what is contributed, in whole units, never negative.
    - `contributor`, `person`: numbers from 0; `person` is None where contributors are the persons who are counted.
    - `holding`: by contributor, the number of the holding that it belongs to, itself if to none.
    """

    leaves: tuple[Ints, ...]
    amounts: Ints
    contributor: Ints
    holding: Ints
    person: Ints | None = None

    @property
    def has_holdings(self) -> bool:
        """Whether some contributors belong together."""
        return len(np.unique(self.holding)) < len(self.holding)


@dataclass(frozen=True)
class AmountCells:
    """Every combination of codes, numbered as numpy's C order numbers them.

    - `total`: the amount; `largest`: what the largest contributors give, by column, the first the largest (0: none).
    - `who`: the largest contributor (a holding being one), -1: none; `of_each`: cells times contributors.
    - `broken`: for each rule, which cells break it.
    """

    total: Ints
    largest: Ints
    who: Ints
    of_each: sparse.csc_matrix
    broken: Mapping[str, Mask]

    def given_by(self, who: int, cells: Ints) -> Ints:
        """What a contributor gives to each of these cells; nobody (-1) gives nothing."""
        if who < 0:
            return np.zeros(len(cells), dtype=np.int64)
        column = slice(*self.of_each.indptr[who : who + 2])
        own, amounts = self.of_each.indices[column], self.of_each.data[column]
        place = np.searchsorted(own, cells).clip(max=len(own) - 1)
        return np.where(own[place] == cells, amounts[place], 0)

    @property
    def primary(self) -> Mask:
        """Cells that break some rule."""
        return np.asarray(np.logical_or.reduce(list(self.broken.values())), dtype=bool)


def amount_cells(given: Contributions, dimensions: Sequence[Dimension], policy: Policy) -> AmountCells:
    """Add contributions up and judge every cell by the policy; a holding is one contributor, as in `assess`."""
    shape = tuple(len(own.codes) for own in dimensions)
    inner = np.ravel_multi_index(given.leaves, tuple(len(own.leaves) for own in dimensions))
    above = reduce(lambda left, right: sparse.kron(left, right, format="csr"), map(_above, dimensions))

    def by(who: Ints, of_each: Ints) -> sparse.csr_matrix:
        """Cells times those who are numbered, with the sum of `of_each`."""
        found = sparse.csr_matrix((of_each, (inner, who)), shape=(above.shape[1], int(who.max(initial=-1)) + 1))
        return (above @ found).tocsr()

    once = np.ones_like(given.amounts)
    holding = given.holding[given.contributor]
    amounts, counted = by(given.contributor, given.amounts), by(given.contributor, once)
    of_holdings = by(holding, given.amounts) if given.has_holdings else amounts
    most = max([2, *(n for n, _ in policy.rules.dominance)])
    total, (largest, who) = np.asarray(amounts.sum(axis=1)).ravel(), _largest(of_holdings, most)
    contributors = _each(by(holding, once)) if given.has_holdings else _each(counted)
    persons = _each(counted) if given.person is None else _each(by(given.person, once))
    gives_nothing = _each(amounts) < _each(counted)
    of_single = _largest(amounts, 1)[0][:, 0]
    columns: dict[str, npt.NDArray[np.generic]] = {
        "persons": persons,
        "contributors": contributors,
        "total": total,
        "least": np.where(gives_nothing, 0, _least(amounts)),
        "greatest": of_single,
        **{f"largest_{rank}": largest[:, rank] for rank in range(most)},
        **_margins(persons.reshape(shape)),
    }
    asked = CellTable(
        "cells",
        "person",
        tuple(own.name for own in dimensions),
        (),
        value="amount",
        contributor=None if given.person is None else "contributor",
        holding="holding" if given.has_holdings else None,
    )
    each = _without_zeros(of_holdings).tocsc()
    return AmountCells(total, largest, who, each, _broken(pd.DataFrame(columns), asked, policy, most))


def _above(dimension: Dimension) -> sparse.csr_matrix:
    """Codes times leaves: 1 where the leaf is a part of the code."""
    place = {leaf: number for number, leaf in enumerate(dimension.leaves)}
    below = [[place[leaf] for leaf in dimension.leaves_below[code]] for code in dimension.codes]
    rows = np.repeat(np.arange(len(below)), [len(leaves) for leaves in below])
    columns = np.array([leaf for leaves in below for leaf in leaves], dtype=np.int64)
    return sparse.csr_matrix((np.ones(len(rows), np.int64), (rows, columns)), shape=(len(below), len(place)))


def _each(found: sparse.csr_matrix) -> Ints:
    """How many in each cell are not zero."""
    return np.asarray(np.diff(_without_zeros(found).indptr), dtype=np.int64)


def _largest(found: sparse.csr_matrix, most: int) -> tuple[Ints, Ints]:
    """Of each cell the largest, as columns, 0 where there are fewer; and whose the very largest is, else -1."""
    found = _without_zeros(found)
    row = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    order = np.lexsort((-found.data, row))
    rank = np.arange(len(row)) - found.indptr[row]
    answer = np.zeros((found.shape[0], most), dtype=np.int64)
    kept = rank < most
    answer[row[kept], rank[kept]] = found.data[order][kept]
    who = np.full(found.shape[0], -1, dtype=np.int64)
    who[row[rank == 0]] = found.indices[order][rank == 0]
    return answer, who


def _least(found: sparse.csr_matrix) -> Ints:
    """Of each cell the least that is not zero; 0 where there is none."""
    found = _without_zeros(found)
    answer = np.zeros(found.shape[0], dtype=np.int64)
    filled = np.diff(found.indptr) > 0
    if filled.any():
        answer[filled] = np.minimum.reduceat(found.data, found.indptr[:-1][filled])
    return answer


def _without_zeros(found: sparse.csr_matrix) -> sparse.csr_matrix:
    found = found.copy()
    found.eliminate_zeros()
    return found


def _margins(persons: Ints) -> dict[str, npt.NDArray[np.float64]]:
    """Persons of the row or column along each dimension; none of a cell that is the margin itself."""
    found = {}
    for number in range(persons.ndim):
        margin = np.broadcast_to(np.take(persons, [0], axis=number), persons.shape).astype(float)
        np.moveaxis(margin, number, 0)[0] = np.nan
        found[f"margin_{number}"] = margin.ravel()
    return found


def _broken(cells: pd.DataFrame, asked: CellTable, policy: Policy, most: int) -> dict[str, Mask]:
    """The rules are conditions in SQL over one row per cell."""
    rules = asked.rules(policy)
    largest = ", ".join(f"cast(largest_{rank} as double)" for rank in range(most))
    margins = [str(name) for name in cells if str(name).startswith("margin_")]
    empty = "".join(f", nullif({name}, cast('nan' as double)) as {name}" for name in margins)
    with duckdb.connect() as con:
        con.register("given", cells)
        found = con.execute(f"""
            with cells as (
                select * exclude ({", ".join(["total", *margins])}), cast(total as double) as total{empty},
                    list_value({largest}) as largest, cast(null as bigint) as base_persons, false as is_structural
                from given
            )
            select {", ".join(f"coalesce({rule.condition}, false) as {quoted(rule.name)}" for rule in rules)} from cells
        """).fetchnumpy()
    return {rule.name: np.asarray(found[rule.name], dtype=bool) for rule in rules}
