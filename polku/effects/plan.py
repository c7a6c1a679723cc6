"""What a study says of its comparison: by which characteristics, and how near two persons must be.

Belongs here: reading `[comparison]` of a study file. Does not belong here: any computation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from polku.contracts.faults import Faults
from polku.contracts.model import Contract

BEFORE_ENTRY = (
    "age_years",
    "months_since_arrival",
    "wages_1_year_before_eur",
    "wages_2_years_before_eur",
    "months_employed_12_before",
    "months_unemployed_12_before",
    "months_unemployed_24_before",
    "months_in_service_12_before",
    "months_studying_12_before",
    "sex_code",
    "residence_ground_code",
)
"""Covariates that the mart `covariate` has in every study; contracts and studies add others (`covariate = true`)."""

BALANCE = "covariate_balance"
"""The table of the balance."""

_KEYS: dict[str, type | tuple[type, ...]] = {"covariates": list, "caliper": (int, float)}


@dataclass(frozen=True)
class Comparison:
    """Clients are matched with the others by `covariates`.

    `caliper` is how far the propensity scores of two matched persons may lie apart, in standard deviations of the score
    (None: any distance).
    """

    covariates: tuple[str, ...]
    caliper: float | None = None


def parse_comparison(data: Mapping[str, Any], contracts: Iterable[Contract], faults: Faults) -> Comparison:
    """The section `[comparison]`; its faults go to `faults`.

    A covariate is one that is known to be from before the entry: what the entry may have changed is an outcome, and
    comparing those with the same outcome would take the effect away (Rosenbaum 1984, J. R. Statist. Soc. A 147).
    """
    faults.take(data, "comparison", _KEYS)
    faults.need(data, "comparison", "covariates")
    tables = [table for contract in contracts for table in contract.tables]
    known = {*BEFORE_ENTRY, *(c.name for table in tables for c in table.columns if c.covariate)}
    covariates = tuple(map(str, data.get("covariates", ())))
    for name in covariates:
        if name not in known:
            faults.add("comparison", f"`{name}` is no characteristic from before the entry; these are {_listed(known)}")
    if len(set(covariates)) < len(covariates):
        faults.add("comparison", "`covariates` names one twice")
    caliper = data.get("caliper")
    if isinstance(caliper, int | float) and caliper <= 0:
        faults.add("comparison", "`caliper` is above zero")
    return Comparison(covariates, None if caliper is None else float(caliper))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
