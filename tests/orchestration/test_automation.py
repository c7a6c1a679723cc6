from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import alert_on_failure, new_deliveries
from polku.layout import DataRoot
from tests.polku.parties import Parties

PLANTED = "010199-950M"


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    parties = Parties(tmp_path)
    parties.write("persons", "persons.csv", ["hetu;syntymapaiva;kieli;nimi", f"{PLANTED};01.01.1999;fi;x"])
    return parties


def tick(parties: Parties) -> dg.RunRequest | dg.SkipReason:
    result = new_deliveries(parties.root, parties.study)(dg.build_sensor_context())
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def test_an_empty_inbox_starts_nothing(parties: Parties) -> None:
    skipped = tick(parties)
    assert isinstance(skipped, dg.SkipReason)


def test_half_a_delivery_starts_nothing_and_is_counted(parties: Parties) -> None:
    parties.send(parties.seal("persons"))
    skipped = tick(parties)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "Deliveries that wait for another part: 1."


def test_a_whole_delivery_starts_one_run_and_another_one_the_next(parties: Parties) -> None:
    parties.deliver("persons")
    first, again = tick(parties), tick(parties)
    assert isinstance(first, dg.RunRequest)
    assert isinstance(again, dg.RunRequest)
    assert first.run_key == again.run_key
    parties.write("persons", "persons.csv", ["hetu;syntymapaiva;kieli;nimi", f"{PLANTED};01.01.1999;sv;x"])
    parties.deliver("persons")
    later = tick(parties)
    assert isinstance(later, dg.RunRequest)
    assert later.run_key != first.run_key


def test_an_alert_names_steps_and_gates_and_quotes_nothing(tmp_path: Path) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("plausible", asset="marts")])
    def marts() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        yield dg.AssetCheckResult(passed=False, check_name="plausible")
        yield dg.MaterializeResult()

    @dg.asset(deps=[marts])
    def broken() -> None:
        raise ValueError(f"could not convert {PLANTED}")

    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        result = dg.materialize([marts, broken], instance=instance, raise_on_error=False)
        failure = next(event for event in result.all_events if event.is_run_failure)
        context = dg.build_run_status_sensor_context(
            sensor_name="alert_on_failure",
            dagster_event=failure,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        root = DataRoot("test", tmp_path)
        alert_on_failure(root)(context)
    text = (root.path / "alerts.jsonl").read_text(encoding="utf-8")
    line = json.loads(text)
    assert line["run_id"] == result.run_id
    assert (line["steps"], line["checks"]) == (["broken"], ["marts:plausible"])
    assert PLANTED not in text
