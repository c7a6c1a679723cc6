"""The release step of a night with a rounded or noisy table beside an exact one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from assets.release import release_assets
from polku.disclosure.inexact import making
from polku.disclosure.inexact.protections import Protection
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.publication import read_release
from polku.research import storage
from polku.research.release_ledger import release_ledger
from polku.research.snapshot import take_snapshot
from tests.expectations.small_marts import build_warehouse, two_month_study

STATES, EXITS = "state_share_by_month", "exit_outcome"
COUNTS = {"employed": 240, "unemployed": 3, "in_service": 60, "other": 85, "student": 6}


def declared(**changes: Any) -> dict[str, Any]:
    states = {
        "dimensions": ["month", "state_code"],
        "count": "persons",
        "measures": ["share", "weighted_share"],
        "additive": ["state_code"],
        "members": "int_list_state_members",
        **changes,
    }
    exits = {"dimensions": ["outcome_code"], "count": "persons", "additive": ["outcome_code"], **changes}
    return {name: {"config": {"meta": {"release": meta}}} for name, meta in ((STATES, states), (EXITS, exits))}


def build(root: DataRoot, counts: dict[str, int], new: int = 0) -> None:
    """A night's warehouse; persons are numbered, and `new` are added to those employed."""
    root.warehouse.unlink(missing_ok=True)
    values = ", ".join(f"('{state}', {n + (new if state == 'employed' else 0)})" for state, n in counts.items())
    cells = f"""
        create or replace table {{mart}} as
        select date '2020-01-01' as month, state_code, persons::bigint as persons,
            persons / sum(persons) over () as share, persons / sum(persons) over () as weighted_share
        from (values {values}) as t (state_code, persons)
    """
    exits = "create or replace table {mart} as select * from (values ('a', 40), ('b', 50)) as t (outcome_code, persons)"
    build_warehouse(root, **{STATES: cells, EXITS: exits})
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create schema warehouse.intermediate")
        con.execute(f"""
            create table warehouse.intermediate.int_list_state_members as
            select month, state_code,
                100000 * row_number() over (order by state_code) + unnest(range(persons)) as person_key
            from warehouse.marts.{STATES}
        """)
        con.execute("detach warehouse")
        if not root.identities.exists():
            storage.attach(con, root, root.identities, "identities")
            con.execute("""
                create table identities.record as
                select 100000 * s + i as entity_key, hash(100000 * s + i) as record_key
                from range(1, 9) as states (s), range(2000) as persons (i)
            """)
            con.execute("detach identities")
    take_snapshot(root)


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    root = DataRoot("test", tmp_path)
    build(root, COUNTS)
    return root


def run(root: DataRoot, protection: Protection) -> dg.ExecuteInProcessResult:
    study = replace(
        two_month_study(),
        release_profile="fi_study_v1",
        release_tables=(STATES, EXITS),
        protections={STATES: protection},
    )
    return dg.materialize(release_assets(root, study, declared()), raise_on_error=False)


def told(result: dg.ExecuteInProcessResult, table: str) -> str:
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key.path[-1] == table]
    return str(event.materialization.metadata["reason"].value)


@pytest.mark.parametrize("protection", [Protection.ROUNDING, Protection.CELL_KEY])
def test_a_night_with_an_inexact_table_and_the_next_ones(root: DataRoot, protection: Protection) -> None:
    result = run(root, protection)
    assert result.success
    checks = {(c.asset_key.path[-1], c.check_name) for c in result.get_asset_check_evaluations() if c.passed}
    assert {check for table, check in checks if table == STATES} == {"inexact_as_promised"}
    assert {check for table, check in checks if table == EXITS} == {
        "cells_large_enough", "cells_not_recoverable", "gaps_have_proof", "same_persons_hidden_alike",
        "not_recoverable_with_earlier_releases",
    }  # fmt: skip
    first = read_release(root, STATES)
    shown = first.dropna(subset=["persons"]).set_index("state_code")["persons"]
    if protection is Protection.ROUNDING:
        assert set(shown[["student", "unemployed"]]) <= {0, 10}
        assert shown["employed"] == 240
    else:
        assert set(shown.index) == {"employed", "in_service", "other"}
        assert all(abs(shown[state] - COUNTS[state]) <= 5 for state in shown.index)
    assert first["weighted_share"].isna().all()
    (entry,) = release_ledger(root).entries()
    assert {name: table.protection for name, table in entry.tables.items()} == {STATES: str(protection), EXITS: None}
    assert {name: bool(table.certificates) for name, table in entry.tables.items()} == {STATES: False, EXITS: True}

    build(root, COUNTS, new=3)
    assert told(run(root, protection), STATES).startswith("Nothing new to publish")
    assert read_release(root, STATES).equals(first)

    build(root, COUNTS, new=40)
    result = run(root, protection)
    assert result.success
    assert told(result, STATES).startswith("Something new")
    later = read_release(root, STATES).set_index("state_code")["persons"]
    assert abs(later["employed"] - 280) <= (0 if protection is Protection.ROUNDING else 5)
    assert later["other"] == shown["other"], "of the same persons the same figure"


def test_the_asset_states_its_promise(root: DataRoot) -> None:
    study = replace(two_month_study(), release_tables=(STATES, EXITS), protections={STATES: Protection.ROUNDING})
    (release,) = release_assets(root, study, declared())
    said = {spec.key.path[-1]: spec.metadata for spec in release.specs}
    assert (said[STATES]["protection"], said[EXITS]["protection"]) == ("rounding", "gaps")
    assert "Counts are rounded." in str(said[STATES]["guarantee"].value)


@pytest.mark.parametrize("protection", [Protection.ROUNDING, Protection.CELL_KEY])
def test_the_gate_does_not_trust_whoever_made_the_table(
    root: DataRoot, monkeypatch: pytest.MonkeyPatch, protection: Protection
) -> None:
    """The method forgotten: exact figures, small ones among them, under the name of the protection."""

    def exact(table: pd.DataFrame, *_: object) -> pd.DataFrame:
        numbers = table.astype({"persons": "Int64", "share": "Float64", "weighted_share": "Float64"})
        return numbers.assign(status="ok", weighted_share=pd.NA).astype({"weighted_share": "Float64"})

    monkeypatch.setattr(making, "noisy", exact)
    monkeypatch.setattr(making, "rounded", lambda table, spec, policy, decision, history: (exact(table), decision))
    result = run(root, protection)
    assert not result.success
    assert result.get_asset_materialization_events() == []
    failed = {(c.asset_key.path[-1], c.check_name) for c in result.get_asset_check_evaluations() if not c.passed}
    assert failed == {(STATES, "inexact_as_promised")}
    assert release_ledger(root).entries() == []


def test_a_table_that_an_exact_one_of_its_population_gives_away_is_refused(root: DataRoot) -> None:
    study = replace(two_month_study(), release_tables=(STATES, EXITS), protections={STATES: Protection.CELL_KEY})
    with pytest.raises(Refusal, match="of one population") as refused:
        release_assets(root, study, declared(population="everybody"))
    assert refused.value.exit is Exit.STUDY_INVALID


def test_a_table_without_members_cannot_be_noisy(root: DataRoot) -> None:
    study = replace(two_month_study(), release_tables=(STATES, EXITS), protections={EXITS: Protection.CELL_KEY})
    with pytest.raises(Refusal, match="needs a table whose members are listed") as refused:
        release_assets(root, study, declared())
    assert refused.value.exit is Exit.STUDY_INVALID
