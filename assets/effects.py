"""How alike clients and those compared with them are, and how their outcomes differ, by what SQL cannot express.

Belongs here: when it is estimated, and what Dagster shows of it. Does not belong here: how (`polku.effects`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets.landing import OWNERS
from assets.quiet import without_values
from polku.contracts.model import LANGUAGES
from polku.disclosure.policy import load_policy
from polku.effects.plan import BALANCE, DIFFERENCE
from polku.layout import DataRoot
from polku.studies import Study

CHECK = "groups_alike"

_DESCRIPTIONS = {
    BALANCE: "How alike clients and the persons matched with them are, before and after: one row per stage, covariate "
    "and level.",
    DIFFERENCE: "By how much the outcome of clients differs from that of the others: one row per estimator (unmatched, "
    "matched, bias_corrected), with the reason where it may not be called an effect.",
}


def effects_assets(root: DataRoot, study: Study) -> list[dg.AssetsDefinition]:
    """The tables of the study's comparison; nothing where the study has none."""
    if study.comparison is None:
        return []
    comparison, key = study.comparison, dg.AssetKey(["marts", BALANCE])
    sources = ["covariate", "person_outcome"] if comparison.outcome else ["covariate"]

    @dg.multi_asset(
        name="comparison",
        specs=[
            dg.AssetSpec(
                ["marts", table],
                deps=[dg.AssetKey(["marts", source]) for source in sources],
                group_name="marts",
                kinds={"python", "parquet"},
                owners=OWNERS,
                description=_DESCRIPTIONS[table],
            )
            for table in comparison.tables
        ],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=key,
                blocking=False,
                description="After matching no characteristic differs by more than a tenth of its standard deviation.",
            )
        ],
    )
    def estimates() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        from polku.effects.note import method_note
        from polku.effects.pictures import love_plot, overlap_plot
        from polku.effects.tables import write_estimates

        with without_values():
            estimated = write_estimates(root, comparison)
            balance, compared = estimated.tables[BALANCE], estimated.compared
            folder = root.estimate(BALANCE).parent
            love = love_plot(balance, study, folder / "love")
            threshold = load_policy(study.release_profile).threshold
            overlap = overlap_plot(compared, study, threshold, folder / "overlap")
        matched = balance[balance.stage_code == "matched"]
        different = sorted(set(matched.covariate_code[~matched.is_balanced]))
        yield dg.MaterializeResult(
            key,
            metadata={
                "dagster/row_count": dg.MetadataValue.int(len(balance)),
                "persons_matched": dg.MetadataValue.int(len(compared.matched.clients)),
                "share_of_clients_matched": dg.MetadataValue.float(round(compared.share_matched, 3)),
                "persons_without_support": dg.MetadataValue.int(len(compared.design.persons) - len(compared.supported)),
                "persons_without_outcome": dg.MetadataValue.int(estimated.not_known),
                "covariates_different": dg.MetadataValue.int(len(different)),
                "love_plot": _picture(love),
                **({"overlap": _picture(overlap)} if overlap else {}),
                **{f"method_{code}": dg.MetadataValue.md(method_note(comparison, code)) for code in LANGUAGES},
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
        if comparison.outcome:
            difference = estimated.tables[DIFFERENCE]
            last = difference.iloc[-1]
            yield dg.MaterializeResult(
                dg.AssetKey(["marts", DIFFERENCE]),
                metadata={
                    "dagster/row_count": dg.MetadataValue.int(len(difference)),
                    "reason": dg.MetadataValue.text("none" if last.is_effect else last.reason_code),
                },
            )

    return [estimates]


def _picture(files: list[Path]) -> dg.MarkdownMetadataValue:
    """The PNG among the files, in the event itself: the user interface has no way to a file."""
    [png] = [file for file in files if file.suffix == ".png"]
    return dg.MetadataValue.md(f"![{png.stem}](data:image/png;base64,{base64.b64encode(png.read_bytes()).decode()})")
