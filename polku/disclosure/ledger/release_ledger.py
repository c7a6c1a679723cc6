"""The release ledger: everything that has ever been public, append-only and hash-chained.

Belongs here: entries of releases and withdrawals, the files of their cells, and an order of writing that is safe to
kill. Does not belong here: which figures may change (`decision`), and keys of a platform: how a file of cells is
written and read is given to the ledger (`CellFiles`), because sketches must be encrypted at rest.

The folder holds `chain.jsonl` and `<no>.parquet` for each release. A release's cells are first a hidden part, then the
chain names them by their SHA-256, then the part gets its name. A part that the chain does not name is no release and is
removed by the next writer; one that it names is given its name. A file without an entry, an entry without its file, or
a byte that has changed is refused (LEDGER_BROKEN): nobody could tell any more what was public.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import file_digest
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from polku.disclosure.ledger import cell_file
from polku.disclosure.ledger.chain_file import broken, put, read_chain, write_chain
from polku.disclosure.ledger.conclusion import Concluded
from polku.disclosure.ledger.states import States
from polku.errors import Exit, Refusal
from polku.exchange.chain import START
from polku.exchange.delivery import now

RELEASE, WITHDRAWN = "release", "withdrawn"


class CellFiles(Protocol):
    """How cells are written to a file and read from it, encrypted where people stand behind them."""

    def write(self, cells: pa.Table, file: Path) -> None:
        """Write a new file."""

    def read(self, file: Path) -> pa.Table:
        """The cells of a file."""


@dataclass(frozen=True)
class TableEntry:
    """A table of a release: the columns that tell its cells apart, those with figures, how many cells it has, and the
    digest of its certificates (None where the protection made none). `protection` is that of a table whose figures are
    not exact, else None."""

    dimensions: tuple[str, ...]
    columns: tuple[str, ...]
    cells: int
    certificates: str | None
    protection: str | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. Of a withdrawal only `reason` is told, of a release all the rest.

    `inputs` are the digests of the accepted deliveries, `policy` that of the profile, `cells_sha256` that of the file.
    """

    no: int
    kind: str
    recorded_at: str
    release: str
    day: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    policy: str | None = None
    code_version: str | None = None
    tables: Mapping[str, TableEntry] = field(default_factory=dict)
    cells_sha256: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Draft:
    """What a release is, before it is one: its fingerprint, day, sources, and its concluded tables by name.

    `dimensions`, `certificates` and `protections` (of tables that are not exact) are by table.
    """

    release: str
    day: date
    inputs: Mapping[str, str]
    policy: str
    code_version: str | None
    tables: Mapping[str, Concluded]
    dimensions: Mapping[str, tuple[str, ...]]
    certificates: Mapping[str, str]
    protections: Mapping[str, str] = field(default_factory=dict)


