"""A released table whose small counts are rounded, so that all its sums add up.

Belongs here: which counts of a mart are inner cells, and when a rounded table may be made anew. Does not belong here:
how inner cells are rounded (`rounding`), and what is public of them (`ledger`).

Two roundings of nearly the same persons tell of those who came or went. So a rounded table stands whole: it is made
anew only when in every cell nobody or at least T persons came or went since it was ever public. An inner cell of the
same persons as in any earlier release keeps its figure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray
from scipy.sparse import csr_matrix, vstack

from polku.disclosure.cells import STATUS, Cell, Key, ReleaseSpec, Status, code_of, read_cells, sort_key
from polku.disclosure.ledger.decision import Decision, Verdict
from polku.disclosure.ledger.sketch import Sketches, flow_at_least, keys_of
from polku.disclosure.ledger.states import NEVER, States, figure_columns
from polku.disclosure.policy import Policy
from polku.disclosure.protection.release import keys_in, released_form, with_every_cell
from polku.disclosure.rounding import rounded_inner
from polku.errors import Exit, Refusal


def as_a_whole(decision: Decision) -> Decision:
    """The decision about a table that stands as it is or is made anew, but never in parts."""
    seen = decision.latest.since != NEVER
    verdict = decision.verdict
    waits = np.isin(verdict, (Verdict.HELD, Verdict.NOT_OBSERVED)) & seen
    is_news = np.isin(verdict, (Verdict.NEW, Verdict.CHANGED))
    if seen.any() and (waits.any() or not is_news.any()):
        stands = np.where(verdict == Verdict.UNCHANGED, Verdict.UNCHANGED, Verdict.HELD)
        return replace(decision, verdict=np.where(seen, stands, verdict))
    return replace(decision, verdict=np.where(verdict == Verdict.UNCHANGED, Verdict.CHANGED, verdict))


def rounded(
    table: pd.DataFrame, spec: ReleaseSpec, policy: Policy, decision: Decision, history: Sequence[States]
) -> tuple[pd.DataFrame, Decision]:
    """The released form of a mart with rounded counts, and what becomes of it: it stands whole or is made anew.

    Inner cells are the counts that are no totals, and of every base those who are in none of them. Where a small one
    would be the only rounded one of its line, who knows the total would know it: another one is then rounded to a
    multiple of the threshold as well. A table that stands has the rows that were public; their figures are laid over it
    (`ledger.conclusion`). Every measure but the share is left out. Refuses (GATE_CLOSED) a mart whose cells do not add
    up to its totals or bases, or whose lines leave no other cell to round though nothing was ever public.
    """
    decision = as_a_whole(decision)
    if decision.stands.any():
        return _standing(table, spec, decision), decision
    rows = with_every_cell(table, spec) if policy.protect_zeros else table
    cells = {key: cell for key, cell in read_cells(rows, spec).items() if cell.figures[spec.count] is not None}
    inner = _Inner.of(cells, spec)
    present = decision.present
    settled = np.full(len(inner.true), np.nan)
    mine = inner.sketches(present.keys, present.members, present.complements)
    for states in history:
        same = flow_at_least(inner.sketches(states.keys, states.members, states.complements), mine) == 0
        before = inner.figures(states)
        settled = np.where(same & ~np.isnan(before), before, settled)
    also = inner.partners(policy.threshold, settled)
    if also is None:
        return _waiting(table, spec, decision)
    counts, bases = inner.published(rounded_inner(inner.with_totals, inner.true, policy.threshold, settled, also))
    keys = keys_in(rows, spec)
    whole = {key: bases[spec.base_key(key)] for key in cells} if spec.base else _line_totals(counts, spec)
    figures = {measure: _column([None] * len(keys)) for measure in spec.measures}
    figures[spec.count] = _column([counts.get(key) for key in keys])
    if spec.base:
        figures[spec.base] = _column([whole.get(key) for key in keys])
    if spec.share:
        figures[spec.share] = _column([counts[key] / whole[key] if whole.get(key) else None for key in keys])
    status = {key: Status.STRUCTURAL_ZERO if cell.structural else Status.OK for key, cell in cells.items()}
    return released_form(rows.assign(**figures), spec, policy, status, set()), decision


def _column(figures: Sequence[float | None]) -> ExtensionArray:
    return pd.array(figures, dtype="Float64")


@dataclass(frozen=True)
class _Inner:
    """Inner cells: `leaves` (keys of rows that are no totals), then `rests`, for each base those in none of its leaves.

    `true` are their persons; `rows` and `bases` are the keys of published counts and bases, in the order of the rows of
    `parts` (published times inner). `lines` are inner cells whose sum may be known to anybody: along each additive
    dimension, and of each base.
    """

    spec: ReleaseSpec
    leaves: list[Key]
    rests: list[Key]
    true: NDArray[np.int64]
    rows: list[Key]
    bases: list[Key]
    parts: csr_matrix
    lines: list[NDArray[np.int64]]

    @classmethod
    def of(cls, cells: dict[Key, Cell], spec: ReleaseSpec) -> _Inner:
        """The inner cells of a mart. Refuses (GATE_CLOSED) cells that do not add up."""
        total = {d: code for d, code in spec.total_code.items() if d in spec.additive}

        def above(key: Key, dimensions: Sequence[str]) -> list[Key]:
            ways = ((c, total[d]) if d in total else (c,) for d, c in zip(dimensions, key, strict=True))
            return list(product(*ways))

        def is_total(key: Key, dimensions: Sequence[str]) -> bool:
            return any(d in total and code == total[d] for d, code in zip(dimensions, key, strict=True))

        by = tuple(d for d in spec.dimensions if d in spec.base_by)
        persons = {key: int(cell.figures[spec.count] or 0) for key, cell in cells.items()}
        base_of = {spec.base_key(k): int(c.figures[spec.base] or 0) for k, c in cells.items()} if spec.base else {}
        leaves = [key for key in cells if not is_total(key, spec.dimensions)]
        rests = [key for key in base_of if not is_total(key, by)]
        inside = dict.fromkeys(rests, 0)
        for key in leaves:
            if spec.base:
                inside[spec.base_key(key)] += persons[key]
        true = [persons[key] for key in leaves] + [base_of[key] - inside[key] for key in rests]
        rows, bases = list(cells), list(base_of)
        at_row = {key: i for i, key in enumerate(rows)}
        at_base = {key: len(rows) + i for i, key in enumerate(bases)}
        places = [[at_row[up] for up in above(key, spec.dimensions) if up in at_row] for key in leaves]
        for place, key in zip(places, leaves, strict=True):
            place += [at_base[up] for up in above(spec.base_key(key), by) if up in at_base] if spec.base else []
        places += [[at_base[up] for up in above(key, by) if up in at_base] for key in rests]
        column = [number for number, place in enumerate(places) for _ in place]
        row = [at for place in places for at in place]
        parts = csr_matrix((np.ones(len(row), np.int64), (row, column)), shape=(len(rows) + len(bases), len(true)))
        grouped: dict[tuple[str, Key], list[int]] = {}
        for i, key in enumerate(leaves):
            for along in spec.additive:
                line = tuple(code for d, code in zip(spec.dimensions, key, strict=True) if d != along)
                grouped.setdefault((along, line), []).append(i)
            if spec.base:
                grouped.setdefault(("base", spec.base_key(key)), []).append(i)
        for i, key in enumerate(rests, start=len(leaves)):
            if true[i]:
                grouped.setdefault(("base", key), []).append(i)
        lines = [np.array(own, dtype=np.int64) for own in grouped.values()]
        made = cls(spec, leaves, rests, np.array(true, dtype=np.int64), rows, bases, parts, lines)
        if (made.true < 0).any() or made.published(made.true) != (persons, base_of):
            raise Refusal(
                Exit.GATE_CLOSED,
                "cells do not add up to their totals or bases, so they cannot be rounded.",
                "Mend the mart, or choose another protection.",
                file=spec.name,
            )
        return made

    @property
    def with_totals(self) -> csr_matrix:
        """`parts`, and the totals that have no row: shares are of them, so they should stay near as well."""
        if self.spec.base:
            return self.parts
        row = np.repeat(np.arange(len(self.lines)), [len(line) for line in self.lines])
        column = np.concatenate([*self.lines, np.empty(0, np.int64)])
        return vstack(
            [self.parts, csr_matrix((np.ones(len(row), np.int64), (row, column)), (len(self.lines), len(self.true)))]
        ).tocsr()

    def partners(self, threshold: int, settled: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Larger cells to round as well, so that no line has a single cell that may be rounded; None if there are none.

        A figure that is a multiple of the threshold may be rounded or true, a 0 among them.
        """
        small = (self.true > 0) & (self.true < threshold)
        open_ = np.isnan(settled)
        may_be_rounded = np.where(open_, small | (self.true % threshold == 0), settled % threshold == 0)
        also = np.zeros(len(self.true), dtype=bool)
        for line in self.lines:
            known = may_be_rounded[line] | also[line]
            if len(line) == 1 or not small[line].any() or known.sum() > 1:
                continue
            free = line[~known & open_[line]]
            if not len(free):
                return None
            also[free[np.argmin(self.true[free])]] = True
        return also

    def published(self, inner: NDArray[np.int64]) -> tuple[dict[Key, int], dict[Key, int]]:
        """Counts and bases by key, of figures of the inner cells."""
        sums = [int(figure) for figure in self.parts @ inner]
        return dict(zip(self.rows, sums, strict=False)), dict(zip(self.bases, sums[len(self.rows) :], strict=True))

    def sketches(self, keys: np.ndarray, members: Sketches, complements: Sketches) -> Sketches:
        """Who is in each inner cell, from sketches of the rows that `keys` name; nobody in rows that it lacks."""
        at = self._places(keys)
        leaves, others = members.at(at), complements.at(at)
        rests = Sketches.empty(len(self.rests))
        for i, own in enumerate(self._of_rests()):
            # The leaf with most persons in its base: an empty one has no sketch, nor have its others.
            base = leaves.at(own).with_others(others.at(own))
            fullest = base.at(np.array([int(base.persons.argmax())])) if len(own) else Sketches.empty(1)
            rests.sums[i] = fullest.sums[0] - leaves.sums[own].sum(axis=0, dtype=np.uint64)
            rests.counts[i] = fullest.counts[0] - leaves.counts[own].sum(axis=0)
        return Sketches(np.vstack([leaves.sums, rests.sums]), np.vstack([leaves.counts, rests.counts]))

    def figures(self, states: States) -> NDArray[np.float64]:
        """What was published of each inner cell, NaN where nothing was or a part of it was not."""
        at = self._places(states.keys)
        known = np.append(states.figures, np.full((1, len(states.columns)), np.nan), axis=0)[at]
        counts = known[:, states.columns.index(self.spec.count)]
        if not self.spec.base:
            return np.asarray(counts)
        bases = known[:, states.columns.index(self.spec.base)]
        rests = [bases[own].max() - counts[own].sum() if len(own) else np.nan for own in self._of_rests()]
        return np.append(counts, rests)

    def _places(self, keys: np.ndarray) -> np.ndarray:
        codes = pd.DataFrame(self.leaves, columns=list(self.spec.dimensions), dtype=object)
        wanted = keys_of(codes, self.spec.dimensions)
        return np.asarray(pd.Index(keys, dtype=object).get_indexer(pd.Index(wanted, dtype=object)))

    def _of_rests(self) -> list[NDArray[np.int64]]:
        """For each rest the places of the leaves of its base."""
        of: dict[Key, list[int]] = {key: [] for key in self.rests}
        for i, key in enumerate(self.leaves):
            if self.spec.base:
                of[self.spec.base_key(key)].append(i)
        return [np.array(own, dtype=np.int64) for own in of.values()]


