"""How alike clients and those compared with them are, made of the marts by what SQL cannot express.

Belongs here: when it is estimated, and what Dagster shows of it. Does not belong here: how (`polku.effects`).
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from assets.landing import OWNERS
from assets.quiet import without_values
from polku.effects.plan import BALANCE
from polku.layout import DataRoot
from polku.studies import Study

CHECK = "groups_alike"


def effects_assets(root: DataRoot, study: Study) -> list[dg.AssetsDefinition]:
    """The balance of the study's comparison; nothing where the study has none."""
    if study.comparison is None:
        return []
    comparison, key = study.comparison, dg.AssetKey(["marts", BALANCE])

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(["marts", "covariate"])],
        group_name="marts",
        kinds={"python", "parquet"},
        owners=OWNERS,
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=key,
                blocking=False,
                description="After matching no characteristic differs by more than a tenth of its standard deviation.",
            )
        ],
        description="How alike clients and the persons matched with them are, before and after: one row per stage, "
        "covariate and level.",
    )
    def covariate_balance() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        from polku.effects.tables import write_balance

        with without_values():
            balance = write_balance(root, comparison)
        matched = balance[balance.stage_code == "matched"]
        different = sorted(set(matched.covariate_code[~matched.is_balanced]))
        yield dg.MaterializeResult(
            key,
            metadata={
                "dagster/row_count": dg.MetadataValue.int(len(balance)),
                "persons_matched": dg.MetadataValue.int(int(matched.persons_client.max())),
                "covariates_different": dg.MetadataValue.int(len(different)),
            },
        )
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=CHECK,
            passed=not different,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Still different: {', '.join(different)}. A difference in outcomes is not an effect."
            if different
            else "Matched groups are alike in every covariate.",
        )

    return [covariate_balance]
