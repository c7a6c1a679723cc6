"""Both parts of a delivery at the research platform: verified, judged, decrypted.

Belongs here: what must hold before a byte of a delivery is believed, whatever kind it is. Does not belong here: which
deliveries there are and what their rows become (`opening`, `notices`, `bridging`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from polku.errors import Exit, Refusal
from polku.exchange.blinding import UNBLINDING, multiply, read_unblinding
from polku.exchange.delivery import DATA, LINK, Delivery, Heading, warn_if_unreviewed
from polku.exchange.epochs import check_epoch
from polku.exchange.folders import verified
from polku.exchange.keys import LINKAGE, RESEARCH
from polku.exchange.ledger import Ledger
from polku.exchange.package import Package
from polku.exchange.parts import BLINDED, LINK_PARTS, RELAY
from polku.exchange.payload import Payload
from polku.exchange.trust import Trust
from polku.layout import DataRoot
from polku.studies import Study


@dataclass
class Parts:
    """Both parts of a delivery, verified and judged, being read."""

    delivery: Delivery
    heading: Heading
    said: dict[str, Any]
    data: Payload
    link: Payload
    unblinding: int | None

    def linked(self, *names: str) -> list[pa.Table]:
        """The tables of the link part, which must be these and no others: handle, id_type, linked (not blinded)."""
        tables = {facts["name"]: reader.read_all().combine_chunks() for facts, reader in self.link.tables()}
        schema = LINK_PARTS[RELAY if self.unblinding is None else BLINDED]
        if tuple(tables) != names or any(table.schema != schema for table in tables.values()):
            raise Refusal(
                Exit.DELIVERY_INCOMPLETE,
                "the linkage unit's part does not hold what a delivery of its kind has.",
                "Ask the linkage unit whether it uses the same version of this software.",
                file=self.link.file,
            )
        if self.unblinding is None:
            return list(tables.values())
        return [self._unblinded(table, self.unblinding) for table in tables.values()]

    def _unblinded(self, table: pa.Table, scalar: int) -> pa.Table:
        made = multiply(table["linked"].to_pylist(), scalar, self.link.file)
        return table.set_column(2, table.schema.field("linked"), pa.array(made, table.schema.field("linked").type))


def kind_of(root: DataRoot, delivery: Delivery) -> str:
    """What kind of delivery the linkage unit's part, which is verified here, says that it is."""
    trust = Trust.read(root.trust, root.path)
    with ExitStack() as stack:
        return genuine(verified_parts(delivery, trust, stack, LINK), trust)[LINK].kind


@contextmanager
def open_parts(root: DataRoot, study: Study, delivery: Delivery, kind: str) -> Iterator[Parts]:
    """Verify both parts of a delivery of a kind, and open them.

    Checked before anything is decrypted: signatures, senders, recipient, study, test mark, token epoch and
    key check, kind, contract version, sequence and predecessor of both parts, and that a register that has
    delivered under earlier token keys has sent its bridge.
    """
    with ExitStack() as stack:
        trust, ledger = Trust.read(root.trust, root.path), Ledger(root.ledger)
        warn_if_unreviewed(trust)
        opening = trust.own(RESEARCH, root.path).opening
        parts = verified_parts(delivery, trust, stack)
        headings = genuine(parts, trust)
        delivery = delivery.verified(parts)
        for part, heading in headings.items():
            heading.check_clock(parts[part])
        ledger.judge(delivery, {part: h.previous for part, h in headings.items()})
        for part, heading in headings.items():
            heading.check_terms(parts[part], trust)
        _check(study, delivery, headings[DATA], headings[LINK], kind)
        check_epoch(ledger, delivery.register, kind, trust)
        data, link = (Payload(parts[part].open(opening), parts[part].path.name) for part in (DATA, LINK))
        said, unblinding = data.manifest, None
        if trust.mode == BLINDED:
            unblinding = read_unblinding(said, data.file)
            said = {name: value for name, value in said.items() if name != UNBLINDING}
        yield Parts(delivery, headings[DATA], said, data, link, unblinding)


def _check(study: Study, delivery: Delivery, data: Heading, link: Heading, kind: str) -> None:
    """Both parts are of one delivery of this study and kind, sealed under the contract that the study reads."""
    if replace(link, compartment=DATA, previous=data.previous, created_at=data.created_at) != data:
        raise wrong(delivery, Exit.DELIVERY_INCOMPLETE, "the two parts are not of one delivery.")
    if (data.study, data.test, data.kind) != (study.code, study.test, kind):
        raise wrong(
            delivery,
            Exit.PACKAGE_MISADDRESSED,
            "the delivery is of another study or kind, or not marked as it is.",
        )
    version = study.contracts[delivery.register].version
    if data.contract_version != version:
        raise wrong(
            delivery,
            Exit.PACKAGE_WRONG_CONTRACT,
            f"sealed under version {data.contract_version} of the contract, read under {version}.",
        )


def wrong(delivery: Delivery, exit_: Exit, what: str) -> Refusal:
    """The refusal of a delivery that two parties see differently."""
    advice = "Agree with the authority on contract and study, then let it seal the extract again."
    return Refusal(exit_, what, advice, register=delivery.register, file=delivery.delivery_id)


def verified_parts(delivery: Delivery, trust: Trust, stack: ExitStack, *only: str) -> dict[str, Package]:
    """The parts of a delivery (or `only` some), signatures verified, open until `stack` closes."""
    return {
        part: stack.enter_context(verified(path, trust.signers))
        for part, path in delivery.files.items()
        if not only or part in only
    }


def genuine(parts: Mapping[str, Package], trust: Trust) -> dict[str, Heading]:
    """The headings of parts that come from whom they must come from, under their own names."""
    headings = {part: Heading.of(package) for part, package in parts.items()}
    for part, heading in headings.items():
        heading.check_origin(parts[part], trust, part, LINKAGE if part == LINK else heading.register)
    return headings
