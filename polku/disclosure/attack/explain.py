"""Why a cell is given away: the published figures that make it up, in words.

Belongs here: telling proofs (`shortest`) by the names of cells. Does not belong here: finding what is given away.

In the sum of a proof's facts every cell but the one asked for, and those whose bounds are used, falls out or is
published: what is left is a formula, such as `[group=small] - [county=county-1] - [region=N]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from polku.disclosure.attack.facts import Facts
from polku.disclosure.attack.intervals import Component, component_parts
from polku.disclosure.attack.rows import ALMOST, Rows, folded
from polku.disclosure.attack.shortest import Proof, Prover
from polku.disclosure.attack.system import System

TERMS_TOLD = 12
"""A formula of more cells than this is cut short."""
EXPLAINED = 50
"""So many cells are explained: whoever gives away more needs another table first, not more reasons."""
UNEXPLAINED = f"not explained: only the first {EXPLAINED} cells are"


def published_in(system: System, cell: int) -> str:
    """Which tables of an audit tell a cell that is known from the beginning."""
    shown = [f.table.name for f, at in system.places if (at[~np.isnan(f.figure)] == cell).any()]
    left_out = [f.table.name for f, _ in system.places if f.table.missing_is_zero]
    if shown or not left_out:
        return f"published in {', '.join(shown)}" if shown else "what is known of it by itself leaves one value"
    return f"left out, which says zero, in {', '.join(left_out)}"


class Explainer:
    """Explains cells by the facts and bounds that an attacker of one level starts from.

    `name` is a cell's name, `published` says where the figure of one is told that is known from the beginning.
    """

    def __init__(
        self,
        facts: Facts,
        ends: tuple[np.ndarray, np.ndarray],
        whole: np.ndarray,
        name: Callable[[int], str],
        published: Callable[[int], str],
    ) -> None:
        self.facts, self.whole, self.name, self.published = facts, whole, name, published
        self.low, self.high = ends

    def of(self, values: Mapping[int, float]) -> dict[int, str]:
        """A reason for each cell, given the value that is left of it."""
        found = {cell: self.published(cell) for cell in values if self.low[cell] == self.high[cell]}
        asked = [cell for cell in values if cell not in found][:EXPLAINED]
        if asked:
            rows = folded(self.facts, self.low, self.high)
            for part in component_parts(rows, self.low, self.high, self.whole):
                mine = np.intersect1d(part.cells, asked)
                if len(mine):
                    found |= self._in_component(part, rows, {int(cell): values[int(cell)] for cell in mine})
        return {cell: found.get(cell, UNEXPLAINED) for cell in values}

    def _in_component(self, part: Component, rows: Rows, values: Mapping[int, float]) -> dict[int, str]:
        numbers = rows.fact[part.rows]
        lengths = np.diff(self.facts.start)[numbers].astype(np.float64)
        prover = Prover(part.problem, lengths)
        found = {}
        for cell, value in values.items():
            column = int(np.searchsorted(part.cells, cell))
            proofs = [self._proof(prover, column, cell, sign, value) for sign in (1, -1)]
            found[cell] = self._words(cell, part, numbers, proofs)
        return found

    def _proof(self, prover: Prover, column: int, cell: int, sign: int, value: float) -> Proof | None:
        """Of whole numbers it is enough to prove that the next one is out of reach."""
        proof = prover.proof(column, sign, value, ALMOST * max(1, abs(value)))
        return prover.proof(column, sign, value, 1 - 1e-3) if proof is None and self.whole[cell] else proof

    def _words(self, cell: int, part: Component, numbers: np.ndarray, proofs: list[Proof | None]) -> str:
        low, high = proofs
        if low is None or high is None:
            return "of whole numbers, all facts together leave one"
        if not low.bounds and not self._ranged(low, numbers):
            return self._formula(cell, part, numbers, low)
        words = [self._formula(cell, part, numbers, proof) for proof in (low, high)]
        whole = [", rounded up", ", rounded down"] if self.whole[cell] else ["", ""]
        ends = [word if proof.value.denominator > 1 else "" for word, proof in zip(whole, (low, high), strict=True)]
        return f"at least {words[0]}{ends[0]}; at most {words[1]}{ends[1]}"

    def _ranged(self, proof: Proof, numbers: np.ndarray) -> bool:
        low, high = self.facts.low, self.facts.high
        return any(low[numbers[row]] != high[numbers[row]] for row in proof.facts)

    def _formula(self, cell: int, part: Component, numbers: np.ndarray, proof: Proof) -> str:
        """The facts' sum, solved for the cell: published cells, bounds of gaps, and a number."""
        facts = self.facts
        total: dict[int, Fraction] = {}
        constant = Fraction(0)
        for row, times in proof.facts.items():
            fact = int(numbers[row])
            ends = [end for end in (facts.low[fact], facts.high[fact]) if np.isfinite(end)]
            constant += times * Fraction(float(ends[0]))
            for at, coefficient in facts.terms(fact):
                total[at] = total.get(at, Fraction(0)) - times * Fraction(coefficient)
        total[cell] = total.get(cell, Fraction(0)) + 1
        shown = {at: times for at, times in total.items() if times and at != cell}
        if not shown and not constant:
            return "its own bound"
        bounds = {int(part.cells[column]): times for column, times in proof.bounds.items()}
        ordered = sorted(shown.items(), key=lambda each: (each[1] < 0, each[0] in bounds, each[0]))
        words = [self._term(at, times, at in bounds, first=not i) for i, (at, times) in enumerate(ordered[:TERMS_TOLD])]
        words += [f" and {len(ordered) - TERMS_TOLD} more cells"] if len(ordered) > TERMS_TOLD else []
        words += [f" {'+' if constant > 0 else '-'} {abs(float(constant)):g}"] if constant else []
        return "".join(words).strip()

    def _term(self, at: int, times: Fraction, bound: bool, *, first: bool) -> str:
        sign = ("" if first else " + ") if times > 0 else ("-" if first else " - ")
        factor = "" if abs(times) == 1 else f"{abs(times)} x "
        return f"{sign}{factor}{'bound of ' if bound else ''}[{self.name(at)}]"
