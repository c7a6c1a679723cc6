"""What an attacker remembers of a release: its cells as they were then, and which of them are numbers known before.

Belongs here: reading a release of the ledger for the attack. Does not belong here: tables as one system (`linked`), and
what follows from several releases (`releases`). Shares with decision and protection the reading of cells and sketches.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow.compute as pc

from polku.disclosure.attack.linked import Place, place_of
from polku.disclosure.cells import Cell, Code, Finding, Key, ReleaseSpec, Status, words
from polku.disclosure.ledger.cell_file import PublicRelease
from polku.disclosure.ledger.sketch import complement_by, flow_at_least
from polku.disclosure.ledger.states import States
from polku.disclosure.policy import Policy

Digest = bytes | None
Seen = dict[tuple[str, str, int], tuple[Digest, Digest]]
"""Who was in a cell, and of whom it was a part, when its state began: by table, cell and number of the release."""


@dataclass(frozen=True)
class Remembered:
    """A release: cells by table and key, as they were then, and the `numbers` that its places stand for.

    A figure that stood for an earlier day is not there unless the same persons were in the cell still. `begun` are the
    places whose state began in this release. A place that is not among `numbers` is one of this release alone.
    """

    no: int
    day: date
    tables: Mapping[str, Mapping[Key, Cell]]
    numbers: Mapping[Place, bytes]
    begun: frozenset[Place]

    def version(self, place: Place) -> Hashable:
        """Which of the numbers of a place is meant."""
        return self.numbers.get(place, self.no)


def readable(release: PublicRelease, specs: Mapping[str, ReleaseSpec]) -> dict[str, ReleaseSpec]:
    """The declarations of those tables of a release that are declared in the same form as they were released."""
    return {
        name: specs[name]
        for name, columns in release.columns.items()
        if name in specs
        and specs[name].dimensions == release.dimensions[name]
        and {specs[name].count, specs[name].adding} <= set(columns)
    }


def with_codes_as_text(spec: ReleaseSpec) -> ReleaseSpec:
    """The declaration with its codes as the ledger's keys spell them: dates are text."""

    def plain(codes: Mapping[str, Code]) -> dict[str, Code]:
        return dict(json.loads(json.dumps(dict(codes), default=str)))

    zeros = tuple(plain(combination) for combination in spec.structural_zeros)
    return replace(spec, total_code=plain(spec.total_code), structural_zeros=zeros)


def remembered(release: PublicRelease, specs: Mapping[str, ReleaseSpec], seen: Seen) -> Remembered:
    """A release as it is remembered by who knows those before it; `seen` is taken on by what begins in it."""
    tables: dict[str, dict[Key, Cell]] = {}
    own: dict[Place, bytes] = {}
    totals: dict[Place, bytes] = {}
    begun: set[Place] = set()
    for name, spec in readable(release, specs).items():
        columns, cells = release.columns[name], {}
        for row in _rows(release, name):
            key: Key = tuple(json.loads(row["cell"]))
            now = row["members_now"], row["base_now"]
            if row["since"] == release.no:
                seen[name, row["cell"], release.no] = now
            then = seen.get((name, row["cell"], row["since"]), (None, None))
            cells[key] = _cell(
                key, row, columns, spec, [a is not None and a == b for a, b in zip(now, then, strict=True)]
            )
            place = place_of(name, spec, spec.adding, spec.dimensions, key)
            own.setdefault(place, now[0])
            if row["since"] == release.no:
                begun.add(place)
            if now[1] is not None:
                totals |= {place: now[1] for place in _whole_of(name, spec, key) if place not in totals}
        tables[name] = cells
    return Remembered(release.no, release.day, tables, totals | own, frozenset(begun))


def told_by_few(releases: Sequence[PublicRelease], specs: Mapping[str, ReleaseSpec], policy: Policy) -> list[Finding]:
    """Figures of the last release that differ from earlier ones of the same cell by too few persons.

    They are persons who entered or left the cell, or the rest of those of whom it is a part.
    """
    *earlier, last = releases
    found: dict[tuple[str, str], Finding] = {}
    for name, spec in readable(last, specs).items():
        now = last.begun(name)
        for release in earlier:
            if name in readable(release, specs):
                for key in _few_apart(now, release.begun(name), policy.threshold):
                    why = f"fewer persons than the policy asks for tell it from that of {release.day}"
                    at = words(tuple(json.loads(key)), spec.dimensions)
                    found.setdefault((name, at), Finding(f"{at} of {last.day}", spec.count, why, name))
    return list(found.values())


def _few_apart(now: States, then: States, threshold: int) -> Iterator[str]:
    """Cells that show two different figures with at least one and fewer persons than the threshold between them."""
    at = then.places_of(now.keys)
    both = np.flatnonzero((at >= 0) & ~np.isnan(now.figures).all(axis=1))
    then = then.at(at[both])
    now = now.at(both)
    figures = then.figures_in(now.columns)
    differ = ((figures != now.figures) & ~np.isnan(figures) & ~np.isnan(now.figures)).any(axis=1)
    few = np.zeros(len(now), dtype=bool)
    for one, other in ((then.members, now.members), (then.complements, now.complements)):
        persons = flow_at_least(one, other)
        few |= (persons > 0) & (persons < threshold)
    yield from now.keys[differ & few]


def _rows(release: PublicRelease, name: str) -> Iterator[dict[str, Any]]:
    cells = release.cells.filter(pc.equal(release.cells["table"], name))
    kept = cells.select(["cell", "status", "since", "figures", "members_now", "base_now"]).to_pylist()
    return (row for row in kept if row["status"] != Status.NOT_OBSERVED)


def _cell(key: Key, row: dict[str, Any], columns: Sequence[str], spec: ReleaseSpec, same: Sequence[bool]) -> Cell:
    """A cell as it was, if the same persons were in it, and it was a part of the same, as when its state began."""
    same_members, same_base = same
    counts = {spec.count, *spec.counts}
    valid = {column: same_members and (same_base or column in counts) for column in spec.with_cell}
    if spec.base:
        valid[spec.base] = same_base
    told = dict(zip(columns, row["figures"], strict=True))
    figures = {column: told.get(column) if valid[column] else None for column in valid}
    shown = figures[spec.adding] is not None
    status = Status(row["status"])
    if not (same_members and same_base and status.hidden):
        status = Status.OK if shown else Status.HELD_BACK
    return Cell(key, figures, figures[spec.count] == 0 and spec.is_impossible(key), status)


def _whole_of(name: str, spec: ReleaseSpec, key: Key) -> Iterator[Place]:
    """The places that stand for all of whom a cell is a part: its base, and the total of its line."""
    by = complement_by(spec)
    if spec.base:
        dimensions = tuple(d for d in spec.dimensions if d in spec.base_by)
        yield place_of(name, spec, spec.base, dimensions, spec.base_key(key))
    rest = [d for d in spec.additive if by is not None and set(by) == {*spec.dimensions} - {d}]
    if rest and not spec.counts:
        yield place_of(name, spec, spec.adding, spec.dimensions, key, without=rest[0])
