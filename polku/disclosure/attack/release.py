"""The attacker of the gate: which hidden figures an outsider can work out from the protected tables of a release.

Belongs here: what follows from the tables of one release, and by which lines. Does not belong here: what each table
shows by itself (`views`), how tables are one system (`linked`), and hiding anything. Shares with the protection
nothing but the reading of cells and the policy.

The attacker knows every published figure of all tables, every line and total, that figures are whole and not
negative, at A1 the rule, at A2 the marks of gaps as well. Earlier releases are tried in `releases`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from polku.disclosure.attack.facts import Facts
from polku.disclosure.attack.intervals import component_parts
from polku.disclosure.attack.linked import LEVELS, Ends, LinkedTables, believed
from polku.disclosure.attack.rows import ALMOST, folded
from polku.disclosure.attack.shortest import Prover
from polku.disclosure.cells import Cell, Finding, Key, ReleaseSpec, Status, read_cells, words
from polku.disclosure.policy import Policy

if TYPE_CHECKING:
    import pandas as pd


def recover_all(
    tables: Mapping[str, tuple[pd.DataFrame, ReleaseSpec]], policy: Policy, level: str = "A2"
) -> list[Finding]:
    """Hidden figures of a release that follow from its published ones; an empty list is the goal.

    `tables` by name; those of one `population` are linked. Refuses (GATE_CLOSED) a table that cannot be read as its
    declaration says. A mark or a rule that contradicts the figures tells the attacker nothing.
    """
    findings: list[Finding] = []
    system = LinkedTables()
    for name, (table, spec) in tables.items():
        cells = read_cells(table, spec)
        findings += _left_standing(cells, spec, name)
        system.take(name, cells, spec, policy)
    return findings + list(_given_away(system, LEVELS.index(level)))


def recover(table: pd.DataFrame, spec: ReleaseSpec, policy: Policy) -> list[Finding]:
    """The same for one table alone."""
    return recover_all({spec.name: (table, spec)}, policy)


def _left_standing(cells: Mapping[Key, Cell], spec: ReleaseSpec, table: str) -> Iterator[Finding]:
    """Figures that still stand in a hidden cell, and hidden bases that other figures show."""
    shown_bases = {spec.base_key(k) for k, cell in cells.items() if spec.base and cell.figures[spec.base]}
    for cell in cells.values():
        at = words(cell.key, spec.dimensions)
        if cell.status is None or cell.status.hidden:
            for column in spec.with_cell:
                if cell.figures[column] is not None:
                    yield Finding(at, column, "the cell is not cleared but this figure of it is published", table)
        if spec.base and cell.figures[spec.base] is None and cell.status is not Status.NOT_OBSERVED:
            if spec.base_key(cell.key) in shown_bases:
                yield Finding(at, spec.base, "another row shows the same base", table)
            elif cell.figures[spec.count] is not None and spec.share and cell.figures[spec.share] is not None:
                yield Finding(at, spec.base, "it is the count divided by its share", table)


def _given_away(system: LinkedTables, first: int) -> Iterator[Finding]:
    """Every gap of which one value is left, and the lines that leave it."""
    facts = system.facts(range(len(system.terms)))
    known = [np.array(level, dtype=np.float64).reshape(-1, 2) for level in system.known]
    wanted = np.zeros(len(system.position), dtype=bool)
    wanted[[at for at, _ in system.gaps]] = True
    bounds, (low, high) = believed(facts, known, first, wanted)
    exact = wanted & (high - low <= ALMOST)
    why = _reasons(system, facts, bounds, {int(at): float(low[at]) for at in np.flatnonzero(exact)})
    for at, finding in system.gaps:
        if exact[at]:
            yield Finding(finding.cell, finding.column, why[at], finding.table)


def _reasons(system: LinkedTables, facts: Facts, ends: Ends, values: Mapping[int, float]) -> dict[int, str]:
    """The lines of the shortest proof; all together where whole numbers are needed to see it."""
    low, high = ends
    alone = "what is known of it by itself leaves one number"
    shown = {at: system.shown_by[at] for at in values if at in system.shown_by}
    found = {at: alone for at in values if low[at] == high[at]} | shown
    rows = folded(facts, low, high)
    for part in component_parts(rows, low, high, np.ones(len(low), dtype=bool)):
        mine = [int(at) for at in np.intersect1d(part.cells, list(values)) if int(at) not in found]
        numbers = rows.fact[part.rows]
        prover = Prover(part.problem, np.diff(facts.start)[numbers].astype(np.float64)) if mine else None
        for at in mine:
            column = int(np.searchsorted(part.cells, at))
            used: dict[str, None] = {}
            bounds = False
            for sign in (1, -1):
                proof = prover.proof(column, sign, values[at], 0.999) if prover else None
                if proof:
                    used |= dict.fromkeys(system.said[int(numbers[row])] for row in sorted(proof.facts))
                    bounds |= bool(proof.bounds)
            lines = " and ".join(used) or "all lines together"
            found[at] = f"one number is left by {lines}" if bounds or not used else f"it follows from {lines}"
    return found
