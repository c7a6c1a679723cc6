"""One place defines an outcome; registers, coverage and maturity behind it are those of the contracts."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from string import Formatter

import pytest

from polku.cli import main
from polku.contracts.model import LANGUAGES, Label
from polku.contracts.reading import TIMELINES
from polku.errors import Exit
from polku.layout import CHECKOUT
from polku.outcomes import evidence_of, is_of_household, load_catalogue
from polku.outcomes.definitions import content, rule_of, text
from polku.studies import load_study

CATALOGUE = load_catalogue()
ESPOO = load_study("espoo_skills_centre")


def registers(code: str) -> list[str]:
    return sorted({evidence.register for evidence in evidence_of(CATALOGUE[code], ESPOO.contracts)})


def labels(label: Label) -> list[str]:
    return [getattr(label, language) for language in LANGUAGES]


def test_every_outcome_is_worded_in_three_languages() -> None:
    for outcome in CATALOGUE.values():
        assert outcome.version >= 1
        for label in (outcome.label, outcome.rule, outcome.unit):
            assert all(labels(label)), outcome.code
        names = [{name for _, name, _, _ in Formatter().parse(rule) if name} for rule in labels(outcome.rule)]
        assert names[0] == names[1] == names[2]
        assert names[0] <= {"least_wage"}
        assert {need.partition(".")[0] for need in outcome.needs} <= TIMELINES


def test_channels_are_those_of_the_seed_in_the_order_of_their_bits() -> None:
    with (CHECKOUT / "dbt_project" / "seeds" / "service_channels.csv").open(encoding="utf-8") as file:
        seed = [
            (f"service_{r['channel_code']}", r["label_en"], r["label_fi"], r["label_sv"]) for r in csv.DictReader(file)
        ]
    assert [(code, *labels(o.label)) for code, o in CATALOGUE.items() if code.startswith("service_")] == seed


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("employed", ["tulorekisteri", "ura", "vero"]),
        ("earnings", ["tulorekisteri", "vero"]),
        ("studying", ["koski", "opiskelijat", "ura"]),
        ("degree_completed", ["koski", "tutkinnot"]),
        ("service_employment_services", ["kuntakokeilu", "ura"]),
        ("service_education", []),
        ("benefit_social_assistance", ["hyvinvointialue", "kela", "toimeentulotuki"]),
        ("benefit_housing", ["kela"]),
        ("exit", ["osaamiskeskus"]),
    ],
)
def test_registers_are_those_whose_contracts_give_what_is_needed(code: str, expected: list[str]) -> None:
    assert registers(code) == expected


def test_coverage_and_maturity_are_the_contracts() -> None:
    by_register = {e.register: e for e in evidence_of(CATALOGUE["benefit_social_assistance"], ESPOO.contracts)}
    kela, before = by_register["kela"], by_register["toimeentulotuki"]
    assert kela.covered_from == date(2017, 1, 1), "from when its code is complete, not its table"
    assert (before.maturity_months, before.matures_yearly) == (12, True)
    contracts = {**ESPOO.contracts, "vero": replace(ESPOO.contracts["vero"], maturity_months=23)}
    assert {e.register: e.maturity_months for e in evidence_of(CATALOGUE["earnings"], contracts)}["vero"] == 23


def test_a_benefit_of_a_household_says_so() -> None:
    of_households = {code for code, outcome in CATALOGUE.items() if is_of_household(outcome, ESPOO.contracts)}
    assert of_households == {"benefit_housing", "benefit_social_assistance"}
    assert "household" in rule_of(CATALOGUE["benefit_housing"], ESPOO.contracts).en
    assert "household" not in rule_of(CATALOGUE["benefit_pension"], ESPOO.contracts).en


def test_a_table_that_the_study_does_not_receive_tells_of_nothing() -> None:
    assert evidence_of(CATALOGUE["degree_completed"], load_study("mvad").contracts) == ()


def test_settings_of_the_study_stand_in_the_rule() -> None:
    assert all("930" in rule for rule in labels(ESPOO.outcomes["employed_strictly"].rule))


def test_machines_and_people_are_told_the_same() -> None:
    told = content("exit_outcome", ESPOO.outcomes, ESPOO.contracts)
    assert list(told) == ["exit"]
    assert told["exit"]["registers"] == [
        {
            "register": "osaamiskeskus",
            "table": "exits",
            "covered_from": "2018-10-01",
            "maturity_months": 0,
            "matures_yearly": False,
            "purge_after_months": 48,
        }
    ]
    said = text({"exit": ESPOO.outcomes["exit"]}, ESPOO.contracts)
    for language in LANGUAGES:
        assert told["exit"]["rule"][language] in said
    assert "`osaamiskeskus.exits`), complete from 2018-10-01, final 0 months later, deleted after 48 months" in said


def test_the_command_prints_a_studys_outcomes_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outcomes", "--study", "mvad"]) == Exit.OK
    printed = capsys.readouterr().out
    assert [line.split("`")[1] for line in printed.splitlines() if line.startswith("#")] == [
        "employed", "studying", "degree_started",
    ]  # fmt: skip
    assert main(["outcomes"]) == Exit.OK
    printed = capsys.readouterr().out
    assert [line.split("`")[1] for line in printed.splitlines() if line.startswith("#")] == list(CATALOGUE)
