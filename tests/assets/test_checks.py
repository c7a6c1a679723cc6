from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg

from assets.checks import check_result, check_spec
from expectations import Verdict, judge_landing
from polku.layout import DataRoot
from polku.research.landing import Staged
from tests.expectations.conftest import root, staged

__all__ = ["root", "staged"]  # fixtures

PLANTED = "010199-999X"
KEY = dg.AssetKey("spells")


def test_a_closed_gate_stops_the_run_and_keeps_no_value(
    root: DataRoot, staged: Callable[..., Staged], tmp_path: Path
) -> None:
    delivery = staged(office_code=f"if(row_no = 5, '{PLANTED}', office_code)")
    reached = []

    @dg.asset(key=KEY, check_specs=[check_spec("free_of_identifiers", KEY, "No identifier.")], output_required=False)
    def spells() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        verdict = judge_landing(root, delivery)["spells"][1]
        yield check_result(verdict, KEY)
        if verdict.passed:
            yield dg.MaterializeResult()

    @dg.asset(deps=[KEY])
    def downstream() -> None:
        reached.append("downstream")

    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        result = dg.materialize([spells, downstream], instance=instance, raise_on_error=False)
        (check,) = result.get_asset_check_evaluations()
    assert not result.success
    assert not check.passed
    assert str(check.description).startswith("ura.spells.office_code: no text looks like")
    assert result.get_asset_materialization_events() == []
    assert reached == []
    kept = [file for file in home.rglob("*") if file.is_file()]
    assert any(b"ura.spells.office_code" in file.read_bytes() for file in kept)
    assert not any(PLANTED.encode() in file.read_bytes() for file in kept)


def test_a_gate_that_could_not_judge_has_failed() -> None:
    result = check_result(Verdict("plausible", 2, ("a rule could not be judged",), could_judge=False), KEY)
    assert not result.passed
    assert result.description == "a rule could not be judged."
    assert result.metadata["could_judge"] == dg.MetadataValue.bool(False)
