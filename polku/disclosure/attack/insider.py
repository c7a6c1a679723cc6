"""Gaps that give each other away: who knows one of them, as its only contributor does, knows the other.

Belongs here: elimination over the facts, exact modulo a prime. Does not belong here: bounds (`intervals`).

Every table that agrees with the facts differs from the true one by a vector of their null space. Two gaps are bound
to each other when these vectors always have them in one ratio. Two random vectors of the null space show it: where
their ratio is the same for two gaps, but for a chance of about the number of pairs in 2**61, the gaps are bound.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from polku.disclosure.attack.rows import Rows

PRIME = 2**61 - 1
SEED = 20_261_129
"""The same table always gets the same answer."""

Sparse = dict[int, int]


def bound_together(rows: Rows) -> list[list[int]]:
    """Groups of open cells that are bound to each other; a cell that the facts leave no choice is in none."""
    cells, _ = rows.cells
    pivots = _eliminated(list(_equations(rows)))
    draws = [_null_vector(pivots, cells.tolist(), random.Random(SEED + number)) for number in (0, 1)]
    groups: dict[int, list[int]] = defaultdict(list)
    for cell in cells.tolist():
        first, second = draws[0][cell], draws[1][cell]
        if first and second:
            groups[first * pow(second, -1, PRIME) % PRIME].append(cell)
    return [group for group in groups.values() if len(group) > 1]


def _equations(rows: Rows) -> Iterator[Sparse]:
    for row in np.flatnonzero(rows.low == rows.high).tolist():
        entries = range(int(rows.start[row]), int(rows.start[row + 1]))
        yield {int(rows.index[at]): _modular(float(rows.coefficient[at])) for at in entries}


def _modular(value: float) -> int:
    exact = Fraction(value)
    return exact.numerator * pow(exact.denominator, -1, PRIME) % PRIME


def _eliminated(equations: list[Sparse]) -> list[tuple[int, Sparse]]:
    """Pivot cells with their rows, in the order of elimination; a row has no earlier pivot.

    The shortest row is taken next, in it the cell of the fewest rows: lines have few gaps, so that rows stay short.
    """
    rows = dict(enumerate(equations))
    rows_of: dict[int, set[int]] = defaultdict(set)
    by_length: dict[int, set[int]] = defaultdict(set)
    for number, row in rows.items():
        by_length[len(row)].add(number)
        for cell in row:
            rows_of[cell].add(number)
    pivots = []
    while rows:
        length = min(length for length, numbers in by_length.items() if numbers)
        number = min(by_length[length])
        by_length[length].discard(number)
        row = rows.pop(number)
        if not row:
            continue
        for cell in row:
            rows_of[cell].discard(number)
        pivot = min(row, key=lambda cell: (len(rows_of[cell]), cell))
        inverse = pow(row[pivot], -1, PRIME)
        row = {cell: value * inverse % PRIME for cell, value in row.items()}
        for other in list(rows_of[pivot]):
            target = rows[other]
            by_length[len(target)].discard(other)
            factor = target[pivot]
            for cell, value in row.items():
                left = (target.get(cell, 0) - factor * value) % PRIME
                if left:
                    target[cell] = left
                    rows_of[cell].add(other)
                elif cell in target:
                    del target[cell]
                    rows_of[cell].discard(other)
            by_length[len(target)].add(other)
        pivots.append((pivot, row))
    return pivots


def _null_vector(pivots: list[tuple[int, Sparse]], cells: list[int], draw: random.Random) -> Sparse:
    """A random vector that every row makes zero: free cells are drawn, pivots follow from the last to the first."""
    vector = {cell: draw.randrange(1, PRIME) for cell in cells}
    for pivot, row in reversed(pivots):
        vector[pivot] = -sum(value * vector[cell] for cell, value in row.items() if cell != pivot) % PRIME
    return vector
