"""The register contracts and studies of this repository say what the registers' metadata say.

Belongs here: facts about real registers. Does not belong here: how contracts are read (`tests/polku`).
"""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from polku.contracts import Code, Contract, load_contracts
from polku.contracts.sql import typed_query
from polku.layout import CHECKOUT
from polku.studies import load_study

CONTRACTS = load_contracts(CHECKOUT / "contracts")
EXAMPLES = CHECKOUT / "examples" / "mvad"
REUSED_AFTER_A_PAUSE = {("sijkds", "55")}
"""Placement 55 was an apprenticeship until 2015 and was given a new meaning in 2023."""

SAME_IN_ALL_LANGUAGES = {"Omnia", "Pre-IB", "Pre-IB 2019"}
LANDED = {
    "ura.placements": (
        "ura_ysijoit.csv",
        "person_key placement_code started_on ended_on end_reason_code office_code",
    ),
    "ura.work_trials": (
        "ura_ytkoke.csv",
        "person_key trial_code started_on ended_on office_code",
    ),
    "ura.trainings": (
        "ura_ytyokou.csv",
        "person_key course_key course_type_code special_group_code started_on ended_on start_code "
        "end_reason_code cancelled_code office_code",
    ),
    "ura.plans": (
        "ura_ythaksu.csv",
        "person_key plan_code made_on office_code",
    ),
    "ura.signed_plans": (
        "ura_suunnitelmat.csv",
        "person_key plan_code made_on reviewed_on office_code",
    ),
    "ura.statements": (
        "ura_ytvpoll.csv",
        "person_key statement_code stated_on started_on ended_on office_code",
    ),
    "ura.service_lines": (
        "ura_yassegmentti.csv",
        "person_key service_line_code assigned_on office_code",
    ),
    "kuntakokeilu.client_spells": (
        "kuntakokeilu_asiakkuudet.csv",
        "person_key target_group_code started_on ended_on end_reason_code",
    ),
    "kuntakokeilu.services": (
        "kuntakokeilu_palvelut.csv",
        "person_key service_code started_on ended_on status_code filed_by_key",
    ),
    "koto_crm.clients": (
        "koto_crm_asiakkaat.csv",
        "client_key person_key started_on ended_on integration_started_on integration_ended_on "
        "arrival_month permit_ground_code language_code needs_interpreter education_level_code",
    ),
    "koto_crm.plans": (
        "koto_crm_suunnitelmat.csv",
        "client_key plan_code made_on started_on ended_on filed_by_key",
    ),
    "koto_crm.appointments": (
        "koto_crm_tapaamiset.csv",
        "client_key appointment_code held_on outcome_code filed_by_key",
    ),
    "koto_crm.consents": (
        "koto_crm_suostumukset.csv",
        "client_key consent_code given_on withdrawn_on",
    ),
    "koto_aj.clients": (
        "koto_aj_asiakkaat.csv",
        "client_key person_key started_on ended_on integration_started_on integration_ended_on "
        "arrival_month permit_ground_code language_code needs_interpreter education_level_code "
        "is_migrated",
    ),
    "koto_aj.plans": (
        "koto_aj_suunnitelmat.csv",
        "client_key plan_code made_on started_on ended_on filed_by_key",
    ),
    "ely_keha.participations": (
        "ely_osallistumiset.csv",
        "person_key contract_key training_code started_on ended_on hours_planned status_code",
    ),
    "ely_keha.municipal_placements": (
        "ely_kuntaanosoitukset.csv",
        "person_key municipality_code assigned_on moved_on",
    ),
    "kotokoulutus.participants": (
        "kotokoulutus_osallistujat.csv",
        "client_key person_key registered_on",
    ),
    "kotokoulutus.attendances": (
        "kotokoulutus_lasnaolot.csv",
        "client_key service_code attended_month hours_attended",
    ),
    "neuvonta.contacts": (
        "neuvonta_yhteydenotot.csv",
        "contact_no contact_month channel_code language_code topic_code",
    ),
    "dvv.identity_changes": ("dvv_tunnusmuutokset.csv", "former_key person_key changed_on"),
    "dvv.moves": (
        "dvv_muutot.csv",
        "person_key move_type_code moved_on from_municipality_code to_municipality_code "
        "from_country_code to_country_code",
    ),
    "dvv.persons": (
        "dvv_henkilot.csv",
        "person_key birth_month sex_code mother_tongue_code citizenship_code birth_country_code origin_code "
        "marital_status_code died_on",
    ),
    "kela.benefit_spells": (
        "kela_etuusjaksot.csv",
        "person_key benefit_code started_on ended_on decision_type_code reason_code decided_on",
    ),
    "kela.identity_changes": ("kela_tunnukset.csv", "temporary_key person_key changed_on"),
    "kela.payments": (
        "kela_maksut.csv",
        "person_key benefit_code payment_type_code payment_no paid_on benefit_month amount_eur",
    ),
    "koski.study_periods": (
        "koski_opiskeluoikeusjaksot.csv",
        "person_key study_right_key education_form_code started_on ended_on period_state_code funding_code",
    ),
    "koski.study_rights": (
        "koski_opiskeluoikeudet.csv",
        "person_key study_right_key education_form_code started_on ended_on last_state_code "
        "attainment_type_code module_list_code confirmed_on",
    ),
    "osaamiskeskus.clients": (
        "osaamiskeskus_asiakkaat.csv",
        "client_key person_key started_on ended_on referral_code language_code needs_interpreter "
        "education_level_code finnish_level_code",
    ),
    "osaamiskeskus.exits": ("osaamiskeskus_paattymiset.csv", "client_key exited_on exit_code"),
    "osaamiskeskus.identity_changes": ("osaamiskeskus_tunnukset.csv", "temporary_key person_key changed_on"),
    "migri.customers": ("migri_asiakkaat.csv", "customer_key person_key registered_on"),
    "migri.permits": ("migri_luvat.csv", "person_key ground_code started_on ended_on"),
    "osaamiskeskus.services": (
        "osaamiskeskus_palvelut.csv",
        "client_key service_code started_on ended_on provider_code hours_planned hours_attended status_code "
        "filed_by_key",
    ),
    "hyvinvointialue.assistance": (
        "hva_toimeentulotuki.csv",
        "person_key assistance_code assistance_month decided_on filed_by_code amount_eur",
    ),
    "hyvinvointialue.client_spells": (
        "hva_asiakkuudet.csv",
        "person_key service_code started_on ended_on filed_by_code",
    ),
    "toimeentulotuki.assistance_months": (
        "thl_toimeentulotuki_kuukaudet.csv",
        "person_key assistance_code assistance_month",
    ),
    "toimeentulotuki.household_years": (
        "thl_toimeentulotuki_vuodet.csv",
        "person_key assistance_year assistance_code amount_eur",
    ),
    "tulorekisteri.benefit_transactions": (
        "tulorekisteri_etuustulolajit.csv",
        "report_key person_key report_version line_no benefit_kind_code payer_kind_code is_recovery paid_on "
        "earning_started_on earning_ended_on amount_eur",
    ),
    "tulorekisteri.wage_reports": (
        "tulorekisteri_palkkailmoitukset.csv",
        "report_key person_key identifier_type_code report_version is_withdrawn paid_on pay_started_on pay_ended_on "
        "employment_started_on employment_ended_on profession_code",
    ),
    "tulorekisteri.wage_transactions": (
        "tulorekisteri_palkkatulolajit.csv",
        "report_key person_key report_version line_no transaction_code is_unjust_enrichment is_recovery "
        "original_paid_on original_started_on original_ended_on earning_started_on earning_ended_on amount_eur",
    ),
    "ura.employment_spells": ("ura_ytyoll.csv", "person_key employment_code started_on ended_on"),
    "ura.identity_changes": ("ura_tunnukset.csv", "temporary_key person_key changed_on"),
    "ura.job_searches": (
        "ura_ythaku.csv",
        "person_key started_on ended_on end_reason_code prior_activity_code permit_code office_code",
    ),
    "vero.annual_incomes": (
        "vero_vuositulot.csv",
        "person_key tax_year wages_eur self_employment_eur pensions_eur taxable_benefits_eur taxes_eur",
    ),
}


