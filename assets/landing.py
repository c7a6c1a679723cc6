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
from assets.notices import notices_result, notices_spec
from assets.quiet import without_values
from expectations import Verdict, judge_landing
from polku.contracts.model import Contract
from polku.errors import Exit, Refusal
from polku.exchange.delivery import BRIDGE, KINDS, WAITS, Delivery
from polku.exchange.folders import arriving
from polku.layout import DataRoot
from polku.research import erasure, intake, landed, landing, opening
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


def reference_assets(root: DataRoot, study: Study, person_keys: dg.AssetKey) -> dg.AssetsDefinition:
    """The study's settings, code lists and coverage as tables; they wait for landing, whose dates they state.

    And for `person_keys`: every model reads a reference table, and so none runs before keys are resolved.
    """

    @dg.multi_asset(
        name="reference",
        specs=[
            dg.AssetSpec(
                landing_key("reference", name),
                deps=[
                    person_keys,
                    *(landing_key(c.register, t.name) for c in study.contracts.values() for t in c.tables),
                ],
                group_name="landing",
                description=table.grain,
                kinds={"parquet"},
                owners=OWNERS,
            )
            for name, table in REFERENCE_TABLES.items()
        ],
        check_specs=[notices_spec(landing_key("reference", "study"))],
    )
    def reference() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        with without_values():
            written = write_reference(root, study, landed.received(root, study))
            notices = notices_result(root, landing_key("reference", "study"))
        for name, rows in written.items():
            yield dg.MaterializeResult(
                landing_key("reference", name), metadata={"dagster/row_count": dg.MetadataValue.int(rows)}
            )
        yield notices

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
        with without_values():
            outcome = _land_pending(root, study, contract.register, context.log)
            totals = landed.totals(root, contract.register)
            outcome.kinds = landed.kinds(root, contract.register)
        for name, key in keys.items():
            for check in CHECKS:
                yield check_result(outcome.verdict(name, check), key)
        if outcome.faults:
            return
        for output, table in outputs.items():
            metadata = _metadata(totals, outcome, table.name)
            yield dg.Output(None, output_name=output, metadata=metadata)

    return land


@dataclass
class Outcome:
    """What became of the deliveries of one register that were in the inbox.

    `faults` say why deliveries did not land: refused, or kept because they could not be judged or opened.
    `kinds` counts all landed deliveries of the register by kind.
    """

    landed: list[landing.Staged] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    waiting: int = 0
    verdicts: dict[tuple[str, str], list[Verdict]] = field(default_factory=dict)

    def take(self, judged: Mapping[str, tuple[Verdict, ...]]) -> None:
        """Keep the verdicts by table and check; refuses (GATE_CLOSED) when one of them is a failure.

        Raises Unjudged when a gate could not judge: that says nothing against the delivery.
        """
        every = [(table, verdict) for table, verdicts in judged.items() for verdict in verdicts]
        for table, verdict in every:
            self.verdicts.setdefault((table, verdict.name), []).append(verdict)
        failures = "; ".join(failure for _, verdict in every for failure in verdict.failures)
        if not all(verdict.could_judge for _, verdict in every):
            raise Unjudged(failures)
        if failures:
            raise Refusal(Exit.GATE_CLOSED, f"a gate is closed: {failures}.")

    def verdict(self, table: str, check: str) -> Verdict:
        """One verdict over all deliveries: one that did not land closes every gate of its register."""
        verdicts = self.verdicts.get((table, check), [])
        return Verdict(
            check,
            sum(verdict.checked for verdict in verdicts),
            (*(failure for verdict in verdicts for failure in verdict.failures), *self.faults),
            all(verdict.could_judge for verdict in verdicts),
        )


class Unjudged(Exception):
    """A gate could not judge; its failures are in the verdicts."""


def _land_pending(root: DataRoot, study: Study, register: str, log: logging.Logger) -> Outcome:
    """Land every complete delivery of a register, each whole or not at all, in the order of its sequence."""
    outcome, tried = Outcome(), set[str]()
    with landing.alone(root):
        if mended := landing.repair(root):
            log.info("Repaired what a killed run had left: %s file(s).", mended)
        if rewritten := erasure.resume(root, study):
            log.info("Finished an erasure that a killed run had begun: %s file(s) rewritten.", rewritten)
        for path in arriving(root.inbox):
            log.warning("%s is still being copied: it has no marker yet.", path.name)
        while delivery := next((d for d in opening.pending(root, study) if _is_next(d, register, tried)), None):
            tried.add(delivery.delivery_id)
            try:
                kind, staged = intake.take(
                    root, study, delivery, lambda staged: outcome.take(judge_landing(root, staged))
                )
                if staged:
                    outcome.landed.append(staged)
                    log.info("%s: %s rows, %s quarantined", delivery.delivery_id, staged.rows, staged.quarantined)
                else:
                    log.info("%s: %s taken in", delivery.delivery_id, kind)
                if kind == BRIDGE:
                    # What came before it is in the inbox again.
                    tried.clear()
            except Unjudged:
                outcome.faults.append(f"{delivery.delivery_id} stays in the inbox: it could not be judged")
            except Refusal as refusal:
                if refusal.exit in (*WAITS, Exit.BRIDGE_MISSING):
                    log.warning("%s is held: %s", delivery.delivery_id, refusal)
                    if refusal.exit is Exit.BRIDGE_MISSING:
                        # Its number is used up, or the bridge could not come after it.
                        landing.discard(root, delivery, refusal)
                    continue
                outcome.faults.append(f"{delivery.delivery_id}: {refusal}")
                log.error("%s did not land (exit code %s): %s", delivery.delivery_id, int(refusal.exit), refusal)
                if refusal.exit not in opening.HELD:
                    landing.discard(root, delivery, refusal)
        outcome.waiting = sum(delivery.register == register for delivery in opening.waiting(root, study))
    return outcome


def _is_next(delivery: Delivery, register: str, tried: set[str]) -> bool:
    return delivery.register == register and delivery.delivery_id not in tried


def _metadata(totals: Mapping[str, Mapping[str, int]], outcome: Outcome, table: str) -> dict[str, dg.MetadataValue]:
    """Counts that Dagster plots over time: of this run, and of all that has landed."""
    new = [part for staged in outcome.landed for part in staged.tables if part.table.name == table]
    total = totals.get(table, {})
    counts = {
        "dagster/row_count": total.get("rows", 0),
        "rows_quarantined": total.get("quarantined", 0),
        "rows_flagged": total.get("flagged", 0),
        "deliveries": total.get("deliveries", 0),
        "deliveries_waiting": outcome.waiting,
        "rows_new": sum(part.rows for part in new),
        "rows_new_quarantined": sum(part.quarantined for part in new),
        "rows_new_erased": sum(part.erased for part in new),
        **{f"deliveries_{kind}": outcome.kinds.get(kind, 0) for kind in KINDS},
    }
    metadata: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(count) for name, count in counts.items()}
    if total.get("rows") and "linked" in total:
        metadata["share_linked"] = dg.MetadataValue.float(round(total["linked"] / total["rows"], 4))
    return metadata
