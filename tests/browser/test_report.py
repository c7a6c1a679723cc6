"""A reader opens the published report, changes its language, goes through it by keyboard, and prints it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from polku.contracts.model import LANGUAGES
from polku.publication.report import write
from tests.browser.webdriver import Browser
from tests.polku.publication.releases import release

pytestmark = pytest.mark.browser

TITLES = {"en": "What we found", "fi": "Mitä havaitsimme", "sv": "Vad vi fann"}
TAB, ENTER = "\ue004", "\ue007"

VISIBLE = "const seen = (e) => e.checkVisibility();"
OPENING = "for (const part of document.querySelectorAll('details')) part.open = arguments[0];"
OVERFLOWING = (
    VISIBLE
    + """
    return [...document.querySelectorAll("main *, nav *")].filter(seen).filter((e) =>
      !e.closest(".unseen, .table") && (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline"
        || e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    ).map((e) => e.outerHTML.slice(0, 120));
    """
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a release in small, as a file: a reader needs no server."""
    return write(release(), tmp_path_factory.mktemp("release")).as_uri()


def test_the_report_is_read_in_three_languages_by_keyboard_and_on_paper(
    address: str, browser: Browser, tmp_path: Path
) -> None:
    browser.open(address)
    assert browser.run("return document.documentElement.lang") in LANGUAGES
    drawn = browser.run(
        VISIBLE + "return [...document.images].filter(seen).map((i) => i.decode && i.complete && i.naturalWidth)"
    )
    assert drawn
    assert all(drawn)

    for language, title in TITLES.items():
        browser.click(f'//nav[@class="switch"]/a[@lang="{language}"]')
        shown = browser.run(
            VISIBLE + "return [...document.querySelectorAll('h2')].filter(seen).map((e) => e.textContent)"
        )
        assert title in shown
        assert not set(TITLES.values()) - {title} & set(shown)
        assert browser.run("return [document.documentElement.lang, location.hash]") == [language, f"#{language}"]
        for width in (1200, 400):
            browser.resize(width, 900)
            browser.run(OPENING, width == 400)
            assert browser.run(OVERFLOWING) == [], (language, width, browser.run("return innerWidth"))
            browser.screenshot(tmp_path / f"{language}_{width}.png")

    browser.run(OPENING, False)
    browser.open(f"{address}#fi-sure")
    assert browser.run("return document.documentElement.lang") == "fi"

    reached = set()
    browser.run("document.activeElement.blur()")
    for _ in range(60):
        browser.press(TAB)
        reached.add(browser.run("return document.activeElement.tagName + document.activeElement.className"))
    assert {"Askip", "A", "SUMMARY"} <= reached
    opened = browser.run(
        "const e = document.querySelector('#fi details > summary'); e.focus(); return e.parentNode.open"
    )
    browser.press(ENTER)
    assert [opened, browser.run("return document.activeElement.parentNode.open")] == [False, True]

    closed = "document.querySelectorAll('details:not([open])').length"
    before = browser.run(f"addEventListener('beforeprint', () => {{ window.onPaper = {closed}; }}); return {closed}")
    paper = browser.print()
    assert browser.run(f"return [window.onPaper, {closed}]") == [0, before]
    assert paper.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", paper))
    assert pages >= 4
    assert re.search(rb"/MediaBox\s*\[0 0 59\d(\.\d+)? 84\d", paper)

    assert browser.run("return performance.getEntriesByType('resource').map((e) => e.name)") == []
    assert browser.complaints() == []
