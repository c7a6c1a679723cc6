"""The nearest others by several characteristics at once, with a tree of places instead of all distances.

Belongs here: the Mahalanobis distance, and matching on points with and without replacement. Does not belong here: pairs
by one score without replacement (`matching`).

Persons at one place are alike, so the tree holds each place once; what it is asked is asked of all clients at once.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from polku.effects.design import Bools, Floats, Ints
from polku.effects.matched import Matched, pairs

TIE = 1e-9
"""Distances that differ by no more count as the same: what remains of reckoning with floating point."""

_AT_ONCE = 16
"""Places looked for before a client is known to need more; only speed depends on it."""


def whitened(design: Floats, treated: Bools) -> Floats:
    """Points whose straight distance is the Mahalanobis distance of the rows of `design`.

    By the covariance within the groups, pooled (as in MatchIt; Rubin 1980, Biometrics 36), so that what the groups
    differ in does not count as spread. Columns that follow from others count once.
    """
    within = np.vstack([group - group.mean(axis=0) for group in (design[treated], design[~treated])])
    covariance = within.T @ within / max(len(within) - 2, 1)
    # Scaled first, so that euros and shares are of one size to the decomposition.
    scale = np.sqrt(np.diag(covariance))
    scale[scale == 0] = 1
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    real = values > TIE
    if not real.any():
        return np.zeros((len(design), 1))
    points: Floats = (design / scale) @ (vectors[:, real] / np.sqrt(values[real]))
    return points


def with_replacement(points: Floats, treated: Bools, limit: float = np.inf) -> Matched:
    """Beside each client all others at the least distance, in equal shares (Abadie and Imbens 2006).

    Nobody beside a client whose nearest other is farther than `limit`.
    """
    clients, others = np.flatnonzero(treated), np.flatnonzero(~treated)
    places, place_of_other = _places(points[others])
    spots, spot_of_client = _places(points[clients])
    tree = KDTree(places)
    distance, _ = tree.query(spots)
    near = distance <= limit
    found = tree.query_ball_point(spots[near], distance[near] + TIE)
    rows, size = np.repeat(np.arange(len(found)), [len(row) for row in found]), len(points)
    columns = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=len(rows))
    by_place = csr_array((np.ones(len(rows)), (rows, columns)), (len(found), len(places)))
    persons = csr_array((np.ones(len(others)), (place_of_other, others)), (len(places), size))
    together = csr_array(by_place @ persons)
    together.data /= np.repeat(together.sum(axis=1), np.diff(together.indptr))
    is_matched = near[spot_of_client]
    return Matched(clients[is_matched], (np.cumsum(near) - 1)[spot_of_client[is_matched]], together)


def without_replacement(points: Floats, treated: Bools, limit: float = np.inf) -> Matched:
    """Beside each client the nearest other who is still free.

    Clients whose nearest other is farthest choose first, since they have the fewest to choose from. Of equal ones, and
    of others at one distance, the one at the lower place comes first (by the first coordinate, then the next), at one
    place the first row.
    """
    clients, others = np.flatnonzero(treated), np.flatnonzero(~treated)
    places, place_of_other = _places(points[others])
    queues = np.split(others[np.argsort(place_of_other, kind="stable")], np.cumsum(np.bincount(place_of_other))[:-1])
    free = np.bincount(place_of_other)
    taken = np.zeros_like(free)
    tree = KDTree(places)
    spots, spot_of_client = _places(points[clients])
    first = tree.query(spots, k=np.arange(1, min(_AT_ONCE, len(places)) + 1))
    order = np.lexsort((clients, spot_of_client, -first[0][spot_of_client, 0].round(9)))
    found: list[tuple[int, int]] = []
    for client, spot in zip(clients[order].tolist(), spot_of_client[order].tolist(), strict=True):
        place = _nearest_free(tree, spots[spot], (first[0][spot], first[1][spot]), free, limit)
        if place is not None:
            found.append((client, int(queues[place][taken[place]])))
            taken[place] += 1
            free[place] -= 1
    chosen = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs(chosen[:, 0], chosen[:, 1], len(points))


def _nearest_free(tree: KDTree, spot: Floats, seen: tuple[Floats, Ints], free: Ints, limit: float) -> int | None:
    """The lowest of the nearest places with somebody free; looks four times as far until it is certain."""
    distances, places = seen
    while True:
        is_free = free[places] > 0
        least = distances[is_free.argmax()] if is_free.any() else np.inf
        all_seen = len(places) == tree.n
        if all_seen or min(least, limit) + TIE < distances[-1]:
            break
        distances, places = tree.query(spot, k=np.arange(1, min(4 * len(places), tree.n) + 1))
    if least > limit or least == np.inf:
        return None
    return int(places[is_free & (distances <= least + TIE)].min())


def spread_among_alike(points: Floats, outcome: Floats, of: Ints, neighbours: int) -> Floats:
    """The variance of the outcome of the persons `of`, given their place: that of each and her nearest ones.

    The nearest are `neighbours` of the other rows, and all who are as near as the last of them (Abadie, Drukker, Herr
    and Imbens 2004, Stata Journal 4). NaN where nobody else is.
    """
    places, place = _places(points)
    tree, centred = KDTree(places), outcome - outcome.mean()
    persons, sums, squares = (np.bincount(place, weights=w) for w in (np.ones_like(centred), centred, centred**2))
    spots = places[place[of]]
    distances, near = tree.query(spots, k=np.arange(1, min(neighbours + 1, len(places)) + 1))
    enough = persons[near].cumsum(axis=1) > neighbours
    last = np.where(enough.any(axis=1), enough.argmax(axis=1), enough.shape[1] - 1)
    found = tree.query_ball_point(spots, np.take_along_axis(distances, last[:, None], axis=1)[:, 0] + TIE)
    size, total, square = (np.array([values[row].sum() for row in found]) for values in (persons, sums, squares))
    with np.errstate(invalid="ignore", divide="ignore"):
        # What is left of equal sums may be a little less than nothing.
        variance: Floats = np.maximum(square - total**2 / size, 0) / (size - 1)
    return variance


def _places(points: Floats) -> tuple[Floats, Ints]:
    """Each place once, in order, and the place of every point."""
    places, at = np.unique(points.round(10), axis=0, return_inverse=True)
    return places, at.reshape(-1)
