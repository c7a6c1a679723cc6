"""What an attacker knows beyond what is published: the levels A0 to A4 as bounds of single cells.

Belongs here: the meaning of each level. Does not belong here: what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from polku.disclosure.attack.spec import LEVELS, AuditSpec
from polku.disclosure.attack.system import System
from polku.disclosure.attack.tables import OTHER, PRIMARY
from polku.errors import Exit, Refusal


@dataclass(frozen=True)
class Knowledge:
    """One attacker.

    - `whole`: counts are whole numbers; `gaps_count`: nobody suppresses a zero, so that a gap is at least 1.
    - `marks`: which gaps are primary (at most threshold - 1), which are not (at least threshold).
    - `insider`: one contributor knows her own part; `joint`: what links releases is known.
    """

    level: str
    whole: bool
    gaps_count: bool
    zeros_published: bool
    marks: bool
    insider: bool
    joint: bool
    threshold: int | None

    @property
    def words(self) -> str:
        """What the attacker knows, for people."""
        said = ["every published figure and that none is negative"]
        said += ["that counts are whole"] if self.whole else []
        said += ["that zeros are published, so that a gap is at least 1"] if self.gaps_count else []
        said += [f"which gaps are below {self.threshold} and which are not"] if self.marks else []
        said += ["one contributor's own part"] if self.insider else []
        said += ["all releases together"] if self.joint else []
        return ", ".join(said)


def knowledge_of(spec: AuditSpec, level: str | None, threshold: int | None) -> Knowledge:
    """The attacker of a level, or, without one, of A0 who believes what the file says of itself.

    Refuses (USAGE) A2 and above without a threshold.
    """
    threshold = threshold if threshold is not None else spec.options.threshold
    stated = level is None and spec.options.level is None
    level = level or spec.options.level or "A0"
    rank = LEVELS.index(level)
    published = spec.options.zeros_published
    rounded = any(table.round_base and float(table.round_base).is_integer() for table in spec.tables)
    if rank >= 2 and threshold is None:
        raise Refusal(Exit.USAGE, f"level {level} needs the threshold of the rule.", "Give --threshold.")
    return Knowledge(
        level=level,
        whole=rank >= 1 or rounded or spec.options.whole,
        gaps_count=published is not False if rank >= 1 else stated and published is True,
        zeros_published=published is not False,
        marks=rank >= 2,
        insider=rank >= 3,
        joint=rank >= 4 or (stated and len(spec.releases) > 1),
        threshold=threshold,
    )


def bounds_of(system: System, known: Knowledge) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every cell: the least and the most that it may be by itself, and whether it is known to be whole."""
    low, high = np.maximum(system.low, 0), system.high.copy()
    whole = system.whole & known.whole
    unseen = system.gap & system.whole & np.isinf(high)
    if known.gaps_count:
        low[unseen] = np.maximum(low[unseen], 1)
    if known.marks and known.threshold is not None:
        small, other = unseen & (system.mark == PRIMARY), unseen & (system.mark == OTHER)
        low[small] = np.maximum(low[small], 1 if known.zeros_published else 0)
        high[small] = known.threshold - 1
        low[other] = np.maximum(low[other], known.threshold)
    low[whole], high[whole] = np.ceil(low[whole] - 1e-9), np.floor(high[whole] + 1e-9)
    return low, high, whole
