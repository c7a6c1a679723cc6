"""Linear programs over the cells of one component: one model, asked again and again for the ends of cells.

Belongs here: the calls of HiGHS, and how its answers are to be read. Does not belong here: which questions are asked.
The answers of one model start from one another, which is what makes thousands of them cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """Rows (compressed) over columns with bounds; `whole` columns take whole numbers in `whole_end` alone."""

    low: np.ndarray
    high: np.ndarray
    row_low: np.ndarray
    row_high: np.ndarray
    start: np.ndarray
    index: np.ndarray
    coefficient: np.ndarray
    whole: np.ndarray


@dataclass(frozen=True)
class Answer:
    """One end of a column. `point` is a table that attains it, None where there is none (`value` is infinite)."""

    value: float
    point: np.ndarray | None


class Infeasible(Exception):
    """No table agrees with all rows: `rows` are those of a proof, all of them where the solver gives none."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__("no table agrees with all facts")
        self.rows = rows


class Model:
    """A problem inside the solver."""

    def __init__(self, problem: Problem) -> None:
        import highspy

        self.problem = problem
        self._kinds = highspy
        self._solver = _quiet(highspy)
        self._solver.passModel(_program(problem, highspy))
        self._asked: int | None = None

    def end(self, column: int, sign: int) -> Answer:
        """The least (sign 1) or the most (-1) of a column. Raises `Infeasible`."""
        if self._asked is not None and self._asked != column:
            self._solver.changeColCost(self._asked, 0.0)
        self._solver.changeColCost(column, float(sign))
        self._asked = column
        status, known = self._run(), self._kinds.HighsModelStatus
        if status not in (known.kOptimal, known.kUnbounded, known.kInfeasible):
            # From the last point it lost its way: once more from the beginning, by the other method.
            self._solver.clearSolver()
            self._solver.setOptionValue("simplex_strategy", DUAL)
            status = self._run()
            self._solver.setOptionValue("simplex_strategy", PRIMAL)
        if status in (known.kUnbounded, known.kUnboundedOrInfeasible):
            return Answer(-sign * np.inf, None)
        if status == known.kInfeasible:
            raise Infeasible(self._proof())
        if status != known.kOptimal:
            raise RuntimeError("the solver gave no answer")
        point = np.array(self._solver.getSolution().col_value)
        return Answer(float(point[column]), point)

    def _run(self) -> Any:
        self._solver.run()
        return self._solver.getModelStatus()

    def _proof(self) -> np.ndarray:
        found = self._solver.getDualRay()
        ray = np.array(found[2]) if len(found) > 2 and found[1] else np.ones(len(self.problem.row_low))
        rows = np.flatnonzero(np.abs(ray) > 1e-9)
        return rows if len(rows) else np.arange(len(ray))


def whole_end(problem: Problem, column: int, sign: int, limit_s: float) -> Answer:
    """The end of a column over whole tables; within the time limit, else the best bound so far and no point."""
    import highspy

    solver = _quiet(highspy)
    solver.setOptionValue("presolve", "on")
    solver.setOptionValue("time_limit", limit_s)
    solver.setOptionValue("mip_rel_gap", 0.0)
    program = _program(problem, highspy)
    program.col_cost_ = np.eye(1, len(problem.low), column).ravel() * sign
    kinds = highspy.HighsVarType
    program.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in problem.whole]
    solver.passModel(program)
    solver.run()
    status, known = solver.getModelStatus(), highspy.HighsModelStatus
    if status == known.kInfeasible:
        raise Infeasible(np.arange(len(problem.row_low)))
    if status != known.kOptimal:
        bound = sign * solver.getInfo().mip_dual_bound
        return Answer(float(bound), None)
    point = np.array(solver.getSolution().col_value)
    return Answer(float(point[column]), point)


def cost_program(
    row: np.ndarray, column: np.ndarray, weight: np.ndarray, rows: int, costs: np.ndarray, high: np.ndarray
) -> Any:
    """A solver that holds `rows` rows over columns of 0 to `high` with costs; see `cheapest`."""
    import highspy

    order = np.lexsort((column, row))
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))])
    free = np.zeros(rows)
    problem = Problem(np.zeros(len(costs)), high, free, free, start, column[order], weight[order], np.empty(0))
    program = _program(problem, highspy)
    program.col_cost_ = costs
    solver = _quiet(highspy)
    solver.setOptionValue("simplex_strategy", DUAL)
    solver.passModel(program)
    return solver


def cheapest(solver: Any, targets: tuple[np.ndarray, np.ndarray]) -> np.ndarray | None:
    """The cheapest point whose rows lie between the targets, None where there is none."""
    import highspy

    for row, (low, high) in enumerate(zip(*targets, strict=True)):
        solver.changeRowBounds(row, float(low), float(high))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(solver.getSolution().col_value)


def _quiet(highspy: Any) -> Any:
    solver = highspy._Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("presolve", "off")
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("simplex_strategy", PRIMAL)
    return solver


PRIMAL = 4
"""The last point stays feasible when only the question changes, so that the primal simplex goes on from it."""
DUAL = 1
"""The last prices stay right when only the targets change, so that the dual simplex goes on from them."""


def _program(problem: Problem, highspy: Any) -> Any:
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(problem.low), len(problem.row_low)
    program.col_cost_ = np.zeros(len(problem.low))
    program.col_lower_, program.col_upper_ = problem.low, problem.high
    program.row_lower_, program.row_upper_ = problem.row_low, problem.row_high
    matrix = program.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.num_col_, matrix.num_row_ = program.num_col_, program.num_row_
    matrix.start_, matrix.index_, matrix.value_ = problem.start, problem.index, problem.coefficient
    return program
