"""Notices about persons, sealed at the authority that decides on them.

Belongs here: from a small list of persons to a sealed notice. Does not belong here: what a notice may say
(`exchange.notices`) and what becomes of it (the research platform).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from polku.authority.dispatch import Desk
from polku.authority.tokenising import Tokeniser
from polku.contracts.model import Contract, FileFormat
from polku.errors import Exit, Refusal
from polku.exchange.delivery import NOTICE, Delivery
from polku.exchange.notices import Notice
from polku.exchange.parts import ID_PART, NOTICE_PART
from polku.studies import Study


def seal_notice(
    study: Study, register: str, notice: Notice, persons: Path, authority_dir: Path, trust: Path, on: date
) -> tuple[Delivery, Notice]:
    """Seal a notice about the persons that the CSV file `persons` names; `on` is today.

    The file is written as the contract's files are. Its columns are any of the register's columns that name
    whom a row is about; a row is one person, under every identifier that is given. Every row must name a
    person properly: nobody who asked is passed over. Refuses EXTRACT_MISSING, EXTRACT_BREAKS_CONTRACT,
    USAGE, KEY_UNUSABLE and BRIDGE_MISSING.
    """
    contract = study.contracts[register]
    notice.check()
    if not notice.received_on <= on <= date.today() + timedelta(days=1):
        raise Refusal(Exit.USAGE, "the notice was received in the future.", register=register)
    desk = Desk.opened(study, register, NOTICE, authority_dir, trust)
    tokeniser = desk.tokeniser(on)
    named = [(column, row_no, text.strip()) for column, row_no, text in _cells(contract, persons)]
    made = []
    for domain in sorted({domain for (_, domain), _, _ in named}):
        its = [cell for cell in named if cell[0][1] == domain]
        found = tokeniser.batch(domain, pa.array(sorted({text for _, _, text in its}), pa.utf8()))
        by_text = {row["text"]: row for row in found.to_pylist()}
        for (source, _), row_no, text in its:
            if by_text[text]["reason"]:
                raise _refusal(contract, persons, by_text[text]["reason"], source, row_no)
            made.append({"row_no": row_no, **by_text[text]})
    rows = pa.Table.from_pylist(made, pa.schema([("row_no", pa.int64()), *Tokeniser.SCHEMA]))
    sealed = Notice(**{**vars(notice), "persons": len(pc.unique(rows["row_no"]))})
    return desk.send(on, {"identifiers": _ids(rows)}, sealed.as_json(), {"persons": _persons(rows)}), sealed


def _cells(contract: Contract, file: Path) -> Iterator[tuple[tuple[str, str], int, str]]:
    """Each given identifier: its column and domain, its row (the header is row 1), and its text."""
    subjects = {c.source: c.domain or "" for table in contract.tables for c in table.identifiers if c.is_subject}
    try:
        lines = list(_lines(contract.file_format, file))
    except OSError as error:
        raise Refusal(
            Exit.EXTRACT_MISSING, f"the list of persons cannot be read ({error.strerror}).", file=file.name
        ) from None
    except (UnicodeDecodeError, csv.Error):
        lines = []
    header = [name.strip() for name in lines[0]] if lines else []
    if not header or len(set(header)) != len(header) or not set(header) <= set(subjects) or len(lines) < 2:
        raise Refusal(
            Exit.EXTRACT_BREAKS_CONTRACT,
            "the list of persons must have a header of the register's identifier columns, and a row per person.",
            f"Columns that name a person: {', '.join(subjects)}. Leave a cell empty where it is not known.",
            register=contract.register,
            file=file.name,
        )
    empty = {"", *(text.strip() for text in contract.file_format.null_texts)}
    for row_no, line in enumerate(lines[1:], start=2):
        cells = [(name, cell) for name, cell in zip(header, line, strict=False) if cell.strip() not in empty]
        if not cells or len(line) != len(header):
            raise _refusal(contract, file, "nobody_named", header[0], row_no)
        for name, cell in cells:
            yield (name, subjects[name]), row_no, cell


def _lines(format_: FileFormat, file: Path) -> Iterator[list[str]]:
    encoding = "utf-8-sig" if format_.encoding.lower() in ("utf-8", "utf8") else format_.encoding
    with file.open(encoding=encoding, newline="") as lines:
        yield from (line for line in csv.reader(lines, delimiter=format_.delimiter, quotechar=format_.quote) if line)


def _ids(rows: pa.Table) -> pa.Table:
    """The id part: each identifier once, sorted by its handle."""
    handles = rows["handle"].combine_chunks()
    return rows.select(ID_PART.names).take(pc.index_in(handles.unique(), value_set=handles)).sort_by("handle")


def _persons(rows: pa.Table) -> pa.Table:
    """Persons numbered in the order of a handle, so that their order says nothing of the list's."""
    ordered = rows.sort_by("handle")
    of_row = ordered["row_no"].combine_chunks()
    numbers = pc.add(pc.index_in(of_row, value_set=of_row.unique()), 1)
    return pa.Table.from_arrays([numbers.cast(pa.int64()), ordered["handle"]], schema=NOTICE_PART)


def _refusal(contract: Contract, file: Path, reason: str, column: str, row_no: int) -> Refusal:
    return Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"a row does not name a person: {reason}.",
        "Correct the list; nothing of it has been sealed.",
        register=contract.register,
        file=file.name,
        column=column,
        row_no=row_no,
    )
