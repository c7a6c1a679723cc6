"""Cell-key noise: the same persons get the same noise wherever they are counted, for many tables asked at any time.

Belongs here: the noise table and its lookup by record keys. Does not belong here: tables that must add up (`rounding`),
hiding cells (`protect`). True counts never leave this module.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from polku.disclosure.dimensions import Dimension
from polku.disclosure.margins import margins_of
from polku.errors import Exit, Refusal
from polku.sql_text import quoted

KEY_BITS = 32
KEYS = 1 << KEY_BITS
Zeros = Literal["stay", "move"]


@dataclass(frozen=True)
class NoiseTable:
    """How noise is drawn: the greatest change, the variance, and by count what part of the keys gives which noise.

    `shares[n]` are the shares of noise -max_change ... max_change for a count of n; from max_change persons on all are
    alike. `shares[0]` is for zeros that move. `cuts` are the same as bounds of cell keys.
    """

    max_change: int
    variance: float
    zeros: Zeros
    shares: NDArray[np.float64]

    @property
    def cuts(self) -> NDArray[np.int64]:
        """By count: cell keys below `cuts[i]`, and not below `cuts[i - 1]`, give the i-th noise."""
        cuts = np.rint(np.cumsum(self.shares, axis=1) * KEYS).astype(np.int64)
        cuts[:, -1] = KEYS
        return cuts

    def noise(self, counts: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The noise of cells with these counts and cell keys (0 to 2^32 - 1)."""
        rows = np.minimum(counts, self.max_change)
        return np.asarray((keys[:, None] >= self.cuts[rows]).sum(axis=1) - self.max_change, dtype=np.int64)

    @property
    def guarantee(self) -> str:
        """What a reader of the table is told."""
        zero = (
            "A 0 stays 0: noise that is right on average cannot be added to it without counts below 0, and some 0 in "
            "the table stand for a few persons, so that a 0 does not prove that there was nobody."
            if self.zeros == "stay"
            else f"A 0 moves too, upwards alone, by {self.bias_of_zero:.2f} on average: a small figure does not prove "
            "that there was somebody."
        )
        return (
            f"Noise is added to every count: at most {self.max_change} up or down, right on average, with variance "
            f"{self.variance:g}. The same persons have the same noise in any table and at any time. Figures do not add "
            f"up. {zero}"
        )

    @property
    def bias_of_zero(self) -> float:
        """The mean of the noise of a zero."""
        return float(self.shares[0] @ np.arange(-self.max_change, self.max_change + 1))


def design(max_change: int, variance: float, zeros: Zeros = "stay") -> NoiseTable:
    """The noise table with the most entropy of all that keep mean 0, this variance, and no count below 0.

    Source of the conditions: Fraser and Wooton 2005, Marley and Leaver 2011 (Australian Bureau of Statistics), Giessing
    2016 (maximum entropy). The solution p(v) = exp(a v + b v^2) is found from its two conditions. Zeros that move have
    the same mean square, since a mean of 0 would leave them where they are.

    Raises ValueError where a count of 1, which can fall by 1 at most, could not have this variance: it must be above 0
    and below `max_change`.
    """
    if max_change < 1 or not 0 < variance < max_change:
        raise ValueError("the variance must be above 0 and below the greatest change")
    values = np.arange(-max_change, max_change + 1)
    shares = np.zeros((max_change + 1, len(values)))
    for count in range(1, max_change + 1):
        reached = values >= -count
        shares[count, reached] = _most_entropy(values[reached], variance, mean=0.0)
    upwards = values >= 0
    shares[0, upwards] = (
        _most_entropy(values[upwards], variance, mean=None) if zeros == "move" else values[upwards] == 0
    )
    return NoiseTable(max_change, variance, zeros, shares)


