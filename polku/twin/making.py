"""Makes the synthetic twin: the world, every register's files and the truth about them.

Belongs here: the order of steps. Does not belong here: any of the steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from polku.contracts.model import Contract, Table
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.studies import Study
from polku.twin import identity_codes
from polku.twin.deliveries import Extract, delivered, schedule
from polku.twin.faulty_rows import AUTHORITY, PLATFORM, faulty_rows, insert
from polku.twin.files import as_text, write_file
from polku.twin.personal_details import personal_details
from polku.twin.registers import REGISTERS
from polku.twin.registers.frame import Frame
from polku.twin.respellings import respell
from polku.twin.truth import Files, FileTruth, Truth
from polku.twin.world import World, blocks

ROWS_AT_ONCE = 250_000
"""Texts of so many rows are in memory at a time."""

BLOCK = 20_000
"""Persons that are in memory at a time: the world is made in blocks, and files grow block by block."""

FEWEST_PERSONS = 100
"""Below this, groups and mistakes would be empty."""


@dataclass(frozen=True)
class TwinReport:
    """What was made: `files` by register, table and delivery, and the path of the truth."""

    persons: int
    seed: int
    files: Files
    truth: Path

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for tables in self.files.values() for files in tables.values() for file in files)


def make_twin(root: DataRoot, study: Study, persons: int = 6000, seed: int = 1, block: int = BLOCK) -> TwinReport:
    """Write the extracts of all of the study's authorities and the truth; the same seed and block give the same bytes.

    Each register delivers several times: `extract/1/` is what it knew first. Another size of blocks draws other
    persons. Refuses (STUDY_INVALID) a study that is no test or has a register the twin does not know, and (USAGE)
    too few persons.
    """
    _check(study, persons)
    truth = Truth(root.authority("_truth"), study, seed)
    for world in blocks(study, persons, seed, block):
        details = personal_details(world.people, world.seed)
        for register, contract in study.contracts.items():
            frames, folder = REGISTERS[register](world), root.authority(register) / "extract"
            for table in contract.tables:
                _write(folder, world, frames.pop(table.name), table, contract, details, truth, persons)
        truth.add(world)
    return TwinReport(persons, seed, truth.files, truth.write())


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
    folder: Path,
    world: World,
    frame: Frame,
    table: Table,
    contract: Contract,
    details: dict[str, pa.Array],
    truth: Truth,
    persons: int,
) -> None:
    """The files of one table, one per delivery, or the next block's part of them; `persons` are those of all blocks."""
    extracts = schedule(world.study, contract)
    history = world.rng(f"history {contract.register}.{table.name}")
    mistakes = world.rng(f"mistakes {contract.register}.{table.name}")
    truth.blemishes(contract.register, table.name, frame.blemishes)
    deliveries = delivered(frame, table, contract, world.people, extracts, history)
    for extract, (rows, corrections) in zip(extracts, deliveries, strict=True):
        file = FileTruth(persons=len(np.unique(rows.person)), persons_under_temporary_code=_temporary(world, rows))
        file.mistakes.update(corrections)
        parts = _parts(rows, table, contract, details, mistakes, file, extract)
        path, before = folder / str(extract.number) / table.file, truth.rows(contract.register, table.name, extract)
        ends = world.first_person + len(world.people) == persons
        file.mistakes.update(write_file(path, parts, table, contract, mistakes, before, ends))
        truth.add_file(contract.register, table.name, extract, file)


def _parts(
    frame: Frame,
    table: Table,
    contract: Contract,
    details: dict[str, pa.Array],
    rng: np.random.Generator,
    file: FileTruth,
    extract: Extract,
) -> Iterator[dict[str, pa.Array]]:
    """Parts of one file with their mistakes, which are counted in `file`; the columns that the study may not have come
    last, as in real extracts, and those that extracts of that day do not have are missing."""
    absent = {c.source for c in table.columns if (c.since or date.min) > extract.made_on}
    absent |= {c.source for c in table.columns if (c.until or date.max) < extract.made_on}
    # At least one part, so that an empty table is still a file with a header.
    for first in range(0, max(len(frame), 1), ROWS_AT_ONCE):
        part = frame.rows(np.arange(first, min(first + ROWS_AT_ONCE, len(frame))))
        texts = as_text(part, table, contract.file_format)
        person = pa.array(part.person)
        texts |= {source: details[source].take(person) for source in table.never if source in details}
        added = faulty_rows(texts, part, table, contract, rng)
        respelled, kinds = respell(texts, part, table, contract, rng)
        file.mistakes.update(kinds)
        for copies in added:
            file.mistakes[copies.reason] += len(copies.origin)
            file.quarantined_by_authority += len(copies.origin) * (copies.by == AUTHORITY)
            file.quarantined_by_platform += len(copies.origin) * (copies.by == PLATFORM)
        file.rows += len(part) + sum(len(copies.origin) for copies in added)
        yield {source: cells for source, cells in insert(respelled, added).items() if source not in absent}


def _temporary(world: World, frame: Frame) -> int:
    if "hetu" not in frame.columns:
        return 0
    code = frame.columns["hetu"]
    temporary = (code == world.people.temporary_code[frame.person]) & (code != "")
    return len(np.unique(frame.person[temporary]))
