"""What the models make of four persons, and what every model must have."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

from polku.layout import CHECKOUT
from polku.outcomes import load_catalogue
from polku.publication.coverage import STATUSES
from polku.studies import load_study
from tests.dbt_project.conftest import MARKED_COUNTRY, STUDY, Built
from tests.dbt_project.landed import PROJECT

MARTS = sorted((PROJECT / "models/marts").glob("*.yml"))
OUTCOMES = "outcome_by_months_since_entry"
LAYERS = ("staging", "intermediate", "marts")
MICRODATA = re.compile(r"_is_(k_anonymous|l_diverse|t_close)\.|\.nobody_is_alone_in_")


def test_everything_is_built_and_every_test_passes(built: Built) -> None:
    """Only how easily persons are found may be warned of: four persons cannot hide among each other."""
    others = {node: status for node, status in built.statuses.items() if status not in ("success", "pass")}
    assert {node for node, status in others.items() if status != "warn" or not MICRODATA.search(node)} == set()
    kinds = [node.split(".")[0] for node in built.statuses]
    assert kinds.count("unit_test") > 20


# ------------------------------------------------------------------------------------------- one life, by month
def states_of(built: Built, person_key: int) -> list[tuple[str, int]]:
    """Runs of states of a person: state and how many months it lasted."""
    rows = built.query(
        f"select state_code from warehouse.marts.person_month where person_key = {person_key} order by month_index"
    )
    runs: list[tuple[str, int]] = []
    for (state,) in rows:
        if runs and runs[-1][0] == state:
            runs[-1] = (state, runs[-1][1] + 1)
        else:
            runs.append((state, 1))
    return runs


def test_months_of_a_client(built: Built) -> None:
    # Arrived on 10 March 2020, unemployed from April until 27 February 2021 (so not on the last day of that
    # month), wages in 2021 alone.
    assert states_of(built, 1) == [
        ("out_of_study", 2),
        ("other", 1),
        ("unemployed", 10),
        ("employed", 11),
        ("other", 12),
    ]


def test_months_of_one_who_studied_and_died(built: Built) -> None:
    assert states_of(built, 2) == [("other", 7), ("vocational_education", 10), ("other", 5), ("dead", 14)]


def test_months_of_one_who_left_and_came_back(built: Built) -> None:
    assert states_of(built, 4) == [("other", 25), ("emigrated", 4), ("other", 7)]


def test_study_groups(built: Built) -> None:
    rows = built.query(
        "select person_key, group_code, entry_month, entry_kind_code from warehouse.marts.cohort order by person_key"
    )
    assert rows == [
        (1, "client", date(2020, 9, 1), "first_service"),
        (2, "never_client", date(2020, 9, 1), "assigned"),
        (4, "client", date(2019, 2, 1), "first_service"),
    ]


def test_episodes_bridge_the_contract_gap_and_leave_out_what_was_cancelled(built: Built) -> None:
    rows = built.query(
        "select service_code, started_on, ended_on, merged_spells from warehouse.marts.service_episode"
        " where person_key = 1"
    )
    assert rows == [("skills_assessment", date(2020, 9, 5), date(2021, 1, 1), 2)]


def test_outcomes_of_the_first_month(built: Built) -> None:
    rows = built.query(
        "select months_since_entry, employed, in_any_service, earnings_eur, earnings_2024_eur, "
        "benefit_unemployment_eur"
        " from warehouse.marts.person_outcome where person_key = 1 and months_since_entry in (1, 6)"
        " order by months_since_entry"
    )
    assert [tuple(map(str, row)) for row in rows] == [
        ("1", "False", "True", "0.00", "0.00", "650.00"),
        ("6", "True", "False", "2000.00", "2311.96", "0.00"),
    ]


def test_the_table_tells_of_the_outcomes_that_the_study_uses(built: Built) -> None:
    used = [outcome.code for outcome in load_study(STUDY).outcomes.values() if outcome.table == OUTCOMES]
    rows = built.query(f"select distinct outcome_code from warehouse.marts.{OUTCOMES}")
    assert sorted(code for (code,) in rows) == sorted(used)


@pytest.mark.parametrize("code", [o.code for o in load_catalogue().values() if o.table == OUTCOMES])
def test_an_outcome_of_the_catalogue_is_one_that_sql_computes(built: Built, code: str) -> None:
    """Else it would be a row without persons."""
    assert f"'{code}' as outcome_code" in built.compiled(OUTCOMES)


def test_exit_table_counts_each_client_once(built: Built) -> None:
    rows = built.query(
        "select base_code, year, outcome_code, persons_in_base from warehouse.marts.exit_outcome"
        " where persons_with_outcome = 1 and year is not null order by all"
    )
    assert rows == [
        ("entrants", 2019, "other", 1),
        ("entrants", 2020, "employed", 1),
        ("leavers", 2019, "other", 1),
        ("leavers", 2021, "employed", 1),
    ]


# --------------------------------------------------------------------------------------------- landing and keys
def test_table_without_delivery_is_an_empty_view_with_types(built: Built) -> None:
    rows = built.query("select column_name, column_type from (describe warehouse.landing.ura__job_searches)")
    assert built.query("select count(*) from warehouse.landing.ura__job_searches") == [(0,)]
    assert {("person_key", "BIGINT"), ("started_on", "DATE"), ("delivery_id", "VARCHAR")} <= set(rows)


def test_column_that_a_delivery_lacks_is_null(built: Built) -> None:
    assert built.query("select distinct finnish_level_code, weight from warehouse.landing.osaamiskeskus__clients") == [
        (None, None)
    ]


def test_parts_of_two_deliveries_are_read_together(built: Built) -> None:
    rows = built.query("select delivery_id, ended_on from warehouse.landing.ura__employment_spells order by all")
    assert rows == [("d1", None), ("d2", date(2021, 2, 27))]


def test_warehouse_is_encrypted_and_dbt_writes_no_key(built: Built) -> None:
    assert MARKED_COUNTRY.encode() not in built.root.warehouse.read_bytes()
    assert built.query("select birth_country_code from warehouse.marts.person where person_key = 2") == [
        (MARKED_COUNTRY,)
    ]
    written = [path for folder in (built.target, built.logs) for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in written)
    for path in written:
        content = path.read_bytes()
        assert b"add_parquet_key(" not in content
        assert b"encryption_key '" not in content
        assert MARKED_COUNTRY.encode() not in content


# ------------------------------------------------------------------------------------------------ conventions
@pytest.mark.parametrize("layer", LAYERS)
def test_every_model_has_its_description_beside_it(layer: str) -> None:
    folder = PROJECT / "models" / layer
    models = {path.stem for path in folder.glob("*.sql")}
    described = {path.stem for path in folder.glob("*.yml") if not path.stem.startswith("_")}
    assert models == described


@pytest.mark.parametrize("path", MARTS, ids=lambda path: path.stem)
def test_mart_has_grain_contract_and_unit_test(path: Path) -> None:
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    (mart,) = text["models"]
    assert mart["description"].startswith("One row per ")
    assert mart["config"]["contract"] == {"enforced": True}
    assert all(column["data_type"] for column in mart["columns"])
    rules = text.get("unit_tests", [])
    assert rules or mart["name"] == "person", "person only selects; every other mart has rules"


@pytest.mark.parametrize("path", MARTS, ids=lambda path: path.stem)
def test_a_released_mart_counts_the_members_that_it_declares(path: Path) -> None:
    """Estimates (`effect_...`) are of nobody in particular and declare none."""
    (mart,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    release = mart["config"].get("meta", {}).get("release")
    if release is None or mart["name"].startswith("effect_"):
        assert "members" not in (release or {})
        return
    (test,) = [t["counts_agree_with_members"] for t in mart["data_tests"] if "counts_agree_with_members" in t]
    assert test["arguments"]["members"] == f"ref('{release['members']}')"
    assert test["arguments"]["dimensions"] == release["dimensions"]
    assert test["arguments"]["count"] == release["count"]


def test_every_data_test_is_named_for_people(built: Built) -> None:
    manifest = json.loads((built.target / "manifest.json").read_text(encoding="utf-8"))
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert len(tests) > 20
    generated = ("unique_", "not_null_", "accepted_values_", "relationships_", "has_rows_", "sums_to_one_")
    assert [test["name"] for test in tests if test["name"].startswith(generated)] == []


def test_rows_under_another_key_are_the_persons(built: Built) -> None:
    """The view over landing resolves what the crosswalk joined; nothing is rewritten."""
    [(key, wages)] = built.query("select person_key, wages_eur from warehouse.landing.vero__annual_incomes")
    assert (key, int(wages)) == (1, 24000)
    assert built.query("select count(*) from warehouse.marts.person_outcome where person_key > 999") == [(0,)]


def test_a_person_under_restriction_is_in_no_view_and_no_mart(built: Built) -> None:
    """Neither under her own key, nor under another, nor under a client number."""
    for table, column in (("dvv__persons", "person_key"), ("osaamiskeskus__clients", "client_key")):
        found = built.query(f"select count(*) from warehouse.landing.{table} where {column} in (5, 1005, 51)")
        assert found == [(0,)]
    assert built.query("select count(*) from warehouse.marts.person where person_key in (5, 1005)") == [(0,)]


# -------------------------------------------------------------------------------------- lists that are written twice
def macro_list(file: str, macro: str) -> list[str]:
    """The texts of a macro's list."""
    text = (PROJECT / "macros" / file).read_text(encoding="utf-8")
    return re.findall(r"'(\w+)'", text.split(f"macro {macro}(")[1].split("endmacro")[0])


def test_every_status_of_the_models_has_its_words() -> None:
    statuses = macro_list("timelines.sql", "coverage_statuses")
    assert ["observed", "nothing_to_record", *statuses[1:]] == list(STATUSES)


def test_no_release_profile_asks_for_more_persons_than_the_models_know_of() -> None:
    profiles = tomllib.loads((CHECKOUT / "polku" / "disclosure" / "policy.toml").read_text(encoding="utf-8"))
    strictest = max(entry["threshold_persons"] for entry in profiles.values())
    macro = (
        (PROJECT / "macros" / "sequences.sql").read_text(encoding="utf-8").split("macro strictest_threshold() -%}")[1]
    )
    assert int(macro.split("{%-")[0]) == strictest
