from __future__ import annotations

from pathlib import Path

import dagster as dg

from assets.snapshot import snapshot_asset
from polku.layout import DataRoot
from polku.research.snapshot import read_mart
from tests.expectations.small_marts import MARTS, build_warehouse, two_month_study


def run(root: DataRoot) -> dg.ExecuteInProcessResult:
    return dg.materialize([snapshot_asset(root, two_month_study(), [])], raise_on_error=False)


def test_plausible_marts_become_the_snapshot(tmp_path: Path) -> None:
    root = DataRoot("test", tmp_path)
    build_warehouse(root)
    result = run(root)
    assert result.success
    (event,) = result.get_asset_materialization_events()
    rows = {name: value.value for name, value in event.materialization.metadata.items() if name.startswith("rows_")}
    assert rows.keys() == {f"rows_{mart}" for mart in MARTS}
    assert rows["rows_person_month"] == 4
    assert len(read_mart(root, "person_month")) == 4


def test_implausible_marts_leave_yesterdays_snapshot(tmp_path: Path) -> None:
    root = DataRoot("test", tmp_path)
    build_warehouse(root)
    assert run(root).success
    yesterday = root.marts.read_bytes()
    build_warehouse(root, person_month="delete from {mart} where person_key = 1")
    result = run(root)
    assert not result.success
    assert result.get_asset_materialization_events() == []
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("plausible", False)
    assert root.marts.read_bytes() == yesterday
