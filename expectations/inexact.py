"""The gate before a release, of tables that are rounded or noisy: each keeps what it promises its readers.

Belongs here: the promises, checked on the table that would leave and beside the mart. Does not belong here: how such
tables are made (`polku.disclosure.inexact`), of which nothing is used here but the names of the protections, and exact
tables (`release`): attackers who take figures at their word would be misled by these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial

import pandas as pd

from expectations.release import Attacked, Tables, attacked
from polku.disclosure import Finding, Policy, ReleaseSpec, Status
from polku.disclosure.cells import Cell, Code, Key, lines_of, read_cells, words
from polku.disclosure.inexact.protections import Protection

AS_PROMISED = "inexact_as_promised"
ENOUGH_TO_DIFFER = 20
"""So many noisy figures are not all true by chance: each is with a chance of about a fifth."""

Cells = dict[Key, Cell]


def attack_inexact(
    tables: Tables, marts: Mapping[str, pd.DataFrame], policy: Policy, chosen: Mapping[str, Protection]
) -> list[Attacked]:
    """The attack of the gate `inexact_as_promised` on each table that would leave with other figures than its mart's.

    `chosen` is the protection of each of the tables.
    """
    return [
        attacked(
            AS_PROMISED,
            name,
            {name: spec},
            f"as {chosen[name]} promises",
            partial(broken_promises, table, marts[name], spec, policy, chosen[name]),
        )
        for name, (table, spec) in tables.items()
    ]


def broken_promises(
    table: pd.DataFrame, mart: pd.DataFrame, spec: ReleaseSpec, policy: Policy, protection: Protection
) -> list[Finding]:
    """What a table does not keep of its promise.

    Figures of tonight (status ok) are compared with the mart; those of an earlier day were when they were new. Refuses
    (GATE_CLOSED) a table that cannot be read as `spec` declares it.
    """
    cells, true = read_cells(table, spec), read_cells(mart, spec)
    of_own = _of_rounded if protection is Protection.ROUNDING else _of_noisy
    return [*_of_any(cells, spec), *of_own(cells, true, spec, policy)]


def _of_any(cells: Cells, spec: ReleaseSpec) -> Iterator[Finding]:
    """A share and the counts it is of are the only figures, and a hidden cell has none."""
    for key, cell in cells.items():
        for measure in spec.measures:
            if measure != spec.share and cell.figures[measure] is not None:
                yield _at(key, spec, measure, "an exact measure stands beside inexact counts")
        is_open = cell.status in (Status.OK, Status.HELD_BACK, Status.STRUCTURAL_ZERO)
        if not is_open and any(cell.figures[column] is not None for column in spec.with_cell):
            yield _at(key, spec, spec.count, "the cell is not cleared but has a figure")


# ------------------------------------------------------------------------------------------------------------ rounding
def _of_rounded(cells: Cells, true: Cells, spec: ReleaseSpec, policy: Policy) -> Iterator[Finding]:
    """No count and no rest is 1 to T - 1, everything adds up, and tonight's inner counts are true or rounded ones."""
    shown = {key: cell for key, cell in cells.items() if cell.status is not Status.NOT_OBSERVED}
    for key, cell in shown.items():
        if any(cell.figures[column] is None for column in _counted(spec)):
            yield _at(key, spec, spec.count, "a cell of a rounded table has no figure")
            return
    counts = {key: int(cell.figures[spec.count] or 0) for key, cell in shown.items()}
    for key, count in counts.items():
        if 0 < count < policy.threshold:
            yield _at(key, spec, spec.count, "the count is below the base of the rounding")
        if not _is_total(key, spec) and shown[key].status is Status.OK and key in true:
            persons = int(true[key].figures[spec.count] or 0)
            lower = persons - persons % policy.threshold
            rounded = {lower, lower + policy.threshold} if persons % policy.threshold else {persons}
            if count not in (rounded if 0 < persons < policy.threshold else {persons, *rounded}):
                yield _at(key, spec, spec.count, "the figure is neither true nor rounded")
    for line in lines_of(counts, spec.dimensions, spec.additive, spec.total_code):
        if line.total is not None and sum(counts[part] for part in line.parts) != counts[line.total]:
            yield _at(line.total, spec, spec.count, f"the parts along {line.along} do not add up to it")
    yield from _told_by_totals(shown, counts, true, spec, policy)
    if spec.base:
        yield from _wrong_bases(shown, counts, spec, policy)
    wholes = _wholes(counts, spec)
    for key, cell in shown.items():
        whole = int(cell.figures[spec.base] or 0) if spec.base else wholes[_line(key, spec)]
        share = cell.figures[spec.share] if spec.share else None
        if share is not None and (not whole or abs(share - counts[key] / whole) > 10.0**-policy.share_decimals):
            yield _at(key, spec, str(spec.share), "the share is not that of the rounded counts")


