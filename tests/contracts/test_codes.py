"""What single codes of real registers mean, on which days, and where their lists meet.

Belongs here: facts about codes, from the registers' metadata. Does not belong here: rules that hold for every contract
(`test_registers`).
"""

from __future__ import annotations

import re
from datetime import date

import duckdb
import pytest

from polku.contracts import Code, load_contracts
from polku.contracts.sql import typed_query
from polku.layout import CHECKOUT

CONTRACTS = load_contracts(CHECKOUT / "contracts")


def meanings(register: str, list_name: str, code: str, day: date) -> list[Code]:
    return [
        entry
        for entry in CONTRACTS[register].codes[list_name]
        if entry.code == code and (entry.valid_from or date.min) <= day <= (entry.valid_until or date.max)
    ]


@pytest.mark.parametrize(
    ("list_name", "code", "day", "state"),
    [
        ("tyok1", "01", date(2018, 9, 1), "employed"),
        ("tyok1", "02", date(2018, 9, 1), "unemployed"),
        ("tyok1", "03", date(2020, 4, 1), "unemployed"),
        ("tyok1", "05", date(2011, 12, 31), "other"),
        ("tyok1", "07", date(2012, 1, 1), "in_service"),
        ("tyok1", "09", date(2022, 5, 1), "employed"),
    ],
)
def test_employment_codes_give_the_main_activity(list_name: str, code: str, day: date, state: str) -> None:
    assert [entry.state for entry in meanings("ura", list_name, code, day)] == [state]


@pytest.mark.parametrize(
    ("list_name", "code", "day"),
    [
        ("tyok1", "07", date(2011, 12, 31)),
        ("tyok1", "09", date(2022, 4, 30)),
        ("hapkd", "13", date(2011, 12, 31)),
        ("hapkd", "14", date(2022, 4, 30)),
        ("otlupa", "4", date(2004, 5, 1)),
        ("otlupa", "6", date(2024, 1, 1)),
        ("otlupa", "C", date(2022, 2, 28)),
    ],
)
def test_a_code_is_not_valid_before_it_began_or_after_it_ended(list_name: str, code: str, day: date) -> None:
    assert code in {entry.code for entry in CONTRACTS["ura"].codes[list_name]}
    assert meanings("ura", list_name, code, day) == []


def test_the_reasons_of_ura_changed_with_the_year_2012() -> None:
    (before,) = meanings("ura", "hapkd", "04", date(2011, 12, 31))
    (after,) = meanings("ura", "hapkd", "04", date(2012, 1, 1))
    assert before.label.fi == "Aloittanut työllisyyskoulutuksen"
    assert after.label.fi == "Aloittanut työvoimakoulutuksen"


def test_codings_of_an_integration_plan_meet_in_one_group() -> None:
    """URA says 04, the statistics 01, a statement G1, the municipality that it is the first or a review."""
    meeting = [("ura", "kotsk", "01"), ("ura", "toimsuunlaji", "04"), ("ura", "lausno", "G1")]
    meeting += [("koto_crm", "plan_kind", "first"), ("koto_aj", "plan_kind", "reviewed")]
    for register, list_name, code in meeting:
        assert [entry.group for entry in meanings(register, list_name, code, date(2015, 3, 2))] == ["integration"]
    assert [entry.group for entry in meanings("ura", "kotsk", "04", date(2010, 4, 30))] == ["job_search"]
    assert meanings("ura", "kotsk", "07", date(2022, 4, 30)) == []


@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2015, 12, 31), "Oppisopimus kunnalle, työmarkkinatuki (130)"),
        (date(2022, 12, 31), None),
        (date(2023, 1, 1), "Työllistämistuki 55 vuotta täyttäneille"),
    ],
)
def test_placement_55_means_what_it_meant_on_the_day(day: date, label: str | None) -> None:
    assert [entry.label.fi for entry in meanings("ura", "sijkds", "55", day)] == ([label] if label else [])


def test_one_training_has_one_name_in_all_registers_that_know_it() -> None:
    """So that its spells merge into one episode, whoever told of them, and count in one channel."""
    lists = [("ely_keha", "training"), ("kotokoulutus", "service"), ("ura", "erryhm")]
    for name in ("integration_training", "literacy_training"):
        for register, list_name in lists:
            entries = [entry for entry in CONTRACTS[register].codes[list_name] if entry.group == name]
            assert {entry.channel for entry in entries} == {"integration_training"}, (register, name)


def test_the_information_service_told_of_seven_topics() -> None:
    (contacts,) = CONTRACTS["neuvonta"].tables
    assert contacts.anonymous
    assert not contacts.identifiers
    assert len(CONTRACTS["neuvonta"].codes["topic"]) == 7


def test_forms_of_education_give_the_kind_of_education() -> None:
    states = {entry.code: entry.state for entry in CONTRACTS["koski"].codes["koulutusmuoto"]}
    assert states["ammatillinenkoulutus"] == "vocational_education"
    assert states["korkeakoulutus"] == "higher_education"
    assert states["lukiokoulutus"] == states["perusopetus"] == states["luva"] == "general_education"


def test_benefits_are_grouped_and_only_leave_and_pension_are_activities() -> None:
    benefits = CONTRACTS["kela"].codes["etuus"]
    assert {entry.group for entry in benefits} == {
        "unemployment",
        "integration",
        "social_assistance",
        "housing",
        "study",
        "family",
        "sickness",
        "pension",
    }
    assert {entry.state for entry in benefits} == {None, "family_leave", "pension"}
    assert meanings("kela", "etuus", "TOTU", date(2016, 12, 1)) == []


