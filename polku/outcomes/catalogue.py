"""The catalogue of outcomes: code, version, rule in words, unit and the events that an outcome is known from.

Belongs here: reading `catalogue.toml`. Does not belong here: which registers have the events (`evidence`), which
outcomes a study uses (`use`), and the rules in SQL (`dbt_project`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from polku.contracts.model import LANGUAGES, Label

OF_STUDY = {"least_wage": "[employed_min_eur_per_month]"}
"""What stands in a rule for settings of a study where no study is meant."""


@dataclass(frozen=True)
class Outcome:
    """One outcome. Its grain is a person and a month around the entry; of `exit`, a client.

    `needs` are kinds of events, each a timeline of the contracts or one code on it (`timeline.code`). `household` is
    what to say where the amount belongs to a household (None: it never does). The outcomes are those that evaluations
    of Skills Centres and of employment programmes publish (Helsinki 2021; Employment Data Lab of the United Kingdom).
    """

    code: str
    version: int
    table: str
    topic: str
    unit: Label
    needs: tuple[str, ...]
    label: Label
    rule: Label
    household: Label | None = None

    def filled(self, **settings: str) -> Outcome:
        """The outcome with settings of a study in its rule."""
        return replace(self, rule=Label(**{lang: getattr(self.rule, lang).format(**settings) for lang in LANGUAGES}))


@cache
def load_catalogue() -> Mapping[str, Outcome]:
    """Every outcome by its code, in the order in which they are told."""
    text = files("polku.outcomes").joinpath("catalogue.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    units = {name: Label(**label) for name, label in data["unit"].items()}
    found = (outcome for name, entry in data["outcome"].items() for outcome in _outcomes(name, entry, units))
    return MappingProxyType({outcome.code: outcome for outcome in found})


def _outcomes(name: str, entry: Mapping[str, Any], units: Mapping[str, Label]) -> Iterator[Outcome]:
    """The outcome of an entry, or one for each of its codes."""
    rule = Label(**entry["rule"])
    members = {code: Label(**label) for code, label in entry.get("each", {}).items()}
    for code, label in members.items() or [("", Label(**entry["label"]))]:
        yield Outcome(
            code=f"{name}_{code}" if code else name,
            version=entry["version"],
            table=entry["table"],
            topic=entry["topic"],
            unit=units[entry["unit"]],
            needs=tuple(f"{kind}.{code}" if code else kind for kind in entry["needs"]),
            label=label,
            rule=Label(**{lang: getattr(rule, lang).replace("{label}", getattr(label, lang)) for lang in LANGUAGES}),
            household=Label(**entry["household"]) if "household" in entry else None,
        )
