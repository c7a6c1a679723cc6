"""The seal report: exact for the authority, in three languages, and without a value of any row."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace
from datetime import date
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.authority.report import words
from polku.contracts.model import LANGUAGES, FileFormat
from polku.exchange import identifiers
from polku.exchange.delivery import banded
from polku.exchange.keys import LINKAGE, RESEARCH
from polku.process import Swap
from polku.research import opening
from tests.polku.parties import PERSONS, Parties, contract, small_study

LINES = [
    "hetu;syntymapaiva;kieli;nimi;hattukoko",
    "010190-999W;01.01.1990;fi;Matti;58",
    " 131052-900w;13.10.1952;sv;Maija;57",
    "010190-999L;01.01.1990;fi;Liisa;56",
    "010190999W;huu;fi;Pekka;55",
]


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    made = Parties(tmp_path)
    made.write("persons", "persons.csv", LINES)
    return made


def test_the_report_says_what_was_read_what_left_and_what_stayed(parties: Parties) -> None:
    report = parties.seal("persons")
    facts = json.loads(report.page.with_suffix(".json").read_text(encoding="utf-8"))
    (table,) = facts["tables"]
    assert table["sha256"] == sha256((parties.extract("persons") / "persons.csv").read_bytes()).hexdigest()
    assert (table["rows"], table["rows_kept"], table["rows_respelled"]) == (4, 2, 1)
    assert [(c["column"], c["leaves_as"]) for c in table["columns"]] == [
        ("hetu", "token"), ("syntymapaiva", "month"), ("kieli", "as_written"),
    ]  # fmt: skip
    assert table["columns_left_out"] == [
        {"column": "nimi", "why_not": "not needed"}, {"column": "hattukoko", "why_not": None},
    ]  # fmt: skip
    assert table["rows_refused"] == [
        {"column": "hetu", "reason": "hetu_check_character", "rows": 1, "first_rows": [4]},
        {"column": "hetu", "reason": "hetu_no_separator", "rows": 1, "first_rows": [5]},
        {"column": "syntymapaiva", "reason": "date_form", "rows": 1, "first_rows": [5]},
    ]
    assert facts["memory"] in list(Swap)
    assert (facts["delivery"], facts["legal_basis"], facts["period"]) == (
        report.delivery_id, ["Act"], ["2018-01-01", "2024-06-30"],
    )  # fmt: skip


def test_the_report_names_keys_and_packages(parties: Parties) -> None:
    report = parties.seal("persons")
    facts = json.loads(report.page.with_suffix(".json").read_text(encoding="utf-8"))
    pins = parties.trust()
    assert facts["signing_key"] == pins.party("persons").verify_key.key_id.hex()
    for package, path, recipient in zip(
        facts["packages"], (report.id_part, report.data_part), (LINKAGE, RESEARCH), strict=True
    ):
        assert package == {
            "package": path.name,
            "sha256": sha256(path.read_bytes()).hexdigest(),
            "recipient": recipient,
            "sealing_key": pins.party(recipient).sealing_key.key_id.hex(),
        }


class Page(HTMLParser):
    """Text of a page by language, and whatever it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.language, self.text, self.fetched = "", dict.fromkeys(LANGUAGES, ""), []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "section":
            self.language = given["lang"]
        self.fetched += [value for name, value in attrs if name in ("src", "href") and not str(value).startswith("#")]

    def handle_data(self, data: str) -> None:
        if self.language:
            self.text[self.language] += data


def test_the_page_says_the_same_in_three_languages_and_fetches_nothing(parties: Parties) -> None:
    report = parties.seal("persons")
    page = Page()
    page.feed(report.page.read_text(encoding="utf-8"))
    assert page.fetched == []
    for language, text in page.text.items():
        said = words(language)
        assert said["title"] in text
        assert said["reasons"]["hetu_check_character"] in text
        assert report.delivery_id in text
        assert "hattukoko" in text


def test_no_value_is_in_the_report_and_nobody_else_may_read_it(parties: Parties) -> None:
    page = parties.seal("persons").page
    for path in (page, page.with_suffix(".json")):
        text = path.read_text(encoding="utf-8")
        assert not any(value in text for value in ("010190", "131052", "Matti", "Pekka", "huu", "1952", ">58<", "999W"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_column_name_cannot_write_the_page(parties: Parties) -> None:
    parties.write("persons", "persons.csv", [LINES[0] + ";<script>x</script>", *(f"{line};1" for line in LINES[1:])])
    assert "<script>" not in parties.seal("persons").page.read_text(encoding="utf-8")


def test_receivers_hear_nothing_exact_of_few(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    with opening.open_delivery(parties.root, parties.study, delivery) as opened:
        (table,) = opened.manifest.tables
        assert [reader.read_all().num_rows for _, reader in opened.tables()] == [table.rows]
    assert set(table.rejected.values()) == {"1-9"}
    assert table.repaired == "1-9"


@given(st.integers(0, 10**9))
def test_only_small_counts_are_banded(count: int) -> None:
    assert banded(count) == ("1-9" if 0 < count < 10 else str(count))


def test_every_reason_and_state_has_its_words_in_every_language() -> None:
    rules = Path(identifiers.__file__).read_text(encoding="utf-8")
    reasons = set(re.findall(r'"((?:hetu|id)_[a-z_]+)"', rules)) | {"date_form"}
    assert len(reasons) > 5
    for language in LANGUAGES:
        said = words(language)
        assert set(said["reasons"]) == reasons
        assert set(said["memory_states"]) == set(Swap)
        assert _shape(said) == _shape(words("en"))


def _shape(said: object) -> object:
    return {key: _shape(value) for key, value in said.items()} if isinstance(said, dict) else None


def test_the_report_tells_footers_and_columns_that_the_day_does_not_have(tmp_path: Path) -> None:
    coming = replace(PERSONS.columns[2], since=date(2030, 1, 1))
    table = replace(PERSONS, columns=(*PERSONS.columns[:2], coming))
    made = contract("persons", table, file_format=FileFormat(date_formats=("%d.%m.%Y",), footers=("Yhteensä",)))
    parties = Parties(tmp_path, small_study(made))
    parties.write("persons", "persons.csv", ["hetu;syntymapaiva", "010190-999W;01.01.1990", "Yhteensä 1", "Yhteensä;"])
    report = parties.seal("persons")
    facts = json.loads(report.page.with_suffix(".json").read_text(encoding="utf-8"))
    (table_facts,) = facts["tables"]
    assert (table_facts["rows"], table_facts["footers"]) == (1, 2)
    assert [(c["column"], c["leaves_as"]) for c in table_facts["columns"]][-1] == ("kieli", "absent")
    text = report.page.read_text(encoding="utf-8")
    for language in LANGUAGES:
        assert f"2 {words(language)['footers']}" in text
        assert words(language)["forms"]["absent"] in text


def test_a_column_that_the_day_does_not_have_lands_as_null(tmp_path: Path) -> None:
    coming = replace(PERSONS.columns[2], since=date(2030, 1, 1))
    table = replace(PERSONS, columns=(*PERSONS.columns[:2], coming))
    parties = Parties(tmp_path, small_study(contract("persons", table)))
    parties.write("persons", "persons.csv", ["hetu;syntymapaiva", "010190-999W;01.01.1990"])
    parties.send(parties.seal("persons"))
    assert set(parties.land().values()) == {None}
    assert [row["language_code"] for row in parties.landed("persons", "persons")] == [None]
