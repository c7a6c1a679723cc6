"""The shortest proof that a cell has a bound: which facts to add up, and which cells' own bounds to use.

Belongs here: choosing a proof and recomputing it in fractions. Does not belong here: finding bounds (`intervals`) and
telling a proof in words (`explain`).

A bound of a cell is proved by multiples of facts (each at its low or high end) that add up to the cell and bounds of
other cells. Of all such proofs the one with the fewest terms is a linear program again, over the multiples.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from polku.disclosure.attack.solver import Problem, cheapest, cost_program

LARGEST_DENOMINATOR = 5040


@dataclass(frozen=True)
class Proof:
    """cell >= value (or <=): the sum of `facts` (multiples by row) and of `bounds` (multiples of columns' bounds)."""

    facts: dict[int, Fraction]
    bounds: dict[int, Fraction]
    value: Fraction


class Prover:
    """Proofs about the columns of one problem. `lengths` is how many terms each row takes to tell."""

    def __init__(self, problem: Problem, lengths: np.ndarray) -> None:
        self.problem, self.lengths = problem, lengths
        self._by_facts, self._by_all = (self._program(bounds=bounds) for bounds in (False, True))

    def proof(self, column: int, sign: int, value: float, slack: float) -> Proof | None:
        """A proof that the column is at least (sign 1) or at most (-1) `value`, but for `slack`: None if there is none.

        Facts alone are tried first, for they need no knowledge of other gaps.
        """
        for program in (self._by_facts, self._by_all):
            point = cheapest(program, self._targets(column, sign, value, slack))
            proof = None if point is None else self._exact(point, column, sign)
            if proof and (float(proof.value) - value) * sign >= -slack:
                return proof
        return None

    def _program(self, *, bounds: bool) -> object:
        """Columns: multiples of each row's low end, of its high end; the same for columns' bounds."""
        p = self.problem
        rows, size = len(p.row_low), len(p.low)
        ends = np.concatenate([p.row_low, -p.row_high, p.low, -p.high])
        usable = np.isfinite(ends) & (np.arange(len(ends)) < 2 * rows if not bounds else True)
        entries = np.repeat(np.arange(rows), np.diff(p.start))
        unit = np.arange(size)
        row = np.concatenate([p.index, p.index, unit, unit, np.full(len(ends), size)])
        own = unit + 2 * rows
        column = np.concatenate([entries, entries + rows, own, own + size, np.arange(len(ends))])
        weight = np.concatenate(
            [p.coefficient, -p.coefficient, np.ones(size), -np.ones(size), np.where(usable, ends, 0.0)]
        )
        costs = np.concatenate([self.lengths, self.lengths, np.full(2 * size, 1.5)])
        return cost_program(row, column, weight, size + 1, costs, np.where(usable, np.inf, 0.0))

    def _targets(self, column: int, sign: int, value: float, slack: float) -> tuple[np.ndarray, np.ndarray]:
        low = np.zeros(len(self.problem.low) + 1)
        low[column] = sign
        low[-1] = sign * value - slack
        high = low.copy()
        high[-1] = np.inf
        return low, high

    def _exact(self, point: np.ndarray, column: int, sign: int) -> Proof | None:
        p = self.problem
        rows = len(p.row_low)
        facts: dict[int, Fraction] = {}
        left: dict[int, Fraction] = {column: Fraction(sign)}
        value = Fraction(0)
        for row in range(rows):
            times = _fraction(point[row]) - _fraction(point[rows + row])
            if not times:
                continue
            facts[row] = times * sign
            value += times * Fraction(float(p.row_low[row] if times > 0 else p.row_high[row]))
            for at in range(p.start[row], p.start[row + 1]):
                cell = int(p.index[at])
                left[cell] = left.get(cell, Fraction(0)) - times * Fraction(float(p.coefficient[at]))
        bounds = {cell: times for cell, times in left.items() if times}
        for cell, times in bounds.items():
            end = float(p.low[cell] if times > 0 else p.high[cell])
            if not np.isfinite(end):
                return None
            value += times * Fraction(end)
        return Proof(facts, {cell: times * sign for cell, times in bounds.items()}, value * sign)


def _fraction(value: float) -> Fraction:
    return Fraction(float(value)).limit_denominator(LARGEST_DENOMINATOR) if abs(value) > 1e-7 else Fraction(0)
