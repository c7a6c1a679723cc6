"""Landing assets: one per table, made register by register from the contracts of the study.

Belongs here: verify, open, judge, then write, and what Dagster shows of it. Does not belong here: how
any of these is done (`polku.research.landing`, `expectations`).
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg

from assets.checks import check_result, check_spec
from expectations import Verdict, judge_landing
from polku.contracts.model import Contract
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import landing, opening
from polku.research.reference import REFERENCE_TABLES, write_reference
from polku.studies import Study

OWNERS = ["team:data-engineering"]
CHECKS = {
    "matches_contract": "Columns, types, codes valid on their day, ranges: every row keeps the contract.",
    "free_of_identifiers": "No cell looks like an identity code, client number, e-mail, phone or account number.",
}


def landing_key(register: str, table: str) -> dg.AssetKey:
    """The asset of a landing table, under the key that dbt gives its source."""
    return dg.AssetKey(["landing", f"{register}__{table}"])


def landing_assets(root: DataRoot, study: Study) -> list[dg.AssetsDefinition]:
    """One asset for each table that the study receives, grouped into one step per register."""
    return [_register(root, study, contract) for contract in study.contracts.values()]


def reference_assets(root: DataRoot, study: Study) -> dg.AssetsDefinition:
    """The study's settings, code lists and coverage as tables; they wait for landing, whose dates they state."""

    @dg.multi_asset(
        name="reference",
        specs=[
            dg.AssetSpec(
                landing_key("reference", name),
                deps=[landing_key(c.register, t.name) for c in study.contracts.values() for t in c.tables],
                group_name="landing",
                description=table.grain,
                kinds={"parquet"},
                owners=OWNERS,
            )
            for name, table in REFERENCE_TABLES.items()
        ],
    )
    def reference() -> Iterator[dg.MaterializeResult[None]]:
        for name, rows in write_reference(root, study, landing.received(root, study)).items():
            yield dg.MaterializeResult(
                landing_key("reference", name), metadata={"dagster/row_count": dg.MetadataValue.int(rows)}
            )

    return reference


def _register(root: DataRoot, study: Study, contract: Contract) -> dg.AssetsDefinition:
    keys = {table.name: landing_key(contract.register, table.name) for table in contract.tables}
    outputs = {f"{contract.register}__{table.name}": table for table in contract.tables}

    @dg.multi_asset(
        name=f"land_{contract.register}",
        outs={
            name: dg.AssetOut(
                key=keys[table.name],
                is_required=False,
                dagster_type=dg.Nothing,
                group_name="landing",
                description=f"{contract.title.en} ({contract.authority.en}), {table.title.en}: {table.grain}.",
                kinds={"parquet"},
                owners=OWNERS,
                freshness_policy=dg.FreshnessPolicy.time_window(
                    fail_window=timedelta(days=2 * contract.cadence_days),
                    warn_window=timedelta(days=contract.cadence_days),
                ),
            )
            for name, table in outputs.items()
        },
        check_specs=[check_spec(check, key, text) for key in keys.values() for check, text in CHECKS.items()],
    )
    def land(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.Output[None]]:
        outcome = _land_pending(root, study, contract.register, context.log)
        for name, key in keys.items():
            for check in CHECKS:
                yield check_result(outcome.verdict(name, check), key)
        if outcome.refusals:
            return
        totals = landing.totals(root, contract.register)
        for output, table in outputs.items():
            metadata = _metadata(totals, outcome.landed, table.name)
            yield dg.Output(None, output_name=output, metadata=metadata)

    return land


@dataclass
class Outcome:
    """What became of the deliveries of one register that were waiting in the inbox."""

    landed: list[landing.Staged] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    verdicts: dict[tuple[str, str], list[Verdict]] = field(default_factory=dict)

    def take(self, judged: Mapping[str, tuple[Verdict, ...]]) -> list[str]:
        """Keep the verdicts by table and check; returns what failed, in words."""
        for table, verdicts in judged.items():
            for verdict in verdicts:
                self.verdicts.setdefault((table, verdict.name), []).append(verdict)
        return [failure for verdicts in judged.values() for verdict in verdicts for failure in verdict.failures]

    def verdict(self, table: str, check: str) -> Verdict:
        """One verdict over all deliveries: a refused one closes every gate of its register."""
        verdicts = self.verdicts.get((table, check), [])
        refused = [str(refusal) for refusal in self.refusals if refusal.exit is not Exit.GATE_CLOSED]
        return Verdict(
            check,
            sum(verdict.checked for verdict in verdicts),
            (*(failure for verdict in verdicts for failure in verdict.failures), *refused),
            all(verdict.could_judge for verdict in verdicts),
        )


def _land_pending(root: DataRoot, study: Study, register: str, log: logging.Logger) -> Outcome:
    """Land every complete delivery of a register, each whole or not at all, in the order of its sequence."""
    outcome = Outcome()
    if mended := landing.repair(root):
        log.info("Repaired what a killed run had left: %s file(s).", mended)
    for delivery in (d for d in opening.pending(root, study) if d.register == register):
        try:
            staged = landing.stage(root, study, delivery)
            if failed := outcome.take(judge_landing(root, staged)):
                raise Refusal(Exit.GATE_CLOSED, f"a gate is closed: {'; '.join(failed)}.", register=register)
        except Refusal as refusal:
            if refusal.exit in opening.HELD:
                log.warning("%s is held: %s", delivery.delivery_id, refusal)
                continue
            landing.discard(root, delivery, refusal)
            outcome.refusals.append(refusal)
            log.error("%s was refused (exit code %s): %s", delivery.delivery_id, int(refusal.exit), refusal)
            continue
        landing.commit(root, staged)
        outcome.landed.append(staged)
        log.info("%s: %s rows, %s quarantined", delivery.delivery_id, staged.rows, staged.quarantined)
    for delivery in (d for d in opening.waiting(root, study) if d.register == register):
        log.warning("%s waits for its other half.", delivery.delivery_id)
    return outcome


def _metadata(
    totals: Mapping[str, Mapping[str, int]], landed: list[landing.Staged], table: str
) -> dict[str, dg.MetadataValue]:
    """Counts that Dagster plots over time: of this run, and of all that has landed."""
    new = [part for staged in landed for part in staged.tables if part.table.name == table]
    total = totals.get(table, {})
    counts = {
        "dagster/row_count": total.get("rows", 0),
        "rows_quarantined": total.get("quarantined", 0),
        "rows_flagged": total.get("flagged", 0),
        "deliveries": total.get("deliveries", 0),
        "rows_new": sum(part.rows for part in new),
        "rows_new_quarantined": sum(part.quarantined for part in new),
    }
    metadata: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(count) for name, count in counts.items()}
    if total.get("rows") and "linked" in total:
        metadata["share_linked"] = dg.MetadataValue.float(round(total["linked"] / total["rows"], 4))
    return metadata
