"""The report says what the released tables say, in three languages, and nothing else."""

from __future__ import annotations

import base64
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from string import Formatter

import pandas as pd
import pytest

from polku.contracts.model import LANGUAGES, Label
from polku.disclosure.cells import Status
from polku.layout import CHECKOUT
from polku.outcomes import load_catalogue
from polku.outcomes.definitions import rule_of
from polku.publication import report
from polku.publication.report import Release, charts
from polku.publication.report.release import Panel, Row
from polku.publication.report.sections import SECTIONS
from polku.publication.report.words import Words, texts
from tests.polku.publication.releases import context, espoo, espoo_context, espoo_tables, release, study, tables

OUTCOMES = "outcome_by_months_since_entry"


class Page(HTMLParser):
    """Tags with their attributes in order, and the text of the page by language."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = dict.fromkeys(LANGUAGES, "")
        self.language, self.silent = "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "article":
            self.language = attributes["lang"]
        self.silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.language = "" if tag == "article" else self.language
        self.silent = False

    def handle_data(self, data: str) -> None:
        if self.language and not self.silent:
            self.text[self.language] += " " + " ".join(data.split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    return report.write(release(), tmp_path_factory.mktemp("report")).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(written: str) -> Page:
    return Page(written)


def words(language: str = "en") -> Words:
    return Words(language, texts(), espoo())


def said(of: Release, section: str, language: str = "en") -> str:
    """A section as the template gets it, with plain spaces."""
    (make,) = (make for make in SECTIONS if make.__name__ == section)
    return str(make(of, words(language))).replace("\\xa0", " ")


# ------------------------------------------------------------------------------------------------------------- texts
def test_placeholders_are_the_same_in_all_languages() -> None:
    for key, label in texts().items():
        names = [{name for _, name, _, _ in Formatter().parse(getattr(label, lang)) if name} for lang in LANGUAGES]
        assert names[0] == names[1] == names[2], key


def test_states_are_worded_as_in_the_seed() -> None:
    with (CHECKOUT / "dbt_project" / "seeds" / "states.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            label = Label(row["label_en"], row["label_fi"], row["label_sv"])
            assert texts()[f"code.{row['state_code']}"] == label


def test_an_outcome_is_worded_as_in_the_catalogue_and_in_no_other_place() -> None:
    for code, outcome in load_catalogue().items():
        assert texts().get(f"code.{code}", outcome.label) == outcome.label
        assert f"code.{code}" not in texts() or code == "employed", "the main activity of that name"


@pytest.mark.parametrize("language", LANGUAGES)
def test_outcomes_are_defined_in_words_with_their_chart_and_at_the_end(page: Page, language: str) -> None:
    of = espoo()
    for code in ("employed", "benefit_housing", "exit"):
        rule = getattr(rule_of(of.outcomes[code], of.contracts), language)
        assert page.text[language].count(rule) == (1 if code == "exit" else 2)


class Noting(dict[str, Label]):
    """Texts that note which of them were read, and with which placeholders filled in."""

    def __init__(self) -> None:
        super().__init__(texts())
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Label:
        self.read.add(key)
        return super().__getitem__(key)


def test_every_text_is_used_and_every_value_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    noting, unused = Noting(), set()
    say = Words.say

    def checked(self: Words, key: str, **values: str) -> str:
        asked = {name for _, name, _, _ in Formatter().parse(self.texts[key].en) if name}
        unused.update((key, name) for name in values.keys() - asked)
        return say(self, key, **values)

    monkeypatch.setattr(Words, "say", checked)
    monkeypatch.setattr(report, "texts", lambda: noting)
    renamed = espoo_tables()[OUTCOMES].replace({"outcome_code": {"service_social_work": "something_new"}})
    unnamed = espoo_tables() | {OUTCOMES: renamed}
    every = [
        release(),
        release(shown=unnamed),
        release(shown={"state_share_by_month": espoo_tables()["state_share_by_month"]}),
        release(shown={}, about=espoo_context(code_version=None)),
    ]
    for one in every:
        report.write(one, tmp_path)
    groups = ("page", "asked", "found", "who", "happened", "figure", "sure", "cannot", "defined", "sources", "table")
    assert {key for key in noting if key.split(".")[0] in groups} - noting.read == set()
    assert unused == set()


@pytest.mark.parametrize(
    ("language", "share", "count", "amount", "month"),
    [
        ("en", "41.1%", "1,629", "€1,234", "Mar\xa02020"),
        ("fi", "41,1\xa0%", "1\xa0629", "1\xa0234\xa0€", "maalis\xa02020"),
        ("sv", "41,1\xa0%", "1\xa0629", "1\xa0234\xa0€", "mars\xa02020"),
    ],
)
def test_numbers_are_written_as_the_language_does(
    language: str, share: str, count: str, amount: str, month: str
) -> None:
    of = words(language)
    assert (of.share(0.4112), of.count(1629), of.euros(1234.4), of.month("2020-03")) == (share, count, amount, month)
    assert of.share(0.0004).startswith("<")
    assert of.code(2020) == "2020"
    assert [len(of.count(mean)) for mean in (11.97, 0.974)] == [4, 4]


# -------------------------------------------------------------------------------------------------------- what it says
def test_the_finding_is_the_share_in_work_of_each_group_and_that_it_is_no_effect() -> None:
    found = said(release(), "found")
    assert "24 months after entry" in found
    assert "40.0% (Skills Centre clients) and 40.0%" in found
    assert "not the effect" in found


def test_a_hidden_finding_gives_way_to_an_earlier_month() -> None:
    assert "12 months after entry" in said(release(shown=_without(24)), "found")


def _without(month: int) -> dict[str, pd.DataFrame]:
    shown = espoo_tables()
    table = shown[OUTCOMES].copy()
    cell = (table.months_since_entry == month) & (table.outcome_code == "employed")
    table.loc[cell, ["persons_with_outcome", "share"]] = None
    table.loc[cell, "status"] = "hidden"
    return shown | {OUTCOMES: table}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_raw_comparison_is_never_called_an_effect(page: Page, language: str) -> None:
    for key in ("sure.raw", "sure.why"):
        assert getattr(texts()[key], language).split("{")[0] in page.text[language]


def test_hidden_cells_are_counted_by_table_and_reason() -> None:
    shown = espoo_tables()
    counts = Counter(status for table in shown.values() for status in table["status"])
    hidden, every = counts["primary"] + counts["secondary"], counts.total()
    assert counts["primary"]
    assert counts["secondary"]
    assert f"{hidden} of {every} figures are hidden" in said(release(shown=shown), "sure")


def test_a_study_of_other_tables_gets_a_report_of_them(tmp_path: Path) -> None:
    """Tables, codes and columns of which the report knows nothing are told in their own words."""
    page = report.write(release(study(), tables(), context()), tmp_path).read_text(encoding="utf-8")
    text = Page(page).text
    assert all(
        TITLE in text[language] for language, TITLE in (("en", "Main activity"), ("sv", "Huvudsaklig verksamhet"))
    )
    assert "None of the figures" in text["en"]
    assert "One row per month and state." in text["fi"]


def test_ranked_bars_are_rows_with_the_highest_first_and_paths_are_told_in_words() -> None:
    happened = said(release(), "happened")
    path, rare = happened.index("Unemployed → Employed"), happened.index("All rarer paths together")
    assert path < rare
    assert "Cell(text='2.5'" in happened
    assert "Statfin" not in happened


def test_a_study_that_releases_nothing_gets_a_report_that_says_so(tmp_path: Path) -> None:
    page = Page(report.write(release(shown={}), tmp_path).read_text(encoding="utf-8"))
    assert "None of the figures" in page.text["en"]
    assert not any(attributes["id"].endswith("-happened") for attributes in page.all("section"))
    assert page.all("table")  # what the registers cover is told all the same


def test_coverage_tells_months_and_breaks_and_joins_tables_that_are_alike() -> None:
    cannot = said(release(), "cannot")
    assert "register not complete: Jan 2018" in cannot
    assert "not final yet: Jan 2020" in cannot
    assert "Jan 2019" in cannot
    assert cannot.count("Population Information System") == 1


def test_only_a_test_study_is_marked_as_test(page: Page, tmp_path: Path) -> None:
    of = espoo(test=False)
    real = Page(report.write(release(of), tmp_path).read_text(encoding="utf-8"))
    notice = texts()["page.test"]
    for language in LANGUAGES:
        assert getattr(notice, language) in page.text[language]
        assert getattr(notice, language) not in real.text[language]


# ------------------------------------------------------------------------------------------------------ hidden figures
def _panel(*values: float | None, status: Status = Status.PRIMARY) -> Panel:
    """The clients' share in work by months since entry; None is hidden."""
    (panel,) = (p for p in release().panels(OUTCOMES) if p.code == "employed")
    rows = {
        (month, "client"): Row({"persons_observed": 1000.0, "share": value}, Status.OK if value is not None else status)
        for month, value in enumerate(values)
    }
    return replace(panel, x=list(range(len(values))), series=["client"], rows=rows)


