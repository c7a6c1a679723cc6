"""The report that people read: one page made from the released tables and the manifest, in three languages.

Belongs here: how the page is put together and written. Does not belong here: which figures a table shows (they are
protected before they come here), and marts. Jinja and matplotlib are imported when a report is written.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from polku.contracts.model import LANGUAGES
from polku.publication.report.release import Release
from polku.publication.report.sections import SECTIONS
from polku.publication.report.words import Words, texts

REPORT = "report.html"
_HERE = "polku.publication.report"

__all__ = ["REPORT", "Release", "write"]


def write(release: Release, folder: Path) -> Path:
    """Write `report.html`: the same bytes for the same release.

    The page holds an article per language, of which the script shows one (without a script all three are read one
    after the other); styles, script and pictures are in it. It fetches nothing, which its content policy also forbids.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(_HERE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _text("switch.js")
    page = environment.get_template("page.html").render(
        articles=[_article(release, language) for language in LANGUAGES],
        style=_text("style.css"),
        script=script,
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        test=release.study.test,
    )
    file = folder / REPORT
    file.write_text(page, encoding="utf-8")
    return file


def _article(release: Release, language: str) -> dict[str, object]:
    words = Words(language, texts(), release.study)
    sections = [section for make in SECTIONS if (section := make(release, words)).blocks]
    return {"language": language, "words": words, "title": words.label(release.study.title), "sections": sections}


def _text(name: str) -> str:
    return files(_HERE).joinpath(name).read_text(encoding="utf-8")
