"""Changes of figures that nobody outside can see: they leave every sum as it is.

Belongs here: the linear program of one change, and its solver. Does not belong here: which cells may change, what
hiding them costs, and what the change is good for (`search`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-6
"""How far a solver's number may be from a whole one."""

DIGITS = 9
"""To so many digits a change of amounts is taken; a smaller part of the step is the solver's rounding."""

MIP_NODES = 200
"""A whole-number program that needs more branches than this is given up: a wider neighbourhood is tried instead."""


class Mover:
    """Finds the cheapest change of the cells of one system of sums.

    The solver keeps the system; costs and limits are new with each question.
    """

    def __init__(
        self, cells: int, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], signs: Floats, count: int
    ) -> None:
        """A system of `count` sums over `cells` cells: sign of a cell in a sum, by row and column."""
        import highspy

        self._cells = cells
        order = np.lexsort((rows, columns))
        rows, columns, signs = rows[order], columns[order], signs[order]
        starts = np.searchsorted(columns, np.arange(cells + 1))
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = 2 * cells, count
        program.col_cost_ = program.col_upper_ = np.ones(2 * cells)
        program.col_lower_ = np.zeros(2 * cells)
        program.row_lower_ = program.row_upper_ = np.zeros(count)
        # A cell's change is an increase less a decrease, so that both can have their cost and limit.
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.concatenate([starts, starts[1:] + len(rows)])
        program.a_matrix_.index_ = np.concatenate([rows, rows])
        program.a_matrix_.value_ = np.concatenate([signs, -signs])
        # The core of the solver, because the front prints a banner when it is made; it would break `--json` and logs.
        self._solver = highspy._core._Highs()
        for option, value in _OPTIONS.items():
            self._solver.setOptionValue(option, value)
        self._solver.passModel(program)
        self._optimal = highspy.HighsModelStatus.kOptimal
        self._whole, self._real = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        self._all = np.arange(2 * cells, dtype=np.int32)

    def cheapest(
        self, cell: int, step: int, up: Floats, down: Floats, cost_up: Floats, cost_down: Floats, *, whole: bool
    ) -> npt.NDArray[np.int64] | Floats | None:
        """The change of every cell, with `step` (negative: a decrease) at `cell`; None where there is none.

        `up` and `down` are the greatest increase and decrease of each cell, costs are for each person. `whole`: the
        change is in whole numbers, as counts are; else in parts of the step.
        """
        cells = self._cells
        upper = np.concatenate([up, down])
        own, other = (cell, cells + cell) if step > 0 else (cells + cell, cell)
        if upper[own] < abs(step):
            return None
        lower = np.zeros(2 * cells)
        lower[own] = upper[own] = abs(step)
        upper[other] = 0
        # Without the last basis: costs are not negative but for few, so the empty basis is a far better start.
        self._solver.clearSolver()
        self._solver.changeColsCost(2 * cells, self._all, np.concatenate([cost_up, cost_down]))
        self._solver.changeColsBounds(2 * cells, self._all, lower, upper)
        change = self._solve()
        if change is None:
            return None
        if not whole:
            return change.round(DIGITS)
        if not _is_whole(change):
            self._solver.changeColsIntegrality(2 * cells, self._all, np.full(2 * cells, self._whole))
            change = self._solve()
            self._solver.changeColsIntegrality(2 * cells, self._all, np.full(2 * cells, self._real))
            if change is None or not _is_whole(change):
                return None
        return np.rint(change).astype(np.int64)

    def _solve(self) -> Floats | None:
        self._solver.run()
        if self._solver.getModelStatus() != self._optimal:
            return None
        values: Floats = np.asarray(self._solver.getSolution().col_value)
        change: Floats = values[: self._cells] - values[self._cells :]
        return change


def _is_whole(change: Floats) -> bool:
    return bool(np.abs(change - np.rint(change)).max(initial=0.0) < ROUNDING)


_OPTIONS: dict[str, str | int | bool] = {
    "output_flag": False,
    "presolve": "off",
    "threads": 1,
    "simplex_dual_edge_weight_strategy": 0,
    "mip_max_nodes": MIP_NODES,
}
