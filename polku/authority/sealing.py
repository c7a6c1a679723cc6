"""What an authority does with an extract: rows without identifiers, sealed; identifiers as tokens, sealed apart.

Belongs here: the order of steps from CSV files to two packages, and what is refused on the way. Does not
belong here: reading files (`extracts`), spelling (`identifiers`), tokens (`tokens`), the container
(`package`).

Nothing leaves that the contract does not name. Rows travel under one-time handles that neither receiver
can compute, in an order that says nothing about the register's. What is refused stays in the authority's
own folder, and so does the map from sealed to source rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from polku import __version__
from polku.authority.extracts import Extract, read_extract
from polku.authority.folder import alone, tidy, workbench
from polku.authority.history import facts, refuse_suspicious
from polku.authority.report import SealReport, TableReport, write_report
from polku.authority.row_map import RowMap
from polku.authority.screening import (
    FILE_ROW,
    KEPT,
    faults,
    kept_rows,
    list_refused,
    redacted_cells,
    refuse_identifiers,
    refuse_too_many,
    refused_rows,
    repaired_rows,
    screen,
    searched_columns,
)
from polku.authority.tokenising import Identifiers, Tokeniser, tokenise
from polku.contracts.model import Contract, Table
from polku.errors import Exit, Refusal
from polku.exchange.blinding import new_blinding, unblinding
from polku.exchange.delivery import (
    DATA,
    EXTRACT,
    ID,
    Delivery,
    Heading,
    Manifest,
    TableFacts,
    banded,
    delivery_name,
    mode_of,
    now,
    part_name,
    warn_if_unreviewed,
)
from polku.exchange.epochs import check_epoch
from polku.exchange.files import digest_of
from polku.exchange.folders import settle
from polku.exchange.grants import granted_keys
from polku.exchange.identifiers import CANON_VERSION, HETU
from polku.exchange.keys import LINKAGE, RESEARCH, OwnKeys
from polku.exchange.ledger import Ledger
from polku.exchange.package import writing
from polku.exchange.parts import BLINDED, ROW_NO, TOKEN
from polku.exchange.payload import write_payload
from polku.exchange.trust import Trust
from polku.progress import counted, watching
from polku.sql_text import quoted
from polku.studies import Study

log = logging.getLogger(__name__)


_BATCH_ROWS = 100_000


def seal(
    study: Study,
    register: str,
    extract: Path,
    authority_dir: Path,
    trust: Path,
    extracted_on: date,
    period: tuple[date, date] | None,
    *,
    confirmed: bool = False,
) -> SealReport:
    """Seal the extract files of one register into an id part and a data part below `authority_dir`/sealed.

    `extracted_on` is the day the register was read, `period` the first and last day that the extract
    covers; `confirmed` says that the files are right although earlier deliveries speak against them (`history`).
    Identifiers and dates to be coarsened are judged here; everything else travels as text as
    written and is judged on arrival. Refuses (and writes no package) EXTRACT_MISSING,
    EXTRACT_BREAKS_CONTRACT, IDENTIFIER_IN_DATA, KEY_UNUSABLE, ANOTHER_RUN, USAGE for a period that cannot
    be, and BRIDGE_MISSING after a rotation of the token keys. `rehearsal` goes the same way without writing.
    """
    # DuckDB may read this folder only, and compares paths as they are written.
    contract, extract = study.contracts[register], extract.resolve()
    check_period(register, extracted_on, period)
    pins, keys, granted = usable_keys(study, register, authority_dir, trust)
    warn_if_unreviewed(pins)
    with alone(authority_dir):
        ledger = Ledger(authority_dir / "ledger.sqlite")
        sealed = tidy(authority_dir, ledger)
        check_epoch(ledger, register, EXTRACT, pins)
        seq = ledger.last(register) + 1
        heading = Heading(
            compartment=DATA, delivery_id=delivery_name(register, extracted_on, seq), study=study.code,
            test=study.test, register=register, contract_version=contract.version, canon_version=CANON_VERSION,
            key_check=pins.key_check, mode=mode_of(pins), epoch=pins.epoch, seq=seq, previous=None, created_at=now(),
        )  # fmt: skip
        with workbench(authority_dir, extract) as con:
            extracts = [read(con, study, contract, table, extract, extracted_on) for table in contract.tables]
            tokeniser = Tokeniser(contract, granted, extracted_on, study.permanent_until, stretched=pins.stretched)
            identifiers = judge_rows(con, contract, extracts, tokeniser)
            quarantine = list_refused(con, authority_dir / "quarantine" / f"{heading.delivery_id}.csv")
            refuse_too_many(con, contract, extracts)
            with watching(con, "searching texts for identifiers"):
                for each in extracts:
                    for column in searched_columns(each):
                        refuse_identifiers(con, contract, each, column)
            log.info("identifiers replaced, texts searched; sealing %s", heading.delivery_id)
            tables = tuple(table_report(con, each, extract) for each in extracts)
            if not confirmed:
                refuse_suspicious(ledger, contract, tables, extracted_on, period)
            manifest = Manifest(
                tables=tuple(_facts(each) for each in tables),
                extracted_on=extracted_on,
                period=period,
                source=contract.system,
                filed_by=contract.authority.en,
                legal_basis=contract.legal_basis,
                tool_version=__version__,
            )
            headings = {
                part: replace(heading, compartment=part, previous=ledger.head(register, part)) for part in (ID, DATA)
            }
            delivery = _write(con, extracts, identifiers, manifest, headings, keys, pins, sealed)
        report = SealReport(heading, delivery, manifest, tables, quarantine)
        write_report(report, study, pins)
        counts = {table.name: table.rows for table in manifest.tables}
        said = {"kind": EXTRACT, "epoch": pins.epoch, "tables": counts, **facts(tables, extracted_on, period)}
        ledger.record(delivery, said)
        settle(sealed, delivery.digests.values())
    return report


def check_period(register: str, extracted_on: date, period: tuple[date, date] | None) -> None:
    """Refuse (USAGE) days that cannot be."""
    first, last = period or (extracted_on, extracted_on)
    if not first <= last <= extracted_on <= date.today() + timedelta(days=1):
        raise Refusal(
            Exit.USAGE,
            "the period ends before it starts, or the extract was made before its period ended or in the future.",
            "The research platform takes every day of the period without an event for a day without one.",
            register=register,
        )


def usable_keys(
    study: Study, register: str, authority_dir: Path, trust: Path
) -> tuple[Trust, OwnKeys, tuple[bytes, bytes]]:
    """The trust file of this study, the authority's keys and the token keys it was granted (else KEY_UNUSABLE)."""
    pins = Trust.read(trust, authority_dir)
    if (pins.study, pins.test) != (study.code, study.test):
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "the trust file is of another study, or does not agree with this one on whether it is a test.",
            file=trust.name,
            register=register,
        )
    return pins, pins.own(register, authority_dir), granted_keys(authority_dir, pins, register, pins.epoch)


