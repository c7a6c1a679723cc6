"""Nightly releases of two linked tables of an invented register that changes (`benchmarks/nights.py`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.nights import TABLES, Night, Register, released_nights
from benchmarks.releases import few_told_apart, measured
from polku.disclosure import ReleaseSpec, load_policy, protect
from polku.disclosure.ledger.night import Plan, plan
from polku.disclosure.ledger.release_ledger import Draft, ReleaseLedger
from polku.disclosure.ledger.sketch import Sketches
from polku.errors import Exit, Refusal
from tests.polku.disclosure.ledger.cells import SPEC, record_keys, sketched
from tests.polku.disclosure.ledger.plain_files import PlainCells

POLICY = load_policy("fi_study_v1")
RECORDS = record_keys(200)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    register = Register(np.random.default_rng(7), 1500, arrivals=12, departures=8, corrections=9, erasures=1)
    return list(released_nights(tmp_path_factory.mktemp("nights") / "ledger", 30, register, POLICY))


def test_no_cell_shows_two_figures_that_few_persons_tell_apart(nights: list[Night]) -> None:
    assert few_told_apart(nights, POLICY.threshold, ledger=True) == 0
    assert few_told_apart(nights, POLICY.threshold, ledger=False) > 100


def test_thirty_nights_give_no_hidden_figure_away(nights: list[Night]) -> None:
    """Arrivals, departures, corrections and erasures over two linked tables; no night had to be held back whole."""
    found = measured(nights, POLICY)
    assert (found.releases, found.recovered, found.held_whole) == (30, 0, 0)


def test_cells_do_change_in_time_and_the_share_held_back_is_told(nights: list[Night]) -> None:
    found = measured(nights, POLICY)
    assert found.changed > 0.05
    assert found.held + found.unchanged + found.changed == pytest.approx(1, abs=0.01)


def test_figures_bear_the_day_on_which_they_were_true(nights: list[Night]) -> None:
    by_day = {night.day: night for night in nights}
    for name in TABLES:
        states = nights[-1].outcome.tables[name].states
        for i in np.flatnonzero(~states.is_gap):
            then = by_day[states.as_of[i].item()].members[name].get(states.keys[i], frozenset())
            assert states.figures[i, 0] == len(then)


def test_a_night_without_change_publishes_nothing_new_and_says_why(tmp_path: Path) -> None:
    still = Register(np.random.default_rng(3), 800, arrivals=0, departures=0, corrections=0, erasures=0)
    first, second, third = (night.outcome for night in released_nights(tmp_path / "ledger", 3, still, POLICY))
    assert (first.is_new, second.is_new, third.is_new) == (True, False, False)
    cells = sum(len(one.states) for one in third.tables.values())
    assert third.counts() == {"new": 0, "unchanged": cells, "held": 0, "changed": 0, "not_observed": 0}
    assert third.reason() == f"Nothing new to publish; cells: {cells} unchanged."
    assert len(ReleaseLedger(tmp_path / "ledger", PlainCells()).entries()) == 1


# -------------------------------------------------------------------------------------------------- one table by hand
def planned(ledger: ReleaseLedger, cells: dict[str, set[int]], spec: ReleaseSpec = SPEC) -> Plan:
    rows = [(area, len(persons)) for area, persons in cells.items()]
    table = pd.DataFrame(rows, columns=["area", "persons"])
    return plan({"areas": (table, spec)}, {"areas": sketched(cells, RECORDS)}, ledger, POLICY)


def release(ledger: ReleaseLedger, cells: dict[str, set[int]], day: int) -> pd.DataFrame:
    made = planned(ledger, cells)
    protected = protect(*made.tables["areas"], POLICY, made.forced("areas"))
    outcome = made.conclude({"areas": protected}, date(2026, 3, day))
    draft = Draft(f"r{day}", date(2026, 3, day), {}, "p", None, outcome.tables, {"areas": ("area",)}, {})
    ledger.append(draft, made.head)
    return outcome.tables["areas"].table


def test_a_cell_that_the_mart_left_out_and_that_returns_is_compared_with_what_was_public(tmp_path: Path) -> None:
    """Everybody of `c` went home and came back, and one more with them: `c` is held back at what it was."""
    ledger = ReleaseLedger(tmp_path, PlainCells())
    everybody = {"a": set(range(50)), "b": set(range(50, 90)), "c": set(range(90, 130))}
    release(ledger, everybody, 1)
    release(ledger, {code: everybody[code] for code in "ab"}, 2)
    table = release(ledger, everybody | {"c": set(range(90, 131))}, 3).set_index("area")
    assert table.loc["c", ["persons", "status"]].tolist() == [40, "held_back"]
    assert table.loc["c", "figure_as_of"] == date(2026, 3, 1)


def test_a_list_of_members_that_lacks_some_closes_the_gate(tmp_path: Path) -> None:
    table = pd.DataFrame({"area": ["a"], "persons": [31]})
    with pytest.raises(Refusal) as refused:
        plan(
            {"areas": (table, SPEC)},
            {"areas": sketched({"a": set(range(30))}, RECORDS)},
            ReleaseLedger(tmp_path, PlainCells()),
            POLICY,
        )
    assert refused.value.exit is Exit.GATE_CLOSED
    assert "31" not in str(refused.value)


def test_a_table_without_members_is_compared_by_its_counts(tmp_path: Path) -> None:
    spec = replace(SPEC, members=None, base="observed", base_by=("area",), additive=())
    table = pd.DataFrame({"area": ["a", "b"], "persons": [31, None], "observed": [40, None]})
    made = plan({"areas": (table, spec)}, {}, ReleaseLedger(tmp_path, PlainCells()), POLICY)
    present = made.decisions["areas"].present
    assert present.counted_only
    assert present.members.persons.tolist() == [31, 0]
    assert present.complements.persons.tolist() == [9, 0]
    assert present.is_observed.tolist() == [True, False]


def test_sketches_of_no_cells_are_of_nobody() -> None:
    assert Sketches.empty(0).at(np.array([-1, -1])).persons.tolist() == [0, 0]
