"""The analysts' snapshot of the marts, behind the gate `plausible`.

Belongs here: when the snapshot is taken. Does not belong here: how (`polku.research.snapshot`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg

from assets.checks import check_result, check_spec
from assets.landing import OWNERS
from assets.quiet import without_values
from expectations import judge_marts
from polku.layout import DataRoot
from polku.research.snapshot import take_snapshot
from polku.studies import Study

SNAPSHOT = dg.AssetKey(["marts", "snapshot"])


def snapshot_asset(root: DataRoot, study: Study, marts: Iterable[str]) -> dg.AssetsDefinition:
    """`marts.duckdb`, taken after every mart and its tests, and after what is estimated from them."""
    estimates = study.comparison.tables if study.comparison else ()

    @dg.asset(
        key=SNAPSHOT,
        deps=[dg.AssetKey(["marts", mart]) for mart in (*marts, *estimates)],
        check_specs=[check_spec("plausible", SNAPSHOT, "The marts fit each other and the study.")],
        output_required=False,
        group_name="marts",
        kinds={"duckdb"},
        owners=OWNERS,
        description="Encrypted, read-only copy of the marts for analysts (`polku query`), swapped in whole.",
    )
    def snapshot() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        with without_values():
            verdict = judge_marts(root, study)
        yield check_result(verdict, SNAPSHOT)
        if verdict.passed:
            with without_values():
                rows = take_snapshot(root, estimates)
            yield dg.MaterializeResult(
                metadata={
                    "dagster/row_count": dg.MetadataValue.int(sum(rows.values())),
                    "bytes": dg.MetadataValue.int(root.marts.stat().st_size),
                    **{f"rows_{mart}": dg.MetadataValue.int(count) for mart, count in rows.items()},
                }
            )

    return snapshot
