from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from polku import duckdb_encryption


def checks_signatures(con: duckdb.DuckDBPyConnection) -> bool:
    [(unsigned,)] = con.execute("select current_setting('allow_unsigned_extensions')").fetchall()
    return not unsigned


def test_the_signature_is_checked_once_for_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again when there is another file in its place."""
    monkeypatch.setattr(duckdb_encryption, "_verified", set())
    copy = tmp_path / "httpfs.duckdb_extension"
    shutil.copyfile(duckdb_encryption._httpfs(), copy)
    monkeypatch.setattr(duckdb_encryption, "_httpfs", lambda: str(copy))
    for expected in (True, False):
        with duckdb_encryption.connect() as con:
            assert checks_signatures(con) is expected
            duckdb_encryption.encrypt_spill(con, tmp_path / "spill")
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    other = tmp_path / "other"
    other.write_bytes(content)
    other.replace(copy)
    with duckdb_encryption.connect() as con, pytest.raises(duckdb.IOException, match="signature"):
        duckdb_encryption.encrypt_spill(con, tmp_path / "spill")
