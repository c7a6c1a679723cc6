"""A Dagster instance with the checkout's settings, in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from polku.layout import CHECKOUT


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DAGSTER_HOME, as `make` prepares it."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copy(CHECKOUT / "dagster.yaml", tmp_path)
    return tmp_path
