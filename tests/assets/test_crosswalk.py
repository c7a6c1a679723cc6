"""What the crosswalk shows in the user interface: words and counts, and a check that stops nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.crosswalk import CHECK, KEY, crosswalk_asset
from tests.polku.research.test_crosswalk import ANNA, BORIS, World, disputed, world

__all__ = ["world"]  # fixture


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    quiet = {"telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster"), overrides=quiet) as made:
        yield made


def run(world: World, instance: dg.DagsterInstance) -> tuple[dg.AssetCheckEvaluation, dict[str, object]]:
    result = dg.materialize([crosswalk_asset(world.root, world.study)], instance=instance)
    assert result.success
    [check], [event] = result.get_asset_check_evaluations(), result.get_asset_materialization_events()
    metadata = {name: value.value for name, value in event.materialization.metadata.items()}
    assert (check.asset_key, check.check_name, check.blocking) == (KEY, CHECK, False)
    return check, metadata


def test_a_dispute_fails_the_check_in_words_and_stops_nobody(world: World, instance: dg.DagsterInstance) -> None:
    disputed(world)
    check, metadata = run(world, instance)
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert "linked to the permanent codes of two persons (1)" in str(check.description)
    assert metadata["identifiers_merged"] == 0
    kept = b"".join(path.read_bytes() for path in (world.path / "dagster").rglob("*") if path.is_file())
    assert not any(code.encode() in kept for code in (ANNA, BORIS, "00123456"))


def test_what_agrees_is_green_and_counts_are_there_to_plot(world: World, instance: dg.DagsterInstance) -> None:
    world.land("dvv", persons=[f"{ANNA};2020"])
    world.land("migri", customers=[f"00123456;{ANNA};"], permits=["00123456;2016"])
    check, metadata = run(world, instance)
    assert check.passed
    assert metadata["links_number_of_person"] == 1
    assert metadata["identifiers_merged"] == 1
    assert metadata["share_linked_migri"] == 1.0


def test_a_study_without_any_delivery_has_nothing_to_resolve(world: World, instance: dg.DagsterInstance) -> None:
    check, metadata = run(world, instance)
    assert check.passed
    assert (world.root.landing / "reference" / "person_keys" / "current.parquet").exists()
    assert metadata["identifiers_merged"] == 0
