"""Everything Dagster knows of the platform, on one page.

Belongs here: which study this process serves (POLKU_STUDY) by which engine (POLKU_ENGINE), and the list of its parts.
Does not belong here: any part itself. Loading this page reads contracts, the study and dbt's manifest, and no data.
"""

import os

import dagster as dg

from assets.airlock import outputs_asset
from assets.crosswalk import KEY as CROSSWALK
from assets.crosswalk import crosswalk_asset
from assets.effects import effects_assets
from assets.engines import chosen_engine
from assets.groups import groups_checks
from assets.landing import landing_assets, reference_assets
from assets.published import published_asset
from assets.release import release_assets
from assets.snapshot import snapshot_asset
from assets.warehouse import dbt_resource, marts_of, prepared_project, warehouse_assets
from orchestration.automation import alert_on_failure, new_deliveries, nightly_at_two
from orchestration.jobs import land, nightly, rebuild
from polku.layout import DEFAULT_STUDY, DataRoot
from polku.studies import load_study

study = load_study(os.environ.get("POLKU_STUDY", DEFAULT_STUDY))
root = DataRoot.of(study.code, os.environ.get("POLKU_AS_OF"))
engine = chosen_engine()
project = prepared_project(engine)
marts = marts_of(project)

defs = dg.Definitions(
    assets=[
        *landing_assets(root, study),
        crosswalk_asset(root, study),
        reference_assets(root, study, CROSSWALK),
        warehouse_assets(root, project, engine),
        *effects_assets(root, study),
        snapshot_asset(root, study, marts),
        *release_assets(root, study, marts),
        published_asset(root, study, marts),
        outputs_asset(root),
    ],
    asset_checks=groups_checks(root, study),
    jobs=[land, rebuild, nightly],
    schedules=[nightly_at_two],
    sensors=[new_deliveries(root, study), alert_on_failure(root)],
    resources={"dbt": dbt_resource(project)},
    executor=dg.in_process_executor,
)
