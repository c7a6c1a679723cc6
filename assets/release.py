"""Released tables: marts in the form in which they may leave, behind the disclosure gate.

Belongs here: protect, judge, then write. Does not belong here: how a table is protected or attacked
(`polku.disclosure`), and what is published of it (`published`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assets.checks import check_result, check_spec
from assets.landing import OWNERS
from assets.quiet import without_values
from assets.snapshot import SNAPSHOT
from expectations import judge_release
from polku.disclosure import STATUS, Policy, ReleaseSpec, Status, load_policy, protect, spec_of
from polku.layout import DataRoot
from polku.publication import write_release
from polku.research.snapshot import read_mart
from polku.studies import Study

CHECKS = {
    "cells_large_enough": "No figure tells about fewer persons than the policy asks for.",
    "cells_not_recoverable": "No hidden figure can be worked out from the published ones.",
}


def release_key(mart: str) -> dg.AssetKey:
    """The asset of a released table."""
    return dg.AssetKey(["release", mart])


def release_assets(root: DataRoot, study: Study, marts: Mapping[str, Mapping[str, Any]]) -> list[dg.AssetsDefinition]:
    """One asset for each mart that the study releases, as its dbt model declares it (`config.meta.release`)."""
    policy = load_policy(study.release_profile)
    return [
        _release(root, policy, spec_of(mart, marts[mart]["config"]["meta"]["release"])) for mart in study.release_tables
    ]


def _release(root: DataRoot, policy: Policy, spec: ReleaseSpec) -> dg.AssetsDefinition:
    key = release_key(spec.name)

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(["marts", spec.name]), SNAPSHOT],
        check_specs=[check_spec(check, key, description) for check, description in CHECKS.items()],
        output_required=False,
        group_name="release",
        kinds={"python", "parquet"},
        owners=OWNERS,
        description=f"`{spec.name}` with small cells hidden by the profile `{policy.profile}`: {policy.title}.",
    )
    def release() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        with without_values():
            table = protect(read_mart(root, spec.name), spec, policy)
            verdicts = judge_release(table, spec, policy)
        yield from (check_result(verdict, key) for verdict in verdicts)
        if all(verdict.passed for verdict in verdicts):
            with without_values():
                file = write_release(root, spec.name, table)
            cells = {f"cells_{status}": dg.MetadataValue.int(int((table[STATUS] == status).sum())) for status in Status}
            yield dg.MaterializeResult(
                metadata={
                    "dagster/row_count": dg.MetadataValue.int(len(table)),
                    "bytes": dg.MetadataValue.int(file.stat().st_size),
                    **cells,
                }
            )

    return release
