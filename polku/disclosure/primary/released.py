"""The cells of a released table that are too small to be published by themselves.

Belongs here: the threshold on persons, on the others of a base, and on the base, over cells that are already counted.
Does not belong here: rules that need the records (`assess`), and what must be hidden besides, so that subtraction does
not give the small cells back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from polku.disclosure.cells import Cell, Key, ReleaseSpec
from polku.disclosure.policy import Policy


def small_bases(bases: Mapping[Key, int], policy: Policy) -> set[Key]:
    """Keys of bases with too few persons; nothing about such a base is published, itself included."""
    return {key for key, persons in bases.items() if policy.too_small(persons)}


def small_cells(cells: Iterable[Cell], spec: ReleaseSpec, policy: Policy) -> set[Key]:
    """Keys of cells with too few persons, or too few others in their base (n - x).

    Source: threshold rule of the profile; the complement rule keeps 48 of 50 from telling about two.
    """
    return {cell.key for cell in cells if _is_small(cell, spec, policy)}


def _is_small(cell: Cell, spec: ReleaseSpec, policy: Policy) -> bool:
    persons = int(cell.figures[spec.count] or 0)
    if policy.too_small(persons):
        return True
    if spec.base is None:
        return False
    base = int(cell.figures[spec.base] or 0)
    return policy.too_small(base) or (policy.protect_complements and policy.too_small(base - persons))
