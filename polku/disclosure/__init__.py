"""Disclosure control: what may leave, in which form, and what an outsider could still work out.

Belongs here: the policy, suppression, and the attacker of the gate. Does not belong here: writing
releases (`polku.publication`) and deciding whether a gate opens (`expectations`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polku.disclosure.attack.release import recover, recover_all
    from polku.disclosure.attack.releases import recover_between
    from polku.disclosure.cells import STATUS, Finding, ReleaseSpec, Status, spec_of
    from polku.disclosure.dimensions import Dimension, read_dimensions
    from polku.disclosure.policy import Policy, load_policy
    from polku.disclosure.protection.alike import protect_alike
    from polku.disclosure.protection.levels import Level, Rule
    from polku.disclosure.protection.release import protect, protect_release
    from polku.disclosure.protection.table import Protected, protect_table
    from polku.disclosure.smallest import smallest_cells

__all__ = [
    "STATUS",
    "Dimension",
    "Finding",
    "Level",
    "Policy",
    "Protected",
    "ReleaseSpec",
    "Rule",
    "Status",
    "load_policy",
    "protect",
    "protect_alike",
    "protect_release",
    "protect_table",
    "read_dimensions",
    "recover",
    "recover_all",
    "recover_between",
    "smallest_cells",
    "spec_of",
]

_WHERE = {
    "attack.release": ("recover", "recover_all"),
    "attack.releases": ("recover_between",),
    "cells": ("STATUS", "Finding", "ReleaseSpec", "Status", "spec_of"),
    "dimensions": ("Dimension", "read_dimensions"),
    "policy": ("Policy", "load_policy"),
    "protection.alike": ("protect_alike",),
    "protection.levels": ("Level", "Rule"),
    "protection.release": ("protect", "protect_release"),
    "protection.table": ("Protected", "protect_table"),
    "smallest": ("smallest_cells",),
}


def __getattr__(name: str) -> Any:
    """Each name from its module when it is first asked for: an audit waits neither for pandas nor for scipy."""
    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"polku.disclosure.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