class ReleaseLedger:
    """The ledger in `folder` (made when something is first written)."""

    def __init__(self, folder: Path, files: CellFiles) -> None:
        self._folder = folder
        self._files = files
        self._chain = folder / "chain.jsonl"

    def entries(self) -> list[Entry]:
        """All entries, oldest first, once chain and files have been verified. Refuses (LEDGER_BROKEN) else."""
        with self._locked(fcntl.LOCK_SH):
            return self._verified()[0]

    def head(self) -> tuple[int, str]:
        """(number, chain) of the last entry; (0, "") of an empty ledger. Two ledgers of one head are the same."""
        with self._locked(fcntl.LOCK_SH):
            entries, chains = self._verified()
        return (len(entries), chains[-1]) if entries else (0, START)

    def refuse_unless_it_holds(self, no: int, chain: str) -> None:
        """Refuse (LEDGER_BROKEN) a ledger that is not a continuation of this head, which something published names."""
        with self._locked(fcntl.LOCK_SH):
            chains = self._verified()[1]
        if not 0 <= no <= len(chains) or (no and chains[no - 1] != chain):
            raise broken(self._chain, f"what was published names entry {no}, which the ledger does not have.")

    def releases(self) -> list[cell_file.PublicRelease]:
        """Every release, oldest first; withdrawn ones among them, since what was public stays known."""
        return [
            cell_file.PublicRelease(
                entry.no,
                date.fromisoformat(entry.day or ""),
                {name: table.dimensions for name, table in entry.tables.items()},
                {name: table.columns for name, table in entry.tables.items()},
                self._read(entry),
                {name: table.protection for name, table in entry.tables.items() if table.protection},
            )
            for entry in self.entries()
            if entry.kind == RELEASE
        ]

    def history(self) -> dict[str, list[States]]:
        """The states that began in each release, oldest first, by table; those of withdrawn releases among them."""
        return cell_file.begun_by_table(self.releases())

    def cells(self, entry: Entry) -> pa.Table:
        """Every cell of a release (`cell_file.SCHEMA`)."""
        return self._read(entry)

    def append(self, draft: Draft, head: tuple[int, str]) -> Entry:
        """Put a release on record that was decided about when the ledger's head was `head`.

        Refuses (ANOTHER_RUN) when another process writes, or has written since.
        """
        with self._writing() as (entries, chains):
            if (len(entries), chains[-1] if chains else START) != head:
                raise _another_run("another release has been put on record since this one was decided about.")
            no = len(entries) + 1
            part = self._part(no)
            self._files.write(cell_file.cells_of(draft.tables), part)
            _sync(part)
            entry = Entry(
                no=no,
                kind=RELEASE,
                recorded_at=now(),
                release=draft.release,
                day=draft.day.isoformat(),
                inputs=dict(draft.inputs),
                policy=draft.policy,
                code_version=draft.code_version,
                tables={
                    name: TableEntry(
                        tuple(draft.dimensions[name]),
                        concluded.states.columns,
                        len(concluded.states),
                        draft.certificates.get(name),
                        draft.protections.get(name),
                    )
                    for name, concluded in draft.tables.items()
                },
                cells_sha256=_digest(part),
            )
            write_chain(self._chain, [*map(_plain, entries), _plain(entry)])
            put(part, self._file(no))
        return entry

    def withdraw(self, release: str, reason: str) -> Entry:
        """Put on record that a release is no longer offered. It stays in the ledger: what was public stays known.

        `release` is its fingerprint or the beginning of it. Refuses (USAGE) one that is not there, not the only one of
        that beginning, or withdrawn already, and a withdrawal without a reason.
        """
        if not reason.strip():
            raise Refusal(Exit.USAGE, "a withdrawal needs a reason.")
        with self._writing() as (entries, _):
            found = sorted({e.release for e in entries if e.kind == RELEASE and e.release.startswith(release)})
            gone = {e.release for e in entries if e.kind == WITHDRAWN}
            if len(found) != 1 or not release:
                raise Refusal(
                    Exit.USAGE, "no release, or more than one, has this name.", "`polku ledger list` has all."
                )
            if found[0] in gone:
                raise Refusal(Exit.USAGE, "this release has been withdrawn before.")
            entry = Entry(len(entries) + 1, WITHDRAWN, now(), found[0], reason=reason.strip())
            write_chain(self._chain, [*map(_plain, entries), _plain(entry)])
        return entry

    # ------------------------------------------------------------------------------------------ reading and verifying
    def _verified(self) -> tuple[list[Entry], list[str]]:
        lines, chains = read_chain(self._chain)
        try:
            entries = [_entry(line) for line in lines]
        except (TypeError, KeyError, ValueError):
            raise broken(self._chain, "an entry is of no known form.") from None
        named = {self._file(entry.no): entry for entry in entries if entry.kind == RELEASE}
        for file, entry in named.items():
            present = self._present(entry)
            if present is None:
                raise broken(file, "the cells of a release are missing.")
            if _digest(present) != entry.cells_sha256:
                raise broken(file, "the cells of a release are not as they were written.")
        strangers = sorted(set(self._folder.glob("*.parquet")) - set(named))
        if strangers:
            raise broken(strangers[0], "there are cells of a release that the ledger does not name.")
        return entries, chains

    def _present(self, entry: Entry) -> Path | None:
        """The cells' file: under its name, or still a part where a run was killed after the chain had named it."""
        return next((f for f in (self._file(entry.no), self._part(entry.no)) if f.is_file()), None)

    def _read(self, entry: Entry) -> pa.Table:
        file = self._present(entry)
        if file is None:
            raise broken(self._file(entry.no), "the cells of a release are missing.")
        cells = self._files.read(file)
        if cells.column_names != cell_file.SCHEMA.names:
            raise broken(file, "the cells of a release are of a form that is not known.")
        return cells

    def _file(self, no: int) -> Path:
        return self._folder / f"{no:06}.parquet"

    def _part(self, no: int) -> Path:
        return self._folder / f".{no:06}.parquet.part"

    # ------------------------------------------------------------------------------------------------------- writing
    @contextmanager
    def _writing(self) -> Iterator[tuple[list[Entry], list[str]]]:
        """The ledger, verified and repaired, for one writer."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
            entries, chains = self._verified()
            self._repair(entries)
            yield entries, chains

    def _repair(self, entries: list[Entry]) -> None:
        """Finish what the chain names and remove what it does not."""
        for entry in entries:
            if entry.kind == RELEASE and not self._file(entry.no).is_file():
                put(self._part(entry.no), self._file(entry.no))
        for part in self._folder.glob(".*.part"):
            part.unlink()

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the ledger's lock, which goes with the process."""
        if not self._folder.is_dir():
            yield
            return
        with (self._folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, how)
            except BlockingIOError:
                raise _another_run("another process is writing to the release ledger.") from None
            yield


def _entry(line: dict[str, Any]) -> Entry:
    tables = {
        name: TableEntry(**{**t, "dimensions": tuple(t["dimensions"]), "columns": tuple(t["columns"])})
        for name, t in line["tables"].items()
    }
    return Entry(**{**line, "tables": tables})


def _plain(entry: Entry) -> dict[str, Any]:
    """An entry as JSON has it. Of exact tables no protection is told, as before there was a choice: chains stay."""
    plain = asdict(entry)
    for table in plain["tables"].values():
        table["dimensions"], table["columns"] = list(table["dimensions"]), list(table["columns"])
        if table["protection"] is None:
            del table["protection"]
    return plain


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _another_run(what: str) -> Refusal:
    return Refusal(Exit.ANOTHER_RUN, what, "Run the release again; nothing was changed.")
