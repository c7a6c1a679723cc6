"""Sketches of cells: whether the same persons are in a cell as before, told without a row of any person.

Belongs here: making sketches in DuckDB and comparing them. Does not belong here: what a change means for a release
(`decision`), and where record keys come from.

A record key is a random 64-bit number of a person. A cell's sketch is, for each of 64 buckets (key mod 64), the sum of
its members' keys modulo 2^64 and their number. Sums know no order, so shards and engines agree. In a bucket the low six
bits of all keys are the same, so two different sets agree in a bucket with a chance of 2^-58. A sketch of a cell of one
person is that person's record key: sketches are pseudonymous data, and are kept encrypted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import duckdb
import numpy as np
import pandas as pd

from polku.disclosure.cells import ReleaseSpec, code_of
from polku.errors import Exit, Refusal

BUCKETS = 64


@dataclass(frozen=True)
class Sketches:
    """Sketches of many cells: `sums` (uint64) and `counts` (int64), each cells x BUCKETS."""

    sums: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, cells: int) -> Sketches:
        """Of cells that nobody is in."""
        return cls(np.zeros((cells, BUCKETS), np.uint64), np.zeros((cells, BUCKETS), np.int64))

    @classmethod
    def of_counts(cls, persons: np.ndarray) -> Sketches:
        """Of cells of which only the number of persons is known: the flow between two is at least their difference."""
        made = cls.empty(len(persons))
        made.counts[:, 0] = persons
        return made

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def persons(self) -> np.ndarray:
        """Members of each cell."""
        return np.asarray(self.counts.sum(axis=1))

    def at(self, rows: np.ndarray) -> Sketches:
        """The sketches of some cells; -1 stands for a cell that nobody is in."""
        found = Sketches(self.sums[rows], self.counts[rows]) if len(self) else Sketches.empty(len(rows))
        found.sums[rows < 0] = 0
        found.counts[rows < 0] = 0
        return found

    def with_others(self, others: Sketches) -> Sketches:
        """The members together with `others`, who must be none of them."""
        return Sketches(self.sums + others.sums, self.counts + others.counts)

    def without(self, part: Sketches) -> Sketches:
        """The members that are not in `part`, which must be a subset cell by cell."""
        return Sketches(self.sums - part.sums, self.counts - part.counts)


def flow_at_least(before: Sketches, after: Sketches) -> np.ndarray:
    """For each cell, at least how many persons entered or left it: never more than really did, 0 for the same set.

    In each bucket it is the difference of numbers, and at least one where the sums differ.
    """
    numbers = np.abs(after.counts - before.counts)
    return np.asarray(np.maximum(numbers, after.sums != before.sums).sum(axis=1))


def digests(sketches: Sketches, figures: np.ndarray | None = None) -> np.ndarray:
    """For each cell 16 bytes (as objects) that are the same where the same persons, and figures, are; None of nobody.

    A cell of nobody that has figures is not nothing: it is the same as any other empty cell.
    """
    rows = [sketches.sums.astype("<u8").view(np.uint8), sketches.counts.astype("<u4").view(np.uint8)]
    if figures is not None:
        rows.append(figures.reshape(len(sketches), -1).astype("<f8").view(np.uint8))
    width = sum(part.shape[1] for part in rows)
    whole, empty = np.concatenate(rows, axis=1).tobytes(), sketches.persons == 0
    made = np.empty(len(sketches), dtype=object)
    for i, nobody in enumerate(empty):
        if figures is not None or not nobody:
            made[i] = blake2b(whole[i * width : (i + 1) * width], digest_size=16).digest()
    return made


def keys_of(table: pd.DataFrame, dimensions: Sequence[str]) -> np.ndarray:
    """Each row's codes as one text (a JSON list), the same whatever pandas made of the columns' types."""
    text = pd.Series("[", index=range(len(table)), dtype=object)
    for i, dimension in enumerate(dimensions):
        places, codes = pd.factorize(table[dimension], use_na_sentinel=True)
        words = [json.dumps(code_of(code), default=str, ensure_ascii=False) for code in codes]
        text = text + ("," if i else "") + np.array([*words, "null"], dtype=object)[places]
    return np.asarray(text + "]", dtype=object)


def complement_by(spec: ReleaseSpec) -> tuple[str, ...] | None:
    """The dimensions that decide of whom a cell's members are a part; None where they are a part of nobody known.

    It is the base where the table has one, else all that are counted along the first additive dimension, of whom the
    published shares are.
    """
    if spec.base:
        return spec.base_by
    if spec.additive:
        return tuple(d for d in spec.dimensions if d != spec.additive[0])
    return None


def sketch(
    con: duckdb.DuckDBPyConnection, spec: ReleaseSpec, members: str, records: str
) -> tuple[np.ndarray, Sketches, Sketches]:
    """(keys, members, complements) of every cell of a table in which or in whose base anybody is.

    `members` is SQL of a relation with the table's dimensions, `person_key` and, where it lists the whole base,
    `is_counted`; one row per cell and person. `records` is SQL of a relation (person_key, record_key ubigint).
    Refuses (GATE_CLOSED) when a member has no record key: who comes and goes could not be told.
    """
    listed = [str(name) for name, *_ in con.execute(f"describe select * from {members}").fetchall()]
    counted = "is_counted" if "is_counted" in listed else "true"
    dimensions = ", ".join(spec.dimensions)
    # Read as it stands, several times where needed: the largest lists of members are read once, and a copy costs more.
    columns = f"{dimensions}, {counted} as is_counted, record_key"
    rows = f"(select {columns} from {members} left join {records} using (person_key))"
    by = complement_by(spec)
    if by is not None and set(by) == set(spec.dimensions):
        # A person is once in a cell, so that base and part come from one reading; the largest tables are so.
        keys, base, found = _summed(con, spec, rows, by)
        return keys, found, base.without(found)
    named, _, cells = _summed(con, spec, f"(from {rows} where is_counted)", spec.dimensions)
    every = con.execute(f"select distinct {dimensions} from {rows}").df()
    keys = keys_of(every, spec.dimensions)
    found = _at((named, cells), keys)
    if by is None:
        return keys, found, Sketches.empty(len(keys))
    base_rows = f"(select distinct {', '.join([*by, 'true as is_counted', 'record_key'])} from {rows})"
    named, base, _ = _summed(con, spec, base_rows, by)
    return keys, found, _at((named, base), keys_of(every, by)).without(found)


def _summed(
    con: duckdb.DuckDBPyConnection, spec: ReleaseSpec, rows: str, by: Sequence[str]
) -> tuple[np.ndarray, Sketches, Sketches]:
    """Keys of groups, the sketches of everybody in them, and of those who are counted."""
    total = "(coalesce(sum(record_key){}, 0) % 18446744073709551616)::ubigint"
    filtered = " filter (where is_counted)"
    found = con.execute(
        f"select {', '.join([*by, ''])} (record_key % {BUCKETS})::integer as bucket_no, {total.format('')} as key_sum, "
        f"count(*) as persons, {total.format(filtered)} as counted_sum, count(*){filtered} as counted_persons "
        f"from {rows} group by all"
    ).df()
    if found["bucket_no"].isna().any():
        raise Refusal(
            Exit.GATE_CLOSED,
            "some members of its cells have no record key.",
            "Record keys are drawn when the crosswalk is made: run the nightly job from landing on.",
            file=spec.name,
        )
    places, keys = pd.factorize(keys_of(found, by))
    everybody, counted = Sketches.empty(len(keys)), Sketches.empty(len(keys))
    for made, sums, persons in ((everybody, "key_sum", "persons"), (counted, "counted_sum", "counted_persons")):
        made.sums[places, found["bucket_no"]] = found[sums].to_numpy(np.uint64)
        made.counts[places, found["bucket_no"]] = found[persons].to_numpy(np.int64)
    return np.asarray(keys, dtype=object), everybody, counted


def _at(groups: tuple[np.ndarray, Sketches], keys: np.ndarray) -> Sketches:
    named, sketches = groups
    return sketches.at(pd.Index(named, dtype=object).get_indexer(pd.Index(keys, dtype=object)))
