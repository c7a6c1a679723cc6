"""One table of counts, from inner cells to what may be published, with the proof: frames in, frames out.

Belongs here: reading a frame of inner cells into a grid, and the published form. Does not belong here: files and the
command line (`polku.cli.protect`), and the linked tables of a release (`linked`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from polku.disclosure.dimensions import Dimension
from polku.disclosure.protection.advice import recoding
from polku.disclosure.protection.grid import Grid
from polku.disclosure.protection.levels import Level, Rule, limits
from polku.disclosure.protection.search import WIDTH, Cover, Problem, cover
from polku.errors import Exit, Refusal

if TYPE_CHECKING:
    import pandas as pd

COUNT = "count"
STATUS = "status"
PUBLISHED, SUPPRESSED = "published", "suppressed"
"""One mark for every hidden cell: to tell small cells from the others would hand out what level A2 assumes known."""

CERTIFICATE, STEP = "certificate", "step"
RESERVED = (COUNT, CERTIFICATE, STEP)
"""No dimension has these names. One called `status` is common: then the mark of a cell is called `cell_status`."""

HOPELESS_SHARE = 0.4
"""Of the cells that somebody is in: where more than this are small, suppression leaves no table worth reading."""


SMALL_TABLE = 1_000
"""A table with no more cells that somebody is in is tried whatever the share: that costs next to nothing."""


@dataclass(frozen=True)
class Protected:
    """What `protect_table` gives.

    - `published`: every combination of codes (dimension columns, `count`, null where hidden, `status`;
      `cell_status` where a dimension is called `status`).
    - `certificates`: for the auditor, not for publication: the `step` by which each alternative table differs from
      the true one, by `certificate` and codes.
    - `facts`: counts of cells and what is guaranteed, for the manifest.
    """

    published: pd.DataFrame
    certificates: pd.DataFrame
    facts: Mapping[str, Any]


def protect_table(
    inner: pd.DataFrame,
    dimensions: Mapping[str, Dimension],
    rule: Rule,
    told: Callable[[int, int], None] | None = None,
) -> Protected:
    """Protect a table of counts with all its margins over every hierarchy.

    `inner` has one row per combination of leaf codes (columns named as the dimensions) and a column `count` of
    persons, whole and not negative; a combination without a row is a zero. Refuses (USAGE) a frame that is not so,
    with the dimension and code at fault, (CONTRACT_INVALID) uneven breakdowns, and (GATE_CLOSED) a table of which too
    much would be hidden, with merges of codes that would save it.
    """
    flattened = [own.flattened(sorted(map(str, inner[name].unique()))) for name, own in dimensions.items()]
    grid = Grid(flattened, *_inner(inner, flattened))
    problem = problem_of(grid.values, rule)
    somebody = int((grid.values > 0).sum())
    if somebody > SMALL_TABLE and problem.targets.sum() > HOPELESS_SHARE * somebody:
        raise _hopeless(grid, rule, "too many of its cells are small")
    found = cover(problem, grid, told)
    if found.unprotected:
        raise _hopeless(grid, rule, "hiding cells cannot protect all that are small")
    return Protected(_published(grid, found), _certificates(grid, found), _facts(grid, problem, found, rule))


def problem_of(values: npt.NDArray[np.int64], rule: Rule) -> Problem:
    """What a rule asks of cells with these true counts, when nothing is hidden otherwise."""
    small = rule.is_small(values)
    up, down = limits(values, small, rule)
    return Problem(values, small, small, up, down)


def _inner(
    inner: pd.DataFrame, dimensions: list[Dimension]
) -> tuple[list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
    """Numbers of codes by dimension, and counts; every fault of the frame is refused by name."""
    import pandas as pd  # only where tables are made: other commands read this package and do not wait for pandas

    codes = []
    for own in dimensions:
        if own.name in RESERVED:
            raise _unusable(own.name, f"a dimension cannot be called `{own.name}`, as a column of the result is.")
        known = {code: number for number, code in enumerate(own.codes)}
        column = inner[own.name].astype(str)
        numbers = column.map(known)
        for code in column[numbers.isna()].head(1):
            raise _unusable(own.name, f"code `{code}` is outside the hierarchy of `{own.name}`.")
        for code in column[~column.isin(own.leaves)].head(1):
            raise _unusable(
                own.name, f"code `{code}` of `{own.name}` has parts: an inner cell has codes without parts."
            )
        codes.append(numbers.to_numpy(dtype=np.int64))
    counts = pd.to_numeric(inner[COUNT], errors="coerce")
    wrong = counts.isna() | (counts < 0) | (counts % 1 != 0)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0]) + 2
        raise Refusal(Exit.USAGE, "a count is not a whole number of persons.", column=COUNT, row_no=row)
    twice = inner.duplicated([own.name for own in dimensions])
    if twice.any():
        first = inner[twice].iloc[0]
        at = ", ".join(f"{own.name}={first[own.name]}" for own in dimensions)
        raise _unusable(dimensions[0].name, f"the cell {at} stands twice in the table.")
    return codes, counts.to_numpy().astype(np.int64)  # type: ignore[return-value]


def _unusable(dimension: str, what: str) -> Refusal:
    return Refusal(Exit.USAGE, what, "Correct the table or the dimensions.", column=dimension)


def _hopeless(grid: Grid, rule: Rule, why: str) -> Refusal:
    listing = "".join(f"\n  - {line}" for line in recoding(grid, rule))
    return Refusal(Exit.GATE_CLOSED, f"the table cannot be published as it is: {why}.", f"Merge codes:{listing}")


def _published(grid: Grid, found: Cover) -> pd.DataFrame:
    import pandas as pd

    everything = np.arange(len(grid.values))
    frame = pd.DataFrame(
        {axis.dimension.name: codes for axis, codes in zip(grid.axes, grid.codes_of(everything), strict=True)}
    )
    counts = pd.array(grid.values, dtype="Int64")
    counts[found.hidden] = pd.NA
    frame[COUNT] = counts
    frame[f"cell_{STATUS}" if STATUS in frame else STATUS] = np.where(found.hidden, SUPPRESSED, PUBLISHED)
    return frame


def _certificates(grid: Grid, found: Cover) -> pd.DataFrame:
    import pandas as pd

    proofs = list(found.certificates.values())
    cells = np.concatenate([proof.cells for proof in proofs]) if proofs else np.empty(0, np.int64)
    numbers = np.repeat(np.arange(len(proofs)), [len(proof.cells) for proof in proofs])
    frame = pd.DataFrame({CERTIFICATE: numbers})
    for axis, codes in zip(grid.axes, grid.codes_of(cells), strict=True):
        frame[axis.dimension.name] = codes
    frame[STEP] = np.concatenate([proof.steps for proof in proofs]) if proofs else np.empty(0, np.int64)
    return frame


def _facts(grid: Grid, problem: Problem, found: Cover, rule: Rule) -> dict[str, Any]:
    primary, hidden = int(problem.targets.sum()), int(found.hidden.sum())
    return {
        "level": str(rule.level),
        "threshold_persons": rule.threshold,
        "zeros": "protected" if rule.protect_zeros else "published",
        "width_persons": WIDTH,
        "cells": len(grid.values),
        "cells_hidden": hidden,
        "cells_hidden_only_for_others": hidden - primary,
        "persons_in_hidden_inner_cells_share": _share_hidden(grid, found),
        "guarantee": _GUARANTEES[rule.level],
    }


def _share_hidden(grid: Grid, found: Cover) -> float:
    inner = np.ones(grid.shape, dtype=bool)
    for number, axis in enumerate(grid.axes):
        np.moveaxis(inner, number, 0)[[whole for whole, _ in axis.splits]] = False
    values, hidden = grid.values[inner.ravel()], found.hidden[inner.ravel()]
    return round(float(values[hidden].sum() / max(values.sum(), 1)), 4)


_GUARANTEES = {
    Level.A0: "Who knows every published figure, and that counts are not negative, cannot work out a hidden one.",
    Level.A1: "Who also knows that counts are whole, and if a hidden one can be zero, cannot work out a hidden one.",
    Level.A2: "Who also knows which hidden cells are small, and the threshold, cannot work out a hidden one.",
}
