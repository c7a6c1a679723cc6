"""The attacker of the gate: which hidden figures an outsider can work out from a protected table.

Belongs here: deriving figures from what is published, and saying from which lines. Does not belong
here: hiding anything. Shares with the protection nothing but the reading of cells and the policy, so
that a mistake there is not repeated here.

The attacker knows every published figure, that the parts of a line make its total (published, or
n / share, or known otherwise), that figures are whole and not negative, how shares were rounded, and
what the marks say (primary: below the threshold; secondary: not). A linear program over all lines,
and earlier releases, go beyond what is tried here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from polku.disclosure.cells import (
    Cell,
    Finding,
    Key,
    Line,
    ReleaseSpec,
    Status,
    lines_of,
    read_cells,
    sort_key,
    words,
)
from polku.disclosure.policy import Policy

if TYPE_CHECKING:
    import pandas as pd

Interval = tuple[float, float]


@dataclass(frozen=True)
class View:
    """What an outsider sees of one additive column: intervals of every cell (a point where published).

    `totals` are the intervals of line totals that have no row, by the line's number; a line of which
    the total is not known at all is not among `lines`.
    """

    column: str
    dimensions: tuple[str, ...]
    intervals: dict[Key, Interval]
    gaps: frozenset[Key]
    lines: list[Line]
    totals: dict[int, Interval]

    def gaps_of(self, line: Line) -> dict[Key, int]:
        """Hidden cells of a line: parts with +1, the total with -1."""
        found = {key: 1 for key in line.parts if key in self.gaps}
        return found | ({line.total: -1} if line.total in self.gaps else {})

    def remainder(self, number: int) -> Interval:
        """What the published figures of a line leave for its gaps."""
        line = self.lines[number]
        shown = sum(self.intervals[k][0] for k in line.parts if k in self.intervals and k not in self.gaps)
        if line.total in self.gaps:
            return -shown, -shown
        low, high = self.totals[number] if line.total is None else self.intervals[line.total]
        return low - shown, high - shown


def recover(table: pd.DataFrame, spec: ReleaseSpec, policy: Policy) -> list[Finding]:
    """Hidden figures of a protected table that follow from the published ones; an empty list is the goal.

    Refuses (GATE_CLOSED) a table that cannot be read as `spec` declares it.
    """
    cells = read_cells(table, spec)
    findings = list(_left_standing(cells, spec))
    for view in views_of(cells, spec, policy):
        findings += _by_elimination(view)
        exact = {finding.cell for finding in findings}
        findings += [finding for finding in _by_narrowing(view) if finding.cell not in exact]
    return findings


def views_of(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> list[View]:
    """What the table shows of its counts, and of its bases where it has any."""
    counts = _view_of_counts(cells, spec, policy)
    return [counts, _view_of_bases(cells, spec, policy)] if spec.base else [counts]


def _left_standing(cells: Mapping[Key, Cell], spec: ReleaseSpec) -> Iterator[Finding]:
    """Figures that still stand in a hidden cell, and hidden bases that other figures show."""
    shown_bases = {spec.base_key(k) for k, cell in cells.items() if spec.base and cell.figures[spec.base]}
    for cell in cells.values():
        at = words(cell.key, spec.dimensions)
        if cell.status is None or cell.status.hidden:
            for column in spec.with_cell:
                if cell.figures[column] is not None:
                    yield Finding(at, column, "the cell is not cleared but this figure of it is published")
        if spec.base and cell.figures[spec.base] is None and cell.status is not Status.NOT_OBSERVED:
            if spec.base_key(cell.key) in shown_bases:
                yield Finding(at, spec.base, "another row shows the same base")
            elif cell.figures[spec.count] is not None and spec.share and cell.figures[spec.share] is not None:
                yield Finding(at, spec.base, "it is the count divided by its share")


def _view_of_counts(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> View:
    known = {key: cell for key, cell in cells.items() if cell.status is not Status.NOT_OBSERVED}
    gaps = frozenset(key for key, cell in known.items() if cell.figures[spec.adding] is None)
    intervals = {key: _interval(cell, spec, policy) for key, cell in known.items()}
    lines: list[Line] = []
    totals: dict[int, Interval] = {}
    for line in lines_of(known, spec.dimensions, spec.additive, spec.total_code):
        total = None if line.total else _total_without_row(line, known, spec, policy)
        if line.total or total:
            totals[len(lines)] = total or (0, math.inf)
            lines.append(line)
    return View(spec.adding, spec.dimensions, intervals, gaps, lines, totals)


def _view_of_bases(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> View:
    known = [cell for cell in cells.values() if cell.status is not Status.NOT_OBSERVED]
    intervals: dict[Key, Interval] = {spec.base_key(cell.key): (0, math.inf) for cell in known}
    for cell in known:
        base = cell.figures[spec.base or ""]
        if base is not None:
            intervals[spec.base_key(cell.key)] = (base, base)
        elif cell.status is Status.SECONDARY:
            intervals[spec.base_key(cell.key)] = (policy.threshold, math.inf)
    gaps = frozenset(key for key, (low, high) in intervals.items() if low != high)
    dimensions = tuple(d for d in spec.dimensions if d in spec.base_by)
    lines = lines_of(intervals, dimensions, [d for d in spec.additive if d in spec.base_by], spec.total_code)
    lines = [ln for ln in lines if ln.total or any(intervals[k][0] for k in ln.parts if k not in gaps)]
    totals: dict[int, Interval] = dict.fromkeys(range(len(lines)), (0, math.inf))
    return View(spec.base or "", dimensions, intervals, gaps, lines, totals)


def _interval(cell: Cell, spec: ReleaseSpec, policy: Policy) -> Interval:
    """What a cell's figure, or its mark, says by itself."""
    figure = cell.figures[spec.adding]
    if figure is not None:
        return figure, figure
    least = 0 if policy.protect_zeros else 1
    secondary = cell.status is Status.SECONDARY
    if spec.base is None:
        if secondary:
            return policy.threshold, math.inf
        return least, math.inf if spec.counts else policy.threshold - 1
    base = cell.figures[spec.base]
    if base is None:
        return 0, math.inf
    if not secondary:
        return 0, base
    others = policy.threshold if policy.protect_zeros and policy.protect_complements else 0
    return policy.threshold, base - others


