"""Releases of one small table with known members, as the ledger would have them, for tests of the joint attack.

Belongs here: making them. Does not belong here: what is expected of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date

import numpy as np
import pandas as pd

from polku.disclosure import ReleaseSpec
from polku.disclosure.ledger.cell_file import PublicRelease, cells_of
from polku.disclosure.ledger.conclusion import conclude
from polku.disclosure.ledger.decision import decide
from tests.polku.disclosure.ledger.cells import present, record_keys

TOTAL = "all"
SPEC = ReleaseSpec("areas", ("area",), "persons", additive=("area",), total_code={"area": TOTAL}, members="listed")
SPECS = {"areas": SPEC}
RECORDS = record_keys(400)


def released(
    cells: Mapping[str, Set[int]], gaps: Mapping[str, str], earlier: Sequence[PublicRelease], threshold: int
) -> PublicRelease:
    """A release on the next day of March 2026: `gaps` are by area primary or secondary, all others are published.

    What stands of `earlier` releases is laid over, as the ledger decides.
    """
    everybody = dict(cells) | {TOTAL: set().union(*cells.values())}
    no = len(earlier) + 1
    decision = decide(present(everybody, RECORDS, SPEC), [release.begun("areas") for release in earlier], threshold)
    rows = [(area, None if area in gaps else len(who), gaps.get(area, "ok")) for area, who in everybody.items()]
    protected = pd.DataFrame(rows, columns=["area", "persons", "status"]).astype({"persons": "Int64"})
    day = date(2026, 3, no)
    concluded = conclude(protected, SPEC, decision, no, np.datetime64(day))
    return PublicRelease(no, day, {"areas": ("area",)}, {"areas": ("persons",)}, cells_of({"areas": concluded}))


def history(threshold: int, *nights: tuple[Mapping[str, Set[int]], Mapping[str, str]]) -> list[PublicRelease]:
    """Releases one after another."""
    made: list[PublicRelease] = []
    for cells, gaps in nights:
        made.append(released(cells, gaps, made, threshold))
    return made
