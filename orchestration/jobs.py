"""Jobs: which assets run together.

Belongs here: selections of assets. Does not belong here: when they run (`automation`).
"""

import dagster as dg

from assets.crosswalk import KEY as PERSON_KEYS
from assets.landing import landing_key
from polku.research.reference import REFERENCE_TABLES

land = dg.define_asset_job(
    "land",
    selection=dg.AssetSelection.groups("landing"),
    description="Verify, open, judge and land what is waiting in the inbox.",
)

rebuild = dg.define_asset_job(
    "rebuild",
    selection=dg.AssetSelection.groups("staging", "intermediate", "marts")
    | dg.AssetSelection.assets(PERSON_KEYS, *(landing_key("reference", name) for name in REFERENCE_TABLES)),
    description="The marts and their snapshot again, from what has landed.",
)

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all(),
    description="The whole path: landing, dbt models and tests, snapshot, releases, publication.",
)
