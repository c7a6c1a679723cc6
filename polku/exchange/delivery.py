"""What a delivery is: one extract of one register, sealed in parts that belong together.

Belongs here: its name, what headers and manifests say, and what every receiver checks in them. Does not
belong here: the container (`package`) and the memory of what was received (`ledger`).

The authority seals an `id` part for the linkage unit and a `data` part for the research platform; from
the first the linkage unit makes a `link` part for the research platform. Headers are signed and not
secret; manifests are sealed with the rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.identifiers import CANON_VERSION
from polku.exchange.keys import Trust
from polku.exchange.package import SUFFIX, Package

ID, DATA, LINK = "id", "data", "link"
EXTRACT, NOTICE, BRIDGE = "extract", "notice", "bridge"
KINDS = (EXTRACT, NOTICE, BRIDGE)
"""What a delivery is: rows of a register, notices about persons, or old and new tokens of a key rotation."""

_NAME = re.compile(r"(?P<delivery_id>(?P<register>[a-z][a-z0-9_]*)-[0-9]{8}-(?P<seq>[0-9]{4,}))")
_FILE = re.compile(_NAME.pattern + r"\.(?P<compartment>id|data|link)" + re.escape(SUFFIX))


@dataclass(frozen=True)
class Delivery:
    """A delivery by its parts: compartment to package file and to the SHA-256 (hex) of that file."""

    delivery_id: str
    register: str
    seq: int
    files: Mapping[str, Path]
    digests: Mapping[str, str]

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


@dataclass(frozen=True)
class Heading:
    """The header of a part. `previous` is the SHA-256 of the package before, of the same sender, register
    and compartment; `key_check` tells whether all authorities use the same key and spelling."""

    compartment: str
    kind: str
    delivery_id: str
    study: str
    test: bool
    register: str
    contract_version: int
    canon_version: int
    key_check: str
    epoch: str
    seq: int
    previous: str | None
    created_at: str

    def as_json(self) -> dict[str, Any]:
        """The header of the package."""
        return asdict(self)

    @classmethod
    def of(cls, package: Package) -> Heading:
        """The heading of a verified package (PACKAGE_MISADDRESSED when it is none of a delivery)."""
        values = {name: value for name, value in package.header.items() if name != "chunk_bytes"}
        shape = {name: type(value).__name__ for name, value in values.items()}
        if shape not in _HEADER_SHAPES or values["kind"] not in KINDS:
            raise Refusal(Exit.PACKAGE_MISADDRESSED, "the package is not a part of a delivery.", file=package.path.name)
        return cls(**values)

    def check_origin(self, package: Package, trust: Trust, compartment: str, sender: str) -> None:
        """Refuse a part that is not from `sender` (SENDER_UNKNOWN), or is of another compartment or study
        than expected here, or misnamed (PACKAGE_MISADDRESSED). What passes is genuine."""
        if package.sender_key_id != trust.party(sender).verify_key.key_id:
            raise self._refusal(
                package,
                Exit.SENDER_UNKNOWN,
                f"the package is signed, but not by `{sender}`, who alone may send it.",
            )
        named = _NAME.fullmatch(self.delivery_id)
        expected = {
            "kind of part": (self.compartment, compartment),
            "study": (self.study, trust.study),
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

    def check_terms(self, package: Package, trust: Trust) -> None:
        """Refuse a part whose tokens would link to nobody: another token epoch (PACKAGE_MISADDRESSED), other
        spelling rules or another token key than the steward's card announces (PACKAGE_WRONG_CONTRACT)."""
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
        if self.key_check != trust.key_check:
            raise self._refusal(
                package,
                Exit.PACKAGE_WRONG_CONTRACT,
                "the sender's token key is not this epoch's, or its software spells identifiers differently.",
                "The authority accepts the steward's grant again and seals the extract again.",
            )

    def _refusal(self, package: Package, exit_: Exit, what: str, advice: str = "") -> Refusal:
        return Refusal(exit_, what, advice, register=self.register, file=package.path.name)


_HEADER_SHAPES = [
    {f.name: previous if f.name == "previous" else str(f.type) for f in fields(Heading)}
    for previous in ("str", "NoneType")
]


@dataclass(frozen=True)
class TableFacts:
    """One table of a manifest: `rejected` are rows by reason that stayed at the authority, `repaired` rows
    with an identifier that had to be respelled."""

    name: str
    rows: int
    columns: tuple[str, ...]
    rejected: dict[str, int]
    repaired: int


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
            tables = tuple(TableFacts(**{**t, "columns": tuple(t["columns"])}) for t in data["tables"])
            period = data["period"] and tuple(date.fromisoformat(day) for day in data["period"])
            basis = tuple(data["legal_basis"])
            extracted_on = date.fromisoformat(data["extracted_on"])
            return cls(
                **{
                    **data,
                    "tables": tables,
                    "period": period,
                    "legal_basis": basis,
                    "extracted_on": extracted_on,
                }
            )
        except (KeyError, TypeError, ValueError):
            raise Refusal(
                Exit.DELIVERY_INCOMPLETE,
                "the manifest is not complete.",
                "Seal the delivery again.",
                file=file,
            ) from None


def delivery_name(register: str, extracted_on: date, seq: int) -> str:
    """Id of a delivery: register, day of the extract, sequence number. Holds nothing secret."""
    return f"{register}-{extracted_on:%Y%m%d}-{seq:04d}"


def part_name(delivery_id: str, compartment: str) -> str:
    """File name of a part."""
    return f"{delivery_id}.{compartment}{SUFFIX}"


def find_parts(folder: Path) -> list[Delivery]:
    """Deliveries of which any part lies in `folder`, by register and sequence number.

    Only names are read, digests when they are asked for; whoever sends must copy under another name first and rename.
    """
    found: dict[tuple[str, int, str], dict[str, Path]] = {}
    for path in folder.glob(f"*{SUFFIX}"):
        match = _FILE.fullmatch(path.name)
        if match and path.is_file():
            key = (match["register"], int(match["seq"]), match["delivery_id"])
            found.setdefault(key, {})[match["compartment"]] = path
    return [
        Delivery(name, register, seq, files, _Digests(files)) for (register, seq, name), files in sorted(found.items())
    ]


class _Digests(Mapping[str, str]):
    """SHA-256 (hex) by part. A file is read when its digest is first asked for: most only look for names."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._known: dict[str, str] = {}

    def __getitem__(self, part: str) -> str:
        if part not in self._known:
            self._known[part] = digest_of(self._files[part])
        return self._known[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def digest_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def settle(folder: Path, recorded: Iterable[str]) -> None:
    """Finish or undo what a killed run left: parts that the ledger knows get their name, others go."""
    known = set(recorded)
    for part in folder.glob(f".*{SUFFIX}.part"):
        if digest_of(part) in known:
            part.replace(folder / part.name.removeprefix(".").removesuffix(".part"))
        else:
            part.unlink()


def set_aside(folder: Path, files: Iterable[Path], refusal: Refusal) -> None:
    """Move refused packages into `folder` with a `reason.json` that holds no value of a row."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    reason = {
        "exit_code": int(refusal.exit),
        "exit": refusal.exit.name,
        "what": refusal.what,
        "advice": refusal.advice,
        "register": refusal.register,
        "file": refusal.file,
        "column": refusal.column,
        "row_no": refusal.row_no,
        "refused_at": now(),
    }
    (folder / "reason.json").write_text(json.dumps(reason, indent=1) + "\n", encoding="utf-8")
    for path in files:
        path.replace(folder / path.name)


def now() -> str:
    """The present in UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
