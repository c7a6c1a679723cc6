"""What a study file says of its window, groups, cohort and follow-up, beyond the types of its keys.

Belongs here: settings that contradict each other, or by which nobody could be in the study. Does not belong here: the
study itself (`studies`), and what its outcomes and comparisons are (`outcomes`, `effects`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from polku.contracts.faults import Faults, label_of, mapping_of
from polku.contracts.model import Contract, Label
from polku.contracts.soundness import STATES
from polku.disclosure.inexact.protections import Protection

GROUPS = ("client", "never_client")
RULE_SETS = ("statfin_v1", "employment_first")
MONTH_RULES = ("last_day", "majority")


def check_codes(sections: Mapping[str, Mapping[str, Any]], faults: Faults) -> None:
    """Refuses main activities, rule sets and month rules that there are not."""
    for state in sections["cohort"].get("risk_set_states", ()):
        if state not in STATES:
            faults.add("cohort", f"`risk_set_states` names `{state}`; these are states: {', '.join(sorted(STATES))}")
    for key, known in (("rule_set", RULE_SETS), ("month_rule", MONTH_RULES)):
        if sections["timeline"].get(key) not in known:
            faults.add("timeline", f"`{key}` must be one of {', '.join(known)}")


def groups_of(data: Mapping[str, Any], faults: Faults) -> tuple[dict[str, Label], frozenset[str]]:
    """The labels of the groups, and which of them are empty by design."""
    for name, entry in data.items():
        faults.take(mapping_of(entry), f"groups.{name}", {"label": dict, "nobody": bool})
    if tuple(data) != GROUPS:
        faults.add("groups", f"the groups are {' and '.join(GROUPS)}, in this order")
    labels = {name: label_of(mapping_of(entry).get("label"), f"groups.{name}", faults) for name, entry in data.items()}
    return labels, frozenset(name for name, entry in data.items() if mapping_of(entry).get("nobody") is True)


def check_months(sections: Mapping[str, Mapping[str, Any]], clients: Contract | None, faults: Faults) -> None:
    """Refuses a window, a follow-up and ages by which nobody at all could be in the study."""
    window, outcomes, cohort = sections["window"], sections["outcomes"], sections["cohort"]
    first, last = _both(window, "from", "until", date)
    before, after = _both(outcomes, "months_before", "months_after", int)
    youngest, oldest = _both(cohort, "min_age_years", "max_age_years", int)
    if youngest is not None and oldest < youngest:
        faults.add("cohort", "`max_age_years` is below `min_age_years`")
    if before is not None and min(before, after) < 0:
        faults.add("outcomes", "`months_before` and `months_after` are not below zero")
    if first is None:
        return
    months = 12 * (last.year - first.year) + last.month - first.month + 1
    if last < first:
        faults.add("window", "`until` is before `from`")
    elif before is not None and before + 1 + after > months:
        faults.add("outcomes", f"a follow-up of {before + 1 + after} months does not fit into the window's {months}")
    if clients is not None and last < clients.covered_from:
        faults.add("window", f"nobody enters before {clients.covered_from}, from when `{clients.register}` is complete")


def protections_of(release: Mapping[str, Any], faults: Faults) -> dict[str, Protection]:
    """The chosen protections by table. Whether they fit their tables is known where these are declared."""
    found = {}
    for table, name in mapping_of(release.get("protection")).items():
        if table not in release.get("tables", ()):
            faults.add("release.protection", f"`{table}` is no released table")
        if name in list(Protection):
            found[table] = Protection(name)
        else:
            faults.add("release.protection", f"`{table}` must be one of {', '.join(Protection)}, and not `{name}`")
    return found


def _both(data: Mapping[str, Any], one: str, other: str, kind: type) -> tuple[Any, Any]:
    """Two settings that belong together; both None where one is missing or of a wrong type."""
    values = (data.get(one), data.get(other))
    return values if all(isinstance(value, kind) for value in values) else (None, None)
