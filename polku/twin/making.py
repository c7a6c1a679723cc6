"""Makes the synthetic twin: the world, every register's files and the truth about them.

Belongs here: the order of steps. Does not belong here: any of the steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from polku.contracts.model import Contract, Table
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.studies import Study
from polku.twin import identity_codes
from polku.twin.chance import stream
from polku.twin.faulty_rows import AUTHORITY, PLATFORM, faulty_rows, insert
from polku.twin.files import as_text, write_file
from polku.twin.personal_details import personal_details
from polku.twin.registers import REGISTERS
from polku.twin.registers.frame import Frame
from polku.twin.respellings import respell
from polku.twin.truth import Files, FileTruth, write_truth
from polku.twin.world import World, make_world

ROWS_AT_ONCE = 250_000
"""Texts of so many rows are in memory at a time."""

FEWEST_PERSONS = 100
"""Below this, groups and mistakes would be empty."""


@dataclass(frozen=True)
class TwinReport:
    """What was made: `files` by register and table, and the path of the truth."""

    persons: int
    seed: int
    files: Files
    truth: Path

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for tables in self.files.values() for file in tables.values())


def make_twin(root: DataRoot, study: Study, persons: int = 6000, seed: int = 1) -> TwinReport:
    """Write the extracts of all of the study's authorities and the truth; the same seed gives the same bytes.

    Refuses (STUDY_INVALID) a study that is no test or has a register the twin does not know, and (USAGE)
    too few persons.
    """
    _check(study, persons)
    world = make_world(study, persons, seed)
    details = personal_details(world.people, seed)
    files: Files = {}
    for register, contract in study.contracts.items():
        frames = REGISTERS[register](world)
        folder = root.authority(register) / "extract"
        files[register] = {
            table.name: _write(folder / table.file, world, frames[table.name], table, contract, details)
            for table in contract.tables
        }
    truth = write_truth(root.authority("_truth"), world, files)
    return TwinReport(persons, seed, files, truth)


def _check(study: Study, persons: int) -> None:
    if not study.test:
        advice = "Invented persons belong in studies with `test = true`."
        raise Refusal(Exit.STUDY_INVALID, f"`{study.code}` is no test study.", advice)
    if study.permanent_until < identity_codes.PERMANENT[1] or study.municipality_code is None:
        raise Refusal(
            Exit.STUDY_INVALID,
            f"`{study.code}` cannot be played by the twin.",
            f"It needs `municipality_code` and `permanent_until = {identity_codes.PERMANENT[1]}`.",
        )
    for register in study.contracts:
        if register not in REGISTERS:
            raise Refusal(
                Exit.STUDY_INVALID, "the twin does not know this register.", "Add it to polku/twin/registers.", register
            )
    if persons < FEWEST_PERSONS:
        raise Refusal(Exit.USAGE, "too few persons.", f"A twin has at least {FEWEST_PERSONS}.")


def _write(
    path: Path, world: World, frame: Frame, table: Table, contract: Contract, details: dict[str, pa.Array]
) -> FileTruth:
    """One file with its mistakes; the columns that the study may not have come last, as in real extracts."""
    rng = stream(world.seed, f"mistakes {contract.register}.{table.name}")
    mistakes, quarantined, rows = Counter(frame.blemishes), Counter[str](), 0

    def parts() -> Iterator[dict[str, pa.Array]]:
        nonlocal rows
        # At least one part, so that an empty table is still a file with a header.
        for first in range(0, max(len(frame), 1), ROWS_AT_ONCE):
            part = frame.rows(np.arange(first, min(first + ROWS_AT_ONCE, len(frame))))
            texts = as_text(part, table, contract.file_format)
            person = pa.array(part.person)
            texts |= {source: details[source].take(person) for source in table.never if source in details}
            added = faulty_rows(texts, part, table, contract, rng)
            respelled, kinds = respell(texts, part, table, contract, rng)
            mistakes.update(kinds)
            for copies in added:
                mistakes[copies.reason] += len(copies.origin)
                quarantined[copies.by or ""] += len(copies.origin)
            rows += len(part) + sum(len(copies.origin) for copies in added)
            yield insert(respelled, added)

    mistakes.update(write_file(path, parts(), table, contract, rng))
    return FileTruth(
        rows=rows,
        persons=len(np.unique(frame.person)),
        persons_under_temporary_code=_temporary(world, frame),
        mistakes=dict(sorted((+mistakes).items())),
        quarantined_by_authority=quarantined[AUTHORITY],
        quarantined_by_platform=quarantined[PLATFORM],
    )


def _temporary(world: World, frame: Frame) -> int:
    if "hetu" not in frame.columns:
        return 0
    code = frame.columns["hetu"]
    temporary = (code == world.people.temporary_code[frame.person]) & (code != "")
    return len(np.unique(frame.person[temporary]))
