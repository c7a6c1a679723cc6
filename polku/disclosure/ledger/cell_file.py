"""The cells of a release as one table of Arrow: what the ledger writes and reads.

Belongs here: the columns, and the way between them and `States`. Does not belong here: files and chain.

A cell whose state did not begin in this release has no sketches here: they are in the release `since`. Who was in it is
compared from release to release by digests (`members_now`, `base_now`), which each release has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.disclosure.ledger.conclusion import Concluded
from polku.disclosure.ledger.decision import Verdict
from polku.disclosure.ledger.sketch import BUCKETS, Sketches
from polku.disclosure.ledger.states import States

_SKETCH = BUCKETS * (8 + 4)
"""Bytes of a sketch: 64 sums (uint64), then 64 numbers of persons (uint32), little-endian."""

SCHEMA = pa.schema(
    [
        ("table", pa.utf8()),
        ("cell", pa.utf8()),
        ("verdict", pa.utf8()),
        ("status", pa.utf8()),
        ("figure_as_of", pa.date32()),
        ("since", pa.int64()),
        ("figures", pa.list_(pa.float64())),
        ("members", pa.binary()),
        ("complements", pa.binary()),
        ("members_now", pa.binary()),
        ("base_now", pa.binary()),
    ]
)


@dataclass(frozen=True)
class PublicRelease:
    """A release as the ledger has it, or would have it: its number, its day, and all cells.

    `dimensions` and `columns` (those with figures) are by table. `protections` names the protection of tables that are
    not exact; their figures are rounded or noisy.
    """

    no: int
    day: date
    dimensions: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, tuple[str, ...]]
    cells: pa.Table
    protections: Mapping[str, str] = field(default_factory=dict)

    def begun(self, table: str) -> States:
        """The states of a table that began in this release."""
        return begun_of(self.cells, table, self.no, self.columns[table])


def cells_of(tables: Mapping[str, Concluded]) -> pa.Table:
    """Every cell of every table, in the tables' order."""
    made = [_cells(name, concluded) for name, concluded in tables.items()]
    return pa.concat_tables(made) if made else SCHEMA.empty_table()


def begun_by_table(releases: Iterable[PublicRelease]) -> dict[str, list[States]]:
    """The states that began in each of the releases, by table."""
    found: dict[str, list[States]] = {}
    for release in releases:
        for name in release.columns:
            found.setdefault(name, []).append(release.begun(name))
    return found


def begun_of(cells: pa.Table, table: str, no: int, columns: tuple[str, ...]) -> States:
    """The states of a table that began in release `no`."""
    begun = cells.filter((pc.field("table") == table) & (pc.field("since") == no)).combine_chunks()
    figures = pc.list_flatten(begun["figures"]).to_numpy(zero_copy_only=False).astype(np.float64)
    return States(
        columns,
        begun["cell"].to_numpy(zero_copy_only=False).astype(object),
        figures.reshape(len(begun), len(columns)),
        begun["status"].to_numpy(zero_copy_only=False).astype(object),
        begun["figure_as_of"].to_numpy(zero_copy_only=False).astype("datetime64[D]"),
        begun["since"].to_numpy(),
        _sketches(begun["members"]),
        _sketches(begun["complements"]),
    )


def _cells(name: str, concluded: Concluded) -> pa.Table:
    states, cells, width = concluded.states, len(concluded.states), len(concluded.states.columns)
    figures = pa.array(states.figures.reshape(-1), from_pandas=True)
    offsets = pa.array(np.arange(cells + 1, dtype=np.int32) * width)
    verdicts = np.array([verdict.name.lower() for verdict in Verdict], dtype=object)[concluded.verdict]
    return pa.table(
        [
            pa.array([name] * cells, pa.utf8()),
            pa.array(states.keys, pa.utf8()),
            pa.array(verdicts, pa.utf8()),
            pa.array(states.status.astype(str).astype(object), pa.utf8()),
            pa.array(states.as_of, pa.date32()),
            pa.array(states.since, pa.int64()),
            pa.ListArray.from_arrays(offsets, figures),
            _bytes(states.members, concluded.begins),
            _bytes(states.complements, concluded.begins),
            pa.array(concluded.members_now, pa.binary()),
            pa.array(concluded.base_now, pa.binary()),
        ],
        schema=SCHEMA,
    )


def _bytes(sketches: Sketches, told: np.ndarray) -> pa.Array:
    rows = np.concatenate(
        [sketches.sums.astype("<u8").view(np.uint8), sketches.counts.astype("<u4").view(np.uint8)], axis=1
    )
    whole = rows.tobytes()
    pieces = [whole[i * _SKETCH : (i + 1) * _SKETCH] if begins else None for i, begins in enumerate(told)]
    return pa.array(pieces, pa.binary())


def _sketches(column: pa.ChunkedArray) -> Sketches:
    rows = np.frombuffer(b"".join(column.to_pylist()), np.uint8).reshape(-1, _SKETCH)
    sums, counts = rows[:, : BUCKETS * 8].copy(), rows[:, BUCKETS * 8 :].copy()
    return Sketches(sums.view("<u8").astype(np.uint64), counts.view("<u4").astype(np.int64))
