"""Definitions of outcomes as they are printed: what the catalogue and the contracts say, for people and for machines.

Belongs here: bringing both together. Does not belong here: the definitions themselves (`catalogue.toml`), and where
they are printed (`polku.publication`, `polku outcomes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from polku.contracts.model import LANGUAGES, Contract, Label
from polku.outcomes.catalogue import Outcome
from polku.outcomes.evidence import Evidence, evidence_of, is_of_household


def outcomes_of(table: str, outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Those that a released table tells of, by code."""
    return {code: outcome for code, outcome in outcomes.items() if outcome.table == table}


def rule_of(outcome: Outcome, contracts: Mapping[str, Contract]) -> Label:
    """The rule in words, and whose the amount is where it belongs to a household in one of the contracts."""
    if outcome.household is None or not is_of_household(outcome, contracts):
        return outcome.rule
    return Label(**{lang: f"{getattr(outcome.rule, lang)} {getattr(outcome.household, lang)}" for lang in LANGUAGES})


def content(table: str, outcomes: Mapping[str, Outcome], contracts: Mapping[str, Contract]) -> dict[str, Any]:
    """The outcomes of a table for machines: version, label, rule, unit, household, and the registers behind them."""
    return {
        code: {
            "version": outcome.version,
            "label": asdict(outcome.label),
            "rule": asdict(rule_of(outcome, contracts)),
            "unit": asdict(outcome.unit),
            "household": is_of_household(outcome, contracts),
            "registers": [
                {**asdict(evidence), "covered_from": evidence.covered_from.isoformat()}
                for evidence in evidence_of(outcome, contracts)
            ],
        }
        for code, outcome in outcomes_of(table, outcomes).items()
    }


def text(outcomes: Mapping[str, Outcome], contracts: Mapping[str, Contract]) -> str:
    """Outcomes in Markdown, each with its rule in the three languages and the registers that it is known from."""
    return "\n".join(line for outcome in outcomes.values() for line in _lines(outcome, contracts))


def _lines(outcome: Outcome, contracts: Mapping[str, Contract]) -> Iterator[str]:
    rule = rule_of(outcome, contracts)
    yield f"### `{outcome.code}`, version {outcome.version}"
    for lang in LANGUAGES:
        label, said, unit = (getattr(of, lang) for of in (outcome.label, rule, outcome.unit))
        yield f"- {lang}: **{label}.** {said} ({unit})"
    known_from = [in_words(evidence, contracts[evidence.register]) for evidence in evidence_of(outcome, contracts)]
    yield f"- known from: {'; '.join(known_from) or 'no register'}"
    yield ""


def in_words(evidence: Evidence, contract: Contract) -> str:
    """A register behind an outcome: from when it is complete, when it is final, and when it deletes."""
    since = "after the end of the year" if evidence.matures_yearly else "later"
    final = f"final {evidence.maturity_months} months {since}"
    kept = f", deleted after {evidence.purge_after_months} months" if evidence.purge_after_months else ""
    title = f"{contract.title.en} (`{evidence.register}.{evidence.table}`)"
    return f"{title}, complete from {evidence.covered_from}, {final}{kept}"
