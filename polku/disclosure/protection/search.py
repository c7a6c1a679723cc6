"""Secondary suppression: which further cells to hide, so that every small cell could be another number.

Belongs here: the search for a cheap set of hidden cells, with a certificate for each small one. Does not belong
here: the linear program of one change (`moves`), the shape of the tables (`grid`, `linked`), and the attack on the
result (`polku.disclosure.attack`), which shares no code with it.

A certificate is a change that leaves every sum and every published figure as it is. The true table
and the changed one both fit all that an attacker of the level knows; so he cannot tell which is true, and every cell
that the change touches stays uncertain by as much as it is changed (Fischetti and Salazar 2001 call this the
attacker's problem; local programs in place of one for the whole table are ours).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from polku.disclosure.protection.moves import Mover

Cells = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

HIDDEN_COST = 0.001
"""Of a hidden cell, in which another certificate costs nothing; not zero, so that changes stay small."""

USEFUL = 0.05
"""The reward for increasing a target that has no certificate yet: one change may serve several. All rewards of a
change together are less than the cost of hiding one cell."""

JITTER_OPEN, JITTER_HIDDEN = 0.1, 0.02
"""Noise of the costs when a certificate is sought again, so that another of equally cheap changes is found."""

SIZE_COST = 0.05
"""Of two cells, the one with fewer persons is hidden; far less than a whole cell, so that their number counts first."""

EFFORT = 600_000
"""Certificates are sought anew until the programs have had this many cells in all: two passes over a table of 27,000
cells, more over smaller ones, none over one of 100,000. A measure of work, not of time, so that results repeat."""

SMALL_EFFORT = 2 * EFFORT
"""The same where both directions are tried."""

PASSES = 10
"""More passes than this find next to nothing."""

WIDTH = 1
"""By how many persons every hidden count is uncertain at least; of amounts, the step of their width."""

MOST = 1_000
"""The largest step of a certificate."""

SEED = 6_174
"""The noise is drawn from this, so that the same tables always get the same gaps."""


class Shape(Protocol):
    """What the tables are made of: parts of them within which changes can be sought.

    `thorough`: whether both directions of a change are tried where the first hides more cells; large tables have
    enough other certificates.
    """

    thorough: bool

    def neighbourhoods(self, cell: int, cost: Floats) -> Iterator[tuple[Cells, Mover]]:
        """Cells and system of sums around a cell, small to large."""

    def depth(self, cells: Cells) -> Cells:
        """How much each cell sums up."""


@dataclass(frozen=True)
class Certificate:
    """Alternatives to the true figures: `steps` at `cells`, none elsewhere; a row for each, of counts one."""

    cells: Cells
    steps: Cells | Floats


@dataclass(frozen=True)
class View:
    """What some attackers must believe: a step of the cell that is protected, if others change by no more than this."""

    step: float
    up: Floats
    down: Floats


@dataclass(frozen=True)
class Problem:
    """What is to be protected, by cell.

    - `values`: the true figures, whole numbers (amounts in their smallest unit).
    - `targets`: cells that must stay uncertain; `hidden`: cells that show no figure anyway (targets among them).
    - `up`, `down`: by how much an attacker of the level must believe that a hidden cell could be greater or smaller;
      0 and 0 where a cell is known to him and can never be hidden.
    Counts change by whole persons, and are uncertain by one. Amounts change by parts (`AmountProblem`).
    """

    values: Cells
    targets: Mask
    hidden: Mask
    up: Cells | Floats
    down: Cells | Floats

    whole: ClassVar[bool] = True

    def width(self) -> Floats:
        """By how much each cell must be uncertain if it is a target."""
        return np.full(len(self.values), float(WIDTH))

    def views(self, cell: int, cells: Cells) -> Iterator[tuple[View, ...]]:
        """Ways to protect `cell` by changes of `cells`; each needs an alternative for every view that it has."""
        up, down = self.up[cells].astype(float), self.down[cells].astype(float)
        yield (View(WIDTH, up, down),)
        yield (View(-WIDTH, up, down),)

    def proves(self, cell: int, certificate: Certificate) -> Mask:
        """Which of its cells the certificate of `cell` makes as uncertain as they must be."""
        return np.ones(len(certificate.cells), dtype=bool)


@dataclass
class Cover:
    """Hidden cells and their certificates; by cell how many touch it (`uses`), and prove it uncertain (`proofs`)."""

    hidden: Mask
    uses: Cells
    proofs: Cells
    certificates: dict[int, Certificate] = field(default_factory=dict)
    unprotected: list[int] = field(default_factory=list)


def cover(problem: Problem, shape: Shape, told: Callable[[int, int], None] | None = None) -> Cover:
    """Hide cells until every target has a certificate, then seek cheaper certificates as long as it is worth it.

    `told` hears of progress: targets done, targets in all. Deterministic. A target without any certificate, however
    much is hidden, is in `unprotected`; the caller must not publish such a table.
    """
    search = _Search(problem, shape)
    search.first(told)
    most = SMALL_EFFORT if shape.thorough else EFFORT
    passes = 0
    while passes < PASSES and search.effort < most:
        search.again(backwards=passes % 2 == 0)
        passes += 1
    if shape.thorough:
        search.settle()
    return search.found


class _Search:
    def __init__(self, problem: Problem, shape: Shape) -> None:
        self.problem, self.shape = problem, shape
        self.free = problem.hidden | problem.targets
        self.movable = (problem.up > 0) | (problem.down > 0)
        none = np.zeros(len(problem.values), dtype=np.int64)
        self.found = Cover(self.free.copy(), none, none.copy())
        self.width = problem.width()
        logs = np.log1p(problem.values.clip(0).astype(float))
        self.base = 1.0 + SIZE_COST * logs / max(logs.max(initial=0.0), 1.0)
        self.cost = np.where(self.movable, np.where(self.free, HIDDEN_COST, self.base), np.inf)
        self.random = np.random.default_rng(SEED)
        self.noise: Floats | None = None
        self.effort = 0

    def first(self, told: Callable[[int, int], None] | None) -> None:
        """One certificate after the other, what sums up most first: its certificates reach the lower cells."""
        targets = np.flatnonzero(self.problem.targets)
        order = targets[np.lexsort((targets, -self.shape.depth(targets)))].tolist()
        for number, cell in enumerate(order):
            if told and number % 100 == 0:
                told(number, len(order))
            if not self._is_sure(cell) and self._certify(cell) is None:
                self.found.unprotected.append(cell)
        if told:
            told(len(order), len(order))

    def again(self, *, backwards: bool) -> None:
        """Seek each certificate anew that hides cells for itself alone; as many cells will do, whatever their size."""
        self.noise = self.random.random(len(self.base))
        self._seek(SIZE_COST, backwards=backwards)

    def settle(self) -> None:
        """A last pass without noise: of as many cells, those with fewer persons."""
        self.noise = None
        self._seek(0.0, backwards=False)

    def _seek(self, slack: float, *, backwards: bool) -> None:
        for cell in list(self.found.certificates)[:: -1 if backwards else 1]:
            certificate = self.found.certificates.get(cell)
            if certificate is not None and self._alone(certificate).any():
                self._exchange(cell, certificate, slack)

    def _alone(self, certificate: Certificate) -> Mask:
        alone: Mask = (self.found.uses[certificate.cells] == 1) & ~self.free[certificate.cells]
        return alone

    def _exchange(self, cell: int, old: Certificate, slack: float) -> None:
        price = float(self.base[old.cells[self._alone(old)]].sum()) * (1 + slack) + 1e-9
        self._withdraw(cell)
        touched = old.cells[self.problem.targets[old.cells]].tolist()
        new: list[int] = []
        paid = 0.0
        for target in (cell, *(target for target in touched if target != cell)):
            if self._is_sure(target):
                continue
            made = self._certify(target)
            paid += np.inf if made is None else made
            if paid > price:
                break
            new.append(target)
        if paid > price:
            for made_for in [*new, *([target] if made is not None else [])]:
                self._withdraw(made_for)
            self._add(cell, old)

    def _is_sure(self, cell: int) -> bool:
        """Whether some certificate changes the cell by its width."""
        return bool(self.found.proofs[cell])

    def _certify(self, cell: int) -> float | None:
        """Add a certificate for the cell; what hiding further cells for it costs, None where there is none."""
        parts: list[tuple[Cells, Mover]] = []
        for part in self.shape.neighbourhoods(cell, self.cost):
            parts.append(part)
            certificate = self._within(cell, *part, most=WIDTH)
            if certificate is not None:
                return self._add(cell, certificate)
        # Only now larger steps elsewhere: small ones are next to always enough, and hide fewer cells.
        certificate = self._within(cell, *parts[-1], most=MOST)
        return None if certificate is None else self._add(cell, certificate)

    def _within(self, cell: int, cells: Cells, mover: Mover, most: int) -> Certificate | None:
        """The cheapest certificate within a part of the tables, with steps of at most `most`."""
        hidden = self.found.hidden[cells]
        costs = np.where(hidden, HIDDEN_COST, self.base[cells])
        if self.noise is not None:
            costs = costs + np.where(hidden, JITTER_HIDDEN, JITTER_OPEN) * self.noise[cells]
        reached = self.width[cells] <= self.width[cell]
        waiting = self.problem.targets[cells] & (self.found.proofs[cells] == 0) & reached
        reward = np.where(waiting, min(USEFUL, 0.5 / max(int(waiting.sum()), 1)), 0.0) if most == WIDTH else 0.0
        at = int(np.flatnonzero(cells == cell)[0])
        found: list[Certificate] = []
        for views in self.problem.views(cell, cells):
            steps = self._alternatives(at, mover, views, costs, reward, most)
            if steps is not None:
                touched = np.flatnonzero(steps.any(axis=0))
                found.append(Certificate(cells[touched], steps[:, touched]))
                if not self.shape.thorough or self._price(found[0]) == 0:
                    break
        return min(found, key=self._price, default=None)

    def _alternatives(
        self, at: int, mover: Mover, views: tuple[View, ...], costs: Floats, reward: Floats | float, most: int
    ) -> Cells | Floats | None:
        """The cheapest change for each view, None where one has none; what one hides costs the next nothing."""
        changes: list[npt.NDArray[Any]] = []
        for view in views:
            size = abs(view.step)
            up, down = np.minimum(view.up / size, most), np.minimum(view.down / size, most)
            # A cell that can take a part of the step alone costs as much to hide as one that can take it all.
            scarce = costs / np.where(up > 0, np.minimum(up, 1), 1)
            self.effort += len(costs)
            step = 1 if view.step > 0 else -1
            change = mover.cheapest(at, step, up, down, scarce - reward, scarce + reward, whole=self.problem.whole)
            if change is None:
                return None
            changes.append(change if self.problem.whole else change * size)
            costs = np.where(change != 0, HIDDEN_COST, costs)
        found: npt.NDArray[Any] = np.array(changes)
        return found

    def _price(self, certificate: Certificate) -> float:
        """What hiding the cells would cost that are not hidden yet."""
        return float(self.base[certificate.cells[~self.found.hidden[certificate.cells]]].sum())

    def _add(self, cell: int, certificate: Certificate) -> float:
        self.found.certificates[cell] = certificate
        self.found.uses[certificate.cells] += 1
        self.found.proofs[certificate.cells] += self.problem.proves(cell, certificate)
        price = self._price(certificate)
        self.found.hidden[certificate.cells], self.cost[certificate.cells] = True, HIDDEN_COST
        return price

    def _withdraw(self, cell: int) -> None:
        certificate = self.found.certificates.pop(cell)
        self.found.uses[certificate.cells] -= 1
        self.found.proofs[certificate.cells] -= self.problem.proves(cell, certificate)
        bare = certificate.cells[(self.found.uses[certificate.cells] == 0) & ~self.free[certificate.cells]]
        self.found.hidden[bare], self.cost[bare] = False, self.base[bare]
