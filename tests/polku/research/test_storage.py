"""Limits of the research platform's connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from polku import duckdb_encryption
from polku.layout import DataRoot
from polku.research import storage


@pytest.mark.parametrize(("of_the_machine", "limit"), [("40GiB", "10.0 GiB"), ("2GiB", "953.6 MiB")])
def test_a_connection_takes_a_share_of_the_machine_and_a_gigabyte_at_least(
    tmp_path: Path, of_the_machine: str, limit: str
) -> None:
    with duckdb_encryption.connect() as con:
        con.execute("set memory_limit = $limit", {"limit": of_the_machine})
        storage.prepare(con, DataRoot("study", tmp_path))
        assert con.execute("select current_setting('memory_limit')").fetchall() == [(limit,)]
