"""The estimators of survival as textbooks define them, in exact fractions.

Belongs here: who is at risk, and the formulas written out. Does not belong here: any expectation of the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

EVENTS = ("first_job", "degree_started", "death", "emigration")


@dataclass(frozen=True)
class Subject:
    """A person under observation from a month until another, which is that of an event or of censoring."""

    group: str
    start: int
    until: int
    exit: str

    def is_at_risk(self, month: int) -> bool:
        return self.start < month <= self.until


class Definition:
    """The estimators of one group and event as they are written in textbooks, by month from 0."""

    def __init__(self, subjects: list[Subject], group: str, event: str) -> None:
        self.group = [s for s in subjects if s.group == group]
        months = range(max(s.until for s in subjects) + 1)
        self.at_risk = [sum(s.is_at_risk(t) for s in self.group) for t in months]
        self.exits = [[s.exit for s in self.group if s.is_at_risk(t) and s.until == t] for t in months]
        self.any_event = [sum(exit in EVENTS for exit in exits) for exits in self.exits]
        self.events = [exits.count(event) for exits in self.exits]
        self.all_at_risk = [sum(s.is_at_risk(t) for s in subjects) for t in months]
        self.all_events = [sum(s.is_at_risk(t) and s.until == t and s.exit == event for s in subjects) for t in months]
        self.survival, self.incidence = [Fraction(1)], [Fraction(0)]
        for n, d, of_event in list(zip(self.at_risk, self.any_event, self.events, strict=True))[1:]:
            before = self.survival[-1]
            self.survival.append(before * (1 - Fraction(d, n)) if n else before)
            self.incidence.append(self.incidence[-1] + (before * Fraction(of_event, n) if n else 0))
        self.event_months = [t for t in months if self.any_event[t]]

    def greenwood(self, month: int) -> Fraction:
        """d / n (n - d); nothing where all have an event, after which the curves stay as they are."""
        n, d = self.at_risk[month], self.any_event[month]
        return Fraction(d, n * (n - d)) if n > d else Fraction(0)

    def survival_variance(self, until: int) -> Fraction | None:
        survival = self.survival[until]
        return survival**2 * sum(self.greenwood(t) for t in self.event_months if t <= until) if survival else None

    def incidence_variance(self, until: int) -> Fraction:
        """Marubini and Valsecchi (1995), by the delta method."""
        total = Fraction(0)
        for t in (t for t in self.event_months if t <= until):
            n, d, before = self.at_risk[t], self.events[t], self.survival[t - 1]
            later = self.incidence[until] - self.incidence[t]
            total += later**2 * self.greenwood(t)
            total += before**2 * Fraction(n - d, n) * Fraction(d, n**2) - 2 * later * before * Fraction(d, n**2)
        return total

    def chi_square(self, until: int) -> Fraction | None:
        """Log-rank: events less those expected of this group, squared, over their hypergeometric variance."""
        difference, variance = Fraction(0), Fraction(0)
        for t in range(1, until + 1):
            n, all_n, d = self.at_risk[t], self.all_at_risk[t], self.all_events[t]
            difference += self.events[t] - (Fraction(d * n, all_n) if all_n else 0)
            if all_n > 1:
                variance += Fraction(d * (all_n - d) * n * (all_n - n), all_n**2 * (all_n - 1))
        return difference**2 / variance if variance else None
