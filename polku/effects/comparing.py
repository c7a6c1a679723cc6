"""One comparison from the covariates to who stands beside whom.

Belongs here: the order of the steps. Does not belong here: each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from polku.effects.design import Design, Floats, Ints, design_of
from polku.effects.matched import Matched, nobody, same_class
from polku.effects.matching import nearest, propensity
from polku.effects.neighbours import whitened, with_replacement, without_replacement
from polku.effects.plan import COARSENED, MAHALANOBIS, Comparison


@dataclass(frozen=True)
class Compared:
    """Persons, and who of the others stands beside which client; positions are those of `design`.

    `supported` are the positions of those within the common support, among whom the score was estimated and persons
    were matched. `score` is NaN of the others, and None where the covariates tell the groups apart without error.
    `points` are where the supported stand for their distances: by the score, or by all covariates.
    """

    design: Design
    supported: Ints
    score: Floats | None
    points: Floats
    matched: Matched

    @property
    def share_matched(self) -> float:
        """Of all clients: those with somebody beside them."""
        return len(self.matched.clients) / int(self.design.treated.sum())


def compare(covariates: pd.DataFrame, comparison: Comparison, strata: pd.Series[int] | None = None) -> Compared:
    """Match the clients of the mart's rows by the study's method; `strata` are needed for the coarsened one.

    Persons with a value that the other group lacks are left out first, so that one such value cannot make the score
    impossible. Refuses (NO_COMPARISON) as `design_of` and `propensity` do.
    """
    whole = design_of(covariates, comparison)
    size, kept = len(whole.persons), whole.supported()
    design = whole.of(kept)
    if not len(kept):
        return Compared(whole, kept, None, np.empty((0, 1)), nobody(size))
    columns, treated = design.independent, design.treated
    score = propensity(columns, treated)
    points, unit = whitened(columns, treated), 1.0
    if comparison.method not in (MAHALANOBIS, COARSENED) and score is not None:
        points, unit = score[:, None], float(score.std(ddof=1))
    limit = np.inf if comparison.caliper is None else comparison.caliper * unit
    if comparison.method == COARSENED:
        assert strata is not None
        matched = same_class(np.asarray(strata.reindex(design.persons), dtype=np.int64), treated)
    elif comparison.method != MAHALANOBIS and score is None:
        matched = nobody(len(kept))
    elif comparison.replacement:
        matched = with_replacement(points, treated, limit)
    elif comparison.method == MAHALANOBIS:
        matched = without_replacement(points, treated, limit)
    else:
        matched = nearest(points[:, 0], treated, limit)
    everybody = None if score is None else np.full(size, np.nan)
    if everybody is not None:
        everybody[kept] = score
    return Compared(whole, kept, everybody, points, matched.within(kept, size))
