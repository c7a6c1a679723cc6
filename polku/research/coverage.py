"""Which days the landed deliveries of a table can speak of: received, covered, final, not yet deleted at source.

Belongs here: the rules from a contract and the dates of deliveries to days. Does not belong here: months and persons
(the models), and what has landed (`landed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from polku.contracts.model import Contract, Table
from polku.studies import Study


@dataclass(frozen=True)
class Extract:
    """When an extract was made, and the days that it speaks of (None: everything until then)."""

    extracted_on: date
    period: tuple[date, date] | None = None


@dataclass(frozen=True)
class Days:
    """Days within the study's window, inclusive; None where nothing was received.

    `observed_from` is the first day from which the register is complete; `observed_until` the last one of which it is
    final; rows whose deletion clock had run out before `purged_before` may be missing (None: nothing is deleted).
    """

    observed_from: date
    received_from: date | None
    received_until: date | None
    observed_until: date | None
    purged_before: date | None


def days_of(study: Study, contract: Contract, table: Table, extracts: Sequence[Extract]) -> Days:
    """The days of one table.

    Nothing outside the study's window is told, so that an extract that says no more of the window than earlier ones
    leaves the coverage as it was.
    """
    covered_from = table.covered_from or contract.covered_from
    if not extracts:
        return Days(covered_from, None, None, None, None)
    first = min(extract.period[0] if extract.period else date.min for extract in extracts)
    last = max(_last(extract) for extract in extracts)
    final = max(min(_last(extract), _final(contract, table, extract)) for extract in extracts)
    return Days(
        covered_from,
        max(first, study.window_from),
        min(last, study.window_until),
        min(final, study.window_until),
        _purged_before(contract, table, extracts),
    )


def chain_of(study: Study, register: str) -> str:
    """The first of the registers that followed each other (`continues`), as far as the study has them."""
    seen = {register}
    while (before := study.contracts[register].continues) in study.contracts and before not in seen:
        seen.add(before)
        register = before
    return register


def _last(extract: Extract) -> date:
    return min(extract.period[1], extract.extracted_on) if extract.period else extract.extracted_on


def _final(contract: Contract, table: Table, extract: Extract) -> date:
    """The last day that was final when the extract was made: registers go on correcting recent months."""
    months = contract.maturity_months if table.maturity_months is None else table.maturity_months
    day = months_before(extract.extracted_on, months)
    if contract.matures_yearly and (day.month, day.day) != (12, 31):
        return date(day.year - 1, 12, 31)
    return day


def _purged_before(contract: Contract, table: Table, extracts: Sequence[Extract]) -> date | None:
    """What an earlier extract still had stays landed, unless later ones take its place."""
    if contract.purge_after_months is None:
        return None
    choose = min if table.replaces == "rows" else max
    return months_before(choose(extract.extracted_on for extract in extracts), contract.purge_after_months)


def months_before(day: date, months: int) -> date:
    """The day so many months earlier; the 29th to 31st become the last day of a shorter month."""
    earlier: date = (pd.Timestamp(day) - pd.DateOffset(months=months)).date()
    return earlier
