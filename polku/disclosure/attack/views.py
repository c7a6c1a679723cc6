"""What an outsider sees of a protected table: published figures, what the marks of gaps say, and lines that add up.

Belongs here: reading all that a table says of its figures, by each level of attacker. Does not belong here: what
follows from it (`release`), and hiding anything. Shares with the protection nothing but the reading of cells and
the policy, so that a mistake there is not repeated here.

An outsider knows that the parts of a line make its total (published, or n / share, or known otherwise), how shares
were rounded, and what the marks say (primary: below the threshold; secondary: not).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from polku.disclosure.cells import (
    Cell,
    Key,
    Line,
    ReleaseSpec,
    Status,
    lines_of,
)
from polku.disclosure.policy import Policy

Interval = tuple[float, float]


@dataclass(frozen=True)
class View:
    """What an outsider sees of one additive column: intervals of every cell (a point where published).

    `totals` are the intervals of line totals that have no row, by the line's number; a line of which the table does
    not show the total in any way is not among `lines` but among `open_lines`: another table may show it.
    `by_rule` are the intervals of gaps for one who does not believe the marks, `by_itself` for one who does not know
    the rule either.
    """

    column: str
    dimensions: tuple[str, ...]
    intervals: dict[Key, Interval]
    gaps: frozenset[Key]
    lines: list[Line]
    totals: dict[int, Interval]
    open_lines: list[Line]
    by_rule: dict[Key, Interval]
    by_itself: dict[Key, Interval]

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


def views_of(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> list[View]:
    """What the table shows of its counts, and of its bases where it has any."""
    counts = _view_of_counts(cells, spec, policy)
    return [counts, _view_of_bases(cells, spec, policy)] if spec.base else [counts]


def _view_of_counts(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> View:
    known = {key: cell for key, cell in cells.items() if cell.status is not Status.NOT_OBSERVED}
    gaps = frozenset(key for key, cell in known.items() if cell.figures[spec.adding] is None)
    intervals = {key: _interval(cell, spec, policy) for key, cell in known.items()}
    lines: list[Line] = []
    open_lines: list[Line] = []
    totals: dict[int, Interval] = {}
    for line in lines_of(known, spec.dimensions, spec.additive, spec.total_code):
        total = None if line.total else _total_without_row(line, known, spec, policy)
        if line.total or total:
            totals[len(lines)] = total or (0, math.inf)
            lines.append(line)
        else:
            open_lines.append(line)
    bases = {key: known[key].figures[spec.base] if spec.base else None for key in gaps}
    most = {key: math.inf if base is None else base for key, base in bases.items()}
    least = 0 if policy.protect_zeros or spec.base else 1
    return View(
        spec.adding,
        spec.dimensions,
        intervals,
        gaps,
        lines,
        totals,
        open_lines,
        by_rule={key: (0 if known[key].status is Status.HELD_BACK else least, most[key]) for key in gaps},
        by_itself={key: (0, most[key]) for key in gaps},
    )


def _view_of_bases(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> View:
    known = [cell for cell in cells.values() if cell.status is not Status.NOT_OBSERVED]
    intervals: dict[Key, Interval] = {spec.base_key(cell.key): (0, math.inf) for cell in known}
    for cell in known:
        base = cell.figures[spec.base or ""]
        if base is not None:
            intervals[spec.base_key(cell.key)] = (base, base)
        elif cell.status is Status.SECONDARY and intervals[spec.base_key(cell.key)] == (0, math.inf):
            intervals[spec.base_key(cell.key)] = (policy.threshold, math.inf)
    gaps = frozenset(key for key, (low, high) in intervals.items() if low != high)
    dimensions = tuple(d for d in spec.dimensions if d in spec.base_by)
    every = lines_of(intervals, dimensions, [d for d in spec.additive if d in spec.base_by], spec.total_code)
    lines = [ln for ln in every if ln.total or any(intervals[k][0] for k in ln.parts if k not in gaps)]
    totals: dict[int, Interval] = dict.fromkeys(range(len(lines)), (0, math.inf))
    free = dict.fromkeys(gaps, (0.0, math.inf))
    open_lines = [line for line in every if line not in lines]
    return View(spec.base or "", dimensions, intervals, gaps, lines, totals, open_lines, free, free)


def _interval(cell: Cell, spec: ReleaseSpec, policy: Policy) -> Interval:
    """What a cell's figure, or its mark, says by itself."""
    figure = cell.figures[spec.adding]
    if figure is not None:
        return figure, figure
    least = 0 if policy.protect_zeros else 1
    secondary = cell.status is Status.SECONDARY
    if cell.status is Status.HELD_BACK:
        return 0, math.inf if cell.figures.get(spec.base or "") is None else float(cell.figures[spec.base or ""] or 0)
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
