"""Disclosure control: what may leave, in which form, and what an outsider could still work out.

Belongs here: the policy, suppression, and the attacker of the gate. Does not belong here: writing
releases (`polku.publication`) and deciding whether a gate opens (`expectations`).
"""

from polku.disclosure.attack.release import recover, recover_all
from polku.disclosure.cells import STATUS, Finding, ReleaseSpec, Status, spec_of
from polku.disclosure.policy import Policy, load_policy
from polku.disclosure.protection.release import protect
from polku.disclosure.smallest import smallest_cells

__all__ = [
    "STATUS",
    "Finding",
    "Policy",
    "ReleaseSpec",
    "Status",
    "load_policy",
    "protect",
    "recover",
    "recover_all",
    "smallest_cells",
    "spec_of",
]
