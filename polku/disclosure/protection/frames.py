"""Protected grids as frames: codes of rows in, published figures and certificates out.

Belongs here: what tables of counts and of amounts have in common as frames. Does not belong here: what is small or
unsafe in them (`table`, `amounts`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from polku.disclosure.dimensions import Dimension
from polku.disclosure.protection.grid import Grid
from polku.disclosure.protection.search import Cover
from polku.errors import Exit, Refusal

if TYPE_CHECKING:
    import pandas as pd
    from pandas.api.extensions import ExtensionArray

STATUS = "status"
"""A dimension called so is common: then the mark of a cell is called `cell_status`."""
PUBLISHED, SUPPRESSED = "published", "suppressed"
"""One mark for every hidden cell: to tell small cells from the others would hand out what level A2 assumes known."""

CERTIFICATE, STEP = "certificate", "step"


@dataclass(frozen=True)
class Protected:
    """What `protect_table` and `protect_amounts` give.

    - `published`: every combination of codes (dimension columns, the figure, null where hidden, `status`;
      `cell_status` where a dimension is called `status`).
    - `certificates`: for the auditor, not for publication: the `step` by which each alternative table differs from
      the true one, by `certificate` and codes; of amounts, `needed` and `room` besides.
    - `facts`: counts of cells and what is guaranteed, for the manifest.
    """

    published: pd.DataFrame
    certificates: pd.DataFrame
    facts: Mapping[str, Any]


def leaf_codes(
    rows: pd.DataFrame, dimensions: Sequence[Dimension], reserved: Collection[str]
) -> list[npt.NDArray[np.int64]]:
    """By dimension the numbers of the codes of rows. Refuses (USAGE) a code that is no leaf, and reserved names."""
    codes: list[npt.NDArray[np.int64]] = []
    for own in dimensions:
        if own.name in reserved:
            raise unusable(own.name, f"a dimension cannot be called `{own.name}`, as a column of the result is.")
        column = rows[own.name].astype(str)
        numbers = column.map({code: number for number, code in enumerate(own.codes)})
        outside = f"is outside the hierarchy of `{own.name}`."
        above = f"of `{own.name}` has parts: an inner cell has codes without parts."
        for wrong, what in ((numbers.isna(), outside), (~column.isin(own.leaves), above)):
            for row in np.flatnonzero(wrong)[:1]:
                raise unusable(own.name, f"code `{column.iloc[row]}` {what}", int(row) + 2)
        codes.append(np.asarray(numbers, dtype=np.int64))
    return codes


def unusable(column: str, what: str, row: int | None = None) -> Refusal:
    """A refusal of something in a table's column; the header is row 1."""
    return Refusal(Exit.USAGE, what, "Correct the table or the dimensions.", column=column, row_no=row)


def published_frame(grid: Grid, hidden: npt.NDArray[np.bool_], figures: ExtensionArray, name: str) -> pd.DataFrame:
    """Every cell with its figure in the column `name`, null where hidden, and its mark."""
    import pandas as pd

    everything = np.arange(len(grid.values))
    frame = pd.DataFrame(
        {axis.dimension.name: codes for axis, codes in zip(grid.axes, grid.codes_of(everything), strict=True)}
    )
    figures[hidden] = pd.NA
    frame[name] = figures
    frame[f"cell_{STATUS}" if STATUS in frame else STATUS] = np.where(hidden, SUPPRESSED, PUBLISHED)
    return frame


def certificate_frame(grid: Grid, found: Cover, of_cells: Mapping[str, npt.NDArray[np.float64]]) -> pd.DataFrame:
    """One row for every cell that an alternative table changes: its number, codes and step, and more of the cell."""
    import pandas as pd

    nothing = np.empty(0, np.int64)
    changes = [(proof.cells, steps) for proof in found.certificates.values() for steps in proof.steps]
    changes = [(cells[steps != 0], steps[steps != 0]) for cells, steps in changes] or [(nothing, nothing)]
    at = np.concatenate([cells for cells, _ in changes])
    frame = pd.DataFrame({CERTIFICATE: np.repeat(np.arange(len(changes)), [len(cells) for cells, _ in changes])})
    for axis, codes in zip(grid.axes, grid.codes_of(at), strict=True):
        frame[axis.dimension.name] = codes
    frame[STEP] = np.concatenate([steps for _, steps in changes])
    for name, figures in of_cells.items():
        frame[name] = figures[at]
    return frame


def share_hidden(grid: Grid, hidden: npt.NDArray[np.bool_]) -> float:
    """Which part of all persons, or of the whole amount, is in inner cells that are hidden."""
    inner = np.ones(grid.shape, dtype=bool)
    for number, axis in enumerate(grid.axes):
        np.moveaxis(inner, number, 0)[[whole for whole, _ in axis.splits]] = False
    values, gone = grid.values[inner.ravel()], hidden[inner.ravel()]
    return round(float(values[gone].sum() / max(values.sum(), 1)), 4)
