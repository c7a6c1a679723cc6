"""One table of counts, from inner cells to what may be published, with the proof: frames in, frames out.

Belongs here: reading a frame of inner cells into a grid, and the published form. Does not belong here: files and the
command line (`polku.cli.protect`), and the linked tables of a release (`linked`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from polku.disclosure.dimensions import Dimension
from polku.disclosure.protection.advice import is_hopeless, recoding
from polku.disclosure.protection.frames import (
    CERTIFICATE,
    STEP,
    Protected,
    certificate_frame,
    leaf_codes,
    published_frame,
    share_hidden,
    unusable,
)
from polku.disclosure.protection.grid import Grid
from polku.disclosure.protection.levels import Level, Rule, limits
from polku.disclosure.protection.search import WIDTH, Cover, Problem, cover
from polku.errors import Exit, Refusal

if TYPE_CHECKING:
    import pandas as pd

COUNT = "count"
RESERVED = (COUNT, CERTIFICATE, STEP)
"""No dimension has these names."""


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
    import pandas as pd  # only where tables are made: other commands read this package and do not wait for pandas

    flattened = [own.flattened(sorted(map(str, inner[name].unique()))) for name, own in dimensions.items()]
    grid = Grid(flattened, *_inner(inner, flattened))
    problem = problem_of(grid.values, rule)
    if is_hopeless(problem):
        raise _hopeless(grid, rule, "too many of its cells are small")
    found = cover(problem, grid, told)
    if found.unprotected:
        raise _hopeless(grid, rule, "hiding cells cannot protect all that are small")
    counts = pd.array(grid.values, dtype="Int64")
    published = published_frame(grid, found.hidden, counts, COUNT)
    return Protected(published, certificate_frame(grid, found, {}), _facts(grid, problem, found, rule))


def problem_of(values: npt.NDArray[np.int64], rule: Rule) -> Problem:
    """What a rule asks of cells with these true counts, when nothing is hidden otherwise."""
    small = rule.is_small(values)
    up, down = limits(values, small, rule)
    return Problem(values, small, small, up, down)


def _inner(
    inner: pd.DataFrame, dimensions: list[Dimension]
) -> tuple[list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
    """Numbers of codes by dimension, and counts; every fault of the frame is refused by name."""
    import pandas as pd

    codes = leaf_codes(inner, dimensions, RESERVED)
    counts = pd.to_numeric(inner[COUNT], errors="coerce")
    wrong = counts.isna() | (counts < 0) | (counts % 1 != 0)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0]) + 2
        raise Refusal(Exit.USAGE, "a count is not a whole number of persons.", column=COUNT, row_no=row)
    twice = inner.duplicated([own.name for own in dimensions])
    if twice.any():
        first = inner[twice].iloc[0]
        at = ", ".join(f"{own.name}={first[own.name]}" for own in dimensions)
        raise unusable(dimensions[0].name, f"the cell {at} stands twice in the table.")
    return codes, counts.to_numpy().astype(np.int64)


def _hopeless(grid: Grid, rule: Rule, why: str) -> Refusal:
    listing = "".join(f"\n  - {line}" for line in recoding(grid, rule))
    return Refusal(Exit.GATE_CLOSED, f"the table cannot be published as it is: {why}.", f"Merge codes:{listing}")


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
        "persons_in_hidden_inner_cells_share": share_hidden(grid, found.hidden),
        "guarantee": _GUARANTEES[rule.level],
    }


_GUARANTEES = {
    Level.A0: "Who knows every published figure, and that counts are not negative, cannot work out a hidden one.",
    Level.A1: "Who also knows that counts are whole, and if a hidden one can be zero, cannot work out a hidden one.",
    Level.A2: "Who also knows which hidden cells are small, and the threshold, cannot work out a hidden one.",
}