def _told_by_totals(
    shown: Cells, counts: Mapping[Key, int], true: Cells, spec: ReleaseSpec, policy: Policy
) -> Iterator[Finding]:
    """A small count that is the only one of its line, or of its base, that may be rounded: the true total tells it."""
    lines: dict[tuple[str, Key], list[tuple[Key, int, int]]] = defaultdict(list)
    for key, count in counts.items():
        if _is_total(key, spec) or shown[key].status is not Status.OK or key not in true:
            continue
        cell = (key, count, int(true[key].figures[spec.count] or 0))
        for along in spec.additive:
            lines[along, tuple(code for d, code in _codes(key, spec) if d != along)].append(cell)
        if spec.base:
            lines["base", spec.base_key(key)].append(cell)
    for (along, _), cells in lines.items():
        if along == "base":
            key = cells[0][0]
            base, base_now = true[key].figures[str(spec.base)], shown[key].figures[str(spec.base)]
            rest = int(base or 0) - sum(persons for _, _, persons in cells)
            if rest:
                cells.append((key, int(base_now or 0) - sum(count for _, count, _ in cells), rest))
        small = [key for key, _, persons in cells if 0 < persons < policy.threshold]
        if small and len(cells) > 1 and sum(count % policy.threshold == 0 for _, count, _ in cells) < 2:
            yield _at(small[0], spec, spec.count, "whoever knows the total of its line knows it")


def _wrong_bases(shown: Cells, counts: Mapping[Key, int], spec: ReleaseSpec, policy: Policy) -> Iterator[Finding]:
    """A base is one figure, its rest is nobody or enough, and bases add up as their cells do."""
    bases: dict[Key, int] = {}
    inside: dict[Key, int] = defaultdict(int)
    for key, cell in shown.items():
        base = int(cell.figures[str(spec.base)] or 0)
        if bases.setdefault(spec.base_key(key), base) != base:
            yield _at(key, spec, str(spec.base), "another row shows another base")
        if not any(d not in spec.base_by and _is_total_code(d, code, spec) for d, code in _codes(key, spec)):
            inside[spec.base_key(key)] += counts[key]
        if base != counts[key] and base - counts[key] < policy.threshold:
            yield _at(key, spec, str(spec.base), "the others of the base are below the base of the rounding")
    by = tuple(d for d in spec.dimensions if d in spec.base_by)
    for base_key, base in bases.items():
        rest = base - inside[base_key]
        if 0 < base < policy.threshold or rest < 0 or 0 < rest < policy.threshold:
            yield Finding(words(base_key, by), str(spec.base), "the base or its rest is below the base of the rounding")
    for line in lines_of(bases, by, [d for d in spec.additive if d in by], spec.total_code):
        if line.total is not None and sum(bases[part] for part in line.parts) != bases[line.total]:
            yield Finding(words(line.total, by), str(spec.base), f"the parts along {line.along} do not add up to it")


