"""A person opens the user interface, looks at the asset graph and starts the night."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.webdriver import Browser

pytestmark = pytest.mark.browser


def test_the_night_is_started_and_succeeds(address: str, browser: Browser, tmp_path: Path) -> None:
    browser.open(f"{address}/asset-groups")
    browser.screenshot(tmp_path / "asset_graph.png")
    browser.open(f"{address}/locations/polku/jobs/nightly")
    browser.screenshot(tmp_path / "job.png")
