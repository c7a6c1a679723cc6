"""The protections that a study may choose for a table, and what each of them promises its readers.

Belongs here: their names, and reading the promises (`guarantees.toml`). Does not belong here: which table may have
which (`choice`), and how a table is protected. Whoever seals reads studies, so nothing here needs more than that.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files

from polku.contracts.model import Label
from polku.disclosure.policy import Policy


class Protection(StrEnum):
    """How a table is protected: by gaps (its figures are exact), by additive rounding, or by noise of record keys."""

    GAPS = "gaps"
    ROUNDING = "rounding"
    CELL_KEY = "cell_key"


def guarantee(protection: Protection, policy: Policy) -> Label:
    """What readers of a table are told of its protection."""
    numbers = {
        "threshold": policy.threshold,
        "below": policy.threshold - 1,
        "change": policy.noise.max_change,
        "variance": f"{policy.noise.variance:g}",
    }
    return Label(**{language: text.format(**numbers) for language, text in _guarantees()[protection].items()})


@cache
def _guarantees() -> dict[str, dict[str, str]]:
    return tomllib.loads(files(__package__).joinpath("guarantees.toml").read_text(encoding="utf-8"))