def meanings(register: str, list_name: str, code: str, day: date) -> list[Code]:
    return [
        entry
        for entry in CONTRACTS[register].codes[list_name]
        if entry.code == code and (entry.valid_from or date.min) <= day <= (entry.valid_until or date.max)
    ]


def seed(name: str, column: str) -> set[str]:
    with (CHECKOUT / "dbt_project" / "seeds" / f"{name}.csv").open(encoding="utf-8") as file:
        return {row[column] for row in csv.DictReader(file)}


def test_tables_columns_and_files_are_those_that_models_and_authorities_rely_on() -> None:
    found = {
        f"{register}.{table.name}": (table.file, " ".join(column.name for column in table.columns))
        for register, contract in CONTRACTS.items()
        for table in contract.tables
    }
    assert found == LANDED


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS.keys())
class TestEveryContract:
    def test_a_code_has_at_most_one_meaning_on_any_day(self, contract: Contract) -> None:
        for name, codes in contract.codes.items():
            starts = {entry.valid_from for entry in codes if entry.valid_from}
            ends = {entry.valid_until for entry in codes if entry.valid_until}
            days = starts | ends | {day - timedelta(days=1) for day in starts} | {date(2009, 1, 1)}
            for code in {entry.code for entry in codes}:
                for day in days:
                    assert len(meanings(contract.register, name, code, day)) <= 1, (name, code, day)

    def test_a_code_that_changes_meaning_leaves_no_day_between(self, contract: Contract) -> None:
        for name, codes in contract.codes.items():
            ordered = sorted(codes, key=lambda entry: (entry.code, entry.valid_from or date.min))
            for first, second in pairwise(ordered):
                if first.code == second.code:
                    day_after = (first.valid_until or date.min) + timedelta(days=1)
                    if (name, first.code) in REUSED_AFTER_A_PAUSE:
                        assert (second.valid_from or date.min) > day_after, (name, first.code)
                    else:
                        assert second.valid_from == day_after, (name, first.code)

    def test_labels_are_translated(self, contract: Contract) -> None:
        for name, entry in contract.all_codes():
            texts = (entry.label.en, entry.label.fi, entry.label.sv)
            assert all(text == text.strip() and text for text in texts), (name, entry.code)
            if entry.label.fi not in SAME_IN_ALL_LANGUAGES:
                assert len(set(texts)) == 3, (name, entry.code)

    def test_states_and_channels_are_known_to_the_timelines(self, contract: Contract) -> None:
        states = {entry.state for _, entry in contract.all_codes() if entry.state}
        channels = {entry.channel for _, entry in contract.all_codes() if entry.channel}
        assert states <= seed("states", "state_code") & seed("state_priority", "state_code")
        assert channels <= seed("service_channels", "channel_code")

    def test_a_list_with_validity_is_looked_up_by_the_date_of_the_event(self, contract: Contract) -> None:
        for table in contract.tables:
            for column in table.columns:
                dated = any(c.valid_from or c.valid_until for c in contract.codes.get(column.codes or "", ()))
                assert bool(column.dated_by) or not dated, (table.name, column.name)

    def test_a_code_column_is_never_a_door_for_free_text(self, contract: Contract) -> None:
        for table in contract.tables:
            for column in table.columns:
                assert column.type != "code" or column.codes or column.width, (table.name, column.name)

    def test_codes_can_be_written_in_the_files_of_the_register(self, contract: Contract) -> None:
        for name, entry in contract.all_codes():
            assert entry.code.encode(contract.file_format.encoding), (name, entry.code)
            assert entry.code not in contract.file_format.null_texts, (name, entry.code)

    def test_columns_are_taken_and_refused_with_a_reason(self, contract: Contract) -> None:
        for table in contract.tables:
            assert table.never, table.name
            for reason in (*(column.why for column in table.columns), *table.never.values()):
                assert len(reason.split()) >= 4, (table.name, reason)


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