def read(
    con: duckdb.DuckDBPyConnection, study: Study, contract: Contract, table: Table, folder: Path, extracted_on: date
) -> Extract:
    """One file of the extract, with a bar."""
    with watching(con, f"reading {table.file}"):
        extract = read_extract(
            con, contract, table, study.delivered(contract.register, table.name), folder, extracted_on
        )
    log.info("%s: %s rows read", table.file, extract.rows)
    return extract


def judge_rows(
    con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract], tokeniser: Tokeniser
) -> Identifiers:
    """Replace the identifiers, and tell the rows that may leave from those that may not."""
    with watching(con, "replacing identifiers"):
        identifiers = tokenise(con, contract, extracts, tokeniser)
    with watching(con, "judging rows"):
        screen(con, contract, extracts)
    return identifiers


def table_report(con: duckdb.DuckDBPyConnection, extract: Extract, folder: Path) -> TableReport:
    """One file for the authority's own report, in exact counts."""
    return TableReport(
        table=extract.table,
        file=extract.file,
        columns=extract.columns,
        sha256=digest_of(folder / extract.file),
        rows_read=extract.rows,
        rows_kept=kept_rows(con, extract),
        rows_respelled=repaired_rows(con, extract),
        refused=refused_rows(con, extract),
        faults=faults(con, extract),
        redacted=redacted_cells(con, extract),
        dropped=extract.dropped,
        absent=extract.absent,
        footers=extract.footers,
    )


