"""The chance of every person at risk to enter the service in the month: what SQL cannot estimate.

Belongs here: handing the risk sets to the regression. Does not belong here: the regression (`polku.effects.entering`).
"""


def model(dbt, session):  # type: ignore[no-untyped-def]
    """One row per person and month of `int_list_risk_sets` whose chance can be estimated."""
    dbt.config(materialized="table")
    from polku.effects.entering import entry_chances

    return entry_chances(dbt.ref("int_list_risk_sets").df())
