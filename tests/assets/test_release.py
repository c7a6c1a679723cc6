from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets.release import release_assets
from polku.disclosure import Policy, protect_release
from polku.disclosure.protection.release import ProtectedRelease
from polku.layout import DataRoot
from polku.publication import read_release
from polku.research.release_ledger import release_ledger
from polku.research.snapshot import take_snapshot
from tests.expectations.small_marts import build_warehouse, two_month_study

MART = "state_share_by_month"
DECLARED = {
    MART: {
        "config": {
            "meta": {
                "release": {
                    "dimensions": ["month", "state_code"],
                    "count": "persons",
                    "measures": ["share"],
                    "additive": ["state_code"],
                }
            }
        }
    }
}
CELLS = """
    create or replace table {mart} as select date '2020-01-01' as month, * from
    (values ('employed', 40, 0.4), ('unemployed', 3, 0.03), ('in_service', 20, 0.2), ('other', 37, 0.37))
    as t (state_code, persons, share)
"""


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    root = DataRoot("test", tmp_path)
    build_warehouse(root, state_share_by_month=CELLS)
    take_snapshot(root)
    return root


def run(root: DataRoot) -> dg.ExecuteInProcessResult:
    study = replace(two_month_study(), release_profile="fi_study_v1", release_tables=(MART,))
    return dg.materialize(release_assets(root, study, DECLARED), raise_on_error=False)


def test_a_protected_table_is_written_and_its_gaps_are_counted(root: DataRoot) -> None:
    result = run(root)
    assert result.success
    (event,) = result.get_asset_materialization_events()
    counts = {name: value.value for name, value in event.materialization.metadata.items()}
    assert (counts["cells_ok"], counts["cells_primary"], counts["cells_secondary"]) == (2, 1, 1)
    assert sorted(read_release(root, MART)["status"]) == ["ok", "ok", "primary", "secondary"]


def unprotected(tables: dict, who: dict, policy: Policy, **masks: dict) -> ProtectedRelease:
    made = protect_release(tables, policy, **masks)
    return replace(made, tables={name: table.assign(status="ok") for name, (table, _) in tables.items()})


def test_the_gate_does_not_trust_the_protection(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.release.protect_alike", unprotected)
    result = run(root)
    assert not result.success
    assert result.get_asset_materialization_events() == []
    assert {c.check_name: c.passed for c in result.get_asset_check_evaluations()} == {
        "cells_large_enough": False,
        "cells_not_recoverable": True,
        "gaps_have_proof": False,
        "same_persons_hidden_alike": True,
        "not_recoverable_with_earlier_releases": True,
    }
    assert list(root.release.glob("*")) == []
    assert release_ledger(root).entries() == []


def reason(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_asset_materialization_events()
    return str(event.materialization.metadata["reason"].value)


def change(root: DataRoot, **persons: int) -> None:
    """Another night's marts; shares are of all persons of that night."""
    updates = [f"; update {{mart}} set persons = {n} where state_code = '{state}'" for state, n in persons.items()]
    shares = "; update {mart} set share = persons / (select sum(persons) from {mart})"
    build_warehouse(root, state_share_by_month=CELLS + "".join(updates) + shares)
    take_snapshot(root)


def test_a_night_that_few_persons_tell_from_the_last_publishes_nothing_new(root: DataRoot) -> None:
    assert reason(run(root)).startswith("Something new")
    before = read_release(root, MART)
    change(root, employed=41)
    result = run(root)
    assert result.success
    assert reason(result).startswith("Nothing new to publish; cells: 3 unchanged, 1 held")
    assert read_release(root, MART).equals(before)
    assert len(release_ledger(root).entries()) == 1


def test_what_many_have_changed_is_told_beside_figures_of_their_day(root: DataRoot) -> None:
    run(root)
    change(root, employed=60, other=38, unemployed=4)
    assert reason(run(root)).startswith("Something new")
    table = read_release(root, MART).set_index("state_code")
    assert table.loc["employed", ["persons", "status"]].tolist() == [60, "ok"]
    assert table.loc["other", ["persons", "status"]].tolist() == [37, "held_back"]
    assert len(release_ledger(root).entries()) == 2


def test_a_night_whose_figures_earlier_releases_give_away_is_held_whole(root: DataRoot) -> None:
    """One person more is in `other`, which is held back. But the gaps are as they were, and their sum is known."""
    run(root)
    before = read_release(root, MART)
    change(root, employed=60, other=38)
    result = run(root)
    assert result.success
    assert reason(result) == "Held back: new figures cannot be hidden behind known ones."
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert read_release(root, MART).equals(before)
    assert len(release_ledger(root).entries()) == 1


def test_a_withdrawn_release_still_counts(root: DataRoot) -> None:
    run(root)
    ledger = release_ledger(root)
    ledger.withdraw(ledger.entries()[0].release, "a mistake")
    change(root, employed=60, other=38)
    assert reason(run(root)).startswith("Held back")


def test_a_lost_ledger_stops_the_release(root: DataRoot) -> None:
    run(root)
    published = root.published / "2026-01-01-abc"
    published.mkdir(parents=True)
    (published / "manifest.json").write_text(json.dumps({"ledger": list(release_ledger(root).head())}))
    assert run(root).success
    shutil.rmtree(root.release_ledger)
    assert not run(root).success


@pytest.fixture
def built(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    """The same with its build on record, as of a clean commit whatever the state of this checkout."""
    root.built.mkdir(parents=True)
    (root.built / "state.json").write_text('{"code": "first"}')
    monkeypatch.setattr("assets.release.code_version", lambda: "commit")
    return root


def test_a_night_in_which_nothing_has_changed_is_not_decided_again(built: DataRoot) -> None:
    run(built)
    before = read_release(built, MART)
    result = run(built)
    assert reason(result).startswith("Nothing that the release is made of has changed since")
    assert len(result.get_asset_check_evaluations()) == 5
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert read_release(built, MART).equals(before)


def test_a_night_after_a_closed_gate_is_decided_again(built: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as closed:
        closed.setattr("assets.release.protect_alike", unprotected)
        assert not run(built).success
        assert not run(built).success
    assert reason(run(built)).startswith("Something new")


def test_a_new_build_and_a_withdrawal_are_decided_about(built: DataRoot) -> None:
    run(built)
    (built.built / "state.json").write_text('{"code": "second"}')
    assert reason(run(built)).startswith("Nothing new to publish")
    ledger = release_ledger(built)
    ledger.withdraw(ledger.entries()[0].release, "a mistake")
    assert not reason(run(built)).startswith("Nothing that the release is made of")
    assert reason(run(built)).startswith("Nothing that the release is made of")
