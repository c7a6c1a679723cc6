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
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv

from polku import __version__
from polku.authority.extracts import Extract, read_extract
from polku.authority.screening import (
    FILE_ROW,
    KEPT,
    kept_rows,
    list_refused,
    refuse_identifiers,
    refuse_too_many,
    refused_rows,
    repaired_rows,
    screen,
)
from polku.authority.tokenising import Identifiers, Tokeniser, tokenise
from polku.duckdb_encryption import encrypt_spill
from polku.errors import Exit, Refusal
from polku.exchange.delivery import (
    DATA,
    EXTRACT,
    ID,
    Delivery,
    Heading,
    Manifest,
    TableFacts,
    delivery_name,
    now,
    part_name,
    settle,
)
from polku.exchange.epochs import check_epoch
from polku.exchange.identifiers import CANON_VERSION, HETU
from polku.exchange.keys import LINKAGE, RESEARCH, OwnKeys, Trust
from polku.exchange.ledger import Ledger
from polku.exchange.package import writing
from polku.exchange.parts import ROW_NO, TOKEN
from polku.exchange.payload import write_payload
from polku.sql_text import quoted
from polku.studies import Study

log = logging.getLogger(__name__)


_BATCH_ROWS = 100_000
_MEMORY = "1GB"


@dataclass(frozen=True)
class SealReport:
    """What was sealed, in counts. `quarantine` is the authority's own list of refused rows, if any."""

    delivery_id: str
    id_part: Path
    data_part: Path
    manifest: Manifest
    dropped: dict[str, tuple[str, ...]]
    quarantine: Path | None


def seal(
    study: Study,
    register: str,
    extract: Path,
    authority_dir: Path,
    trust: Path,
    extracted_on: date,
    period: tuple[date, date] | None,
) -> SealReport:
    """Seal the extract files of one register into an id part and a data part below `authority_dir`/sealed.

    `extracted_on` is the day the register was read, `period` the first and last day that the extract
    covers. Identifiers and dates to be coarsened are judged here; everything else travels as text as
    written and is judged on arrival. Refuses (and writes no package) EXTRACT_MISSING,
    EXTRACT_BREAKS_CONTRACT, IDENTIFIER_IN_DATA, KEY_UNUSABLE, USAGE for a period that cannot be, and
    BRIDGE_MISSING after a rotation of the token keys.
    """
    contract = study.contracts[register]
    first, last = period or (extracted_on, extracted_on)
    if not first <= last <= extracted_on <= date.today() + timedelta(days=1):
        raise Refusal(
            Exit.USAGE,
            "the period ends before it starts, or the extract was made before its period ended or in the future.",
            "The research platform takes every day of the period without an event for a day without one.",
            register=register,
        )
    pins = Trust.read(trust)
    if pins.study != study.code:
        raise Refusal(Exit.KEY_UNUSABLE, "the trust file is of another study.", file=trust.name, register=register)
    keys = pins.own(register, authority_dir)
    ledger, sealed = Ledger(authority_dir / "ledger.sqlite"), authority_dir / "sealed"
    sealed.mkdir(parents=True, exist_ok=True, mode=0o700)
    settle(sealed, (digest for entry in ledger.entries() for digest in entry.digests.values()))
    check_epoch(ledger, register, EXTRACT, pins)
    seq = ledger.last(register) + 1
    heading = Heading(
        compartment=DATA, kind=EXTRACT, delivery_id=delivery_name(register, extracted_on, seq), study=study.code,
        test=study.test, register=register, contract_version=contract.version, canon_version=CANON_VERSION,
        key_check=pins.key_check, epoch=pins.epoch, seq=seq, previous=None, created_at=now(),
    )  # fmt: skip
    with duckdb.connect() as con:
        con.execute(f"set memory_limit = '{_MEMORY}'")
        encrypt_spill(con, authority_dir / ".spill")
        extracts = []
        for table in contract.tables:
            extracts.append(read_extract(con, contract, table, study.delivered(register, table.name), extract))
            log.info("%s: %s rows read", table.file, extracts[-1].rows)
        tokeniser = Tokeniser(contract, pins, authority_dir, extracted_on, study.permanent_until)
        identifiers = tokenise(con, contract, extracts, tokeniser)
        screen(con, contract, extracts)
        quarantine = list_refused(con, authority_dir / "quarantine" / f"{heading.delivery_id}.csv")
        refuse_too_many(con, contract, extracts)
        refuse_identifiers(con, contract, extracts)
        log.info("identifiers replaced, texts searched; sealing %s", heading.delivery_id)
        manifest = Manifest(
            tables=tuple(_facts(con, each) for each in extracts),
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
    counts = {table.name: table.rows for table in manifest.tables}
    ledger.record(delivery, {"kind": EXTRACT, "epoch": pins.epoch, "tables": counts})
    settle(sealed, delivery.digests.values())
    dropped = {each.table.name: each.dropped for each in extracts}
    return SealReport(delivery.delivery_id, delivery.files[ID], delivery.data, manifest, dropped, quarantine)


def _facts(con: duckdb.DuckDBPyConnection, extract: Extract) -> TableFacts:
    columns = tuple(column.name for column in extract.columns)
    rejected, repaired = refused_rows(con, extract), repaired_rows(con, extract)
    return TableFacts(extract.table.name, kept_rows(con, extract), columns, rejected, repaired)


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
        row_map = stack.enter_context(_RowMap(folder / f"{heading.delivery_id}.rows.csv"))
        write_payload(outs[DATA], manifest.as_json(), (_table(con, each, identifiers, row_map) for each in extracts))
        ids = identifiers.sent()
        write_payload(
            outs[ID],
            {"tables": [{"name": "identifiers", "rows": ids.num_rows}]},
            [(ids.schema, ids.to_batches(_BATCH_ROWS))],
        )
    digests = {part: out.digest for part, out in outs.items()}
    return Delivery(heading.delivery_id, heading.register, heading.seq, files, digests)


def _table(
    con: duckdb.DuckDBPyConnection, extract: Extract, identifiers: Identifiers, row_map: _RowMap
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
            row_map.write(extract.table.file, numbers, batch.column(FILE_ROW))
            columns = [
                identifiers.send(batch.column(name)) if kind == TOKEN else batch.column(name)
                for name, kind in kinds.items()
            ]
            yield pa.RecordBatch.from_arrays([numbers, *columns], schema=schema)
            start += batch.num_rows

    return schema, batches()


class _RowMap:
    """The authority's own list of sealed row numbers and the source rows they were (mode 0600)."""

    _SCHEMA = pa.schema([("file", pa.utf8()), ("sealed_row_no", pa.int64()), ("source_row_no", pa.int64())])

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_name(f".{path.name}.part")

    def __enter__(self) -> _RowMap:
        self._part.touch(mode=0o600)
        self._out = pyarrow.csv.CSVWriter(self._part, self._SCHEMA)
        return self

    def write(self, file: str, sealed: pa.Array, source: pa.Array) -> None:
        """Add the rows of one batch."""
        files = pa.repeat(pa.scalar(file), len(sealed))
        self._out.write_batch(pa.RecordBatch.from_arrays([files, sealed, source], schema=self._SCHEMA))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._out.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()
