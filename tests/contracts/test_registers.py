"""The register contracts and studies of this repository say what the registers' metadata say.

Belongs here: facts about real registers. Does not belong here: how contracts are read (`tests/polku`).
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from itertools import pairwise

import pytest

from polku.contracts import Contract, load_contracts
from polku.layout import CHECKOUT
from polku.studies import load_study
from tests.contracts.test_codes import meanings

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
        "from_country_code to_country_code citizenship_code",
    ),
    "dvv.persons": (
        "dvv_henkilot.csv",
        "person_key birth_month sex_code mother_tongue_code citizenship_code second_citizenship_code "
        "birth_country_code origin_code marital_status_code died_on",
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
        "person_key study_right_key part_of_key education_form_code started_on ended_on last_state_code "
        "attainment_type_code module_list_code confirmed_on",
    ),
    "osaamiskeskus.clients": (
        "osaamiskeskus_asiakkaat.csv",
        "client_key person_key started_on ended_on referral_code language_code needs_interpreter "
        "education_level_code finnish_level_code",
    ),
    "osaamiskeskus.exits": ("osaamiskeskus_paattymiset.csv", "client_key exited_on exit_code"),
    "osaamiskeskus.identity_changes": ("osaamiskeskus_tunnukset.csv", "temporary_key person_key changed_on"),
    "migri.applications": ("migri_hakemukset.csv", "case_key person_key case_type_code ground_code initiated_month"),
    "migri.citizenships": ("migri_kansalaisuudet.csv", "person_key granted_on"),
    "migri.customers": ("migri_asiakkaat.csv", "customer_key person_key registered_on"),
    "migri.decisions": (
        "migri_paatokset.csv",
        "case_key person_key decided_on decision_type_code level_code started_on ended_on is_permanent cancelled_on",
    ),
    "migri.permits": ("migri_luvat.csv", "case_key person_key ground_code started_on ended_on"),
    "opiskelijat.students": ("opiskelijat.csv", "person_key census_year school_type_code"),
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
    "tutkinnot.degrees": (
        "tutkinnot.csv",
        "person_key degree_no completed_month school_type_code degree_kind_code is_from_abroad",
    ),
    "ura.employment_spells": ("ura_ytyoll.csv", "person_key employment_code started_on ended_on"),
    "ura.identity_changes": ("ura_tunnukset.csv", "temporary_key person_key changed_on"),
    "ura.job_searches": (
        "ura_ythaku.csv",
        "person_key started_on ended_on end_reason_code prior_activity_code permit_code office_code",
    ),
    "vastaanotto.allowances": (
        "vastaanotto_rahat.csv",
        "person_key payment_key started_month ended_month amount_eur",
    ),
    "vastaanotto.lodgings": ("vastaanotto_palvelut.csv", "person_key lodged_on filed_by_key"),
    "vero.annual_incomes": (
        "vero_vuositulot.csv",
        "person_key tax_year wages_eur self_employment_eur pensions_eur taxable_benefits_eur taxes_eur",
    ),
}


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


def test_the_study_of_espoo_uses_every_register_as_contracted() -> None:
    study = load_study("espoo_skills_centre")
    assert study.contracts == {register: CONTRACTS[register] for register in study.contracts}
    assert study.contracts.keys() == {name for name, contract in CONTRACTS.items() if contract.denied is None}
    assert (study.municipality_code, study.foreign_background) == ("049", True)
