"""What leaks beside the rows: their order, spill files, statistics, query logs, tracebacks."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from polku.authority import folder, sealing
from polku.authority.row_map import source_rows
from polku.authority.tokenising import Tokeniser
from polku.errors import Refusal
from polku.exchange.grants import token_keys
from polku.exchange.keys import EPOCH, RESEARCH
from polku.exchange.package import Package
from polku.exchange.payload import Payload
from tests.polku.exchange.test_identifiers import CHECK_CHARACTERS
from tests.polku.parties import Parties

HEADER = "tapaus;hetu;alku;selite"


def codes(count: int) -> list[str]:
    """Codes of the test range in the order of their dates of birth, as a register has them."""
    days = [date(1930, 1, 1) + timedelta(25 * i) for i in range(count)]
    digits = [f"{day:%d%m%y}{900 + i % 90}" for i, day in enumerate(days)]
    return [f"{d[:6]}-{d[6:]}{CHECK_CHARACTERS[int(d) % 31]}" for d in digits]


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return Parties(tmp_path)


@pytest.fixture
def sorted_register(parties: Parties) -> Parties:
    rows = [f";{code};01.01.2019;remark {i} {j}" for i, code in enumerate(codes(800)) for j in range(3)]
    parties.write("jobs", "spells.csv", [HEADER, *rows])
    return parties


def test_the_order_of_rows_says_nothing_about_the_register(sorted_register: Parties) -> None:
    report = sorted_register.seal("jobs")
    order = np.array(source_rows(report.data_part.with_name(f"{report.delivery_id}.spells.rows.arrow")).to_pylist())
    sealed = np.arange(len(order))
    assert sorted(order) == list(range(2, 2402))
    # For independent orders the coefficient lies within 4 / sqrt(800 persons) but once in 15,000 runs.
    assert abs(np.corrcoef(sealed, order)[0, 1]) < 4 / np.sqrt(800)
    within = order.reshape(-1, 3)
    assert (within.max(axis=1) - within.min(axis=1) == 2).all(), "rows of a person stay together"
    assert len({tuple(np.argsort(rows)) for rows in within}) == 6, "in every order"
    again = sorted_register.seal("jobs")
    other = source_rows(again.data_part.with_name(f"{again.delivery_id}.spells.rows.arrow")).to_pylist()
    assert other != order.tolist(), "and in another one each time"


def test_the_id_part_is_in_no_order_of_the_register_either(sorted_register: Parties) -> None:
    keys = token_keys(sorted_register.root.authority("jobs"), EPOCH)
    tokeniser = Tokeniser(sorted_register.study.contracts["jobs"], keys, date(2024, 7, 1), 989)
    made = tokeniser.batch("fi.hetu", pa.array(codes(800)))
    rank = np.argsort(np.argsort(made["handle"].to_numpy().astype("S16")))
    assert abs(np.corrcoef(np.arange(800), rank)[0, 1]) < 4 / np.sqrt(800)


def test_a_package_tells_no_statistics_of_columns(sorted_register: Parties) -> None:
    """The payload is an Arrow stream: it has no footer, no minimum or maximum, no metadata and no dictionary."""
    report = sorted_register.seal("jobs")
    pins = sorted_register.trust()
    keys = pins.own(RESEARCH, sorted_register.root.path)
    with Package.verify(report.data_part, pins.signers) as package:
        for _, reader in Payload(package.open(keys.opening), "data part").tables():
            assert reader.schema.metadata is None
            assert all(field.metadata is None and not pa.types.is_dictionary(field.type) for field in reader.schema)
            reader.read_all()


class Spy:
    """Looks into the spill folder whenever a batch is being sealed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, dict[str, bytes]()

    def watch(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self.look()
            yield batch

    def look(self) -> None:
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.seen[path.name] = path.read_bytes()


def test_what_memory_cannot_hold_is_spilled_encrypted(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    many = codes(900)
    words = (str(i).translate(dict(zip(map(ord, "0123456789"), "abcdefghij", strict=True))) for i in range(300_000))
    text = "a remark on a case that fills some memory"
    lines = [f"{i:08d};{many[i % 900]};01.01.2019;{text} {word}" for i, word in enumerate(words)]
    parties.write("jobs", "spells.csv", [HEADER, *lines])
    spy = Spy(parties.root.authority("jobs") / ".spill")

    def tight(con: duckdb.DuckDBPyConnection, spill: Path) -> None:
        encrypt(con, spill)
        con.execute("set memory_limit = '64MB'")
        con.execute("set threads = 1")

    def watched(*args: object) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        schema, batches = table(*args)  # type: ignore[arg-type]
        return schema, spy.watch(batches)

    encrypt, table = folder.encrypt_spill, sealing._table
    monkeypatch.setattr(folder, "encrypt_spill", tight)
    monkeypatch.setattr(sealing, "_table", watched)
    parties.seal("jobs")
    spilled = b"".join(spy.seen.values())
    assert len(spilled) > 1_000_000, "nothing was spilled: the test looks at nothing"
    assert not any(code.encode() in spilled for code in many[:50])
    assert b"remark" not in spilled
    assert b"on a case" not in spilled
    assert not list(spy.folder.rglob("*.tmp")), "spill files go with their connection"


def test_no_statement_holds_a_key_or_a_value(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB can log every statement with its literals: values are columns or bound parameters, keys are neither."""
    parties.write("jobs", "spells.csv", [HEADER, "C-1;010190-999W;01.01.2019;a remark", "C-2;131052-900W;1.1.2019;"])
    logged: list[str] = []

    def logging(con: duckdb.DuckDBPyConnection, spill: Path) -> None:
        encrypt(con, spill)
        con.execute("call enable_logging('QueryLog')")

    def read_log(con: duckdb.DuckDBPyConnection, *args: object) -> Path | None:
        logged.extend(str(row) for row in con.execute("from duckdb_logs").fetchall())
        return None

    encrypt = folder.encrypt_spill
    monkeypatch.setattr(folder, "encrypt_spill", logging)
    monkeypatch.setattr(sealing, "refuse_too_many", read_log)
    parties.seal("jobs")
    text = "\n".join(logged)
    assert "create view kept_spells" in text, "nothing was logged: the test looks at nothing"
    keys = token_keys(parties.root.authority("jobs"), EPOCH)
    for secret in ("010190", "999W", "131052", "a remark", *(key.hex() for key in keys)):
        assert secret not in text


@pytest.mark.parametrize(
    "lines",
    [
        ["1;010190-999W;01.01.2019;x", "2;131052-900W;01.01.2019"],
        ["1;010190-999W;01.01.2019;131052-900W"],
        ["1;010190-999L;01.01.2019;x", "2;131052-900L;01.01.2019;x"],
        ['1;010190-999W;01.01.2019;"131052-900W'],
    ],
    ids=["short row", "identifier in text", "too many", "open quote"],
)
def test_a_traceback_says_nothing_of_a_person(parties: Parties, lines: list[str]) -> None:
    """Not even one that prints every chained exception; locals are what a debugger must not be given."""
    parties.write("jobs", "spells.csv", [HEADER, *lines])
    with pytest.raises(Refusal) as caught:
        parties.seal("jobs")
    printed = "".join(traceback.format_exception(caught.value))
    assert not any(secret in printed for secret in ("010190", "131052", "999", "900W"))
    assert sys.exc_info() == (None, None, None)
