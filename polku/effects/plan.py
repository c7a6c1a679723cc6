"""What a study says of its comparison: by which characteristics, how persons are matched, and what is compared after.

Belongs here: reading `[comparison]` of a study file. Does not belong here: any computation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from polku.contracts.faults import Faults, mapping_of
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

PROPENSITY, MAHALANOBIS, COARSENED = METHODS = ("propensity", "mahalanobis", "coarsened")
"""Nearest chance of being a client, nearest characteristics, or the same classes of characteristics."""

OUTCOMES = ("earnings_eur", "employed", "studying")
"""Columns of the mart `person_outcome` whose sum over months can be compared: euros, or months in which it is true."""

BALANCE = "covariate_balance"
"""The table of the balance."""

DIFFERENCE = "matched_difference"
"""The table of differences in the outcome."""

_KEYS: dict[str, type | tuple[type, ...]] = {
    "covariates": list,
    "method": str,
    "replacement": bool,
    "caliper": (int, float),
    "cuts": dict,
    "outcome": dict,
}
_OUTCOME_KEYS: dict[str, type | tuple[type, ...]] = {"column": str, "from_month": int, "until_month": int}


@dataclass(frozen=True)
class Outcome:
    """The sum of a column of `person_outcome` over months since the entry (both inclusive)."""

    column: str
    from_month: int
    until_month: int


@dataclass(frozen=True)
class Comparison:
    """Clients are matched with the others by `covariates`, the way of `method` (one of METHODS).

    `replacement` says that one other person may stand beside several clients. `caliper` is how far two matched persons
    may lie apart: standard deviations of the score, or Mahalanobis distance (None: any distance). `cuts` are, by
    covariate, the values at which a new class begins; a number without cuts counts as it is. `outcome` is what is
    compared after the entry (None: nothing but the balance is estimated).
    """

    covariates: tuple[str, ...]
    method: str = PROPENSITY
    replacement: bool = False
    caliper: float | None = None
    cuts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    outcome: Outcome | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are estimated."""
        return (BALANCE, DIFFERENCE) if self.outcome else (BALANCE,)


def parse_comparison(
    data: Mapping[str, Any], contracts: Iterable[Contract], months_after: int, faults: Faults
) -> Comparison:
    """The section `[comparison]`; its faults go to `faults`. `months_after` is how long the study follows persons.

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
    method = data.get("method", PROPENSITY)
    if method not in METHODS:
        faults.add("comparison", f"`method` must be one of {', '.join(METHODS)}")
    if method == COARSENED:
        for key in ("replacement", "caliper"):
            if key in data:
                faults.add("comparison", f"`{key}` says nothing where everybody of one class is matched (`coarsened`)")
    elif "cuts" in data:
        faults.add("comparison", "`cuts` are for the method `coarsened` alone")
    caliper = data.get("caliper")
    if isinstance(caliper, int | float) and caliper <= 0:
        faults.add("comparison", "`caliper` is above zero")
    return Comparison(
        covariates,
        str(method),
        data.get("replacement") is True,
        float(caliper) if isinstance(caliper, int | float) else None,
        _cuts(mapping_of(data.get("cuts")), covariates, faults),
        _outcome(mapping_of(data["outcome"]), months_after, faults) if "outcome" in data else None,
    )


def _cuts(data: Mapping[str, Any], covariates: tuple[str, ...], faults: Faults) -> dict[str, tuple[float, ...]]:
    found = {}
    for name, values in data.items():
        if name not in covariates:
            faults.add("comparison.cuts", f"`{name}` is not among `covariates`")
        elif name.endswith("_code"):
            faults.add("comparison.cuts", f"`{name}` is a code, which has classes already")
        elif not _ascends(values):
            faults.add("comparison.cuts", f"`{name}` must list numbers, each above the one before it")
        else:
            found[name] = tuple(map(float, values))
    return found


def _ascends(values: Any) -> bool:
    numbers = isinstance(values, list) and values and all(type(value) in (int, float) for value in values)
    return bool(numbers) and all(one < other for one, other in pairwise(values))


def _outcome(data: Mapping[str, Any], months_after: int, faults: Faults) -> Outcome | None:
    place, before = "comparison.outcome", len(faults.found)
    faults.take(data, place, _OUTCOME_KEYS)
    if not faults.need(data, place, *_OUTCOME_KEYS) or len(faults.found) > before:
        return None
    outcome = Outcome(data["column"], data["from_month"], data["until_month"])
    if outcome.column not in OUTCOMES:
        faults.add(place, f"`column` must be one of {', '.join(OUTCOMES)}")
    if not 0 <= outcome.from_month <= outcome.until_month <= months_after:
        faults.add(place, f"months go from 0 to {months_after} (`months_after`), `from_month` not after `until_month`")
    return outcome


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
