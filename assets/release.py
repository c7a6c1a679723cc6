"""Released tables: marts in the form in which they may leave, behind the disclosure gate.

Belongs here: decide what may change, protect, judge, put on record, then write; all tables together or none. Does not
belong here: how a table is protected or attacked and what may change (`polku.disclosure`), and what is published of it
(`published`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from assets.checks import check_result, check_spec
from assets.landing import OWNERS
from assets.quiet import without_values
from assets.snapshot import SNAPSHOT
from assets.sources import accepted_inputs, code_version
from expectations import (
    Verdict,
    attack_amounts,
    attack_inexact,
    judge_recoverable_together,
    judge_release,
    judge_with_earlier,
)
from expectations.amounts import AMOUNTS
from expectations.inexact import AS_PROMISED
from expectations.release import ALIKE, LARGE_ENOUGH, PROVED, RECOVERABLE, WITH_EARLIER
from polku.disclosure import STATUS, Policy, ReleaseSpec, Status, load_policy, protect_alike, spec_of, utility
from polku.disclosure.inexact.choice import refuse_mixed
from polku.disclosure.inexact.making import make_inexact
from polku.disclosure.inexact.protections import Protection, guarantee
from polku.disclosure.ledger.night import CellSketches, Outcome, Plan, plan
from polku.disclosure.ledger.release_ledger import Draft, ReleaseLedger
from polku.disclosure.primary import without_amounts
from polku.layout import DataRoot
from polku.publication import head_of_ledger, read_release, write_release
from polku.publication.manifest import digest_of, fingerprint
from polku.research import deciding
from polku.research.airlock import forced_by_outputs
from polku.research.contributions import unsafe_amounts_of
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
"""Of exact tables. Rounded and noisy ones are left out of all of these: attackers take figures at their word."""
OF_AMOUNTS = {AMOUNTS: "No amount is made up by few persons: dominance, p %, and amounts that are all the same."}
OF_INEXACT = {
    AS_PROMISED: "Rounded or noisy figures keep what they promise: no small count, sums that add up, noise everywhere. "
    "The attackers of exact tables do not read this one."
}


@dataclass(frozen=True)
class Night:
    """A release on its way: what earlier ones ask of it, its protected tables with proof of exact ones, what leaves.

    `who` are sketches of who is in the cells, `protected` the tables as protected tonight, `outcome` as they would
    leave, old figures laid over; `exact` names those whose figures are true.
    """

    planned: Plan
    protected: Mapping[str, Any]
    certificates: Any
    who: CellSketches
    outcome: Outcome
    exact: frozenset[str]

    @property
    def exact_tables(self) -> dict[str, tuple[Any, ReleaseSpec]]:
        """Protected tables whose figures are true."""
        return {name: (table, self.planned.specs[name]) for name, table in self.protected.items() if name in self.exact}


def release_key(mart: str) -> dg.AssetKey:
    """The asset of a released table."""
    return dg.AssetKey(["release", mart])


def release_assets(root: DataRoot, study: Study, marts: Mapping[str, Mapping[str, Any]]) -> list[dg.AssetsDefinition]:
    """One asset for each mart that the study releases, as its dbt model declares it (`config.meta.release`).

    Refuses (STUDY_INVALID) a protection that does not fit its table, or that another table undoes.
    """
    specs = [spec_of(mart, marts[mart]["config"]["meta"]["release"]) for mart in study.release_tables]
    refuse_mixed(specs, study.protections)
    return [_release(root, study, specs)] if specs else []


def _release(root: DataRoot, study: Study, specs: list[ReleaseSpec]) -> dg.AssetsDefinition:
    policy = load_policy(study.release_profile)

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
                metadata=_promise(study.protection_of(spec.name), policy),
                description=f"`{spec.name}` by the profile `{policy.profile}` ({policy.title}) and the protection "
                f"`{study.protection_of(spec.name)}`. {guarantee(study.protection_of(spec.name), policy).en} "
                "Figures that too few persons tell from an earlier release stand as they were; those that too few "
                "persons tell from a released output are hidden.",
            )
            for spec in specs
        ],
        check_specs=[
            check_spec(check, release_key(spec.name), description)
            for spec in specs
            for check, description in _checks(spec, study.protection_of(spec.name)).items()
        ],
    )
    def release() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        today = datetime.now(UTC).date()
        with without_values():
            ledger = release_ledger(root)
            ledger.refuse_unless_it_holds(*head_of_ledger(root))
            alike_on = deciding.decided_on(root, deciding.state_of(root, code_version()))
        if alike_on is not None:
            yield from _as_before(root, study, specs, alike_on)
            return
        with without_values():
            night = _protected(root, study, specs, policy, ledger, today)
            verdicts = _verdicts(root, study, night, policy)
            joint = Verdict(WITH_EARLIER, 0)
            if night.outcome.is_new and night.exact:
                exact = {name: spec for name, (_, spec) in night.exact_tables.items()}
                joint = judge_with_earlier(night.planned.public_with(night.outcome, today), exact, policy)
            held = _is_held(joint, night, policy)
        if held:
            joint = Verdict(WITH_EARLIER, joint.checked)
        for name in night.exact:
            verdicts[name] = (*verdicts[name], joint)
        for spec in specs:
            yield from (check_result(verdict, release_key(spec.name)) for verdict in verdicts[spec.name])
        if all(verdict.passed for its in verdicts.values() for verdict in its):
            with without_values():
                if night.outcome.is_new and not held:
                    _put_on_record(root, study, night, policy, today)
                deciding.remember(root, deciding.state_of(root, code_version()), today)
            reason = "Held back: new figures cannot be hidden behind known ones." if held else night.outcome.reason()
            for spec in specs:
                yield _materialized(root, spec, reason, night.outcome.tables[spec.name].counts())

    return release


def _checks(spec: ReleaseSpec, protection: Protection) -> dict[str, str]:
    """The gates before a table and what they say."""
    if protection is not Protection.GAPS:
        return OF_INEXACT
    return CHECKS | (OF_AMOUNTS if spec.amounts else {})


def _promise(protection: Protection, policy: Policy) -> dict[str, Any]:
    return {"protection": str(protection), "guarantee": dg.MetadataValue.text(guarantee(protection, policy).en)}


def _protected(
    root: DataRoot, study: Study, specs: list[ReleaseSpec], policy: Policy, ledger: ReleaseLedger, today: date
) -> Night:
    """Tonight's tables, each protected as the study chooses, beside everything that was ever public."""
    exact = frozenset(spec.name for spec in specs if study.protection_of(spec.name) is Protection.GAPS)
    unsafe = unsafe_amounts_of(root, [spec for spec in specs if spec.name in exact], policy)
    tables = {s.name: (without_amounts(read_mart(root, s.name), s, unsafe.get(s.name, {})), s) for s in specs}
    who = sketches(root, specs)
    planned = plan(tables, who, ledger, policy)
    beside_outputs = forced_by_outputs(root, planned, policy)
    made = protect_alike(
        {name: table for name, table in tables.items() if name in exact},
        who,
        policy,
        forced={name: planned.forced(name) | beside_outputs[name] for name in exact},
        kept={name: planned.kept(name) for name in exact},
    )
    inexact = make_inexact(planned, study.protections, policy)
    each = {**made.tables, **inexact.tables}
    protected = {spec.name: each[spec.name] for spec in specs}
    outcome = inexact.planned.conclude(protected, today)
    return Night(inexact.planned, protected, made.certificates, who, outcome, exact)