def _svg(panel: Panel) -> str:
    return base64.b64decode(charts.curves(panel, 1.0).split(",")[1]).decode()


def test_a_hidden_figure_is_a_cross_and_not_a_zero() -> None:
    hidden, zero, unseen = (
        _svg(_panel(0.5, None, 0.5)),
        _svg(_panel(0.5, 0.0, 0.5)),
        _svg(_panel(0.5, None, 0.5, status=Status.NOT_OBSERVED)),
    )
    assert len({hidden, zero, unseen}) == 3


def test_a_single_figure_between_gaps_is_seen() -> None:
    """A line of one point has no length."""
    alone, nothing = (_svg(_panel(None, v, None, status=Status.NOT_OBSERVED)) for v in (0.5, None))
    assert alone.count("<use") == nothing.count("<use") + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_hidden_cell_of_a_chart_is_a_word_in_its_table(language: str) -> None:
    of = release()
    hidden = sum(
        row.gap == "hidden" for panel in of.panels(OUTCOMES) if panel.any_figure for row in panel.rows.values()
    )
    assert hidden
    pensions = sum(panel.code == "benefit_pension" for panel in of.panels(OUTCOMES) if not panel.any_figure)
    assert pensions == 1
    text = said(of, "happened", language)
    word = getattr(texts()["figure.hidden"], language)
    shown = text.count(f"Cell(text='{word}'")
    others = sum(of.cells(name)[s] for name in of.tables if name != OUTCOMES for s in Status if s.hidden)
    assert shown == hidden + others


