"""Contracts are read strictly, and every fault of a file is named at once."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from polku.contracts import load_contract, load_contracts
from polku.contracts.model import Feed
from polku.contracts.reading import parse_contract
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT

SOUND = """
register = "r"
version = 1
system = "R"
legal_basis = ["Act 1"]
cadence_days = 31
maturity_months = 0
covered_from = 2000-01-01
bad_row_limit = 0.1
title = {en = "R", fi = "R", sv = "R"}
authority = {en = "A", fi = "A", sv = "A"}
[file_format]
encoding = "utf-8"
[timeline]
activity = { table = "spells", model = "stg_r__activity_spells" }
[tables.spells]
file = "r.csv"
title = {en = "S", fi = "S", sv = "S"}
grain = "one row per spell"
natural_key = ["person_key", "started_on"]
[[tables.spells.columns]]
source = "hetu"
name = "person_key"
type = "identifier"
domain = "fi.hetu"
required = true
why = "links"
[[tables.spells.columns]]
source = "alku"
name = "started_on"
type = "date"
why = "time"
[[tables.spells.columns]]
source = "k"
name = "kind_code"
type = "code"
codes = "k"
dated_by = "started_on"
why = "what"
[[codes.k]]
code = "1"
label = {en = "one", fi = "yksi", sv = "ett"}
"""


def sound() -> dict[str, Any]:
    return tomllib.loads(SOUND)


def faults(data: dict[str, Any]) -> str:
    with pytest.raises(Refusal) as refusal:
        parse_contract(data, "r.toml")
    assert refusal.value.exit is Exit.CONTRACT_INVALID
    return refusal.value.what


def test_a_sound_contract_is_read() -> None:
    contract = parse_contract(sound(), "r.toml", expected="r")
    assert contract.table("spells").column("kind_code").codes == "k"
    assert contract.timeline == {"activity": Feed("spells", "stg_r__activity_spells")}


def test_all_faults_are_named_at_once() -> None:
    data = sound()
    data["bad_row_limit"] = 2.0
    data["title"] = {"en": "R"}
    data["surprise"] = 1
    data["tables"]["spells"]["columns"][1]["type"] = "moment"
    del data["tables"]["spells"]["columns"][2]["why"]
    data["codes"]["k"][0]["state"] = "asleep"
    text = faults(data)
    for word in (
        "bad_row_limit",
        "no label in fi, sv",
        "surprise",
        "`type` must be",
        "`why` is missing",
        "asleep",
    ):
        assert word in text
    assert "6 fault(s)" in text


@pytest.mark.parametrize(
    ("edge", "fault"),
    [
        ({"kind": "friend", "one": "person_key", "other": "started_on"}, "`kind` must be one of"),
        ({"kind": "hetu_changed", "one": "person_key", "other": "started_on"}, "identifiers of the person"),
        ({"kind": "hetu_changed", "one": "person_key", "other": "nobody_key"}, "`nobody_key` is named"),
        ({"kind": "hetu_changed", "one": "person_key"}, "`other` is missing"),
    ],
)
def test_an_edge_names_one_person_twice(edge: dict[str, str], fault: str) -> None:
    data = sound()
    data["tables"]["spells"]["edge"] = edge
    assert fault in faults(data)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": "StartedOn"}, "lower_snake_case"),
        ({"name": "row_no"}, "landing adds itself"),
        ({"name": "started"}, "ending _on"),
        ({"type": "text", "name": "started"}, "needs `free_text`"),
        ({"type": "text", "name": "started", "free_text": "keep"}, "needs `free_text`"),
        ({"type": "text", "name": "started", "free_text": "drop"}, "under `never`"),
        ({"type": "text", "name": "started", "free_text": "redact", "required": True}, "cannot be required"),
        ({"type": "text", "name": "started", "free_text": "redact"}, "whom to look for"),
        ({"free_text": "redact"}, "belongs to columns of type text"),
        ({"coarsen": "month"}, "`coarsen`"),
        ({"domain": "fi.hetu"}, "`domain` belongs"),
        ({"unknown_code": "other"}, "quarantine or flag"),
        ({"required": "yes"}, "wrong type"),
        ({"dated_by": "nothing_on"}, "`nothing_on` is named but is no column"),
        ({"source": "kirjaaja"}, "seems to name somebody"),
        ({"source": "puolison_hetu"}, "seems to name somebody"),
        ({"source": "Asiakas_nro"}, "seems to name somebody"),
        ({"about": "spouse"}, "`about` is subject or relative"),
    ],
)
def test_faults_of_a_column(change: dict[str, Any], fault: str) -> None:
    data = sound()
    data["tables"]["spells"]["columns"][1] |= change
    assert fault in faults(data)


def test_free_text_is_sound_where_never_says_whom_to_look_for() -> None:
    data = sound()
    spells = data["tables"]["spells"]
    spells["columns"].append(
        {"source": "selite", "name": "remark", "type": "text", "why": "test", "free_text": "keep_after_scan"}
    )
    spells |= {"never": {"nimi": "a name"}, "identifying": ["nimi", "osoite"]}
    assert "`osoite` is identifying but not under `never`" in faults(data)
    spells["identifying"] = ["nimi"]
    table = parse_contract(data, "r.toml").table("spells")
    assert (table.column("remark").free_text, table.identifying) == ("keep_after_scan", ("nimi",))


def test_a_code_without_list_or_width_would_let_any_text_in() -> None:
    data = sound()
    del data["tables"]["spells"]["columns"][2]["codes"]
    assert "needs a code list" in faults(data)


def test_a_code_may_mean_only_one_thing_on_a_day() -> None:
    data = sound()
    data["codes"]["k"].append(dict(data["codes"]["k"][0]))
    assert "overlapping validity" in faults(data)


@pytest.mark.parametrize(
    ("kind", "feed", "fault"),
    [
        ("moods", {"table": "spells", "model": "stg_r__moods"}, "timeline.moods: unknown timeline"),
        ("service", {"table": "spells", "model": "stg_other__spells"}, "must be called stg_r__"),
        ("service", {"table": "moods", "model": "stg_r__spells"}, "no table `moods`"),
        ("service", {"model": "stg_r__spells"}, "`table` is missing"),
    ],
)
def test_a_timeline_is_fed_by_the_registers_own_table_and_model(kind: str, feed: dict[str, str], fault: str) -> None:
    data = sound()
    data["timeline"][kind] = feed
    assert fault in faults(data)


def test_an_identifier_of_another_register_is_refused() -> None:
    data = sound()
    data["tables"]["spells"]["columns"][0]["domain"] = "other.client"
    assert "scoped to its register" in faults(data)


def test_a_file_that_is_no_toml_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("register = \n", encoding="utf-8")
    with pytest.raises(Refusal, match="line 1"):
        load_contract(path)


def test_the_name_of_the_file_is_the_register(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(SOUND, encoding="utf-8")
    with pytest.raises(Refusal, match="`register` must be `other`"):
        load_contract(path)


def test_the_registers_are_sound() -> None:
    files = (CHECKOUT / "contracts").glob("*.toml")
    assert set(load_contracts(CHECKOUT / "contracts")) == {path.stem for path in files}


DENIED = """
register = "r"
version = 1
system = "R"
legal_basis = ["Act 1"]
title = {en = "R", fi = "R", sv = "R"}
authority = {en = "A", fi = "A", sv = "A"}
denied = "The law forbids it."
"""


def test_a_register_that_no_study_may_have_needs_no_more_than_its_reason() -> None:
    contract = parse_contract(tomllib.loads(DENIED), "r.toml")
    assert (contract.denied, contract.tables) == ("The law forbids it.", ())


def test_a_denied_register_has_no_tables() -> None:
    assert "a register has tables, or a reason in `denied`" in faults(sound() | {"denied": "The law forbids it."})


def test_a_table_without_an_identifier_must_say_that_it_is_anonymous() -> None:
    data = sound()
    del data["timeline"]
    table = data["tables"]["spells"]
    table["columns"] = table["columns"][1:]
    table["natural_key"] = ["started_on"]
    assert "`anonymous = true`" in faults(data)
    table["anonymous"] = True
    assert parse_contract(data, "r.toml").table("spells").anonymous


def test_an_anonymous_table_has_no_identifier_and_feeds_no_timeline() -> None:
    data = sound()
    data["tables"]["spells"]["anonymous"] = True
    found = faults(data)
    assert "a table needs an identifier column, or `anonymous = true` and none" in found
    assert "a timeline is of persons" in found


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"encoding": "utf-32"}, "`encoding` must be one of"),
        ({"decimal_mark": ";"}, "`decimal_mark` is a comma or a full stop"),
        ({"decimal_mark": ".", "thousands": ["."]}, "none is the decimal mark"),
        ({"thousands": ["00"]}, "`thousands` are single characters"),
        ({"currencies": ["mk1"]}, "`currencies` have no digit"),
        ({"footers": [" "]}, "a footer begins with some text"),
        ({"title_rows": -1}, "`title_rows` is not negative"),
        ({"date_formats": ["%d.%m.%y"]}, "two-digit years are not read"),
        ({"date_formats": ["%d/%m/%Y", "%m/%d/%Y"]}, "one text can be two days"),
        ({"date_formats": ["%Y%m%d", "%Y%d%m"]}, "one text can be two days"),
        ({"open_ends": [date(1900, 1, 1)], "empty_dates": [date(1900, 1, 1)]}, "cannot be in `open_ends` and"),
        ({"empty_dates": ["1900-01-01"]}, "`open_ends` and `empty_dates` are days"),
    ],
)
def test_a_file_format_that_could_be_read_in_two_ways_is_a_fault(said: dict[str, Any], fault: str) -> None:
    assert fault in faults(sound() | {"file_format": said})


def test_five_formats_of_days_and_two_of_months_go_together() -> None:
    formats = ["%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%Y/%m/%d", "%m/%Y", "%Y-%m"]
    assert parse_contract(sound() | {"file_format": {"date_formats": formats}}, "r.toml").file_format.date_formats


def test_a_column_that_some_extracts_lack_cannot_be_required() -> None:
    data = sound()
    data["tables"]["spells"]["columns"][1] |= {"required": True, "since": date(2020, 1, 1)}
    assert "columns[started_on]: a column that some extracts do not have cannot be required" in faults(data)


@pytest.mark.parametrize("header", ["hetu", "nimi", "aloitus"])
def test_a_header_belongs_to_one_column(header: str) -> None:
    data = sound()
    table = data["tables"]["spells"]
    table["never"] = {"nimi": "A name identifies the person (R1)."}
    table["columns"][1]["also"] = [header]
    table["columns"][2]["also"] = ["aloitus"]
    assert f"`{header}`" in faults(data)
