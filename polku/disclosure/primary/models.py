"""Primary rules of estimates that are no cells: regressions and survival curves.

Belongs here: residual degrees of freedom, steps of Kaplan-Meier curves. Does not belong here: how they are estimated.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from polku.disclosure.policy import Policy
from polku.disclosure.primary.rules import too_small
from polku.sql_text import quoted


def model_is_unsafe(persons: int, parameters: int, policy: Policy) -> bool:
    """Whether a model leaves too few residual degrees of freedom: it could be solved for single persons.

    `persons`, not rows: rows of one person are not free. A saturated model has none. Source: ESSnet SDC 2009.
    """
    return persons - parameters < max(policy.rules.degrees_of_freedom, 1)


def assess_survival(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    by: Sequence[str],
    time: str,
    at_risk: str,
    events: str,
    policy: Policy,
) -> pd.DataFrame:
    """Steps by rules of Kaplan-Meier tables; one row per step (`by` and `time`), in their order. No figures.

    `relation` (what stands after `from` in SQL) has a row for each published time of each curve: persons at risk before
    it, persons with the event at it. Rules, all on the profile's threshold: `at_risk` before the step; `events`, since
    the height of a step times the persons at risk is their number; `survivors`, the others of a step (n - x);
    `leavers`, those who are no longer at risk at the next published time, events and censored together. A time without
    an event is no step, and a curve that ends has nobody who leaves it. Source: threshold rule on every figure that a
    published curve gives away (SDC handbook on survival analysis; OpenSAFELY rounds them for the same reason).
    """
    keys = [quoted(name) for name in (*by, time)]
    curve = f"partition by {', '.join(keys[:-1])} order by" if by else "order by"
    small = {
        "at_risk": too_small("n", policy),
        "events": f"x > 0 and x < {policy.threshold}",
        "survivors": f"x > 0 and {too_small('n - x', policy)}",
        "leavers": f"coalesce(n > next_n and n - next_n < {policy.threshold}, false)",
    }
    rules = ", ".join(f"{condition} as {name}" for name, condition in small.items())
    return con.execute(f"""
        with steps as (
            select {", ".join(keys)}, {quoted(at_risk)} as n, {quoted(events)} as x,
                lead({quoted(at_risk)}) over ({curve} {keys[-1]}) as next_n
            from {relation}
        )
        select {", ".join(keys)}, {rules}, {" or ".join(f"({condition})" for condition in small.values())} as "primary"
        from steps order by {", ".join(f"{key} nulls last" for key in keys)}
    """).df()
