"""The asset graph as a whole: keys, groups, gates and jobs."""

from __future__ import annotations

import runpy
from pathlib import Path

import dagster as dg
import pytest

from polku.studies import Study, load_study

LAYERS = ("landing", "staging", "intermediate", "marts", "release", "published")
GATES = {
    "landing": {"matches_contract", "free_of_identifiers"},
    "release": {"cells_large_enough", "cells_not_recoverable"},
}


def definitions(study: str) -> dg.Definitions:
    """The definitions of a study, loaded anew as Dagster does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLKU_STUDY", study)
        loaded = runpy.run_module("orchestration.definitions")["defs"]
        assert isinstance(loaded, dg.Definitions)
        return loaded


@pytest.fixture(scope="module", params=["espoo_skills_centre", "mvad"])
def study(request: pytest.FixtureRequest) -> Study:
    return load_study(request.param)


@pytest.fixture(scope="module")
def defs(study: Study) -> dg.Definitions:
    return definitions(study.code)


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs() if spec.group_name in LAYERS}


def upstream(spec: dg.AssetSpec) -> set[str]:
    return {dep.asset_key.to_user_string() for dep in spec.deps}


def test_every_layer_is_a_group_and_a_key_prefix(specs: dict[str, dg.AssetSpec]) -> None:
    assert {spec.group_name for spec in specs.values()} == set(LAYERS)
    assert all(key.split("/")[0] == spec.group_name for key, spec in specs.items())


def test_every_asset_says_what_it_is_and_whose(specs: dict[str, dg.AssetSpec]) -> None:
    silent = {key for key, s in specs.items() if not (s.description and s.kinds and s.owners)}
    assert silent == set()
    assert {owner for spec in specs.values() for owner in spec.owners} == {"team:data-engineering"}


def test_the_study_decides_what_lands_and_what_is_released(specs: dict[str, dg.AssetSpec], study: Study) -> None:
    landed = {f"landing/{c.register}__{t.name}" for c in study.contracts.values() for t in c.tables}
    reference = {
        f"landing/reference__{name}"
        for name in ("study", "outcomes", "codes", "coverage", "breaks", "person_keys", "subgroups")
    }
    assert {key for key in specs if key.startswith("landing/")} == landed | reference
    assert {key for key in specs if key.startswith("release/")} == {f"release/{m}" for m in study.release_tables}
    assert all(specs[key].freshness_policy for key in landed)
    assert specs["published/tables"].freshness_policy


def test_no_model_is_built_before_keys_are_resolved(specs: dict[str, dg.AssetSpec]) -> None:
    """The models of one step read a reference table, and those wait for the crosswalk."""
    for name in ("study", "codes", "coverage"):
        assert "landing/reference__person_keys" in upstream(specs[f"landing/reference__{name}"])


def test_nothing_passes_a_layer_by(specs: dict[str, dg.AssetSpec], study: Study) -> None:
    marts = {key for key, spec in specs.items() if spec.group_name == "marts" and key != "marts/snapshot"}
    assert upstream(specs["marts/snapshot"]) == marts
    for mart in study.release_tables:
        assert upstream(specs[f"release/{mart}"]) == {f"marts/{mart}", "marts/snapshot"}
    released = {f"release/{mart}" for mart in study.release_tables}
    assert upstream(specs["published/tables"]) == released | {"marts/snapshot"}, "the snapshot for the coverage"
    for key, spec in specs.items():
        if spec.group_name in ("intermediate", "marts"):
            assert not any(above.startswith("landing/") for above in upstream(spec)), key


def test_every_gate_stands_before_its_assets_and_blocks(defs: dg.Definitions, specs: dict[str, dg.AssetSpec]) -> None:
    graph = defs.resolve_asset_graph()
    checks = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    open_ones = {str(check.name) for check in checks.values() if not check.blocking}
    # What marts of persons are like is told, not stopped: they never leave (docs/microdata.md).
    of_persons = {name for name in open_ones if name.endswith(("_is_k_anonymous", "_is_l_diverse", "_is_t_close"))}
    assert open_ones - of_persons - {name for name in open_ones if name.startswith("nobody_is_alone_in_")} == {
        "identities_agree",
        "notices_in_time",
    }
    by_asset: dict[str, set[str]] = {}
    for key in checks:
        by_asset.setdefault(key.asset_key.to_user_string(), set()).add(key.name)
    for asset, spec in specs.items():
        if not asset.startswith("landing/reference__"):
            assert GATES.get(spec.group_name or "", set()) <= by_asset.get(asset, set()), asset
    assert by_asset["marts/snapshot"] == {"plausible"}
    assert "groups_large_enough" in by_asset["marts/cohort"]


def test_land_is_the_landing_layer_and_nightly_is_everything(
    defs: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    jobs = {name: defs.resolve_job_def(name).asset_layer.selected_asset_keys for name in ("land", "nightly")}
    selected = {name: {key.to_user_string() for key in keys} for name, keys in jobs.items()}
    assert selected["land"] == {key for key in specs if key.startswith("landing/")}
    assert selected["nightly"] == set(specs)


def test_the_night_starts_at_two_in_helsinki(defs: dg.Definitions) -> None:
    schedule = defs.resolve_schedule_def("nightly_at_two")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Europe/Helsinki")
    assert schedule.job_name == "nightly"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_loading_reads_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    definitions("mvad")
    assert list(tmp_path.iterdir()) == []
