"""A person opens the user interface, looks at the asset graph, starts the night, and reads why a gate is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from polku.layout import DataRoot
from polku.research import storage
from tests.browser.conftest import STUDY
from tests.browser.webdriver import Browser

pytestmark = pytest.mark.browser

LAYERS = ("landing", "staging", "intermediate", "marts", "release", "published")
ENDED = '//*[text()="Success" or text()="Failure"]'


def test_the_graph_is_shown_and_the_night_succeeds(address: str, browser: Browser, data: Path, tmp_path: Path) -> None:
    browser.open(f"{address}/asset-groups")
    for layer in LAYERS:
        browser.find(f'//*[text()="{layer}"]')
    browser.screenshot(tmp_path / "asset_graph.png")
    browser.open(f"{address}/locations/polku/jobs/nightly")
    browser.click('//button[contains(., "Materialize all")]')
    browser.click('//*[text()="View"]')
    assert browser.text(ENDED) == "Success"
    browser.screenshot(tmp_path / "nightly.png")
    assert (data / STUDY / "published" / "current" / "manifest.json").is_file()


def test_a_closed_gate_says_why_and_keeps_yesterdays_marts(
    address: str, browser: Browser, data: Path, tmp_path: Path
) -> None:
    root = DataRoot(STUDY, data / STUDY)
    yesterday = root.marts.read_bytes()
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("delete from warehouse.marts.person_month where month = date '2024-06-01'")
    browser.open(f"{address}/assets/marts/snapshot")
    browser.click('//button[contains(., "Materialize")]')
    browser.click('//*[text()="View"]')
    assert browser.text(ENDED) == "Failure"
    browser.open(f"{address}/assets/marts/snapshot?view=checks&checkDetail=plausible")
    browser.find('//*[contains(text(), "712 persons of the cohort in each of 70 months: 49128 found")]')
    browser.screenshot(tmp_path / "closed_gate.png")
    assert root.marts.read_bytes() == yesterday
