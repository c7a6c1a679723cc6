"""How dbt is called: quickly."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dagster_dbt import DbtCliResource, DbtProject

from assets.engines import chosen_engine
from assets.warehouse import QuickDbt, dbt_resource, prepared_project
from polku.layout import CHECKOUT


def test_what_dagster_dbt_does_before_a_call_still_has_the_names_that_are_left_out() -> None:
    """Or a newer dagster-dbt would start dbt twice again, and nobody would notice."""
    assert {"_cli_version", "_initialize_dbt_core_adapter"} <= vars(DbtCliResource).keys() & vars(QuickDbt).keys()


def test_the_version_of_dbt_is_told_without_starting_it() -> None:
    resource = dbt_resource(DbtProject(CHECKOUT / "dbt_project"))
    told = resource.cli(["--version"])
    assert f"installed: {resource._cli_version}" in " ".join(str(told.process.stdout.read()).split())  # type: ignore[union-attr]


def test_who_comes_while_a_project_is_parsed_waits_for_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.sql").write_text("select 1 as one", encoding="utf-8")
    (tmp_path / "dbt_project.yml").write_text("{name: small, profile: polku}", encoding="utf-8")
    shutil.copy(CHECKOUT / "dbt_project" / "profiles.yml", tmp_path)
    with ThreadPoolExecutor() as together:
        projects = list(together.map(prepared_project, [chosen_engine()] * 2, [tmp_path] * 2))
    assert all("model.small.one" in project.manifest_path.read_text(encoding="utf-8") for project in projects)
    assert (tmp_path / "target" / "dbt.log").read_text(encoding="utf-8").count("Running with dbt") == 1