# --------------------------------------------------------------------------------------------------------------- noise
def _of_noisy(cells: Cells, true: Cells, spec: ReleaseSpec, policy: Policy) -> Iterator[Finding]:
    """No figure below the threshold, tonight's near the truth but not all true, and no share of the true counts."""
    tonight = [(key, cell) for key, cell in cells.items() if cell.status is Status.OK and key in true]
    for column in _counted(spec):
        changes = []
        for key, cell in cells.items():
            figure = cell.figures[column]
            if figure is None or cell.status is Status.STRUCTURAL_ZERO:
                continue
            if figure < policy.threshold:
                yield _at(key, spec, column, "the figure is below the threshold")
            if cell.status is Status.OK and key in true:
                changes.append(int(figure) - int(true[key].figures[column] or 0))
                if abs(changes[-1]) > policy.noise.max_change:
                    yield _at(key, spec, column, "the figure is further from the truth than its noise may be")
        if len(changes) >= ENOUGH_TO_DIFFER and not any(changes):
            yield Finding("all cells", column, "the figures are the exact ones")
    for key, cell in tonight:
        count, base = int(cell.figures[spec.count] or 0), cell.figures[spec.base] if spec.base else None
        if base is not None and policy.protect_complements and base - count < policy.threshold:
            yield _at(key, spec, str(spec.base), "the others of the base are below the threshold")
    yield from _true_shares(tonight, true, spec, policy)


def _true_shares(tonight: list[tuple[Key, Cell]], true: Cells, spec: ReleaseSpec, policy: Policy) -> Iterator[Finding]:
    """Shares that are not of the noisy base, or not all of one noisy total of their line."""
    near = 10.0**-policy.share_decimals
    lines: dict[Key, list[tuple[Key, float, int]]] = defaultdict(list)
    for key, cell in tonight:
        count, share = int(cell.figures[spec.count] or 0), cell.figures[spec.share] if spec.share else None
        if share is None:
            continue
        if not spec.base:
            lines[_line(key, spec)].append((key, share, count))
        elif not cell.figures[spec.base] or abs(share - count / int(cell.figures[spec.base] or 0)) > near:
            yield _at(key, spec, str(spec.share), "the share is not that of the noisy figures")
    wholes = _wholes({key: int(cell.figures[spec.count] or 0) for key, cell in true.items()}, spec)
    for line, shown in lines.items():
        possible = range(max(1, wholes[line] - policy.noise.max_change), wholes[line] + policy.noise.max_change + 1)
        if not any(all(abs(share - count / whole) <= near for _, share, count in shown) for whole in possible):
            yield _at(shown[0][0], spec, str(spec.share), "shares of its line are not of one noisy total")


# ------------------------------------------------------------------------------------------------------------- reading
def _counted(spec: ReleaseSpec) -> tuple[str, ...]:
    return (spec.count, *([spec.base] if spec.base else []))


def _codes(key: Key, spec: ReleaseSpec) -> Iterator[tuple[str, Code]]:
    return zip(spec.dimensions, key, strict=True)


def _is_total_code(dimension: str, code: Code, spec: ReleaseSpec) -> bool:
    return dimension in spec.additive and dimension in spec.total_code and code == spec.total_code[dimension]


def _is_total(key: Key, spec: ReleaseSpec) -> bool:
    return any(_is_total_code(d, code, spec) for d, code in _codes(key, spec))


def _line(key: Key, spec: ReleaseSpec) -> Key:
    return tuple(code for d, code in _codes(key, spec) if d not in spec.additive[:1])


def _wholes(counts: Mapping[Key, int], spec: ReleaseSpec) -> dict[Key, int]:
    """By line along the first additive dimension, the sum of its counts."""
    sums: dict[Key, int] = defaultdict(int)
    for key, count in counts.items():
        if not any(d in spec.additive[:1] and _is_total_code(d, code, spec) for d, code in _codes(key, spec)):
            sums[_line(key, spec)] += count
    return sums


def _at(key: Key, spec: ReleaseSpec, column: str, why: str) -> Finding:
    return Finding(words(key, spec.dimensions), column, why)