# ------------------------------------------------------------------------------------------------------- how it is made
def test_the_same_release_gives_the_same_bytes(written: str, tmp_path: Path) -> None:
    assert report.write(release(), tmp_path).read_text(encoding="utf-8") == written
    other = report.write(release(shown=espoo_tables(at_work=401)), tmp_path).read_text(encoding="utf-8")
    assert other != written


def test_nothing_is_fetched_from_anywhere(written: str, page: Page) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "href", "data", "action", "srcset"):
            address = attributes.get(name, "#")
            assert address.startswith(("#", "data:")), (tag, address[:60])
    assert "url(" not in written
    assert "default-src 'none'" in written


def test_the_page_can_be_read_without_seeing_it(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(image["alt"] for image in page.all("img"))
    assert all(heading["scope"] in ("col", "colgroup", "row") for heading in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    anchors = {link["href"][1:] for link in page.all("a")}
    assert anchors <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == len(LANGUAGES)
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


def _colours() -> Iterator[tuple[str, str]]:
    yield from ((colour, "#ffffff") for colour, _ in charts.LINES)
    style = (CHECKOUT / "polku" / "publication" / "report" / "style.css").read_text(encoding="utf-8")
    named = dict(re.findall(r"--(\w+): (#\w{6})", style))
    yield from ((named[ink], named[paper]) for ink in ("ink", "soft", "accent") for paper in ("paper", "wash"))
    for paper, ink in re.findall(r"\.shade\d \{ background: (#\w+);(?: color: (#\w+);)?", style):
        yield ink or named["ink"], paper


@pytest.mark.parametrize(("ink", "paper"), list(_colours()))
def test_contrast_is_enough_for_weak_eyes(ink: str, paper: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(ink), luminance(paper)))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
