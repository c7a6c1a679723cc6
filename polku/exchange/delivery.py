"""What a delivery is: one extract of one register, sealed in parts that belong together.

Belongs here: its name, what headers and manifests say, and what every receiver checks in them. Does not
belong here: the container (`package`), the folders that packages lie in (`folders`) and the memory of what
was received (`ledger`).

The authority seals an `id` part for the linkage unit and a `data` part for the research platform; from
the first the linkage unit makes a `link` part for the research platform. Headers are signed and not
secret; manifests are sealed with the rows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.documents import shaped
from polku.exchange.identifiers import CANON_VERSION
from polku.exchange.package import SUFFIX, Package
from polku.exchange.parts import RELAY
from polku.exchange.stretching import COSTS
from polku.exchange.trust import Trust

log = logging.getLogger(__name__)

ID, DATA, LINK = "id", "data", "link"
EXTRACT, NOTICE, BRIDGE = "extract", "notice", "bridge"
KINDS = (EXTRACT, NOTICE, BRIDGE)
"""What a delivery is: rows of a register, notices about persons, or old and new tokens of a key rotation."""

WAITS = frozenset((Exit.SEQUENCE_GAP, Exit.NOT_YET))
"""Exit codes of a delivery that nothing is wrong with: it stays where it is and is looked at again."""

DELIVERY_ID = r"(?P<delivery_id>(?P<register>[a-z][a-z0-9_]*)-[0-9]{8}-(?P<seq>[0-9]{4,9}))"
_DIGEST = re.compile("[0-9a-f]{64}")
_CLOCK_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True)
class Delivery:
    """A delivery by its parts: compartment to package file, to the SHA-256 (hex) of that file, and to the
    package's id, which is known once the package has been verified."""

    delivery_id: str
    register: str
    seq: int
    files: Mapping[str, Path]
    digests: Mapping[str, str]
    package_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The part with the rows, from the authority."""
        return self.files[DATA]

    @property
    def link(self) -> Path:
        """The part with the linked tokens, from the linkage unit."""
        return self.files[LINK]

    @property
    def digest(self) -> str:
        """One SHA-256 (hex) over the digests of all parts."""
        text = "".join(f"{part} {self.digests[part]}\n" for part in sorted(self.digests))
        return sha256(text.encode()).hexdigest()

    def verified(self, parts: Mapping[str, Package]) -> Delivery:
        """The delivery with digests and ids as its open, verified packages have them."""
        return replace(
            self,
            digests={part: package.digest for part, package in parts.items()},
            package_ids={part: package.package_id for part, package in parts.items()},
        )


@dataclass(frozen=True)
class Heading:
    """The header of a part. `previous` is the SHA-256 of the package before, of the same sender, register
    and compartment; `key_check` tells whether all authorities use the same key and spelling; `mode` how their
    tokens are made and relayed (`mode_of`); `kind` what a receiver does with the delivery (EXTRACT, NOTICE or
    BRIDGE)."""

    compartment: str
    delivery_id: str
    study: str
    test: bool
    register: str
    contract_version: int
    canon_version: int
    key_check: str
    mode: str
    epoch: str
    seq: int
    previous: str | None
    created_at: str
    kind: str = EXTRACT

    def as_json(self) -> dict[str, Any]:
        """The header of the package."""
        return asdict(self)

    @classmethod
    def of(cls, package: Package) -> Heading:
        """The heading of a verified package (PACKAGE_MISADDRESSED when it is none of a delivery)."""
        try:
            heading = shaped(cls, package.header)
            previous_is_one = heading.previous is None or _DIGEST.fullmatch(heading.previous)
            datetime.fromisoformat(heading.created_at).astimezone(UTC)
            if previous_is_one and heading.kind in KINDS:
                return heading
        except (ValueError, OverflowError):
            pass
        raise Refusal(Exit.PACKAGE_MISADDRESSED, "the package is not a part of a delivery.", file=package.path.name)

    def check_origin(self, package: Package, trust: Trust, compartment: str, sender: str) -> None:
        """Refuse a part that is not from `sender` (SENDER_UNKNOWN), or is of another compartment or study
        than expected here, or misnamed (PACKAGE_MISADDRESSED). What passes is genuine."""
        if package.sender_key_id != trust.party(sender).verify_key.key_id:
            raise self._refusal(
                package,
                Exit.SENDER_UNKNOWN,
                f"the package is signed, but not by `{sender}`, who alone may send it.",
            )
        named = re.fullmatch(DELIVERY_ID, self.delivery_id)
        expected = {
            "kind of part": (self.compartment, compartment),
            "study": (self.study, trust.study),
            "test mark": (self.test, trust.test),
            "file name": (package.path.name, part_name(self.delivery_id, compartment)),
            "delivery id": (named and (named["register"], int(named["seq"])), (self.register, self.seq)),
        }
        wrong = [what for what, (is_, should_be) in expected.items() if is_ != should_be]
        if wrong:
            raise self._refusal(
                package,
                Exit.PACKAGE_MISADDRESSED,
                f"the package does not belong here: {', '.join(wrong)}.",
                "Check the folder and the study that it was sealed for.",
            )

    def check_clock(self, package: Package) -> None:
        """Hold (NOT_YET) a part that was sealed more than ten minutes from now: a clock is wrong, theirs or ours."""
        if datetime.fromisoformat(self.created_at).astimezone(UTC) > datetime.now(UTC) + _CLOCK_TOLERANCE:
            raise self._refusal(
                package,
                Exit.NOT_YET,
                "the package says that it was sealed in the future; it is held.",
                "Compare this machine's clock with the sender's.",
            )

    def check_terms(self, package: Package, trust: Trust) -> None:
        """Refuse a part whose tokens would link to nobody: another token epoch (PACKAGE_MISADDRESSED), other
        spelling rules, another mode or another token key than the trust file announces (PACKAGE_WRONG_CONTRACT)."""
        if self.epoch != trust.epoch:
            raise self._refusal(
                package,
                Exit.PACKAGE_MISADDRESSED,
                f"its tokens are of epoch {self.epoch}, the study's are of epoch {trust.epoch}.",
                "The authority and all others need the same trust file; then the authority seals again.",
            )
        if self.canon_version != CANON_VERSION:
            raise self._refusal(
                package,
                Exit.PACKAGE_WRONG_CONTRACT,
                f"identifiers were spelled by rules {self.canon_version}, here are rules {CANON_VERSION}.",
                "Sender and receiver need the same version of this software.",
            )
        if self.mode != mode_of(trust):
            raise self._refusal(
                package,
                Exit.PACKAGE_WRONG_CONTRACT,
                f"the part is of another mode than the study's, which is `{mode_of(trust)}`.",
                "Everybody needs the steward's present trust file; then the authority seals the extract again.",
            )
        if self.key_check != trust.key_check:
            raise self._refusal(
                package,
                Exit.PACKAGE_WRONG_CONTRACT,
                "the sender's token key is not this epoch's, or its software spells identifiers differently.",
                "The authority accepts the steward's grant again and seals the extract again.",
            )

    def _refusal(self, package: Package, exit_: Exit, what: str, advice: str = "") -> Refusal:
        return Refusal(exit_, what, advice, register=self.register, file=package.path.name)


@dataclass(frozen=True)
class TableFacts:
    """One table of a manifest: `rejected` are rows by reason that stayed at the authority, `repaired` rows
    with an identifier that had to be respelled, `redacted` emptied cells of free text by column; all `banded`."""

    name: str
    rows: int
    columns: tuple[str, ...]
    rejected: dict[str, str]
    repaired: str
    redacted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What the authority says about the rows; the Integration Act wants source and filing unit on record."""

    tables: tuple[TableFacts, ...]
    extracted_on: date
    period: tuple[date, date] | None
    source: str
    filed_by: str
    legal_basis: tuple[str, ...]
    tool_version: str

    def as_json(self) -> dict[str, Any]:
        """The manifest as it is sealed, dates in ISO 8601."""
        period = self.period and [day.isoformat() for day in self.period]
        return {**asdict(self), "extracted_on": self.extracted_on.isoformat(), "period": period}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], file: str) -> Manifest:
        """Read a manifest (DELIVERY_INCOMPLETE when something is missing in it)."""
        try:
            return shaped(cls, data)
        except ValueError:
            raise Refusal(
                Exit.DELIVERY_INCOMPLETE,
                "the manifest is not complete.",
                "Seal the delivery again.",
                file=file,
            ) from None


def banded(count: int) -> str:
    """A count for a receiver. Below ten it says no more than that: who knows one of the few could tell who they are."""
    return "1-9" if 1 <= count <= 9 else str(count)


def mode_of(trust: Trust) -> str:
    """The mode of a study as headings name it: `relay` or `blinded`, and how identifiers are stretched, if they are."""
    return f"{trust.mode}+{COSTS}" if trust.stretched else trust.mode


def warn_if_unreviewed(trust: Trust) -> None:
    """Say so where a study uses a mode that is not the default."""
    if mode_of(trust) != RELAY:
        log.warning("mode `%s`: UNREVIEWED, nobody outside the project has examined it (docs/modes.md)", mode_of(trust))


def delivery_name(register: str, extracted_on: date, seq: int) -> str:
    """Id of a delivery: register, day of the extract, sequence number. Holds nothing secret."""
    return f"{register}-{extracted_on:%Y%m%d}-{seq:04d}"


def part_name(delivery_id: str, compartment: str) -> str:
    """File name of a part."""
    return f"{delivery_id}.{compartment}{SUFFIX}"


def now() -> str:
    """The present in UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
