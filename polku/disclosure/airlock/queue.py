"""The queue and history of outputs: append-only, hash-chained, two different people for each output that leaves.

Belongs here: requests, their states and signatures, the copy of each table, and the sketches of released ones. Does not
belong here: whether a table may leave (`judging`), and how files of cells are encrypted (`CellFiles`).

The folder holds `chain.jsonl`; `<no>/` for each request with the table and its description as they were checked, bound
by their SHA-256 to the chain; and `<no>.parquet`, the cells of a request that was released. A request is known by the
number of the entry that recorded it. Nothing is ever removed; a byte that has changed is refused.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from polku.disclosure.airlock.roles import person
from polku.disclosure.ledger import cell_file
from polku.disclosure.ledger.chain_file import broken, put, read_chain, write_chain
from polku.disclosure.ledger.conclusion import Concluded
from polku.disclosure.ledger.release_ledger import CellFiles
from polku.disclosure.ledger.states import States
from polku.errors import Exit, Refusal
from polku.exchange.delivery import now

CHECKED, REFUSED, APPROVED, RELEASED = "checked", "refused", "approved", "released"
TABLE, DESCRIPTION = "table.csv", "description.toml"
CELLS = "output"


@dataclass(frozen=True)
class Request:
    """What is asked to leave: who asks, for what, and what was checked. Holds no figure of a cell.

    `content` is the digest of the persons and true figures behind the table, `files` are SHA-256 by name of what lies
    in the request's folder, `dimensions` and `columns` those of the table, `rules` the rules that refused it with the
    cells that break each.
    """

    analyst: str
    title: str
    purpose: str
    policy: str
    profile: str
    dimensions: tuple[str, ...]
    columns: tuple[str, ...]
    cells_shown: int
    cells_hidden: int
    content: str
    notes: tuple[str, ...] = ()
    rules: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One line of the chain. `request` is the number of the entry that recorded it, its own there.

    `by` is the person who did this, `account` that of the machine; `undertaking` what an approver promises.
    """

    no: int
    kind: str
    request: int
    recorded_at: str
    by: str
    account: str
    details: Request | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    undertaking: str | None = None
    cells_sha256: str | None = None


@dataclass(frozen=True)
class Standing:
    """A request with all that has become of it, oldest first."""

    entries: tuple[Entry, ...]

    @property
    def no(self) -> int:
        """Its number."""
        return self.entries[0].request

    @property
    def state(self) -> str:
        """checked (waits for approval), approved (waits for release), released, or refused."""
        return self.entries[-1].kind

    @property
    def details(self) -> Request:
        """What was asked for."""
        details = self.entries[0].details
        assert details is not None, "the first entry of a request has its details"
        return details

    def signed(self, kind: str) -> Entry | None:
        """The entry of a kind."""
        return next((entry for entry in self.entries if entry.kind == kind), None)


