"""By how much a primary amount must stay uncertain, and how much of an amount the best informed do not know.

Belongs here: the protection levels of rules, and the attackers of amounts. Does not belong here: which cells break a
rule (`primary`), and the search for what else is hidden (`search`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from polku.disclosure.policy import Policy
from polku.disclosure.primary.contributions import AmountCells
from polku.disclosure.protection.search import Certificate, Problem, View
from polku.errors import Exit, Refusal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class AmountLevel(StrEnum):
    """Attackers that a protected table of amounts withstands; the second knows what the first knows.

    A0: every published figure, and every amount within some percent beforehand. A3: a contributor, who knows what he
    gives to each cell himself, and where he is the only one.
    """

    A0 = "A0"
    A3 = "A3"


@dataclass(frozen=True)
class AmountRule:
    """When an amount is unsafe, and against whom it is protected.

    `known_within`: everybody knows each amount (a contributor: what the others give) to within so many percent before
    anything is published. 100: no more than that nothing is negative, nor more than double.
    """

    policy: Policy
    level: AmountLevel = AmountLevel.A3
    known_within: float = 100

    def refuse_unless_possible(self) -> None:
        """Refuse (USAGE) rules that ask for more than attackers leave open beforehand."""
        if not 0 < self.known_within <= 100:
            raise Refusal(Exit.USAGE, "what is known beforehand is a percentage above 0 and up to 100.")
        for words, percent in self._asked():
            if percent > self.known_within + 1e-9:
                raise Refusal(
                    Exit.USAGE,
                    f"{words} asks for an uncertainty of {percent:.4g} percent, but attackers know amounts to within "
                    f"{self.known_within:g} percent beforehand.",
                    "Ask for less, or assume that less is known.",
                )

    @property
    def range_percent(self) -> float:
        """The width for cells that break no rule of concentration: as if one contributor had the whole amount."""
        rules = self.policy.rules
        asked = [] if rules.p_percent is None else [rules.p_percent]
        asked += [100 * rules.prior_posterior[0] / rules.prior_posterior[1]] if rules.prior_posterior else []
        return max(asked, default=RANGE_PERCENT)

    def _asked(self) -> Iterator[tuple[str, float]]:
        """Rules of concentration, and what percentage of an amount they can ask for at most."""
        rules = self.policy.rules
        if rules.p_percent is not None:
            yield f"p={rules.p_percent:g}", rules.p_percent
        if rules.prior_posterior:
            p, q = rules.prior_posterior
            yield f"pq={p:g},{q:g}", 100 * p / q
        for n, k in rules.dominance:
            yield f"dominance={n},{k:g}", 100 * (100 / k - 1)


RANGE_PERCENT = 10.0
"""The same where the policy has no rule with a p (tau-Argus: the range of the minimum frequency rule)."""


def needed(cells: AmountCells, rule: AmountRule, ordinary: float) -> Floats:
    """By how much, up and down, each primary amount must be uncertain; 0 where the cell is safe.

    The upper protection levels of the Handbook on Statistical Disclosure Control (Eurostat, second edition 2024,
    section 4.2.2), of several broken rules the highest; down the same, as the Handbook has it. Other rules (too few
    contributors, all the same): `range_percent` of the amount. An amount of nothing could be `ordinary`. In units; at
    least one, so that no figure is exact.
    """
    width = np.ones(len(cells.total))
    for broken, level in _levels(cells, rule):
        width = np.where(broken, np.maximum(width, level), width)
    opened = cells.total * (rule.known_within / 100)
    width = np.where(cells.total > 0, np.minimum(width, opened), max(ordinary, 1.0))
    return np.where(cells.primary, width, 0.0)


def _levels(cells: AmountCells, rule: AmountRule) -> list[tuple[npt.NDArray[np.bool_], Floats]]:
    """For each rule who breaks it, and the protection level that it asks for."""
    first, total = cells.largest[:, 0].astype(float), cells.total.astype(float)
    rest = total - cells.largest[:, :2].sum(axis=1)
    of_rules: dict[str, Floats] = {}
    rules = rule.policy.rules
    if rules.p_percent is not None:
        of_rules[f"p({rules.p_percent:g})"] = rules.p_percent / 100 * first - rest
    if rules.prior_posterior:
        p, q = rules.prior_posterior
        of_rules[f"pq({p:g},{q:g})"] = p / q * first - rest
    for n, k in rules.dominance:
        of_rules[f"dominance({n},{k:g})"] = 100 / k * cells.largest[:, :n].sum(axis=1) - total
    by_itself = rule.range_percent / 100 * total
    return [(broken, of_rules.get(name, by_itself)) for name, broken in cells.broken.items()]


@dataclass(frozen=True)
class AmountProblem(Problem):
    """Amounts to be protected against everybody or, at A3, also against each contributor.

    Every alternative may be turned round: `up` is `down`, what is open of an amount to everybody beforehand, the part
    `open_part` of it. `widths` are those of targets.
    """

    widths: Floats
    cells: AmountCells
    level: AmountLevel
    open_part: float

    whole: ClassVar[bool] = False

    def width(self) -> Floats:
        """By how much each target must be uncertain."""
        return self.widths

    def views(self, cell: int, cells: Ints) -> Iterator[tuple[View, ...]]:
        """One alternative for all, or one for the largest contributor of `cell` and one for all others.

        The largest is asked to believe no more of the change than his knowledge of the cell leaves open, the only one
        is not asked at all. All others together are asked as one who knows most of each cell.
        """
        width, own = self.widths[cell], cells == cell
        if self.cells.total[cell] == 0:
            yield (self._of_zero(width, cells),)
            return
        if self.level is AmountLevel.A0:
            yield (_both_ways(width, self._open_to(NOBODY, cells), own),)
            return
        first = int(self.cells.who[cell])
        opened = self._open_to(first, cells)
        most = np.where(self.cells.who[cells] == first, self.cells.largest[cells, 1], self.cells.largest[cells, 0])
        others = (self.cells.total[cells] - most) * self.open_part
        believed = min(width, float(opened[own][0]))
        if believed == 0:
            yield (_both_ways(width, others, own),)
            return
        yield (_both_ways(width, np.minimum(others, opened * (width / believed)), own),)
        yield (_both_ways(width, others, own), _both_ways(believed, opened, own))

    def _of_zero(self, width: float, cells: Ints) -> View:
        """What of other cells is open to everybody; zeros that are hidden may become as large as this one."""
        total, most = self.cells.total[cells], self.cells.largest[cells, 0]
        known = 0 if self.level is AmountLevel.A0 else most
        opened = (total - known) * self.open_part
        return View(width, np.where((total == 0) & self.targets[cells], width, opened), opened)

    def proves(self, cell: int, certificate: Certificate) -> npt.NDArray[np.bool_]:
        """Cells that everybody believes changed by their width, or by all that is open to him."""
        at, steps = certificate.cells, np.abs(certificate.steps)
        widths = self.widths[at] * (1 - ALMOST)
        if self.level is AmountLevel.A0:
            return np.asarray(steps[0] >= widths)
        second = (self.cells.total[cell] - self.cells.largest[cell, 1]) * self.open_part
        proved = steps[0] * (min(1.0, second / self.widths[cell]) if self.cells.total[cell] else 1.0) >= widths
        first = int(self.cells.who[cell])
        if first >= 0:
            opened = self._open_to(first, at)
            part = np.min(opened / np.where(steps > 0, steps, np.nan), axis=1, where=steps > 0, initial=1.0)
            proved &= (steps * part[:, None]).max(axis=0) >= np.minimum(widths, opened * (1 - ALMOST))
        return np.asarray(proved | (at == cell))

    def _open_to(self, who: int, cells: Ints) -> Floats:
        """What of each cell is open to a contributor, who knows what he gives himself."""
        opened = self.cells.total[cells] - self.cells.given_by(who, cells)
        return np.asarray(opened * self.open_part, dtype=np.float64)


def _both_ways(step: float, opened: Floats, own: npt.NDArray[np.bool_]) -> View:
    """Nobody is asked to believe more of another cell than is open of it; the own one must take the step."""
    limit = np.where(own, step, opened)
    return View(step, limit, limit)


NOBODY = -1
"""A contributor who gives nothing."""

ALMOST = 1e-6
"""How much less than its width a change may be, because a solver's numbers are rounded."""


def problem_of(cells: AmountCells, rule: AmountRule, ordinary: float) -> AmountProblem:
    """What a rule asks of cells, when nothing is hidden otherwise; `ordinary` as in `needed`."""
    open_part = rule.known_within / 100
    opened = np.asarray(cells.total * open_part, dtype=np.float64)
    primary = cells.primary
    return AmountProblem(
        cells.total, primary, primary, opened, opened, needed(cells, rule, ordinary), cells, rule.level, open_part
    )
