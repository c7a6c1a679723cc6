"""Contracts of residence, reception and education say what the registers' metadata and the promises to the public say.

Belongs here: facts about these registers. Does not belong here: what holds of every contract (`test_registers`).
"""

from __future__ import annotations

from datetime import date

import pytest

from polku.contracts import load_contracts
from polku.contracts.faults import read_toml
from polku.errors import Exit, Refusal
from polku.exchange.identifiers import MIGRI_CLIENT
from polku.layout import CHECKOUT
from polku.research.coverage import chain_of
from polku.studies import load_study, parse_study

CONTRACTS = load_contracts(CHECKOUT / "contracts")


def groups(register: str, list_name: str) -> dict[str, str | None]:
    return {entry.code: entry.group for entry in CONTRACTS[register].codes[list_name]}


def test_grounds_of_residence_are_those_the_public_was_told_of() -> None:
    ground = groups("migri", "processing_grounds")
    assert set(ground.values()) == {"family", "work", "study", "protection", "mobility", "other"}
    assert [code for code, group in ground.items() if group == "work"] == ["2"]
    assert {code for code, group in ground.items() if group == "family"} == {"1", "1005"}
    assert {"50", "460001", "480001"} <= {code for code, group in ground.items() if group == "protection"}
    types = groups("migri", "case_type")
    assert {code for code, group in types.items() if group == "protection"} == {"46", "48", "49"}
    assert {code for code, group in types.items() if group == "mobility"} == {"63", "532000"}


def test_only_two_kinds_of_decision_give_a_permit() -> None:
    kinds = groups("migri", "decision_type")
    assert {code for code, group in kinds.items() if group} == {"1", "7"}
    assert kinds["7"] == "positive_on_other_ground"


def test_residence_and_reception_break_with_the_year_2011_and_write_no_day_in_two_ways() -> None:
    for register in ("migri", "vastaanotto"):
        assert CONTRACTS[register].covered_from == CONTRACTS[register].breaks[0].on == date(2011, 1, 1)
    assert CONTRACTS["migri"].file_format.empty_dates == (date(1900, 1, 1),)
    assert CONTRACTS["migri"].file_format.open_ends == (date(9999, 12, 31),)


@pytest.mark.parametrize("register", ["migri", "vastaanotto"])
def test_persons_without_an_identity_code_are_known_by_their_client_number(register: str) -> None:
    for table in CONTRACTS[register].tables:
        persons = [column for column in table.columns if column.is_person and column.required]
        assert [column.domain for column in persons] == [MIGRI_CLIENT], table.name


def test_what_tells_of_third_persons_or_small_places_is_never_taken() -> None:
    never = {
        f"{register}.{source}"
        for register, contract in CONTRACTS.items()
        for table in contract.tables
        for source in table.never
    }
    assert never >= {
        "migri.SPONSOR_CUSTOMER_ID",
        "migri.PROCESSING_GROUNDS_NAME",
        "vastaanotto.ACCOMMODATION_TYPE",
        "vastaanotto.POSTAL_ADDRESS_NO",
        "opiskelijat.oltunn",
        "tutkinnot.koulk",
        "dvv.lkm_k",
    }


def test_the_reception_allowance_is_in_no_group_of_benefits() -> None:
    contract = CONTRACTS["vastaanotto"]
    assert contract.timeline.keys() == {"service"}
    assert contract.table("allowances").column("amount_eur").unit == "EUR"
    assert "payment_month" in contract.table("allowances").never


def test_degrees_are_observed_where_koski_or_the_degree_register_covers_them_and_studies_by_koski_alone() -> None:
    """Adults' basic education is not in the student register by person: it shows studies, never their absence."""
    study = load_study("espoo_skills_centre")
    assert chain_of(study, "tutkinnot") == chain_of(study, "koski") == "koski"
    assert chain_of(study, "opiskelijat") == "opiskelijat"
    assert CONTRACTS["koski"].covered_from == date(2020, 1, 1)
    last = CONTRACTS["opiskelijat"].table("students").column("census_year").maximum
    assert last == CONTRACTS["koski"].covered_from.year - 1
    assert CONTRACTS["tutkinnot"].matures_yearly


def test_degrees_of_both_registers_are_named_as_the_states_of_studying_for_them() -> None:
    of_koski = {entry.state for entry in CONTRACTS["koski"].codes["koulutusmuoto"] if entry.state}
    lists = (groups("tutkinnot", "tutklaja"), groups("tutkinnot", "opty"))
    of_register = {group for codes in lists for group in codes.values() if group}
    assert of_koski == of_register == {entry.state for entry in CONTRACTS["opiskelijat"].codes["opty"] if entry.state}


def test_what_replaces_everything_or_a_period_is_what_the_register_corrects_without_trace() -> None:
    replaces = {
        f"{register}.{table.name}": table.replaces
        for register in ("dvv", "migri", "vastaanotto", "koski", "opiskelijat", "tutkinnot")
        for table in CONTRACTS[register].tables
        if table.replaces != "rows"
    }
    assert replaces == {"dvv.persons": "all", "dvv.moves": "period", "tutkinnot.degrees": "all"}


def test_a_study_that_names_the_register_of_guardians_is_refused_with_the_reason() -> None:
    path = CHECKOUT / "studies" / "mvad.toml"
    data = dict(read_toml(path, Exit.STUDY_INVALID))
    data["registers"] = {**data["registers"], "avi": {}}
    with pytest.raises(Refusal) as refused:
        parse_study(data, path.name, CONTRACTS)
    assert refused.value.exit is Exit.STUDY_INVALID
    assert "registers.avi" in str(refused.value)
    assert "third persons" in str(refused.value)
    assert CONTRACTS["avi"].tables == ()
