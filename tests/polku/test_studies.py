"""A study narrows and extends contracts; its faults are named at once."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from polku.contracts import load_contracts
from polku.disclosure.inexact.protections import Protection
from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT
from polku.studies import Study, load_study, parse_study

CONTRACTS = load_contracts(CHECKOUT / "contracts")


def data(study: str = "mvad") -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / "studies" / f"{study}.toml").read_text(encoding="utf-8"))


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


def test_a_study_chooses_the_protection_of_a_table() -> None:
    changed = data()
    assert parse(changed).protection_of("state_share_by_month") is Protection.GAPS
    changed["release"]["protection"] = {"state_share_by_month": "rounding"}
    assert parse(changed).protection_of("state_share_by_month") is Protection.ROUNDING


def test_protections_and_tables_that_there_are_not_are_refused() -> None:
    changed = data()
    changed["release"]["protection"] = {"exit_outcome": "gaps", "state_share_by_month": "perturbation"}
    with pytest.raises(Refusal) as refusal:
        parse(changed)
    assert refusal.value.exit is Exit.STUDY_INVALID
    assert "`exit_outcome` is no released table" in str(refusal.value)
    assert "must be one of gaps, rounding, cell_key, and not `perturbation`" in str(refusal.value)


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


def refused(changed: dict[str, Any]) -> str:
    """What is said when the study is refused, which it must be."""
    with pytest.raises(Refusal) as refusal:
        parse_study(changed, f"{changed['study']}.toml", CONTRACTS)
    assert refusal.value.exit is Exit.STUDY_INVALID
    return refusal.value.what


@pytest.mark.parametrize(
    ("section", "settings", "told"),
    [
        ("window", {"until": date(2017, 1, 1)}, "window: `until` is before `from`"),
        ("window", {"from": date(2010, 1, 1), "until": date(2017, 12, 31)}, "window: nobody enters before 2018-09-01"),
        ("outcomes", {"months_after": 70}, "outcomes: a follow-up of 71 months does not fit into the window's 70"),
        ("outcomes", {"months_before": -1}, "outcomes: `months_before` and `months_after` are not below zero"),
        ("cohort", {"min_age_years": 64, "max_age_years": 18}, "cohort: `max_age_years` is below `min_age_years`"),
    ],
)
def test_a_window_or_ages_by_which_nobody_could_be_in_the_study_are_refused(
    section: str, settings: dict[str, Any], told: str
) -> None:
    changed = data()
    changed[section] |= settings
    assert told in refused(changed)


@pytest.mark.parametrize(
    ("code", "version", "told"),
    [
        ("happiness", 1, "`happiness` is no outcome of the catalogue; these are employed, "),
        ("employed", 2, "`employed` is defined in version 1, not 2"),
        ("employed", True, "`employed` is defined in version 1, not True"),
        ("earnings", 1, "`earnings` cannot be known: the study has no table of income or earning"),
    ],
)
def test_an_outcome_that_nobody_defines_or_knows_is_refused_by_name(code: str, version: int, told: str) -> None:
    changed = data()
    changed["outcomes"]["use"][code] = version
    assert f"outcomes.use: {told}" in refused(changed)


def test_a_released_table_of_outcomes_needs_one_of_them() -> None:
    changed = data("espoo_skills_centre")
    del changed["outcomes"]["use"]["exit"]
    assert "outcomes.use: the study releases `exit_outcome` and names no outcome of it" in refused(changed)


def test_outcomes_are_those_named_in_the_order_of_the_catalogue() -> None:
    changed = data()
    changed["outcomes"]["use"] = {"studying": 1, "employed": 1}
    assert list(parse(changed).outcomes) == ["employed", "studying"]


def test_an_unknown_state_of_the_risk_sets_is_refused_by_name() -> None:
    changed = data()
    changed["cohort"]["risk_set_states"] = ["unemployed", "idle"]
    assert "cohort: `risk_set_states` names `idle`" in refused(changed)


def test_a_covariate_from_after_the_entry_is_refused_by_name() -> None:
    changed = data("matchit614")
    changed["comparison"]["covariates"].append("earnings_eur")
    assert "comparison: `earnings_eur` is no characteristic from before the entry" in refused(changed)


def test_a_group_is_empty_only_where_the_study_says_so() -> None:
    assert load_study("mvad").empty_groups == {"never_client"}
    assert load_study("matchit614").empty_groups == frozenset()
    changed = data()
    changed["groups"]["never_client"]["empty"] = True
    assert "groups.never_client: unknown key `empty`" in refused(changed)


@pytest.mark.parametrize(
    ("strata", "told"),
    [
        (["sex", "language"], "subgroups: `language` is no stratum; these are sex, age_band, residence_ground"),
        ([["sex", "age_band", "entry_year"]], "subgroups: `sex-age_band-entry_year`: a stratum has one characteristic"),
        (["sex", "sex"], "subgroups: `sex` is listed twice"),
        ([["sex", "age_band"], ["age_band", "sex"]], "subgroups: `age_band-sex` is listed twice"),
        ([["sex", "sex"]], "subgroups: `sex-sex` names a characteristic twice"),
        ([], "subgroups: `strata` names none"),
    ],
)
def test_subgroups_are_of_one_known_characteristic_or_two_and_listed_once(strata: list[Any], told: str) -> None:
    changed = data("espoo_skills_centre")
    changed["subgroups"] = {"strata": strata}
    assert told in refused(changed)


def test_subgroups_need_months_that_compare_and_their_release_needs_them() -> None:
    changed = data("espoo_skills_centre")
    del changed["cohort"]["risk_set_states"]
    assert "subgroups: no month compares persons without `risk_set_states`" in refused(changed)
    changed = data("espoo_skills_centre")
    del changed["subgroups"]
    assert "subgroups: the study releases `effect_in_subgroup` and names no stratum" in refused(changed)


def test_the_first_study_asks_for_subgroups_and_others_need_not() -> None:
    assert load_study("espoo_skills_centre").subgroups[-2:] == (("entry_year",), ("sex", "age_band"))
    assert load_study("mvad").subgroups == ()
