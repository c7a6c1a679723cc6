"""What a study says of its outcomes: which of the catalogue it uses, and in which version.

Belongs here: reading `[outcomes.use]` of a study file. Does not belong here: the definitions (`catalogue`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polku.contracts.faults import Faults
from polku.contracts.model import Contract
from polku.outcomes.catalogue import Outcome, load_catalogue
from polku.outcomes.evidence import evidence_of

PLACE = "outcomes.use"


def parse_use(
    used: Mapping[str, Any], released: Any, contracts: Mapping[str, Contract], faults: Faults
) -> dict[str, Outcome]:
    """The outcomes that are named, in the order of the catalogue; faults go to `faults`.

    Refused are an outcome that the catalogue does not have, or has in another version than the study was written for;
    one that none of the study's `contracts` can tell of; and a table in `released` of which no outcome is named.
    """
    catalogue = load_catalogue()
    for code, version in used.items():
        if code not in catalogue:
            faults.add(PLACE, f"`{code}` is no outcome of the catalogue; these are {', '.join(catalogue)}")
            continue
        defined, needs = catalogue[code].version, catalogue[code].needs
        if (type(version), version) != (int, defined):
            faults.add(PLACE, f"`{code}` is defined in version {defined}, not {version}: see `polku outcomes`")
        if not evidence_of(catalogue[code], contracts):
            faults.add(PLACE, f"`{code}` cannot be known: the study has no table of {' or '.join(needs)}")
    of_tables = {outcome.table for code, outcome in catalogue.items() if code in used}
    for table in dict.fromkeys(outcome.table for outcome in catalogue.values()):
        if isinstance(released, list) and table in released and table not in of_tables:
            faults.add(PLACE, f"the study releases `{table}` and names no outcome of it")
    return {code: outcome for code, outcome in catalogue.items() if code in used}
