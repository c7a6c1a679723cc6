"""What is read off another cell of the same persons: shown there, hidden here.

Belongs here: the facts behind the gate `same_persons_hidden_alike`, from protected tables and sketches alone. Does not
belong here: hiding (`protection.alike`, with which it shares no code), and cells over several releases (`releases`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polku.disclosure.cells import Cell, Finding, Key, ReleaseSpec, read_cells, words

if TYPE_CHECKING:
    from polku.disclosure.ledger.night import CellSketches, Tables


@dataclass(frozen=True)
class _Told:
    """A cell and whether its persons, or the rest of its base, are meant."""

    table: str
    spec: ReleaseSpec
    cell: Cell
    are_rest: bool

    @property
    def is_shown(self) -> bool:
        return self.cell.figures[self.spec.count] is not None

    @property
    def is_hidden(self) -> bool:
        return self.cell.status is not None and self.cell.status.hidden

    def __str__(self) -> str:
        rest = "the rest of the base at " if self.are_rest else ""
        return f"{rest}{self.table}: {words(self.cell.key, self.spec.dimensions)}"


def recover_alike(
    tables: Tables, sketches: CellSketches, kept: Mapping[str, Collection[Key]] | None = None
) -> list[Finding]:
    """Hidden cells of whose persons, or of the rest of whose base, another cell is shown; an empty list is the goal.

    `kept` are by table cells that were shown before tonight, with the same persons: they are known whatever is hidden.
    Refuses (GATE_CLOSED) a table that cannot be read as it is declared.
    """
    kept = kept or {}
    same: dict[tuple[bytes, bytes], list[_Told]] = defaultdict(list)
    for name, (table, spec) in tables.items():
        for who, told in _of(name, spec, list(read_cells(table, spec).values()), sketches):
            same[who].append(told)
    return list(_given_away(same, kept))


def _of(
    name: str, spec: ReleaseSpec, cells: Collection[Cell], sketches: CellSketches
) -> Iterator[tuple[tuple[bytes, bytes], _Told]]:
    if name not in sketches:
        return
    keys, members, others = sketches[name]
    spelled = {tuple(json.loads(key)): no for no, key in enumerate(keys)}
    for cell in cells:
        no = spelled.get(tuple(json.loads(json.dumps(cell.key, default=str))))
        for sketch, are_rest in ((members, False), (others, True)):
            if no is not None and sketch.counts[no].any():
                yield (sketch.sums[no].tobytes(), sketch.counts[no].tobytes()), _Told(name, spec, cell, are_rest)


def _given_away(
    same: Mapping[tuple[bytes, bytes], list[_Told]], kept: Mapping[str, Collection[Key]]
) -> Iterator[Finding]:
    for cells in same.values():
        shown = [told for told in cells if told.is_shown and told.cell.key not in kept.get(told.table, ())]
        for told in cells if shown else ():
            if told.is_hidden:
                why = f"the same persons are counted at {shown[0]}, which is shown"
                yield Finding(words(told.cell.key, told.spec.dimensions), told.spec.count, why, told.table)