class Queue:
    """The queue in `folder` (made when something is first written)."""

    def __init__(self, folder: Path, files: CellFiles) -> None:
        self._folder, self._files = folder, files
        self._chain = folder / "chain.jsonl"

    def requests(self) -> list[Standing]:
        """Every request, oldest first, once the chain has been verified. Refuses (LEDGER_BROKEN) else."""
        by_request: dict[int, list[Entry]] = {}
        for entry in self._entries():
            by_request.setdefault(entry.request, []).append(entry)
        return [Standing(tuple(entries)) for entries in by_request.values()]

    def request(self, no: int) -> Standing:
        """One request. Refuses (USAGE) a number that there is not."""
        found = next((request for request in self.requests() if request.no == no), None)
        if found is None:
            raise Refusal(Exit.USAGE, f"there is no request {no}.", "`polku check-output --list` has all.")
        return found

    def record(self, details: Request, table: str, description: str) -> Standing:
        """Put a judged table on record: `refused`, or `checked` with table and description."""
        with self._writing() as entries:
            no, kind = len(entries) + 1, REFUSED if details.rules else CHECKED
            files = self._keep(no, {TABLE: table, DESCRIPTION: description}) if kind == CHECKED else {}
            entry = Entry(no, kind, no, now(), details.analyst, _account(), details, files)
            write_chain(self._chain, [*map(_plain, entries), _plain(entry)])
        return Standing((entry,))

    def files(self, request: Standing) -> Mapping[str, Path]:
        """Table and description as they were checked. Refuses (GATE_CLOSED) when a byte of them has changed."""
        folder = self._folder / f"{request.no:06}"
        for name, digest in request.entries[0].files.items():
            if not (folder / name).is_file() or _digest(folder / name) != digest:
                raise Refusal(
                    Exit.GATE_CLOSED,
                    "the file is not the one that was checked.",
                    "Check the output again; nothing has left.",
                    file=name,
                )
        return {name: folder / name for name in request.entries[0].files}

    def approve(self, no: int, by: str, undertaking: str) -> Standing:
        """Sign as the first person. Refuses (GATE_CLOSED) the analyst herself and a request that does not wait for it,
        and (USAGE) an empty undertaking."""
        if not undertaking.strip():
            raise Refusal(Exit.USAGE, "an approval needs an undertaking.", "For example: the output was read in full.")
        request = self.request(no)
        refuse_unless(request, CHECKED)
        refuse_same(request, by)
        return self._sign(request, APPROVED, by, undertaking=undertaking.strip())

    def release(self, no: int, by: str, states: States) -> Standing:
        """Sign as the second person and keep the sketches of the table's cells: from now on it counts as public.

        Refuses (GATE_CLOSED) the analyst and the first person, and a request that has not been approved.
        """
        request = self.request(no)
        refuse_unless(request, APPROVED)
        refuse_same(request, by)
        part = self._folder / f".{no:06}.parquet.part"
        verdict = states.since * 0
        # Outputs are not compared from one release to the next, so they have no digests of that.
        nothing = np.full(len(states), None, dtype=object)
        concluded = Concluded(pd.DataFrame(), states, verdict, verdict == 0, nothing, nothing)
        self._files.write(cell_file.cells_of({CELLS: concluded}), part)
        done = self._sign(request, RELEASED, by, cells_sha256=_digest(part))
        put(part, self._cells(no))
        return done

    def history(self) -> dict[int, tuple[Standing, States]]:
        """The cells of every released output, by number. Refuses (LEDGER_BROKEN) where they are not as written."""
        found = {}
        for request in self.requests():
            signed = request.signed(RELEASED)
            if signed:
                file = self._present(request.no)
                if file is None or _digest(file) != signed.cells_sha256:
                    raise broken(self._cells(request.no), "the cells of an output are missing or have changed.")
                cells = self._files.read(file)
                states = cell_file.begun_of(cells, CELLS, request.no, request.details.columns)
                found[request.no] = (request, states)
        return found

    # ------------------------------------------------------------------------------------------------------- writing
    def _sign(
        self, request: Standing, kind: str, by: str, undertaking: str | None = None, cells_sha256: str | None = None
    ) -> Standing:
        with self._writing() as entries:
            if [e for e in entries if e.request == request.no] != list(request.entries):
                raise Refusal(Exit.ANOTHER_RUN, "somebody else has signed the request.", "Look at --list.")
            entry = Entry(
                len(entries) + 1,
                kind,
                request.no,
                now(),
                by.strip(),
                _account(),
                undertaking=undertaking,
                cells_sha256=cells_sha256,
            )
            write_chain(self._chain, [*map(_plain, entries), _plain(entry)])
        return Standing((*request.entries, entry))

    def _keep(self, no: int, files: Mapping[str, str]) -> dict[str, str]:
        """Write a request's files; a folder of this number that the chain does not name is a dead run's."""
        folder = self._folder / f"{no:06}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
        return {name: _digest(folder / name) for name in files}

    def _entries(self) -> list[Entry]:
        lines, _ = read_chain(self._chain)
        try:
            return [_entry(line) for line in lines]
        except (TypeError, KeyError, ValueError):
            raise broken(self._chain, "an entry is of no known form.") from None

    @contextmanager
    def _writing(self) -> Iterator[list[Entry]]:
        """The verified chain, for one writer."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refusal(Exit.ANOTHER_RUN, "another process writes to the airlock.", "Try again.") from None
            yield self._entries()

    def _cells(self, no: int) -> Path:
        return self._folder / f"{no:06}.parquet"

    def _present(self, no: int) -> Path | None:
        """The cells' file, still a part where a run was killed after the chain had named it."""
        return next((f for f in (self._cells(no), self._folder / f".{no:06}.parquet.part") if f.is_file()), None)


def refuse_same(request: Standing, by: str) -> None:
    """Refuse (GATE_CLOSED) somebody who has asked for the output or signed it already."""
    for entry in request.entries:
        if person(entry.by) == person(by):
            raise Refusal(
                Exit.GATE_CLOSED,
                f"`{by}` has {'asked for' if entry.kind == CHECKED else 'approved'} this output.",
                "Two different people, neither of them its analyst, let an output leave.",
            )


def refuse_unless(request: Standing, wanted: str) -> None:
    """Refuse (GATE_CLOSED) a request in another state."""
    if request.state != wanted:
        advice = (
            "Check the output first." if request.state == REFUSED else "`polku check-output --list` has its history."
        )
        raise Refusal(Exit.GATE_CLOSED, f"request {request.no} is {request.state}, not {wanted}.", advice)


def _entry(line: dict[str, Any]) -> Entry:
    details = line["details"]
    if details is not None:
        lists = {key: tuple(details[key]) for key in ("dimensions", "columns", "notes")}
        details = Request(**{**details, **lists})
    return Entry(**{**line, "details": details})


def _plain(entry: Entry) -> dict[str, Any]:
    """An entry as JSON has it."""
    return asdict(entry)


def _account() -> str:
    """The machine's account, beside the name that is given."""
    return str(os.getuid())


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