def test_of_benefits_the_registers_of_the_study_tell_each_once() -> None:
    """Kela's are Kela's alone, though the Incomes Register has them too; social assistance has one register a kind."""
    assert "benefit" not in CONTRACTS["tulorekisteri"].timeline
    feeding = {register for register, contract in CONTRACTS.items() if "benefit" in contract.timeline}
    assert feeding == {"kela", "toimeentulotuki", "hyvinvointialue"}
    last_year = CONTRACTS["toimeentulotuki"].table("household_years").column("assistance_year").maximum
    (basic,) = meanings("kela", "etuus", "TOTU", date(2020, 1, 1))
    assert basic.covered_from == basic.valid_from == date(int(last_year or 0) + 1, 1, 1)
    assert CONTRACTS["kela"].continues == "toimeentulotuki"
    names = [
        entry.label.fi
        for register in feeding
        for _, entry in CONTRACTS[register].all_codes()
        if entry.group == "social_assistance"
    ]
    assert sorted(names) == [
        "Ehkäisevä toimeentulotuki",
        "Perustoimeentulotuki",
        "Perustoimeentulotuki",
        "Täydentävä toimeentulotuki",
    ]


def test_benefits_of_a_household_are_marked() -> None:
    household = {
        (register, entry.code)
        for register, contract in CONTRACTS.items()
        for _, entry in contract.all_codes()
        if entry.household
    }
    assert household == {
        ("kela", "TOTU"),
        ("kela", "YAT"),
        ("toimeentulotuki", "P"),
        ("hyvinvointialue", "TT"),
        ("hyvinvointialue", "ET"),
    }


def test_series_of_wage_codes_are_told_apart_and_deductions_are_no_wages() -> None:
    codes = {entry.code: entry for entry in CONTRACTS["tulorekisteri"].codes["transactionCode"]}
    groups = {code: entry.group for code, entry in codes.items()}
    assert [code for code, group in groups.items() if group == "wage_total"] == ["101"]
    assert {code[0] for code, group in groups.items() if group == "wage_item"} == {"2"}
    assert all(group is not None for code, group in groups.items() if code[0] == "2")
    assert {groups[code] for code in ("102", "106", "311", "336", "359", "402", "417")} == {None}
    assert {codes[code].state for code in ("101", "201", "227", "235")} == {"employed"}
    assert {codes[code].state for code in ("229", "234", "330", "336", "402")} == {None}


def test_wages_are_annual_before_2019_and_benefits_reported_from_2021() -> None:
    contract = CONTRACTS["tulorekisteri"]
    assert (contract.covered_from, contract.maturity_months) == (date(2019, 1, 1), 13)
    assert contract.continues == "vero"
    assert CONTRACTS["vero"].covered_from < date(2009, 1, 1)
    assert contract.table("benefit_transactions").covered_from == date(2021, 1, 1)
    assert contract.table("wage_reports").gap_days == 31
    assert CONTRACTS["kela"].maturity_months == 3


def test_models_look_codes_up_in_lists_that_exist() -> None:
    """A lookup in a list that no contract has would empty a timeline without any error."""
    lookups = set()
    for path in (CHECKOUT / "dbt_project" / "models").rglob("*.sql"):
        lookups |= set(re.findall(r"register = '(\w+)' and list_name = '(\w+)'", path.read_text(encoding="utf-8")))
    assert lookups
    assert [(r, name) for r, name in sorted(lookups) if name not in CONTRACTS[r].codes] == []


@pytest.mark.parametrize(
    ("table", "code", "day", "fault"),
    [
        ("employment_spells", ("tyok1", "09"), "30.04.2022", "code_not_valid_then"),
        ("employment_spells", ("tyok1", "9"), "01.05.2022", None),
        ("employment_spells", ("tyok1", "06"), "31.12.2014", None),
        ("employment_spells", ("tyok1", "06"), "01.01.2015", "code_not_valid_then"),
        ("employment_spells", ("tyok1", "55"), "01.05.2022", "unknown_code"),
        ("job_searches", ("otlupa", "C"), "01.03.2022", None),
        ("job_searches", ("otlupa", "C"), "28.02.2022", "code_not_valid_then"),
        ("job_searches", ("otlupa", "1B"), "31.12.2021", "code_not_valid_then"),
        ("job_searches", ("otlupa", "9"), "30.04.2004", None),
        ("job_searches", ("otlupa", "9"), "01.05.2004", "code_not_valid_then"),
        ("job_searches", ("otlupa", "55"), "01.05.2004", "unknown_code"),
    ],
)
def test_a_code_of_another_time_is_quarantined_and_never_another_one(
    table: str, code: tuple[str, str], day: str, fault: str | None
) -> None:
    """The same code means another permit before and after 2024, and nothing in between its times."""
    contract = CONTRACTS["ura"]
    its = contract.table(table)
    (column,) = (c for c in its.columns if c.codes == code[0])
    cells = {c.name: "'1'::bigint" if c.type == "identifier" else "null::varchar" for c in its.columns}
    cells |= {"started_on": f"'{day}'", column.name: f"'{code[1]}'"}
    source = f"(select 1 as row_no, {', '.join(f'{cell} as {name}' for name, cell in cells.items())})"
    with duckdb.connect() as con:
        ((faults,),) = con.execute(f"select faults from ({typed_query(contract, its, source)})").fetchall()
    assert [f for f in faults if f.startswith(column.name)] == ([f"{column.name}:{fault}"] if fault else [])
