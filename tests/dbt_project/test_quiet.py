"""A statement that fails on a value leaves the value in none of dbt's files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from polku.layout import CHECKOUT


def test_a_failing_cast_quotes_no_value(tmp_path: Path) -> None:
    project = CHECKOUT / "dbt_project"
    sql = "select cast(x || '-900W' as integer) as n from (values ('131052')) as t (x)"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "show", "--inline", sql),
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
        ],
        env=os.environ | {"POLKU_DATA": str(tmp_path), "POLKU_STUDY": "mvad", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "ConversionException" in done.stdout
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(p.name == "dbt.log" for p in files)
    assert "131052-900W" not in done.stdout + done.stderr
    assert [p.name for p in files if b"131052-900W" in p.read_bytes()] == []
