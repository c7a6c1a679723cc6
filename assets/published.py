"""What leaves: released tables with their definitions, pictures and manifest.

Belongs here: when a release is published, and what Dagster shows of it. Does not belong here: the files
themselves (`polku.publication`), and what may be in them (`release`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from assets.landing import OWNERS
from assets.release import release_key
from assets.snapshot import SNAPSHOT
from assets.sources import accepted_inputs, code_version
from polku.disclosure import load_policy
from polku.layout import DataRoot
from polku.publication import Context, coverage, described, publish, read_release
from polku.research.release_ledger import release_ledger
from polku.research.snapshot import read_mart
from polku.studies import Study

NIGHT_MISSED = timedelta(hours=36)


def published_asset(root: DataRoot, study: Study, marts: Mapping[str, Mapping[str, Any]]) -> dg.AssetsDefinition:
    """All released tables of the study, published together or not at all."""
    policy = load_policy(study.release_profile)
    tables = {mart: described(mart, marts[mart]) for mart in study.release_tables}

    @dg.asset(
        key=["published", "tables"],
        # The coverage of registers tells of no person, so it comes from the marts without a gate.
        deps=[*(release_key(mart) for mart in study.release_tables), SNAPSHOT],
        group_name="published",
        kinds={"csv", "parquet"},
        owners=OWNERS,
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=NIGHT_MISSED),
        description="CSV, Parquet and a picture of every released table, the coverage of the registers, a report in "
        "three languages, and a manifest that says what they show, from which deliveries it was made, and by which "
        "policy and code.",
    )
    def published() -> dg.MaterializeResult[None]:
        inputs, head = accepted_inputs(root), release_ledger(root).head()
        covered = read_mart(root, "coverage")[list(coverage.COLUMNS)]
        context = Context(policy, tables, covered, inputs, code_version(), datetime.now(UTC), head)
        folder = publish(root, study, {mart: read_release(root, mart) for mart in tables}, context)
        files = [file for file in folder.iterdir() if file.is_file()]
        return dg.MaterializeResult(
            metadata={
                "tables": dg.MetadataValue.int(len(tables)),
                "files": dg.MetadataValue.int(len(files)),
                "bytes": dg.MetadataValue.int(sum(file.stat().st_size for file in files)),
                "deliveries": dg.MetadataValue.int(len(inputs)),
                "release": dg.MetadataValue.text(folder.name),
                "coverage": dg.MetadataValue.md(coverage.text(covered, study)),
            }
        )

    return published
