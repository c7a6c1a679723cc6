"""What an attacker of each level knows of a hidden count by itself.

Belongs here: levels, the rule of a table, and the limits that they set to alternatives. Does not belong here: what
follows from sums (`search`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.int64]

UNLIMITED = 1 << 40
"""More persons than any table has."""


class Level(StrEnum):
    """Attackers that a protected table of counts withstands; each knows what the one before knows."""

    A0 = "A0"
    A1 = "A1"
    A2 = "A2"


@dataclass(frozen=True)
class Rule:
    """When a count is small, and against whom it is protected.

    `threshold` is the smallest number of persons that may be published. With `protect_zeros` a zero is small too and
    hidden; otherwise every zero is published, and a hidden count is at least one.
    """

    threshold: int
    level: Level = Level.A1
    protect_zeros: bool = False

    def is_small(self, values: Cells) -> npt.NDArray[np.bool_]:
        """Which counts may not be published for their own sake."""
        return (values < self.threshold) & ((values > 0) | self.protect_zeros)


def limits(values: Cells, small: npt.NDArray[np.bool_], rule: Rule) -> tuple[Cells, Cells]:
    """By how much each count could be greater and smaller, for all that an attacker of the level knows of it.

    A published zero cannot change at all. At A2 small counts stay below the threshold and others at or above it.
    """
    lowest = np.full(len(values), 0 if rule.level is Level.A0 or rule.protect_zeros else 1)
    highest = np.full(len(values), UNLIMITED)
    if rule.level is Level.A2:
        lowest = np.where(small, lowest, rule.threshold)
        highest = np.where(small, rule.threshold - 1, UNLIMITED)
    fixed = (values == 0) & (not rule.protect_zeros)
    up, down = (highest - values).clip(0), (values - lowest).clip(0)
    return np.where(fixed, 0, up), np.where(fixed, 0, down)
