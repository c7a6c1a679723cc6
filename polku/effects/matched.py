"""Who stands beside whom, however it was found.

Belongs here: the weights that follow from it. Does not belong here: how persons are matched (`matching`, `neighbours`,
`strata`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from polku.effects.design import Bools, Floats, Ints


@dataclass(frozen=True)
class Matched:
    """Clients, and beside each a set of others whose shares add up to one.

    `clients` are their positions, ascending, `sets` the row of `shares` of each. `shares` has one row per set and one
    column per person (zero but for others): clients who are alike may have one set, so that large strata cost little.
    """

    clients: Ints
    sets: Ints
    shares: csr_array

    @cached_property
    def weights(self) -> Floats:
        """Of every person: for how many clients she stands (K_M / M of Abadie and Imbens 2006); adds up to clients."""
        return np.asarray(self._clients_by_set @ self.shares)

    @cached_property
    def squares(self) -> Floats:
        """Of every person: the sum over clients of the squared share with which she stands beside them."""
        return np.asarray(self._clients_by_set @ self.shares.power(2))

    def beside(self, values: Floats) -> Floats:
        """Of each matched client: the mean of those beside her."""
        return np.asarray((self.shares @ values)[self.sets])

    def within(self, positions: Ints, size: int) -> Matched:
        """The same among `size` persons of whom these were the ones at `positions`."""
        shares = csr_array(
            (self.shares.data, positions[self.shares.indices], self.shares.indptr), (self.shares.shape[0], size)
        )
        return Matched(positions[self.clients], self.sets, shares)

    @property
    def _clients_by_set(self) -> Floats:
        return np.bincount(self.sets, minlength=self.shares.shape[0]).astype(np.float64)


def pairs(clients: Ints, others: Ints, size: int) -> Matched:
    """One other beside each client, among `size` persons."""
    order = np.argsort(clients)
    rows = np.arange(len(clients))
    return Matched(clients[order], rows, csr_array((np.ones(len(rows)), (rows, others[order])), (len(rows), size)))


def nobody(size: int) -> Matched:
    """No client has anybody beside her."""
    return pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), size)


def same_class(strata: Ints, treated: Bools) -> Matched:
    """Beside each client all others of her stratum, in equal shares.

    So an other weighs the clients of the stratum divided by its others (Iacus, King and Porro 2012, Polit. Anal. 20);
    where only one group is, nobody is matched.
    """
    both = np.intersect1d(strata[treated], strata[~treated])
    clients, others = (np.flatnonzero(group & np.isin(strata, both)) for group in (treated, ~treated))
    rows = np.searchsorted(both, strata[others])
    share = 1 / np.bincount(rows, minlength=len(both))
    shares = csr_array((share[rows], (rows, others)), (len(both), len(strata)))
    return Matched(clients, np.searchsorted(both, strata[clients]), shares)
