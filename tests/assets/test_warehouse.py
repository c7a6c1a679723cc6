"""How dbt is called: quickly."""

from __future__ import annotations

from dagster_dbt import DbtCliResource, DbtProject

from assets.warehouse import QuickDbt, dbt_resource
from polku.layout import CHECKOUT


def test_what_dagster_dbt_does_before_a_call_still_has_the_names_that_are_left_out() -> None:
    """Or a newer dagster-dbt would start dbt twice again, and nobody would notice."""
    assert {"_cli_version", "_initialize_dbt_core_adapter"} <= vars(DbtCliResource).keys() & vars(QuickDbt).keys()


def test_the_version_of_dbt_is_told_without_starting_it() -> None:
    resource = dbt_resource(DbtProject(CHECKOUT / "dbt_project"))
    told = resource.cli(["--version"])
    assert f"installed: {resource._cli_version}" in " ".join(str(told.process.stdout.read()).split())  # type: ignore[union-attr]
