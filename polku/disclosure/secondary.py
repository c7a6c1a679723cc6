"""Complementary suppression: what must be hidden besides the small cells, so that nobody subtracts.

Belongs here: the choice of further cells until every line is safe and no gap can be worked out from
several lines together. Does not belong here: which cells are small (`primary`), and the attacker of
the gate (`attack.release`), who shares no code with this module.

What it withstands: an attacker who knows every published figure, every total, that figures are whole
and not negative, and the rule (a gap marked primary is below the threshold, one marked secondary is
not): no gap is exact, by elimination over all lines or by narrowing line by line, and no derivable
sum of gaps is below the threshold. What it does not see: narrow but inexact intervals that only
several lines together give (that takes a linear program), and other releases.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from polku.disclosure.cells import Key, Line, sort_key
from polku.disclosure.policy import Policy


@dataclass(frozen=True)
class Figures:
    """True figures of one table, by cell. Structural zeros and what was not observed are left out.

    `values` add up along `lines`; `persons` are the persons behind them, who are the same thing
    unless `overlapping` (then a person may be in several cells of a line, and the persons of some
    cells together are at least as many as the largest of them). `bases` are the persons of whom each
    cell is a part; those in `open_bases` are published.
    """

    values: Mapping[Key, int]
    persons: Mapping[Key, int]
    lines: list[Line]
    overlapping: bool = False
    bases: Mapping[Key, int] = field(default_factory=dict)
    open_bases: frozenset[Key] = frozenset()


@dataclass(frozen=True)
class _Equation:
    """What a line says of its gaps: the parts less a hidden total are `remainder`."""

    line: Line
    signs: dict[Key, int]
    remainder: int


def hide_more(figures: Figures, primary: set[Key], others: set[Key], policy: Policy) -> set[Key]:
    """The cells to hide so that neither `primary` nor `others` (hidden for another reason) can be derived.

    The answer holds both. The smallest cell that makes a line safe is taken, ties in the order of
    codes, so that the same table always gets the same gaps. Where nothing is left to hide, the answer
    is as safe as hiding can make it; the gate judges it all the same.
    """
    hidden = (primary | others) & set(figures.values)
    small = primary & hidden
    while True:
        more = _from_lines(figures, hidden, policy) or _from_all_lines(figures, small, hidden, policy)
        if more is None:
            return hidden
        hidden.add(more)


def _from_lines(figures: Figures, hidden: set[Key], policy: Policy) -> Key | None:
    """The next cell that some line needs hidden by itself."""
    for line in figures.lines:
        if _is_unsafe(line, figures, hidden, policy):
            cell = _cheapest(line, figures, hidden)
            if cell is not None:
                return cell
    return None


def _from_all_lines(figures: Figures, small: set[Key], hidden: set[Key], policy: Policy) -> Key | None:
    """The next cell to hide because lines together give a gap away although each of them is safe."""
    equations = list(_equations(figures, hidden))
    given_away = _eliminated(equations) | _narrowed(figures, equations, small, hidden, policy)
    for gap in sorted(given_away, key=sort_key):
        for equation in _outwards(gap, equations):
            cell = _cheapest(equation.line, figures, hidden)
            if cell is not None:
                return cell
    return None


def _outwards(gap: Key, equations: list[_Equation]) -> Iterator[_Equation]:
    """The lines of a gap, then the lines of the gaps in those, and so on."""
    reached, left = {gap}, equations
    while near := [equation for equation in left if reached & equation.signs.keys()]:
        yield from near
        reached.update(key for equation in near for key in equation.signs)
        left = [equation for equation in left if equation not in near]


def _is_unsafe(line: Line, figures: Figures, hidden: set[Key], policy: Policy) -> bool:
    gaps = [key for key in line.parts if key in hidden]
    if line.total in hidden:
        return not gaps
    if not gaps or not _total_is_known(line, figures, hidden):
        return False
    persons = [figures.persons[key] for key in gaps]
    if len(gaps) == 1 or policy.too_small(max(persons) if figures.overlapping else sum(persons)):
        return True
    others = sum(figures.bases[key] - figures.values[key] for key in gaps if key in figures.bases)
    return bool(figures.bases) and policy.protect_complements and policy.too_small(others)


def _total_is_known(line: Line, figures: Figures, hidden: set[Key]) -> bool:
    """Whether the total is published, or follows from a published part and its share, or is the base."""
    if line.total in figures.values:
        return line.total not in hidden
    return any(
        key in figures.open_bases or (key not in hidden and figures.values[key] > 0)
        for key in line.parts
        if key in figures.values
    )


def _cheapest(line: Line, figures: Figures, hidden: set[Key]) -> Key | None:
    """The published part with the fewest persons (but some: a zero protects nothing), at last the total."""
    open_parts = [key for key in line.parts if key not in hidden and figures.values.get(key, 0) > 0]
    if open_parts:
        return min(open_parts, key=lambda key: (figures.persons[key], sort_key(key)))
    return line.total if line.total in figures.values and line.total not in hidden else None


def _equations(figures: Figures, hidden: set[Key]) -> Iterator[_Equation]:
    for line in figures.lines:
        parts = [key for key in line.parts if key in figures.values]
        signs = {key: 1 for key in parts if key in hidden}
        if line.total in hidden:
            signs[line.total] = -1
        elif not _total_is_known(line, figures, hidden):
            continue
        if signs:
            remainder = sum(sign * figures.values[key] for key, sign in signs.items())
            yield _Equation(line, signs, remainder)


def _eliminated(equations: list[_Equation]) -> set[Key]:
    """Gaps that adding and subtracting whole lines leaves alone: unit vectors in the row space."""
    gaps = sorted({key for equation in equations for key in equation.signs}, key=sort_key)
    if not gaps:
        return set()
    at = {key: i for i, key in enumerate(gaps)}
    matrix = np.zeros((len(equations), len(gaps)))
    for row, equation in enumerate(equations):
        for key, sign in equation.signs.items():
            matrix[row, at[key]] = sign
    in_row_space = (np.linalg.pinv(matrix) * matrix.T).sum(axis=1)
    return {key for key, part in zip(gaps, in_row_space, strict=True) if part > 1 - 1e-6}


def _narrowed(
    figures: Figures, equations: Iterable[_Equation], small: set[Key], hidden: set[Key], policy: Policy
) -> set[Key]:
    """Gaps of which one whole number is left when every line narrows its gaps, again and again."""
    equations = list(equations)
    bounds = {key: _bounds(key, figures, key in small, policy) for key in hidden}
    changed = True
    while changed:
        changed = False
        for equation in equations:
            for key, sign in equation.signs.items():
                rest = [(s, *bounds[k]) for k, s in equation.signs.items() if k != key]
                rest_low = sum(s * (low if s > 0 else high) for s, low, high in rest)
                rest_high = sum(s * (high if s > 0 else low) for s, low, high in rest)
                ends = (sign * (equation.remainder - rest_high), sign * (equation.remainder - rest_low))
                low, high = bounds[key]
                narrower = (max(low, min(ends)), min(high, max(ends)))
                if narrower != (low, high) and narrower[0] <= narrower[1]:
                    bounds[key], changed = narrower, True
    return {key for key, (low, high) in bounds.items() if low == high}


def _bounds(key: Key, figures: Figures, small: bool, policy: Policy) -> tuple[float, float]:
    """What the mark of a gap says of its value by itself."""
    lowest = 0 if policy.protect_zeros else 1
    if figures.bases:
        base = figures.bases[key] if key in figures.open_bases else math.inf
        if small:
            return 0, base
        complement = policy.threshold if policy.protect_zeros and policy.protect_complements else 0
        return (policy.threshold, base - complement) if key in figures.open_bases else (0, math.inf)
    if small:
        return lowest, math.inf if figures.overlapping else policy.threshold - 1
    return policy.threshold, math.inf