def _line_totals(counts: dict[Key, int], spec: ReleaseSpec) -> dict[Key, int]:
    """By cell the sum along the first additive dimension, of which shares are; without one there is none."""
    if not spec.additive:
        return {}
    at, total = spec.dimensions.index(spec.additive[0]), spec.total_code
    sums: dict[Key, int] = {}
    for key, persons in counts.items():
        if spec.additive[0] not in total or key[at] != total[spec.additive[0]]:
            line = key[:at] + key[at + 1 :]
            sums[line] = sums.get(line, 0) + persons
    return {key: sums.get(key[:at] + key[at + 1 :], 0) for key in counts}


def _waiting(table: pd.DataFrame, spec: ReleaseSpec, decision: Decision) -> tuple[pd.DataFrame, Decision]:
    """The table stands, since every line that could hide a small cell has been public with its true figures."""
    seen = decision.latest.since != NEVER
    if not seen.any():
        raise Refusal(
            Exit.GATE_CLOSED,
            "a small count would be the only rounded one of its line.",
            "Choose another protection.",
            file=spec.name,
        )
    waits = replace(decision, verdict=np.where(seen, Verdict.HELD, decision.verdict))
    return _standing(table, spec, waits), waits


def _standing(table: pd.DataFrame, spec: ReleaseSpec, decision: Decision) -> pd.DataFrame:
    """The rows that were public, without their figures, in the order of their codes."""
    dated = [any(isinstance(code_of(code), date) for code in table[d]) for d in spec.dimensions]
    keys = sorted(
        (
            tuple(
                date.fromisoformat(c) if is_date and c is not None else c
                for c, is_date in zip(codes, dated, strict=True)
            )
            for codes in map(json.loads, decision.present.keys[decision.stands])
        ),
        key=sort_key,
    )
    rows = pd.DataFrame({d: pd.array([key[i] for key in keys]) for i, d in enumerate(spec.dimensions)})
    columns = figure_columns(spec)
    counted = (spec.count, spec.base)
    now = dict(zip(keys_in(table, spec), table.index, strict=True))
    for column in table.columns.difference(list(spec.dimensions), sort=False):
        if column in columns:
            rows[column] = pd.array([None] * len(keys), dtype="Int64" if column in counted else "Float64")
        else:
            rows[column] = pd.Series([table.at[now[key], column] if key in now else None for key in keys], dtype=object)
    return rows[list(table.columns)].assign(**{STATUS: str(Status.OK)})
