"""Rows that break the contract or come twice, added to the files on purpose and counted.

Belongs here: kinds of faults and the rows that have them. Does not belong here: cells that can be read all
the same (`respellings`). A faulty row stands beside the right one, as a clerk's first attempt that stayed
in the register: what is true can still be read from the files, and every fault can be counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.contracts.model import Column, Contract, Table
from polku.twin.chance import Bools, Ints
from polku.twin.files import day_format
from polku.twin.identity_codes import with_wrong_check
from polku.twin.registers.frame import Frame

DUPLICATES = 0.004
"""Rows delivered twice: some per thousand in every large extract."""

EACH_FAULT = 0.0015
"""Rows added for each kind of fault: at least one, and in all at most half of the contract's limit."""

AUTHORITY, PLATFORM = "authority", "platform"
"""Who has to quarantine a row: the sealer sees identity codes, the research platform everything else."""

UNKNOWN_CODE = "Q9"
DUPLICATE = "duplicate_row"

Texts = dict[str, pa.Array]


@dataclass(frozen=True)
class FaultyRows:
    """Copies of the rows `origin` with one fault each; `by` is who quarantines them (None: nobody)."""

    reason: str
    by: str | None
    origin: Ints
    texts: Texts


@dataclass(frozen=True)
class _Fault:
    """A kind of fault: the rows that can have it, and the columns that it rewrites."""

    reason: str
    by: str
    possible: Bools
    rewritten: Texts


def faulty_rows(
    texts: Texts, frame: Frame, table: Table, contract: Contract, rng: np.random.Generator
) -> list[FaultyRows]:
    """The rows to add to a file whose right rows are `texts`."""
    size = len(frame)
    if not size:
        return []
    faults = [fault for fault in _faults(texts, frame, table, contract) if fault.possible.any()]
    most = int(contract.bad_row_limit * size / 2)
    faults = faults[:most]
    each = min(max(1, round(EACH_FAULT * size)), most // max(len(faults), 1))
    twice = np.sort(rng.choice(size, round(DUPLICATES * size), replace=False))
    added = [FaultyRows(DUPLICATE, None, twice, _take(texts, twice))]
    for fault in faults:
        candidates = np.flatnonzero(fault.possible)
        origin = np.sort(rng.choice(candidates, min(each, len(candidates)), replace=False))
        added.append(FaultyRows(fault.reason, fault.by, origin, _take(texts | fault.rewritten, origin)))
    return added


def insert(texts: Texts, added: list[FaultyRows]) -> Texts:
    """The file with the added rows, each after its original."""
    size = len(next(iter(texts.values())))
    origin = np.concatenate([np.arange(size), *(rows.origin for rows in added)])
    order = pa.array(np.argsort(origin, kind="stable"))
    return {
        name: pa.concat_arrays([column, *(rows.texts[name] for rows in added)]).take(order)
        for name, column in texts.items()
    }


def _faults(texts: Texts, frame: Frame, table: Table, contract: Contract) -> Iterator[_Fault]:
    everywhere = np.ones(len(frame), dtype=bool)
    yield from _wrong_identity_code(texts, table)
    required = [c for c in table.columns if c.required and c.type != "identifier" and not c.coarsen]
    coded = [c for c in required if c.codes and c.unknown_code == "quarantine"]
    for column in coded[:1]:
        yield _Fault("unknown_code", PLATFORM, everywhere, {column.source: _same(UNKNOWN_CODE, frame)})
        yield from _code_before_its_time(column, frame, table, contract)
    for column in [c for c in required if c.type == "date"][:1]:
        impossible = day_format(contract.file_format).replace("%d", "31").replace("%m", "02").replace("%Y", "2020")
        yield _Fault("unreadable_date", PLATFORM, everywhere, {column.source: _same(impossible, frame)})
    for column in required[-1:]:
        yield _Fault("missing", PLATFORM, everywhere, {column.source: _same("", frame)})
    for first, second in table.ordered[:1]:
        start, end = table.column(first).source, table.column(second).source
        days = frame.columns[end] - frame.columns[start]
        sentinel = np.isin(frame.columns[end], np.array(contract.file_format.open_ends, dtype="datetime64[D]"))
        swapped = {start: texts[end], end: texts[start]}
        yield _Fault("starts_after_end", PLATFORM, (days > np.timedelta64(0)) & ~sentinel, swapped)


def _wrong_identity_code(texts: Texts, table: Table) -> Iterator[_Fault]:
    for column in [c for c in table.identifiers if c.domain == "fi.hetu"]:
        codes = texts[column.source]
        known = pc.unique(codes)
        wrong = pa.array([with_wrong_check(code) if code else "" for code in known.to_pylist()], pa.string())
        rewritten = wrong.take(pc.index_in(codes, known))
        possible = pc.not_equal(codes, "").to_numpy(zero_copy_only=False)
        yield _Fault("invalid_check_character", AUTHORITY, possible, {column.source: rewritten})


def _code_before_its_time(column: Column, frame: Frame, table: Table, contract: Contract) -> Iterator[_Fault]:
    """A code that exists, in a row of a time when it did not."""
    codes = contract.codes[str(column.codes)]
    latest = max(codes, key=lambda code: code.valid_from or date.min)
    if column.dated_by and latest.valid_from:
        dated = frame.columns[table.column(column.dated_by).source]
        too_early = dated < np.datetime64(latest.valid_from)
        for code in codes:
            if code.code == latest.code and code.valid_until:  # the code meant something else until then
                too_early &= dated > np.datetime64(code.valid_until)
        yield _Fault("code_not_valid_then", PLATFORM, too_early, {column.source: _same(latest.code, frame)})


def _same(text: str, frame: Frame) -> pa.Array:
    return pa.array(np.full(len(frame), text, dtype=object), pa.string())


def _take(texts: Texts, rows: Ints) -> Texts:
    return {name: column.take(pa.array(rows)) for name, column in texts.items()}