def _verdicts(root: DataRoot, study: Study, night: Night, policy: Policy) -> dict[str, tuple[Verdict, ...]]:
    """What the gates say of each table by itself."""
    inexact = {
        name: (concluded.table, night.planned.specs[name])
        for name, concluded in night.outcome.tables.items()
        if name not in night.exact
    }
    marts = {name: mart for name, (mart, _) in night.planned.tables.items()}
    beside = [
        *attack_amounts(root, night.exact_tables, policy),
        *attack_inexact(inexact, marts, policy, study.protections),
    ]
    kept = {name: night.planned.kept(name) for name in night.exact}
    return judge_release(night.exact_tables, policy, night.certificates, night.who, kept, beside)


def _is_held(joint: Verdict, night: Night, policy: Policy) -> bool:
    """Whether the new figures are safe among themselves, but not beside those that earlier releases still tell.

    Then nothing is left to hide them behind, and none of them leaves tonight; the gate is not to blame.
    """
    if joint.passed or not joint.could_judge or not night.planned.earlier:
        return False
    return judge_recoverable_together(night.exact_tables, policy).passed


def _put_on_record(root: DataRoot, study: Study, night: Night, policy: Policy, day: date) -> None:
    """Write the tables, then their entry: a killed run is decided about anew, nothing is published without an entry."""
    tables = night.outcome.tables
    files = {name: write_release(root, name, concluded.table) for name, concluded in tables.items()}
    release = fingerprint({name: digest_of(file) for name, file in files.items()})
    digest = write_certificates(root, release, night.certificates)
    draft = Draft(
        release=release,
        day=day,
        inputs=accepted_inputs(root),
        policy=fingerprint(asdict(policy)),
        code_version=code_version(),
        tables=tables,
        dimensions={name: night.planned.specs[name].dimensions for name in tables},
        certificates=dict.fromkeys(night.exact, digest),
        protections={name: str(study.protection_of(name)) for name in tables if name not in night.exact},
    )
    release_ledger(root).append(draft, night.planned.head)


def _as_before(root: DataRoot, study: Study, specs: list[ReleaseSpec], day: date) -> Iterator[Any]:
    """What stands, when nothing that it is made of has changed since it was judged; nothing is written."""
    reason = f"Nothing that the release is made of has changed since {day}, when it was judged."
    for spec in specs:
        yield from (
            dg.AssetCheckResult(asset_key=release_key(spec.name), check_name=check, passed=True, description=reason)
            for check in _checks(spec, study.protection_of(spec.name))
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
