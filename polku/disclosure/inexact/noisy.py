"""A released table with noise of record keys instead of exact figures.

Belongs here: which counts of a mart get which noise, and which are hidden all the same. Does not belong here: the noise
(`cell_key`), and what may change since earlier releases (`ledger`).

Noise comes from the sketches that the ledger compares releases by: the sum of all record keys of a cell is the sum of
its sketch. So the same persons have the same noise in every table and every night.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from polku.disclosure.cell_key import KEYS, NoiseTable, design
from polku.disclosure.cells import Key, ReleaseSpec, Status, read_cells
from polku.disclosure.ledger.sketch import Sketches, complement_by
from polku.disclosure.policy import Policy
from polku.disclosure.protection.release import keys_in, released_form, with_every_cell


def noisy(
    table: pd.DataFrame,
    spec: ReleaseSpec,
    policy: Policy,
    members: Sketches,
    complements: Sketches,
    forced: Collection[Key] = (),
) -> pd.DataFrame:
    """The released form of a mart with noisy counts; sketches have an entry for each row of `table`.

    Bases, and the totals that shares are of, have the noise of their own persons. Hidden are cells that are below the
    threshold with their noise, those of which base or others are, and those `forced`. A share is of noisy figures;
    every other measure is left out: exact, it would give counts away.
    """
    noise = design(policy.noise.max_change, policy.noise.variance)
    rows = with_every_cell(table, spec) if policy.protect_zeros else table
    keys = keys_in(rows, spec)
    listed = keys[: len(table)]
    persons = table[spec.count].fillna(0).to_numpy(np.int64)
    counts = dict.fromkeys(keys, 0) | dict(zip(listed, _noisy(persons, members, noise), strict=True))
    wholes = _wholes(table, spec, listed, members.with_others(complements), noise)
    status, shares = {}, []
    for key, cell in zip(keys, map(read_cells(rows, spec).__getitem__, keys), strict=True):
        whole = wholes.get(_whole_of(key, spec))
        shares.append(counts[key] / whole if whole else None)
        if cell.figures[spec.count] is not None:
            hidden = key in forced or _is_small(counts[key], whole, spec, policy)
            shown = Status.PRIMARY if hidden else Status.OK
            status[key] = Status.STRUCTURAL_ZERO if cell.structural else shown
    left_out = dict.fromkeys(spec.measures, None)
    figures = {spec.count: [counts[key] for key in keys]} | ({spec.share: shares} if spec.share else {})
    if spec.base:
        figures[spec.base] = [wholes.get(_whole_of(key, spec), 0) for key in keys]
    bases = {spec.base_key(key) for key in keys if spec.base}
    small = {base for base in bases if wholes.get(base, 0) < policy.threshold}
    return released_form(rows.assign(**left_out | figures), spec, policy, status, small)


def _is_small(count: int, whole: int | None, spec: ReleaseSpec, policy: Policy) -> bool:
    """Whether a noisy count, the whole that it is a part of, or the others of a base are below the threshold."""
    others = policy.threshold if spec.base and policy.protect_complements else 0
    return count < policy.threshold or (whole is not None and (whole < policy.threshold or whole - count < others))


def _whole_of(key: Key, spec: ReleaseSpec) -> Key | None:
    """The name of that which a cell is a part of, as `sketch.complement_by` has it."""
    by = complement_by(spec)
    return None if by is None else tuple(c for d, c in zip(spec.dimensions, key, strict=True) if d in by)


def _wholes(
    table: pd.DataFrame, spec: ReleaseSpec, keys: list[Key], everybody: Sketches, noise: NoiseTable
) -> dict[Key | None, int]:
    """Bases, or totals that shares are of, with the noise of their persons."""
    persons = table[spec.base].fillna(0).to_numpy(np.int64) if spec.base else everybody.persons
    figures = _noisy(persons, everybody, noise)
    # A cell that nobody is in has no sketch, nor has its complement; another cell of its whole has, and comes last.
    order = np.argsort(everybody.persons, kind="stable")
    return {whole: int(figures[i]) for i in order if (whole := _whole_of(keys[i], spec)) is not None}


def _noisy(persons: NDArray[np.int64], sketches: Sketches, noise: NoiseTable) -> NDArray[np.int64]:
    keys = sketches.sums.sum(axis=1, dtype=np.uint64) % np.uint64(KEYS)
    return persons + noise.noise(persons, keys.astype(np.int64))
