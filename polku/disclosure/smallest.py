"""The smallest figures that a protected table shows: the facts behind the gate `cells_large_enough`.

Belongs here: every published or directly implied count of persons that is too small, read from the
protected table alone. Does not belong here: hiding anything, or what follows from several lines
(`attack.release`). Shares no code with the protection but the reading of cells and the policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING

from polku.disclosure.attack.views import View, views_of
from polku.disclosure.cells import Cell, Finding, Key, ReleaseSpec, Status, read_cells, words
from polku.disclosure.policy import Policy

if TYPE_CHECKING:
    import pandas as pd


def smallest_cells(table: pd.DataFrame, spec: ReleaseSpec, policy: Policy) -> list[Finding]:
    """Counts of fewer persons than the policy allows, visible or implied; an empty list is the goal.

    Looked at: counts, bases, the others of a base (n - x), what the gaps of a line are together, marks
    that do not fit their figures, and cells left out where zeros are protected. Refuses (GATE_CLOSED)
    a table that cannot be read as `spec` declares it.
    """
    cells = read_cells(table, spec)
    findings = [finding for cell in cells.values() for finding in _of_cell(cell, spec, policy)]
    for view in views_of(cells, spec, policy):
        findings += _of_gaps(view, cells, spec, policy)
    if policy.protect_zeros:
        findings += _left_out(cells, spec)
    return findings


def _of_cell(cell: Cell, spec: ReleaseSpec, policy: Policy) -> Iterator[Finding]:
    at = words(cell.key, spec.dimensions)
    persons = cell.figures[spec.count]
    base = cell.figures[spec.base] if spec.base else None
    if spec.base and base is not None and policy.too_small(int(base)):
        yield Finding(at, spec.base, "the base is below the threshold")
    if cell.status is Status.OK and persons is None:
        yield Finding(at, spec.count, "the status says ok but there is no figure")
    if cell.status is Status.NOT_OBSERVED and persons is not None:
        yield Finding(at, spec.count, "the status says not observed but there is a figure")
    if cell.status is Status.STRUCTURAL_ZERO:
        if not cell.structural:
            yield Finding(at, spec.count, "the status says structural zero but it may be a person")
        return
    if persons is None:
        return
    if policy.too_small(int(persons)):
        yield Finding(at, spec.count, "the cell is below the threshold")
    if base is not None and policy.protect_complements and policy.too_small(int(base - persons)):
        yield Finding(at, spec.count, "the others of its base are below the threshold")


def _of_gaps(view: View, cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> Iterator[Finding]:
    """Gaps of one line that are, all together, still too few persons."""
    for number, line in enumerate(view.lines):
        gaps = [key for key in line.parts if key in view.gaps]
        if not gaps or line.total in view.gaps:
            continue
        low, high = view.remainder(number)
        at = " and ".join(words(key, view.dimensions) for key in gaps)
        if policy.too_small(int(min(high, policy.threshold))):
            yield Finding(at, view.column, "the hidden cells of the line are together below the threshold")
        if spec.base and view.column == spec.count and policy.protect_complements:
            bases = [base for key in gaps if (base := cells[key].figures[spec.base]) is not None]
            if len(bases) == len(gaps) and policy.too_small(int(max(sum(bases) - low, 0))):
                yield Finding(at, view.column, "the others of the hidden cells are below the threshold")


def _left_out(cells: Mapping[Key, Cell], spec: ReleaseSpec) -> Iterator[Finding]:
    """Combinations of codes without a row: their absence says zero."""
    codes = [dict.fromkeys(key[i] for key in cells) for i in range(len(spec.dimensions))]
    for key in product(*codes):
        if key not in cells and not spec.is_impossible(key):
            yield Finding(words(key, spec.dimensions), spec.count, "the row is left out, which says zero")
