"""The inexact tables of a night, beside what earlier releases allow.

Belongs here: the order of the steps for tables that are rounded or noisy. Does not belong here: how either is made
(`rounded`, `noisy`), and exact tables (`protection`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from polku.disclosure.inexact.noisy import noisy
from polku.disclosure.inexact.protections import Protection
from polku.disclosure.inexact.rounded import rounded
from polku.disclosure.ledger.cell_file import begun_by_table
from polku.disclosure.ledger.night import Plan
from polku.disclosure.policy import Policy
from polku.errors import Exit, Refusal


@dataclass(frozen=True)
class Made:
    """The released forms of inexact tables by name, and the plan with what was decided about them."""

    tables: Mapping[str, pd.DataFrame]
    planned: Plan


def make_inexact(planned: Plan, chosen: Mapping[str, Protection], policy: Policy) -> Made:
    """The tables for which another protection than gaps is chosen; those with gaps are left as they are.

    Refuses (STUDY_INVALID) a table that was public with another protection.
    """
    _refuse_changed(planned, chosen)
    decisions = dict(planned.decisions)
    history = begun_by_table(planned.earlier)
    made = {}
    for name, (table, spec) in planned.tables.items():
        protection = chosen.get(name, Protection.GAPS)
        if protection is Protection.ROUNDING:
            made[name], decisions[name] = rounded(table, spec, policy, planned.decisions[name], history.get(name, []))
        elif protection is Protection.CELL_KEY:
            present = planned.decisions[name].present
            own = np.arange(len(table))
            members, complements = present.members.at(own), present.complements.at(own)
            made[name] = noisy(table, spec, policy, members, complements, planned.forced(name))
    return Made(made, replace(planned, decisions=decisions))


def _refuse_changed(planned: Plan, chosen: Mapping[str, Protection]) -> None:
    """What was exact stays known, and inexact figures of the same persons would tell of its gaps."""
    for release in planned.earlier:
        for name in planned.tables.keys() & release.columns.keys():
            before, now = release.protections.get(name, Protection.GAPS), chosen.get(name, Protection.GAPS)
            if before != now:
                raise Refusal(
                    Exit.STUDY_INVALID,
                    f"`{name}` was public with the protection `{before}`, and the study now chooses `{now}`.",
                    "A table keeps its protection, or leaves the release.",
                    column=name,
                )
