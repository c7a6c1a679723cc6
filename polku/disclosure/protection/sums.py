"""Which further cells of a released table are hidden: its sums as one system, searched for certificates.

Belongs here: what a table's lines and bases say of its cells, and sums that are themselves about too few persons.
Does not belong here: which cells are small (`primary`), the search itself (`search`), and the attacker of the gate.

What it withstands is level A2: an attacker who knows every published figure and total, that figures are whole and
not negative, and which gaps are small, cannot work out a gap; and no sum of gaps along a line is about too few.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from polku.disclosure.cells import Key, Line, sort_key
from polku.disclosure.policy import Policy
from polku.disclosure.protection.levels import UNLIMITED
from polku.disclosure.protection.linked import Linked
from polku.disclosure.protection.search import Problem, cover


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
class Hidden:
    """Cells to hide, and the certificates of that: each gives for some cells the steps of an alternative table."""

    cells: set[Key]
    certificates: list[dict[Key, int]]


def hide_more(
    figures: Figures, primary: set[Key], others: set[Key], policy: Policy, kept: Collection[Key] = ()
) -> Hidden:
    """The cells to hide so that neither `primary` nor `others` (hidden for another reason) can be derived.

    `kept` cells are not hidden for others: everybody knows them from an earlier release. The answer holds both, and is
    the same whatever the order of rows. Where nothing is left to hide, the answer is as safe as hiding can make it; the
    gate judges it all the same.
    """
    keys = sorted(figures.values, key=sort_key)
    kept = {*kept, *(key for key in keys if _tells_itself(key, figures, policy))}
    hidden = (primary | others) & set(keys)
    unknown: set[int] = set()
    while True:
        made, unprotected = _covered(figures, keys, primary & hidden, hidden, unknown, policy, kept)
        found = made.cells
        more = _for_few_persons(figures, found, policy, kept) - found
        if not more:
            lost = {number for key in unprotected for number in _totals_to_lose(figures, key, found) - unknown}
            unknown |= lost
            more = {key for number in lost for key in figures.lines[number].parts if key in figures.values} - found
            if not lost:
                return made
        hidden = found | more


def _covered(
    figures: Figures,
    keys: list[Key],
    small: set[Key],
    hidden: set[Key],
    unknown: set[int],
    policy: Policy,
    kept: set[Key],
) -> tuple[Hidden, list[Key]]:
    """Hidden cells with certificates for all of `hidden`, and the cells that could not be protected."""
    at = {key: number for number, key in enumerate(keys)}
    sums = [
        [*((at[key], 1) for key in line.parts if key in at), *([(at[line.total], -1)] if line.total in at else [])]
        for number, line in enumerate(figures.lines)
        if number not in unknown
    ]
    values = np.array([figures.values[key] for key in keys], dtype=np.int64)
    limits = np.array([_limits(key, figures, key in small, policy) for key in keys], dtype=np.int64).reshape(-1, 2)
    targets = np.array([key in hidden for key in keys], dtype=bool)
    fixed = np.array([figures.values[key] == 0 or key in kept for key in keys], dtype=bool) & ~targets
    problem = Problem(
        values,
        targets,
        targets,
        up=np.where(fixed, 0, (limits[:, 1] - values).clip(0)),
        down=np.where(fixed, 0, (values - limits[:, 0]).clip(0)),
    )
    found = cover(problem, Linked(len(keys), [own for own in sums if own]))
    certificates = [
        {keys[cell]: int(step) for cell, step in zip(proof.cells, proof.steps[0], strict=True)}
        for proof in found.certificates.values()
    ]
    hidden_cells = {keys[i] for i in np.flatnonzero(found.hidden)}
    return Hidden(hidden_cells, certificates), [keys[i] for i in found.unprotected]


def _totals_to_lose(figures: Figures, key: Key, hidden: set[Key]) -> set[int]:
    """Lines of the cell whose total has no row and would not be known if every part were hidden."""
    return {
        number
        for number, line in enumerate(figures.lines)
        if key in line.parts
        and line.total not in figures.values
        and not any(part in figures.open_bases for part in line.parts)
    }


def _for_few_persons(figures: Figures, hidden: set[Key], policy: Policy, kept: Collection[Key]) -> set[Key]:
    """For every line whose gaps are about too few persons together, the next cell to hide."""
    return {more for line in figures.lines if (more := _next_of(line, figures, hidden, policy, kept)) is not None}


def _next_of(line: Line, figures: Figures, hidden: set[Key], policy: Policy, kept: Collection[Key]) -> Key | None:
    gaps = [key for key in line.parts if key in hidden]
    if not gaps or line.total in hidden or not _total_is_known(line, figures, hidden):
        return None
    persons = [figures.persons[key] for key in gaps]
    few = policy.too_small(max(persons) if figures.overlapping else sum(persons))
    others = sum(figures.bases[key] - figures.values[key] for key in gaps if key in figures.bases)
    if few or (figures.bases and policy.protect_complements and policy.too_small(others)):
        return _cheapest(line, figures, hidden | set(kept))
    return None


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


def _tells_itself(key: Key, figures: Figures, policy: Policy) -> bool:
    """Whether the mark of a cell that is not small leaves one number: hidden to protect others, it would be no gap."""
    least, most = _limits(key, figures, False, policy)
    return least >= most


def _limits(key: Key, figures: Figures, small: bool, policy: Policy) -> tuple[int, int]:
    """The least and the most that a gap can be for who knows its mark."""
    lowest = 0 if policy.protect_zeros else 1
    if figures.bases:
        base = figures.bases[key] if key in figures.open_bases else UNLIMITED
        if small or key not in figures.open_bases:
            return 0, base
        complement = policy.threshold if policy.protect_zeros and policy.protect_complements else 0
        return policy.threshold, base - complement
    if small:
        return lowest, UNLIMITED if figures.overlapping else policy.threshold - 1
    return policy.threshold, UNLIMITED
