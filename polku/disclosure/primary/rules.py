"""The primary rules, each a condition in SQL over one row per cell.

Belongs here: one small function per rule, with its source. Does not belong here: how cells are counted (`assess`).

A cell has these columns. `persons`; `contributors`: holdings that contribute (or persons, where nothing else
contributes), several contributors of one holding being one; `base_persons`: persons of whom the cell's are a part, null
where they are not; `margin_0`, `margin_1`, ...: persons of the row or column along each dimension, null without one;
`total`, `largest`: the sum of contributions by amount and the list of the largest, first the largest; `least`,
`greatest`: contributions, signed, of single contributors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from polku.disclosure.policy import Policy


@dataclass(frozen=True)
class Rule:
    """A rule's name and the condition under which a cell breaks it; null counts as not broken."""

    name: str
    condition: str


def too_small(column: str, policy: Policy) -> str:
    """Whether a count of persons is one that the profile does not publish; the same as `Policy.too_small`."""
    return f"({column} < {policy.threshold}{'' if policy.protect_zeros else f' and {column} > 0'})"


def threshold(policy: Policy) -> Rule:
    """Fewer persons than the threshold, in a cell that has some. Source: the profile's threshold rule."""
    return Rule("threshold", f"persons > 0 and persons < {policy.threshold}")


def zero(policy: Policy) -> Rule:
    """Nobody, where somebody could be: it says of a known group that nobody is in it (ACRO: zeros are disclosive)."""
    return Rule("zero", "persons = 0 and not is_structural" if policy.protect_zeros else "false")


def complement(policy: Policy) -> Rule:
    """Too few others in the base, or too small a base: 48 of 50 tells about two. Source: threshold rule on n - x."""
    others = too_small("base_persons - persons", policy) if policy.protect_complements else "false"
    return Rule("complement", f"persons > 0 and ({too_small('base_persons', policy)} or {others})")


def group(policy: Policy, dimensions: int) -> Rule:
    """Nearly everybody of a row or column in one category: who is known to be in it is known to be like that.

    Source: ESSnet SDC 2009, group disclosure.
    """
    if policy.rules.group_percent is None or not dimensions:
        return Rule("group", "false")
    part = policy.rules.group_percent / 100
    broken = " or ".join(f"coalesce(persons > {part} * margin_{i}, false)" for i in range(dimensions))
    return Rule("group", f"persons > 0 and ({broken})")


def contributors(least: int) -> Rule:
    """Too few contributors, a holding being one. Source: data holders' rules for firms and payers."""
    return Rule("contributors", f"persons > 0 and contributors < {least}")


def dominance(n: int, k: float) -> Rule:
    """The n largest contributors have more than k percent. Source: SDC handbook (Eurostat), (n, k) rule."""
    return Rule(f"dominance({n},{k:g})", f"list_sum(largest[1:{n}]) > {k / 100} * total")


def p_percent(p: float) -> Rule:
    """The second largest contributor finds the largest within p percent: the rest is less than p percent of it.

    Source: SDC handbook (Eurostat), p % rule. It is the prior-posterior rule with q = 100.
    """
    return Rule(f"p({p:g})", _rest_below(p / 100))


def prior_posterior(p: float, q: float) -> Rule:
    """The same where contributions are known within q percent beforehand. Source: SDC handbook, (p, q) rule."""
    return Rule(f"pq({p:g},{q:g})", _rest_below(p / q))


def _rest_below(part: float) -> str:
    return f"largest[1] > 0 and total - list_sum(largest[1:2]) < {part} * largest[1]"


def all_equal() -> Rule:
    """All contributions are the same: the mean tells everybody's. Source: ESSnet SDC 2009 (class disclosure)."""
    return Rule("all_equal", "contributors > 0 and least = greatest")


def quantile(p: float, policy: Policy) -> Rule:
    """Fewer contributors than the threshold beside a quantile; a minimum or maximum is one contributor's own value.

    n contributors leave n p below and n (1 - p) above. Source: ESSnet SDC 2009 (percentiles; minima and maxima).
    """
    if not 0 < p < 1:
        return Rule(f"quantile({p:g})", "persons > 0")
    return Rule(f"quantile({p:g})", f"persons > 0 and contributors * {min(p, 1 - p)!r} < {policy.threshold} - 1e-9")


def of_counts(policy: Policy, dimensions: int) -> list[Rule]:
    """Rules of every table."""
    return [threshold(policy), zero(policy), complement(policy), group(policy, dimensions)]


def of_amounts(policy: Policy, quantiles: Sequence[float]) -> list[Rule]:
    """Rules of tables with a value."""
    rules = [dominance(n, k) for n, k in policy.rules.dominance]
    rules += [p_percent(policy.rules.p_percent)] if policy.rules.p_percent is not None else []
    rules += [prior_posterior(*policy.rules.prior_posterior)] if policy.rules.prior_posterior else []
    return [*rules, all_equal(), *(quantile(p, policy) for p in quantiles)]
