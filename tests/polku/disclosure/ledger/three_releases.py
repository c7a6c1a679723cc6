"""Three releases of one table, between which persons move, put into a ledger of plain files.

Belongs here: making them. Does not belong here: any expectation.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from polku.disclosure.ledger.conclusion import conclude
from polku.disclosure.ledger.decision import decide
from polku.disclosure.ledger.release_ledger import Draft, Entry, ReleaseLedger
from tests.polku.disclosure.ledger.cells import SPEC, present, record_keys
from tests.polku.disclosure.ledger.plain_files import PlainCells

RECORDS = record_keys(100)
MEMBERS = {
    1: {"a": set(range(30)), "b": set(range(30, 100))},
    2: {"a": set(range(50)), "b": set(range(50, 100))},
    3: {"a": set(range(49)), "b": set(range(49, 100))},
}
"""Twenty persons move in the second release, one moves back in the third."""


def ledger_in(folder: Path) -> ReleaseLedger:
    return ReleaseLedger(folder, PlainCells())


def draft(ledger: ReleaseLedger, release: str, night: int) -> Draft:
    cells = MEMBERS[night]
    decision = decide(present(cells, RECORDS), ledger.history().get("areas", []), 10)
    rows = [(area, len(persons), "ok") for area, persons in cells.items()]
    table = pd.DataFrame(rows, columns=["area", "persons", "status"]).astype({"persons": "Int64"})
    table.loc[decision.forced, ["persons", "status"]] = [pd.NA, "secondary"]
    concluded = conclude(table, SPEC, decision, ledger.head()[0] + 1, np.datetime64(f"2026-03-0{night}"))
    return Draft(
        release, date(2026, 3, night), {"d-1": "00"}, "policy", None, {"areas": concluded}, {"areas": ("area",)}, {}
    )


def append(ledger: ReleaseLedger, release: str, night: int) -> Entry:
    return ledger.append(draft(ledger, release, night), ledger.head())
