"""Subgroups for which a study asks the effect.

Belongs here: which strata there are, and reading `[subgroups]` of a study file. Does not belong here: who is in which
subgroup (model `int_list_subgroups`), and how large one must be (mart
`effect_by_months_since_entry`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polku.contracts.faults import Faults

STRATA = ("sex", "age_band", "residence_ground", "years_since_arrival", "entry_year")
"""What persons may be divided by: what is known at the entry, as the public was told of it."""

MOST_AT_ONCE = 2
"""Three characteristics at once leave few persons in a subgroup, and many subgroups to be misled by."""

RELEASED = "effect_in_subgroup"
PLACE = "subgroups"


def parse_subgroups(
    data: Mapping[str, Any], risk_set_states: Sequence[str], released: Any, faults: Faults
) -> tuple[tuple[str, ...], ...]:
    """The strata of `[subgroups]`, each one or two of STRATA; its faults go to `faults`.

    Refused are a stratum that there is not, or of more than two characteristics, or that is named twice (in whatever
    order); subgroups of a study in which no month compares; and the released table without any.
    """
    faults.take(data, PLACE, {"strata": list})
    found: list[tuple[str, ...]] = []
    for entry in data.get("strata", ()):
        names = tuple(map(str, entry)) if isinstance(entry, list) else (str(entry),)
        for name in sorted(set(names) - set(STRATA)):
            faults.add(PLACE, f"`{name}` is no stratum; these are {', '.join(STRATA)}")
        if not 1 <= len(names) <= MOST_AT_ONCE:
            faults.add(PLACE, f"`{'-'.join(names)}`: a stratum has one characteristic or two")
        if len(set(names)) < len(names):
            faults.add(PLACE, f"`{'-'.join(names)}` names a characteristic twice")
        if set(names) in map(set, found):
            faults.add(PLACE, f"`{'-'.join(names)}` is listed twice")
        found.append(names)
    if data and not found:
        faults.add(PLACE, "`strata` names none")
    if found and not risk_set_states:
        faults.add(PLACE, "no month compares persons without `risk_set_states` in `[cohort]`")
    if isinstance(released, list) and RELEASED in released and not found:
        faults.add(PLACE, f"the study releases `{RELEASED}` and names no stratum")
    return tuple(found)
