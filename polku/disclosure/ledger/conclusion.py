"""The table that leaves, and what the ledger keeps of it: new figures where they are free, old ones where they stand.

Belongs here: laying the states that stand over a protected table. Does not belong here: the decision, and protection.

Whether a standing figure is unchanged or held back is not told: `held_back` and the day say only that the figure is of
an earlier release. Who knows that somebody has come tonight would otherwise see from the mark in which cells she is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from polku.disclosure.cells import STATUS, ReleaseSpec, Status
from polku.disclosure.ledger.decision import Decision, Verdict
from polku.disclosure.ledger.sketch import digests, keys_of
from polku.disclosure.ledger.states import GAPS, NO_DAY, States, figure_columns, figures_of

FIGURE_AS_OF = "figure_as_of"
"""Column of a released table: the day whose release first had the figures of the row; null where there are none."""


@dataclass(frozen=True)
class Concluded:
    """A table of a release as it leaves, the `states` of its cells, their `verdict`, and which of the states begin.

    `members_now` and `base_now` are digests of who is in each cell, with its true count, and of whom it is a part.
    """

    table: pd.DataFrame
    states: States
    verdict: np.ndarray
    begins: np.ndarray
    members_now: np.ndarray
    base_now: np.ndarray

    def counts(self) -> dict[str, int]:
        """Cells by verdict."""
        return {verdict.name.lower(): int((self.verdict == verdict).sum()) for verdict in Verdict}


def conclude(
    protected: pd.DataFrame, spec: ReleaseSpec, decision: Decision, release_no: int, day: np.datetime64
) -> Concluded:
    """The released form of a `protected` table (see `protect`) of release `release_no` on `day`.

    Rows and order are those of `protected`; cells that it has beyond those decided about have never been public. A
    figure that must stay public (`kept`) stays so where nothing has changed, whatever the protection did.
    """
    keys, columns = keys_of(protected, spec.dimensions), figure_columns(spec)
    at = np.asarray(pd.Index(decision.present.keys, dtype=object).get_indexer(pd.Index(keys, dtype=object)))
    decided = at >= 0
    verdict = np.where(decided, decision.verdict[at], Verdict.NEW) if len(decision.verdict) else np.zeros(len(at), int)
    begins = ~np.isin(verdict, (Verdict.UNCHANGED, Verdict.HELD))
    latest = decision.latest.at(np.where(begins, 0, at)) if not begins.all() else None
    own = protected[STATUS].to_numpy(object)
    shown = ~np.isin(own, (*GAPS, Status.NOT_OBSERVED))
    figures = figures_of(protected, spec)
    as_of = np.where(shown, day, NO_DAY)
    since = np.full(len(keys), release_no)
    status, published = own.copy(), own.copy()
    if latest is not None:
        figures = np.where(begins[:, None], figures, latest.figures)
        status = np.where(begins, own, latest.status)
        as_of = np.where(begins, as_of, latest.as_of)
        since = np.where(begins, since, latest.since)
        published = np.where(~begins & (status == Status.OK), str(Status.HELD_BACK), status)
    states = States(
        columns,
        keys,
        figures,
        published,
        as_of,
        since,
        decision.present.members.at(at),
        decision.present.complements.at(at),
    )
    counted = np.append(decision.present.figures[:, columns.index(spec.adding)], 0.0)[at]
    return Concluded(
        _laid_over(protected, columns, states),
        states,
        verdict,
        begins,
        digests(states.members, np.nan_to_num(counted)),
        digests(states.members.with_others(states.complements)),
    )


def _laid_over(protected: pd.DataFrame, columns: tuple[str, ...], states: States) -> pd.DataFrame:
    table = protected.copy()
    for i, column in enumerate(columns):
        table[column] = pd.array(states.figures[:, i], dtype="Float64").astype(protected[column].dtype)
    table[STATUS] = states.status.astype(str)
    days = pd.Series(states.as_of.astype(object), index=table.index, dtype=object)
    table[FIGURE_AS_OF] = days.where(days.notna(), None)
    return table
