"""Jobs: which assets run together.

Belongs here: selections of assets. Does not belong here: when they run (`automation`).
"""

import dagster as dg

land = dg.define_asset_job(
    "land",
    selection=dg.AssetSelection.groups("landing"),
    description="Verify, open, judge and land what is waiting in the inbox.",
)

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all(),
    description="The whole path: landing, dbt models and tests, snapshot, releases, publication.",
)