def _facts(table: TableReport) -> TableFacts:
    """One file for the receivers, in banded counts."""
    columns = tuple(column.name for column in table.columns)
    rejected = {reason: banded(rows) for reason, rows in table.refused.items()}
    redacted = {column: banded(cells) for column, cells in table.redacted.items()}
    return TableFacts(table.table.name, table.rows_kept, columns, rejected, banded(table.rows_respelled), redacted)


def _write(
    con: duckdb.DuckDBPyConnection,
    extracts: list[Extract],
    identifiers: Identifiers,
    manifest: Manifest,
    headings: dict[str, Heading],
    keys: OwnKeys,
    pins: Trust,
    folder: Path,
) -> Delivery:
    """Write both parts under hidden names; they get their own when the ledger has them."""
    heading = headings[DATA]
    files = {part: folder / part_name(heading.delivery_id, part) for part in headings}
    with ExitStack() as stack:
        outs = {
            part: stack.enter_context(
                writing(
                    files[part].with_name(f".{files[part].name}.part"),
                    headings[part].as_json(),
                    keys.signing,
                    pins.party(recipient).sealing_key,
                )
            )
            for part, recipient in ((ID, LINKAGE), (DATA, RESEARCH))
        }
        maps = [stack.enter_context(RowMap(folder, heading.delivery_id, each.table.name)) for each in extracts]
        tables = (_table(con, each, identifiers, its) for each, its in zip(extracts, maps, strict=True))
        blinding = new_blinding() if pins.mode == BLINDED else None
        # Beside the manifest, not in it: the manifest is shown in reports.
        facts = manifest.as_json() | (unblinding(blinding) if blinding else {})
        write_payload(outs[DATA], facts, tables)
        ids = identifiers.sent(blinding)
        write_payload(
            outs[ID],
            {"tables": [{"name": "identifiers", "rows": ids.num_rows}]},
            [(ids.schema, ids.to_batches(_BATCH_ROWS))],
        )
    digests = {part: out.digest for part, out in outs.items()}
    package_ids = {part: out.package_id for part, out in outs.items()}
    return Delivery(heading.delivery_id, heading.register, heading.seq, files, digests, package_ids)


def _table(
    con: duckdb.DuckDBPyConnection, extract: Extract, identifiers: Identifiers, row_map: RowMap
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The rows that leave, sorted by the handle of whom they are about, at random within one, and numbered.

    A register's order leaks (sorted by hetu it is sorted by birth day), so its row numbers stay here.
    """
    kinds = {c.name: TOKEN if c.type == "identifier" else pa.utf8() for c in extract.columns}
    schema = pa.schema([(ROW_NO, pa.int64()), *kinds.items()])
    about = sorted((c for c in extract.columns if c.type == "identifier"), key=lambda c: c.domain != HETU)
    order = ", ".join([*(quoted(column.name) for column in about[:1]), "random()"])
    rows = con.cursor().execute(f"from {KEPT}{extract.table.name} order by {order}")

    def batches() -> Iterator[pa.RecordBatch]:
        start = 1
        for batch in rows.to_arrow_reader(_BATCH_ROWS):
            numbers = pa.array(np.arange(start, start + batch.num_rows, dtype=np.int64))
            row_map.write(batch.column(FILE_ROW))
            columns = [
                identifiers.send(batch.column(name)) if kind == TOKEN else batch.column(name)
                for name, kind in kinds.items()
            ]
            yield pa.RecordBatch.from_arrays([numbers, *columns], schema=schema)
            start += batch.num_rows

    return schema, counted(batches(), f"sealing {extract.table.file}", kept_rows(con, extract))
