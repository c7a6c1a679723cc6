"""Released tables: marts in the form in which they may leave, behind the disclosure gate.

Belongs here: decide what may change, protect, judge, put on record, then write; all tables together or none. Does not
belong here: how a table is protected or attacked and what may change (`polku.disclosure`), and what is published of it
(`published`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from assets.checks import check_result, check_spec
from assets.landing import OWNERS
from assets.quiet import without_values
from assets.snapshot import SNAPSHOT
from assets.sources import accepted_inputs, code_version
from expectations import Verdict, judge_recoverable_together, judge_release, judge_with_earlier
from expectations.release import ALIKE, LARGE_ENOUGH, PROVED, RECOVERABLE, WITH_EARLIER
from polku.disclosure import STATUS, Policy, ReleaseSpec, Status, load_policy, protect_alike, spec_of, utility
from polku.disclosure.ledger.night import Outcome, Plan, plan
from polku.disclosure.ledger.release_ledger import Draft
from polku.layout import DataRoot
from polku.publication import head_of_ledger, read_release, write_release
from polku.publication.manifest import digest_of, fingerprint
from polku.research import deciding
from polku.research.airlock import forced_by_outputs
from polku.research.record_keys import sketches
from polku.research.release_ledger import release_ledger, write_certificates
from polku.research.snapshot import read_mart
from polku.studies import Study

CHECKS = {
    LARGE_ENOUGH: "No figure tells about fewer persons than the policy asks for.",
    RECOVERABLE: "No hidden figure can be worked out from the published ones.",
    PROVED: "Every hidden figure has an alternative that agrees with all that is published.",
    ALIKE: "No figure is shown of persons whose figure is hidden in another cell.",
    WITH_EARLIER: "No hidden figure can be worked out from all tables together and what earlier releases still tell.",
}


def release_key(mart: str) -> dg.AssetKey:
    """The asset of a released table."""
    return dg.AssetKey(["release", mart])


def release_assets(root: DataRoot, study: Study, marts: Mapping[str, Mapping[str, Any]]) -> list[dg.AssetsDefinition]:
    """One asset for each mart that the study releases, as its dbt model declares it (`config.meta.release`)."""
    policy = load_policy(study.release_profile)
    specs = [spec_of(mart, marts[mart]["config"]["meta"]["release"]) for mart in study.release_tables]
    return [_release(root, study, policy, specs)] if specs else []


def _release(root: DataRoot, study: Study, policy: Policy, specs: list[ReleaseSpec]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="release",
        specs=[
            dg.AssetSpec(
                release_key(spec.name),
                deps=[dg.AssetKey(["marts", spec.name]), SNAPSHOT],
                skippable=True,
                group_name="release",
                kinds={"python", "parquet"},
                owners=OWNERS,
                description=f"`{spec.name}` with small cells hidden by the profile `{policy.profile}`: {policy.title}. "
                "Figures that too few persons tell from an earlier release stand as they were; those that too few "
                "persons tell from a released output are hidden.",
            )
            for spec in specs
        ],
        check_specs=[
            check_spec(check, release_key(spec.name), description)
            for spec in specs
            for check, description in CHECKS.items()
        ],
    )
    def release() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        today = datetime.now(UTC).date()
        with without_values():
            ledger = release_ledger(root)
            ledger.refuse_unless_it_holds(*head_of_ledger(root))
            alike_on = deciding.decided_on(root, deciding.state_of(root, study, policy, code_version()))
        if alike_on is not None:
            yield from _as_before(root, specs, alike_on)
            return
        with without_values():
            tables = {spec.name: (read_mart(root, spec.name), spec) for spec in specs}
            who = sketches(root, specs)
            planned = plan(tables, who, ledger, policy)
            beside_outputs = forced_by_outputs(root, planned, policy)
            kept = {spec.name: planned.kept(spec.name) for spec in specs}
            made = protect_alike(
                tables,
                who,
                policy,
                forced={spec.name: planned.forced(spec.name) | beside_outputs[spec.name] for spec in specs},
                kept=kept,
            )
            protected = made.tables
            told = {name: (table, tables[name][1]) for name, table in protected.items()}
            verdicts = judge_release(told, policy, made.certificates, who, kept)
            outcome = planned.conclude(protected, today)
            joint = Verdict(WITH_EARLIER, 0)
            if outcome.is_new:
                joint = judge_with_earlier(planned.public_with(outcome, today), planned.specs, policy)
            held = _is_held(joint, planned, protected, policy)
        if held:
            joint = Verdict(WITH_EARLIER, joint.checked)
        for spec in specs:
            yield from (check_result(verdict, release_key(spec.name)) for verdict in (*verdicts[spec.name], joint))
        if joint.passed and all(verdict.passed for its in verdicts.values() for verdict in its):
            with without_values():
                if outcome.is_new and not held:
                    _put_on_record(root, planned, outcome, policy, today, made.certificates)
                deciding.remember(root, deciding.state_of(root, study, policy, code_version()), today)
            reason = "Held back: new figures cannot be hidden behind known ones." if held else outcome.reason()
            for spec in specs:
                yield _materialized(root, spec, reason, outcome.tables[spec.name].counts())

    return release


def _is_held(joint: Verdict, planned: Plan, protected: Mapping[str, Any], policy: Policy) -> bool:
    """Whether the new figures are safe among themselves, but not beside those that earlier releases still tell.

    Then nothing is left to hide them behind, and none of them leaves tonight; the gate is not to blame.
    """
    if joint.passed or not joint.could_judge or not planned.earlier:
        return False
    alone = {name: (table, planned.specs[name]) for name, table in protected.items()}
    return judge_recoverable_together(alone, policy).passed


def _put_on_record(
    root: DataRoot, planned: Plan, outcome: Outcome, policy: Policy, day: date, certificates: Any
) -> None:
    """Write the tables, then their entry: a killed run is decided about anew, nothing is published without an entry."""
    files = {name: write_release(root, name, concluded.table) for name, concluded in outcome.tables.items()}
    release = fingerprint({name: digest_of(file) for name, file in files.items()})
    digest = write_certificates(root, release, certificates)
    draft = Draft(
        release=release,
        day=day,
        inputs=accepted_inputs(root),
        policy=fingerprint(asdict(policy)),
        code_version=code_version(),
        tables=outcome.tables,
        dimensions={name: planned.tables[name][1].dimensions for name in outcome.tables},
        certificates=dict.fromkeys(files, digest),
    )
    release_ledger(root).append(draft, planned.head)


def _as_before(root: DataRoot, specs: list[ReleaseSpec], day: date) -> Iterator[Any]:
    """What stands, when nothing that it is made of has changed since it was judged; nothing is written."""
    reason = f"Nothing that the release is made of has changed since {day}, when it was judged."
    for spec in specs:
        yield from (
            dg.AssetCheckResult(asset_key=release_key(spec.name), check_name=check, passed=True, description=reason)
            for check in CHECKS
        )
        yield _materialized(root, spec, reason, {})


def _materialized(
    root: DataRoot, spec: ReleaseSpec, reason: str, counts: Mapping[str, int]
) -> dg.MaterializeResult[None]:
    """What leaves of a table, in numbers that Dagster plots; why there is nothing new, in words."""
    table = read_release(root, spec.name)
    inside = [status for status in Status if status is not Status.HIDDEN]
    cells = {f"cells_{status}": int((table[STATUS] == status).sum()) for status in inside}
    hidden = sum(cells[f"cells_{status}"] for status in inside if status.hidden)
    verdicts = {f"verdict_{name}": count for name, count in counts.items()}
    return dg.MaterializeResult(
        asset_key=release_key(spec.name),
        metadata={
            "dagster/row_count": dg.MetadataValue.int(len(table)),
            "bytes": dg.MetadataValue.int((root.release / f"{spec.name}.parquet").stat().st_size),
            "reason": dg.MetadataValue.text(reason),
            "hidden_share": dg.MetadataValue.float(round(hidden / max(len(table), 1), 4)),
            "hidden_by_code": dg.MetadataValue.md(utility.in_words(utility.loss(table, spec))),
            **{name: dg.MetadataValue.int(count) for name, count in {**cells, **verdicts}.items()},
        },
    )
