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
from polku.effects.plan import COARSENED, PROPENSITY, Comparison


@dataclass(frozen=True)
class Compared:
    """Persons, and who of the others stands beside which client; positions are those of `design`.

    `supported` are the positions of those within the common support, among whom persons were matched. `score` is NaN of
    those who are told apart from the other group without error. `points` are where the supported stand for their
    distances: by the score, or by all covariates.
    """

    design: Design
    supported: Ints
    score: Floats
    points: Floats
    matched: Matched

    @property
    def share_matched(self) -> float:
        """Of all clients: those with somebody beside them."""
        return len(self.matched.clients) / int(self.design.treated.sum())


def compare(covariates: pd.DataFrame, comparison: Comparison, strata: pd.Series[int] | None = None) -> Compared:
    """Match the clients of the mart's rows by the study's method; `strata` are needed for the coarsened one.

    Persons with a value that the other group lacks are left out first; by the score also those whom a combination of
    values tells apart. So none of them can make the score impossible. Refuses (NO_COMPARISON) as `design_of` does.
    """
    whole = design_of(covariates, comparison)
    size, kept = len(whole.persons), whole.supported()
    score = np.full(size, np.nan)
    if len(kept):
        score[kept] = propensity(whole.of(kept).varying, whole.treated[kept])
    if comparison.method == PROPENSITY:
        kept = kept[~np.isnan(score[kept])]
    if not len(kept):
        return Compared(whole, kept, score, np.empty((0, 1)), nobody(size))
    design = whole.of(kept)
    if comparison.method == PROPENSITY:
        points, unit = score[kept, None], float(score[kept].std(ddof=1))
    else:
        points, unit = whitened(design.varying, design.treated), 1.0
    limit = np.inf if comparison.caliper is None else comparison.caliper * unit
    if comparison.method == COARSENED:
        assert strata is not None
        matched = same_class(np.asarray(strata.reindex(design.persons), dtype=np.int64), design.treated)
    elif comparison.replacement:
        matched = with_replacement(points, design.treated, limit)
    elif comparison.method == PROPENSITY:
        matched = nearest(points[:, 0], design.treated, limit)
    else:
        matched = without_replacement(points, design.treated, limit)
    return Compared(whole, kept, score, points, matched.within(kept, size))