def _most_entropy(values: NDArray[np.int64], mean_square: float, mean: float | None) -> NDArray[np.float64]:
    """The distribution of most entropy with this mean square, and this mean where one is asked: the dual is convex."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    features = np.stack([values**2, values] if mean is not None else [values**2]).astype(float)
    wanted = np.array([mean_square, mean] if mean is not None else [mean_square])

    def shares_of(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        exponents = weights @ features
        return np.asarray(np.exp(exponents - logsumexp(exponents)))

    def dual(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        return float(logsumexp(weights @ features) - weights @ wanted), features @ shares_of(weights) - wanted

    def curvature(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = shares_of(weights)
        centred = features - (features @ shares)[:, None]
        return np.asarray((centred * shares) @ centred.T)

    found = minimize(
        dual, np.zeros(len(wanted)), jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-11}
    )
    shares = shares_of(found.x)
    if np.abs(features @ shares - wanted).max() > 1e-6:
        raise ValueError("no distribution of noise keeps these conditions; ask for another variance")
    return shares


def perturbed(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    dimensions: Mapping[str, Dimension],
    noise: NoiseTable,
    tables: Sequence[Sequence[str]] | None = None,
    *,
    record_key: str = "record_key",
    zero_secret: bytes | None = None,
) -> pd.DataFrame:
    """A table of noisy counts and nothing else: the dimensions' codes and `count`, one row per published cell.

    `relation` (what stands after `from` in SQL) has one row per person: a leaf code for each dimension, and a random
    key of 64 bits that stays the person's own for good and is published nowhere. A cell key is the sum of its persons'
    keys modulo 2^32. `tables` as in `margins_of`.

    Where zeros move, every combination of codes that a table lacks is in it, and `zero_secret` (kept like a key) makes
    its cell key from its codes: there is nobody whose key could. Refuses (CONTRACT_INVALID) a person with two rows or
    no key, and what `margins_of` refuses. Raises ValueError for zeros that move without a secret.
    """
    if noise.zeros == "move" and not zero_secret:
        raise ValueError("zeros that move need a secret")
    names = list(dimensions)
    by = ", ".join(map(quoted, names))
    rows, keys = _one(con, f"select count(*), count(distinct {quoted(record_key)}) from {relation}")
    if rows != keys:
        raise Refusal(Exit.CONTRACT_INVALID, "a person has no record key, or more than one row.", column=record_key)
    inner = con.execute(f"""
        select {by}, count(*) as persons, cast(sum({quoted(record_key)} & {KEYS - 1}) as bigint) as key_sum
        from {relation} group by {by} order by {by}
    """).df()
    margins = margins_of(inner, dimensions, tables)
    counts = margins.add_up(inner["persons"].to_numpy().astype(np.int64))
    cell_keys = margins.add_up(inner["key_sum"].to_numpy().astype(np.int64) % KEYS) % KEYS
    table = margins.cells.assign(count=counts + noise.noise(counts, cell_keys))
    if noise.zeros == "move" and zero_secret:
        flat = {name: dimensions[name].flattened(sorted(map(str, inner[name].unique()))) for name in names}
        table = pd.concat([table, _moved_zeros(table, flat, noise, tables, zero_secret)], ignore_index=True)
    return table.sort_values(names, kind="stable").reset_index(drop=True)


def _moved_zeros(
    table: pd.DataFrame,
    dimensions: Mapping[str, Dimension],
    noise: NoiseTable,
    tables: Sequence[Sequence[str]] | None,
    secret: bytes,
) -> pd.DataFrame:
    """Cells without anybody, each with the noise of its codes."""
    names = list(dimensions)
    every = pd.MultiIndex.from_tuples(
        sorted(
            {
                codes
                for published in tables or [names]
                for codes in pd.MultiIndex.from_product(
                    [d.codes if name in published else (d.total,) for name, d in dimensions.items()]
                )
            }
        ),
        names=names,
    )
    empty = every.difference(pd.MultiIndex.from_frame(table[names])).to_frame(index=False)
    keys = [_key_of(codes, secret) for codes in empty.itertuples(index=False, name=None)]
    counts = np.zeros(len(empty), dtype=np.int64)
    return empty.assign(count=noise.noise(counts, np.array(keys, dtype=np.int64)))


def _key_of(codes: Sequence[str], secret: bytes) -> int:
    said = hmac.new(secret, "\x1f".join(codes).encode(), hashlib.sha256).digest()
    return int.from_bytes(said[: KEY_BITS // 8], "big")


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    found = con.execute(sql).fetchone()
    assert found is not None
    return found
