"""What is public of each cell of a table: its figures or its gap, since when, and who was in it then.

Belongs here: the columns that the ledger keeps of cells, as arrays. Does not belong here: which state follows another
(`decision`), and files (`release_ledger`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from polku.disclosure.cells import ReleaseSpec, Status
from polku.disclosure.ledger.sketch import Sketches

NO_DAY = np.datetime64("NaT", "D")
GAPS = (Status.PRIMARY, Status.SECONDARY)
NEVER = 0
"""Instead of the number of a release, where no state has begun."""


@dataclass(frozen=True)
class States:
    """The cells of one table in one release; all arrays have one entry per cell.

    - `columns`: the names of the figures; `figures` (float64, cells x columns) has NaN where none is published.
    - `keys`: the codes as text (`sketch.keys_of`); `status`: of `cells.Status`.
    - `as_of`: the day of the figures (datetime64[D]); NaT where none are published.
    - `since`: the number of the release in which this state began. `members` and `complements` are of that release.
    """

    columns: tuple[str, ...]
    keys: np.ndarray
    figures: np.ndarray
    status: np.ndarray
    as_of: np.ndarray
    since: np.ndarray
    members: Sketches
    complements: Sketches

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def is_gap(self) -> np.ndarray:
        """Cells that were hidden."""
        return np.isin(self.status, GAPS)

    @property
    def is_observed(self) -> np.ndarray:
        """Cells that had figures, published or hidden."""
        return np.asarray(self.status != Status.NOT_OBSERVED)

    def at(self, rows: np.ndarray) -> States:
        """Some of the cells, by place or by mask."""
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        return States(
            self.columns,
            self.keys[places],
            self.figures[places],
            self.status[places],
            self.as_of[places],
            self.since[places],
            self.members.at(places),
            self.complements.at(places),
        )

    def places_of(self, keys: np.ndarray) -> np.ndarray:
        """Where each of the keys stands, -1 where it does not."""
        return np.asarray(pd.Index(self.keys, dtype=object).get_indexer(pd.Index(keys, dtype=object)))

    def figures_in(self, columns: Sequence[str]) -> np.ndarray:
        """The figures in the order of `columns`; NaN in those that the table did not have."""
        frame = pd.DataFrame(self.figures, columns=list(self.columns))
        return frame.reindex(columns=list(columns)).to_numpy(np.float64)


def figure_columns(spec: ReleaseSpec) -> tuple[str, ...]:
    """Columns whose figures stand or fall with a cell, its base among them."""
    return (*spec.with_cell, *([spec.base] if spec.base else []))


def figures_of(table: pd.DataFrame, spec: ReleaseSpec) -> np.ndarray:
    """The figures of a table as float64 (whole numbers up to 2^53 are exact), NaN where there are none."""
    columns = [pd.to_numeric(table[column]).to_numpy(np.float64, na_value=np.nan) for column in figure_columns(spec)]
    return np.column_stack(columns) if len(table) else np.empty((0, len(columns)))
