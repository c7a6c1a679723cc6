"""Seeded draws: one independent random stream per named part of the twin.

Belongs here: random numbers and the few ways they are used everywhere. Does not belong here: any
assumption about persons or registers.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
Dates = npt.NDArray[np.datetime64]


def stream(seed: int, part: str) -> np.random.Generator:
    """The random stream of one part: another part may draw more or less without changing this one."""
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def pick_rows(rng: np.random.Generator, weights: Any, rows: npt.NDArray[Any]) -> Ints:
    """For every element of `rows` a column of `weights` (rows x columns), in proportion to that row's weights."""
    cumulated = np.cumsum(np.asarray(weights, dtype=float), axis=1)
    cumulated /= cumulated[:, -1:]
    chosen: Ints = (rng.random(len(rows))[:, None] > cumulated[rows]).sum(axis=1)
    return chosen


def pick(rng: np.random.Generator, weights: Any, size: int) -> Ints:
    """`size` positions in `weights`, in proportion to the weights."""
    cumulated = np.cumsum(np.asarray(weights, dtype=float))
    return np.searchsorted(cumulated / cumulated[-1], rng.random(size), side="right")


def in_month(months: Any, days: Any) -> Dates:
    """The day `days` (0 = the first) of each of `months` (datetime64[M])."""
    first: Dates = np.asarray(months).astype("datetime64[M]").astype("datetime64[D]")
    dates: Dates = first + np.asarray(days)
    return dates
