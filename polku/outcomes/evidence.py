"""Which registers an outcome is known from, how far they are complete, and when they are final.

Belongs here: reading that out of contracts. Does not belong here: which months deliveries have made known
(`polku.research.coverage`), and how several registers decide together (`int_list_observed_months`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from polku.contracts.model import Code, Contract
from polku.outcomes.catalogue import Outcome


@dataclass(frozen=True)
class Evidence:
    """A table of a register that an outcome is known from.

    `covered_from` is the first day from which it is complete, `maturity_months` how long until a month is final (with
    `matures_yearly` counted from the end of the year), `purge_after_months` when the register deletes (None: never).
    """

    register: str
    table: str
    covered_from: date
    maturity_months: int
    matures_yearly: bool
    purge_after_months: int | None


def evidence_of(outcome: Outcome, contracts: Mapping[str, Contract]) -> tuple[Evidence, ...]:
    """The tables of the contracts from which the outcome is known, by register; none where it cannot be known."""
    covered: dict[tuple[str, str], date] = {}
    for contract, name, codes in _feeds(outcome, contracts):
        table, later = contract.table(name), [code.covered_from for code in codes if code.covered_from]
        covered[contract.register, name] = max(
            [table.covered_from or contract.covered_from, *later, covered.get((contract.register, name), date.min)]
        )
    return tuple(_evidence(contracts[register], name, day) for (register, name), day in sorted(covered.items()))


def is_of_household(outcome: Outcome, contracts: Mapping[str, Contract]) -> bool:
    """Whether what it counts belongs to a household in one of the registers."""
    return any(code.household for _, _, codes in _feeds(outcome, contracts) for code in codes)


def _evidence(contract: Contract, table_name: str, covered_from: date) -> Evidence:
    months = contract.table(table_name).maturity_months
    return Evidence(
        register=contract.register,
        table=table_name,
        covered_from=covered_from,
        maturity_months=contract.maturity_months if months is None else months,
        matures_yearly=contract.matures_yearly,
        purge_after_months=contract.purge_after_months,
    )


def _feeds(outcome: Outcome, contracts: Mapping[str, Contract]) -> Iterator[tuple[Contract, str, list[Code]]]:
    """Contracts with the table that feeds a timeline, and the codes that give what is needed (none: all of it does)."""
    for need in outcome.needs:
        timeline, _, wanted = need.partition(".")
        for contract in contracts.values():
            feed = contract.timeline.get(timeline)
            if feed is None or feed.table not in {table.name for table in contract.tables}:
                continue
            codes = [code for _, code in contract.all_codes() if wanted and _means(code, timeline) == wanted]
            if codes or not wanted:
                yield contract, feed.table, codes


def _means(code: Code, timeline: str) -> str | None:
    """What a code gives on a timeline: a main activity, a channel of services, or a group of benefits."""
    return {"activity": code.state, "service": code.channel, "benefit": code.group}.get(timeline)
