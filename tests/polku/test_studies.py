"""A study narrows and extends contracts; its faults are named at once."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from polku.contracts import load_contracts
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT
from polku.studies import Study, load_study, parse_study

CONTRACTS = load_contracts(CHECKOUT / "contracts")


def data() -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / "studies" / "mvad.toml").read_text(encoding="utf-8"))


def parse(changed: dict[str, Any]) -> Study:
    return parse_study(changed, "mvad.toml", CONTRACTS)


def test_mvad_counts_70_months_of_four_narrowed_registers() -> None:
    study = load_study("mvad")
    assert (study.window_from, study.window_until) == (date(2018, 9, 1), date(2024, 6, 30))
    assert {r: [t.name for t in c.tables] for r, c in study.contracts.items()} == {
        "osaamiskeskus": ["clients"],
        "dvv": ["persons"],
        "ura": ["employment_spells"],
        "koski": ["study_periods"],
    }
    assert study.contracts["ura"].file_format.encoding == "utf-8"
    names = [c.source for c in study.delivered("osaamiskeskus", "clients")]
    assert names == ["client_no", "hetu", "start_date", "paino", "isa_tyoton", "gcse5eq", "grammar"]


def test_base_contracts_stay_as_they_are() -> None:
    load_study("mvad")
    assert CONTRACTS["ura"].file_format.encoding == "iso-8859-1"
    assert all(c.name != "weight" for c in CONTRACTS["osaamiskeskus"].table("clients").columns)


def test_only_a_test_study_may_widen_permanent_codes() -> None:
    changed = data()
    assert parse(changed).permanent_until == 999
    changed["test"] = False
    with pytest.raises(Refusal, match="only a study with `test = true`") as refusal:
        parse(changed)
    assert refusal.value.exit is Exit.STUDY_INVALID
    del changed["permanent_until"]
    assert parse(changed).permanent_until == 899


def test_all_faults_of_a_study_are_named_at_once() -> None:
    changed = data()
    changed["registers"]["nowhere"] = {}
    changed["registers"]["ura"]["tables"] = ["spells"]
    changed["registers"]["koski"]["study_periods"]["omit"] = ["nothing_code"]
    changed["timeline"]["rule_set"] = "mine"
    with pytest.raises(Refusal) as refusal:
        parse(changed)
    for word in ("contracts/nowhere.toml", "no table `spells`", "`nothing_code`", "rule_set"):
        assert word in refusal.value.what


def test_clients_come_from_a_register_that_has_them() -> None:
    for register in ("ura", "kela", "nowhere"):
        changed = data()
        changed["cohort"]["client_register"] = register
        with pytest.raises(Refusal, match=r"`\[timeline\] client`"):
            parse(changed)


def test_an_unknown_study_names_those_there_are() -> None:
    with pytest.raises(Refusal, match="espoo_skills_centre, matchit614, mvad"):
        load_study("nothing")
    with pytest.raises(Refusal, match="no study"):
        load_study("../mvad")


def test_a_study_that_asks_for_a_denied_register_is_told_why() -> None:
    denied = replace(CONTRACTS["vero"], register="guardians", denied="The law forbids it.", tables=())
    changed = data()
    changed["registers"]["guardians"] = {}
    with pytest.raises(Refusal) as refusal:
        parse_study(changed, "mvad.toml", {**CONTRACTS, "guardians": denied})
    assert refusal.value.exit is Exit.STUDY_INVALID
    assert "registers.guardians: no study may have this register: The law forbids it." in refusal.value.what
