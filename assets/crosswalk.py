"""The crosswalk as an asset: whose identifiers are one person's, and how well the registers link.

Belongs here: when it is made, what Dagster shows of it, and the check that does not block. Does not belong
here: the rule (`polku.research.clusters`) and any key of a person.
"""

from collections.abc import Iterator

import dagster as dg

from assets.landing import OWNERS, landing_key
from assets.quiet import without_values
from polku.layout import DataRoot
from polku.research import crosswalk, linkage
from polku.research.clusters import IN_WORDS
from polku.studies import Study

KEY = landing_key("reference", crosswalk.PERSON_KEYS)
CHECK = "identities_agree"


def crosswalk_asset(root: DataRoot, study: Study) -> dg.AssetsDefinition:
    """One asset after landing and before the models, whose views over landing resolve keys by it."""

    @dg.asset(
        key=KEY,
        deps=[landing_key(c.register, t.name) for c in study.contracts.values() for t in c.tables],
        group_name="landing",
        description="Identifiers that stand for a person under another key, and persons under restriction.",
        kinds={"parquet"},
        owners=OWNERS,
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=KEY,
                blocking=False,
                description="No two registers contradict each other about whose an identifier is.",
            )
        ],
    )
    def person_keys() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        with without_values():
            made = crosswalk.resolve(root, study)
            shares, rates, both = linkage.report(root, study)
        yield dg.MaterializeResult(KEY, metadata=_metadata(made, shares, rates, both))
        yield _agreement(made, both)

    return person_keys


def _agreement(made: crosswalk.Crosswalk, both: linkage.BothGroups) -> dg.AssetCheckResult:
    """Disputes wait for a person and stop nobody: what is in dispute stays apart."""
    kinds = "; ".join(f"{IN_WORDS[kind]} ({count})" for kind, count in made.conflicts.items())
    dispute = f"In dispute, kept apart until decided: {kinds}. `polku crosswalk list` names the rows."
    groups = f" {both.disputed} of them may stand in both study groups." if both.disputed else ""
    return dg.AssetCheckResult(
        asset_key=KEY,
        check_name=CHECK,
        passed=not made.conflicts,
        severity=dg.AssetCheckSeverity.WARN,
        description=dispute + groups if made.conflicts else "Nothing is in dispute.",
        metadata={f"conflicts_{kind}": dg.MetadataValue.int(count) for kind, count in made.conflicts.items()},
    )


def _metadata(
    made: crosswalk.Crosswalk, shares: dict[str, float], rates: list[linkage.Rate], both: linkage.BothGroups
) -> dict[str, dg.MetadataValue]:
    """Numbers that Dagster plots from night to night, and the rates of this night as a table."""
    counts = {f"links_{kind}": count for kind, count in made.links.items()}
    counts |= {"identifiers_merged": made.merged, "persons_restricted": made.restricted}
    counts |= {"persons_in_both_groups_joined": both.joined, "persons_in_both_groups_disputed": both.disputed}
    records = [
        dg.TableRecord({"register": r.register, "year": r.year, "ground": r.ground, "rows": r.rows, "share": r.share})
        for r in rates
    ]
    by_ground: dict[str, list[linkage.Rate]] = {}
    for rate in rates:
        by_ground.setdefault(rate.ground, []).append(rate)
    grounds = {
        f"share_linked_ground_{ground}": sum(r.share * r.rows for r in its) / sum(r.rows for r in its)
        for ground, its in by_ground.items()
    }
    return (
        {name: dg.MetadataValue.int(count) for name, count in counts.items()}
        | {f"share_linked_{register}": dg.MetadataValue.float(share) for register, share in shares.items()}
        | {name: dg.MetadataValue.float(round(share, 4)) for name, share in grounds.items()}
        | ({"linkage_rates": dg.MetadataValue.table(records)} if records else {})
    )
