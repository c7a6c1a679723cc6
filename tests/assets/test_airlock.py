from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from assets.airlock import outputs_asset
from polku.errors import Exit
from tests.polku.research.outputs_world import SEX_BY_GROUND, check_output, describe, make_world, table


def test_the_queue_is_counted_and_a_broken_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    root = make_world(tmp_path, SEX_BY_GROUND)
    assert dg.materialize([outputs_asset(root)]).success, "nobody has asked for anything yet"
    file = table(tmp_path, SEX_BY_GROUND)
    assert check_output(file, "--describe", describe(tmp_path)) == Exit.GATE_CLOSED
    zeros = 'structural_zeros = [{sex_code = "2", residence_ground_code = "study"}]'
    assert check_output(file, "--describe", describe(tmp_path, zeros)) == Exit.OK
    (event,) = dg.materialize([outputs_asset(root)]).get_asset_materialization_events()
    counts = {name: value.value for name, value in event.materialization.metadata.items() if name != "outputs"}
    assert counts == {"waiting": 1, "approved": 0, "refused": 1, "released": 0}
    chain = root.airlock / "chain.jsonl"
    chain.write_bytes(chain.read_bytes().replace(b"Aino", b"Anna"))
    assert not dg.materialize([outputs_asset(root)], raise_on_error=False).success