def test_the_study_of_espoo_uses_every_register_as_contracted() -> None:
    study = load_study("espoo_skills_centre")
    assert study.contracts == {register: CONTRACTS[register] for register in study.contracts}
    assert study.contracts.keys() == {name for name, contract in CONTRACTS.items() if contract.denied is None}
    assert (study.municipality_code, study.foreign_background) == ("049", True)


def test_the_example_is_observed_in_every_month_of_its_window() -> None:
    study = load_study("mvad")
    for contract in study.contracts.values():
        assert contract.covered_from <= study.window_from, contract.register
        assert contract.maturity_months == 0, contract.register


@pytest.mark.parametrize("register", load_study("mvad").contracts)
def test_every_row_of_the_example_keeps_its_contract(register: str) -> None:
    study = load_study("mvad")
    contract = study.contracts[register]
    (table,) = contract.tables
    columns = study.delivered(register, table.name)
    path = EXAMPLES / table.file
    with path.open(encoding=contract.file_format.encoding) as file:
        header = next(csv.reader(file, delimiter=contract.file_format.delimiter))
    assert set(header) == {column.source for column in columns}
    selected = ", ".join(
        f"{f'hash({column.source}) >> 1' if column.type == 'identifier' else column.source} as {column.name}"
        for column in columns
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"create table extract as select row_number() over () as row_no, {selected} "
            "from read_csv(?, all_varchar = true, delim = ';', header = true)",
            [str(path)],
        )
        query = typed_query(contract, table, "extract", study.omitted[register, table.name])
        faults = [row[0] for row in connection.execute(f"select faults from ({query})").fetchall()]
    assert len(faults) >= 712
    assert [fault for row in faults for fault in row] == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*_*.csv")), ids=lambda path: path.stem)
def test_the_example_has_identity_codes_of_the_test_range_only(path: Path) -> None:
    numbers = re.findall(r"\b\d{6}[-+A-FU-Y](\d{3})[0-9A-Y]\b", path.read_text(encoding="utf-8"))
    assert len(numbers) >= 712
    assert all(number.startswith("9") for number in numbers)


def test_the_published_figures_of_the_example_are_complete() -> None:
    with (EXAMPLES / "expected.csv").open(encoding="utf-8") as file:
        metrics = [row["metric"] for row in csv.DictReader(file)]
    assert sum(metric.startswith("weighted_state_share") for metric in metrics) == 48
    assert sum(metric.startswith("transition_rate") for metric in metrics) == 36


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
