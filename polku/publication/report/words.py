"""Words and numbers of the report in one language.

Belongs here: texts by key, labels of codes, and how a language writes numbers and dates. Does not belong here: the
texts themselves (`texts/*.toml`, each in three languages), and what is said when (`sections`). Babel is
imported when a number is written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from polku.contracts.faults import Faults, label_of
from polku.contracts.model import Label
from polku.disclosure.cells import is_share
from polku.errors import Exit
from polku.outcomes import Outcome
from polku.outcomes.definitions import rule_of
from polku.studies import Study

_LEAST_SHARE = 0.001
"""What is less, but not nothing, is told apart from nothing."""
_LOCALES = {"en": "en_GB", "fi": "fi", "sv": "sv"}


@cache
def texts() -> Mapping[str, Label]:
    """All texts by `group.key`; refuses (CONTRACT_INVALID) one that lacks a language."""
    found: dict[str, Label] = {}
    faults = Faults()
    for file in sorted(files("polku.publication.report").joinpath("texts").iterdir(), key=lambda f: f.name):
        for group, entries in tomllib.loads(file.read_text(encoding="utf-8")).items():
            found |= {f"{group}.{key}": label_of(entry, f"{group}.{key}", faults) for key, entry in entries.items()}
    faults.refuse("texts of the report", Exit.CONTRACT_INVALID, "text")
    return found


@dataclass(frozen=True)
class Words:
    """What the report says in one language. Numbers and dates are written as the language writes them."""

    language: str
    texts: Mapping[str, Label]
    study: Study

    def say(self, key: str, **values: str) -> str:
        """A text with its placeholders filled in."""
        return self.label(self.texts[key]).format(**values)

    def label(self, label: Label) -> str:
        """A label in this language."""
        return str(getattr(label, self.language))

    def code(self, code: Any) -> str:
        """What a code of a dimension means: a group, a known code, an outcome, a path of codes, or its own words."""
        if isinstance(code, date):
            return self.month(code)
        if isinstance(code, int):
            return self.count(code) if code < 1000 else str(code)  # a year has no thousands separator
        label = self.study.groups.get(str(code)) or self.texts.get(f"code.{code}")
        if label is None and str(code) in self.study.outcomes:
            label = self.study.outcomes[str(code)].label
        if label is None and "-" in str(code):
            return self.say("figure.then").join(self.code(part) for part in str(code).split("-"))
        return self.label(label) if label else self.name(code)

    def rule(self, outcome: Outcome) -> str:
        """The definition of an outcome."""
        return self.label(rule_of(outcome, self.study.contracts))

    def name(self, code: Any) -> str:
        """A code or the name of a column, for which there is no label, in its own words."""
        text = str(code).replace("_", " ")
        return text[:1].upper() + text[1:]

    def column(self, name: str) -> str:
        """The heading of a column of a released table."""
        label = self.texts.get(f"column.{name}")
        return self.label(label) if label else self.name(name)

    def figure(self, column: str, value: float) -> str:
        """A figure by the unit that its column's name gives."""
        if is_share(column):
            return self.share(value)
        return self.euros(value) if column.endswith("_eur") else self.count(value)

    def share(self, share: float) -> str:
        """A part of one in per cent."""
        if 0 < share < _LEAST_SHARE / 2:
            return "<\xa0" + _percent(_LEAST_SHARE, self.language)
        return _percent(round(share, 3), self.language)

    def euros(self, amount: float) -> str:
        """An amount, to the euro."""
        number = _decimal(round(amount), self.language)
        return f"€{number}" if self.language == "en" else f"{number}\xa0€"

    def weeks(self, weeks: float) -> str:
        """A number of weeks; a mean below ten keeps one decimal."""
        return _decimal(round(weeks, 1) if weeks < 10 else round(weeks), self.language)

    def count(self, number: float) -> str:
        """A number of persons, months or cells; a mean keeps one decimal, or two below one."""
        return _decimal(number, self.language)

    def month(self, month: date | str) -> str:
        """A month (its first day, or YYYY-MM) with its year."""
        day = month if isinstance(month, date) else date.fromisoformat(f"{month}-01")
        return _date(day, "LLL y", self.language).replace(" ", "\xa0")

    def day(self, day: date) -> str:
        """A day."""
        return _date(day, "long", self.language)

    def listed(self, parts: list[str]) -> str:
        """Parts of a sentence, one after the other."""
        return "; ".join(parts)


@cache
def _date(day: date, pattern: str, language: str) -> str:
    from babel.dates import format_date

    return format_date(day, pattern, locale=_LOCALES[language])


@cache
def _percent(share: float, language: str) -> str:
    from babel.numbers import format_percent

    text = format_percent(share, "0.0%", locale=_LOCALES[language])
    return text if language == "en" else text.replace("%", "\xa0%")


@cache
def _decimal(number: float, language: str) -> str:
    from babel.numbers import format_decimal

    pattern = "#,##0" if number == round(number) else "#,##0.00" if abs(number) < 1 else "#,##0.0"
    return format_decimal(number, pattern, locale=_LOCALES[language])
