"""Cells that are linked by sums of any form: the tables of a release as one system.

Belongs here: the system, and the parts of it within which a change can stay. Does not belong here: what the tables
mean (`release`), and grids with their hierarchies (`grid`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from polku.disclosure.protection.moves import Mover

Cells = npt.NDArray[np.int64]


class Linked:
    """A system of sums over numbered cells; a sum that nobody knows is not in it."""

    thorough = True

    def __init__(self, cells: int, sums: Sequence[Sequence[tuple[int, int]]]) -> None:
        """`sums`: for each, its cells and their signs; they add up to what the attacker knows."""
        rows = [number for number, own in enumerate(sums) for _ in own]
        columns = [cell for own in sums for cell, _ in own]
        signs = [float(sign) for own in sums for _, sign in own]
        self._matrix = sparse.csr_matrix((signs, (rows, columns)), shape=(len(sums), cells))
        self._movers: dict[tuple[bytes, ...], Mover] = {}

    def depth(self, cells: Cells) -> Cells:
        """In how many sums each cell stands: the most linked first, because its certificate reaches others."""
        found: Cells = np.diff(self._matrix.tocsc().indptr)[cells].astype(np.int64)
        return found

    def neighbourhoods(self, cell: int, cost: npt.NDArray[np.float64]) -> Iterator[tuple[Cells, Mover]]:
        """All cells that sums link to this one, with those sums. `cost` is not looked at: nothing is left out."""
        cells, rows = self._parts[self._part_of[cell]]
        part = self._matrix[rows][:, cells].tocoo()
        key = (part.row.tobytes(), part.col.tobytes(), part.data.tobytes(), bytes(str(part.shape), "ascii"))
        mover = self._movers.get(key)
        if mover is None:
            at = (part.row.astype(np.int64), part.col.astype(np.int64), part.data)
            mover = self._movers[key] = Mover(len(cells), *at, len(rows))
        yield cells, mover

    @cached_property
    def _part_of(self) -> npt.NDArray[np.int32]:
        incident = abs(self._matrix)
        return connected_components(incident.T @ incident, directed=False)[1]  # type: ignore[no-any-return]

    @cached_property
    def _parts(self) -> dict[int, tuple[Cells, Cells]]:
        """Cells and sums of each part."""
        order = np.argsort(self._part_of, kind="stable")
        bounds = np.flatnonzero(np.diff(self._part_of[order], prepend=-1, append=-2))
        first = self._matrix.indices[self._matrix.indptr[:-1]]
        part_of_sum = self._part_of[first]
        rows = np.argsort(part_of_sum, kind="stable")
        found = {}
        for start, end in pairwise(bounds):
            part = int(self._part_of[order[start]])
            within = slice(*np.searchsorted(part_of_sum[rows], [part, part + 1]))
            found[part] = (order[start:end].astype(np.int64), rows[within].astype(np.int64))
        return found