def _total_without_row(line: Line, cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> Interval | None:
    """A total that no row shows: the base, or what published parts and their rounded shares allow."""
    parts = [cells[key] for key in line.parts if key in cells]
    if spec.base and line.along not in spec.base_by:
        bases = [base for cell in parts if (base := cell.figures[spec.base]) is not None]
        return (bases[0], bases[0]) if bases else None
    published = [cell for cell in parts if cell.figures[spec.adding]]
    if not published:
        return None
    low, high = float(sum(cell.figures[spec.adding] or 0 for cell in published)), math.inf
    half = Fraction(1, 2 * 10**policy.share_decimals)
    for cell in published:
        n, share = cell.figures[spec.adding] or 0, cell.figures[spec.share] if spec.share else None
        if share is not None and spec.base is None and line.along == spec.additive[0]:
            rounded = Fraction(str(share))
            low = max(low, math.ceil(n / (rounded + half)))
            high = min(high, math.floor(n / (rounded - half)) if rounded > half else math.inf)
    return low, high


def _by_elimination(view: View) -> list[Finding]:
    """Gaps that are left alone when whole lines are added and subtracted (Gauss-Jordan, exact)."""
    solved: dict[Key, tuple[dict[Key, Fraction], set[int]]] = {}
    for number, line in enumerate(view.lines):
        row = {key: Fraction(sign) for key, sign in view.gaps_of(line).items()}
        used = {number}
        for pivot in [key for key in row if key in solved]:
            row, used = _less(row, pivot, *solved[pivot], used)
        if not row:
            continue
        lead = min(row, key=sort_key)
        row = {key: part / row[lead] for key, part in row.items()}
        for pivot, (other, other_used) in list(solved.items()):
            if lead in other:
                solved[pivot] = _less(other, lead, row, used, other_used)
        solved[lead] = (row, used)
    return [
        Finding(words(key, view.dimensions), view.column, f"it follows from {_named(view, used)}")
        for key, (row, used) in solved.items()
        if len(row) == 1
    ]


def _less(
    row: dict[Key, Fraction], pivot: Key, other: dict[Key, Fraction], other_used: set[int], used: set[int]
) -> tuple[dict[Key, Fraction], set[int]]:
    """`row` less the multiple of `other` that removes `pivot`, and the lines that made it."""
    factor = row[pivot]
    left = dict(row)
    for key, part in other.items():
        left[key] = left.get(key, Fraction(0)) - factor * part
    return {key: part for key, part in left.items() if part}, used | other_used


def _by_narrowing(view: View) -> list[Finding]:
    """Gaps of which one whole number is left when each line narrows its gaps, until nothing changes.

    A line that contradicts the others (a cell whose mark is untrue) tells the attacker nothing.
    """
    intervals, via = dict(view.intervals), dict[Key, int]()
    gaps_of = [view.gaps_of(line) for line in view.lines]
    lines_with: dict[Key, list[int]] = defaultdict(list)
    for number, gaps in enumerate(gaps_of):
        for key in gaps:
            lines_with[key].append(number)
    waiting = dict.fromkeys(range(len(view.lines)))
    while waiting:
        number = next(iter(waiting))
        del waiting[number]
        low, high = view.remainder(number)
        for key, sign in gaps_of[number].items():
            ends = [_signed(intervals[k], s) for k, s in gaps_of[number].items() if k != key]
            left = (low - sum(end[1] for end in ends), high - sum(end[0] for end in ends))
            least, most = _signed(left, sign)
            narrower = (max(intervals[key][0], least), min(intervals[key][1], most))
            if narrower != intervals[key] and narrower[0] <= narrower[1]:
                intervals[key], via[key] = narrower, number
                waiting |= dict.fromkeys(lines_with[key])
    exact = [key for key in sorted(via, key=sort_key) if intervals[key][0] == intervals[key][1]]
    return [
        Finding(words(key, view.dimensions), view.column, f"one number is left by {_named(view, {via[key]})}")
        for key in exact
    ]


def _signed(interval: Interval, sign: int) -> Interval:
    return interval if sign > 0 else (-interval[1], -interval[0])


def _named(view: View, numbers: set[int]) -> str:
    """The lines for people: along which dimension, at which codes of the others."""
    names = []
    for number in sorted(numbers):
        line = view.lines[number]
        codes = zip(view.dimensions, line.parts[0], strict=True)
        at = ", ".join(f"{name}={code}" for name, code in codes if name != line.along)
        names.append(f"the line along {line.along}" + (f" at {at}" if at else ""))
    return " and ".join(names)
