"""What is inside a package: manifest and tables, read back only when they agree."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange.payload import MAX_UNPACKED_BYTES, Payload, write_payload
from polku.layout import CHECKOUT
from tests.polku.exchange import hostile

SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.utf8())])


def written(tables: list[list[tuple[int, str]]], counts: list[int] | None = None) -> bytes:
    batches = [
        pa.RecordBatch.from_pylist([{"number": n, "text": t} for n, t in rows], schema=SCHEMA) for rows in tables
    ]
    facts = [{"name": f"t{i}", "rows": len(rows)} for i, rows in enumerate(tables)]
    for fact, count in zip(facts, counts or [], strict=False):
        fact["rows"] = count
    out = io.BytesIO()
    write_payload(out, {"tables": facts}, [(SCHEMA, [batch]) for batch in batches])  # type: ignore[arg-type]
    return out.getvalue()


def read(payload: bytes) -> list[list[dict[str, object]]]:
    source = Payload(io.BytesIO(payload), "p")  # type: ignore[arg-type]
    tables = [reader.read_all().to_pylist() for _, reader in source.tables()]
    assert source.whole
    return tables


rows = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(max_size=20)), max_size=20)


@settings(max_examples=40, deadline=None)
@given(st.lists(rows, max_size=3))
def test_tables_come_back_in_order(tables: list[list[tuple[int, str]]]) -> None:
    assert read(written(tables)) == [[{"number": n, "text": t} for n, t in table] for table in tables]


def test_a_wrong_row_count_is_not_written() -> None:
    with pytest.raises(ValueError, match="rows"):
        written([[(1, "a")]], counts=[2])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_payload_that_does_not_agree_with_itself_is_refused(data: st.DataObject) -> None:
    whole = written([[(1, "a"), (2, "b")], [(3, "c")]])
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = data.draw(st.sampled_from([whole[:place], whole + b"x", whole.replace(b'"rows":2', b'"rows":3')]))
    with pytest.raises(Refusal) as caught:
        read(broken)
    assert caught.value.exit is Exit.DELIVERY_INCOMPLETE


def test_a_table_that_was_not_read_out_is_refused() -> None:
    source = Payload(io.BytesIO(written([[(1, "a")], [(2, "b")]])), "p")  # type: ignore[arg-type]
    tables = source.tables()
    next(tables)
    with pytest.raises(Refusal):
        next(tables)
    assert not source.whole


def test_whatever_a_sender_seals_ends_as_one_refusal_in_little_memory(tmp_path: Path) -> None:
    """Bombs unpack to 256 MiB; a receiver may need a record or two of 16 MiB at once, and what Arrow adds."""
    assert hostile.read(hostile.whole()) == hostile.ROWS
    names = [name for name, content in hostile.hostile() if not _refused(tmp_path, name, content)]
    assert names == []
    command = [sys.executable, hostile.__file__, tmp_path]
    opened = subprocess.run(command, cwd=CHECKOUT, env={"PYTHONPATH": str(CHECKOUT)}, capture_output=True, check=True)
    refused, grown = map(int, opened.stdout.split())
    assert refused == len(list(tmp_path.iterdir())) > 70
    assert grown < 96


def _refused(folder: Path, name: str, content: bytes) -> bool:
    (folder / f"{len(list(folder.iterdir())):03}").write_bytes(content)
    try:
        hostile.read(content)
    except Refusal as refusal:
        return refusal.exit is Exit.DELIVERY_INCOMPLETE and refusal.file == "p"
    return False


def test_large_batches_travel_in_pieces_that_receivers_take() -> None:
    text = "x" * (1 << 20)
    rows = [(n, text) for n in range(40)]
    payload = written([rows])
    assert len(payload) < MAX_UNPACKED_BYTES
    assert read(payload) == [[{"number": n, "text": text} for n, _ in rows]]


def test_a_row_that_no_receiver_would_take_is_not_sealed() -> None:
    with pytest.raises(Refusal) as caught:
        written([[(1, "x" * (MAX_UNPACKED_BYTES + 1))]])
    assert caught.value.exit is Exit.EXTRACT_BREAKS_CONTRACT
