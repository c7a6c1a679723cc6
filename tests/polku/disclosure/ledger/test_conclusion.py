from __future__ import annotations

import numpy as np
import pandas as pd

from polku.disclosure import Status
from polku.disclosure.ledger.conclusion import FIGURE_AS_OF, conclude
from polku.disclosure.ledger.decision import Verdict, decide
from polku.disclosure.ledger.states import States
from tests.polku.disclosure.ledger.cells import DAY, SPEC, present, record_keys

RECORDS = record_keys(100)
LATER = np.datetime64("2026-03-02")
FIRST = {"a": set(range(30)), "b": set(range(30, 70)), "c": set(range(70, 100))}


def protected(rows: list[tuple[str, int | None, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["area", "persons", "status"])
    return table.astype({"persons": "Int64"})


def first_release() -> States:
    rows = [("a", 30, "ok"), ("b", 40, "ok"), ("c", None, "secondary")]
    return conclude(protected(rows), SPEC, decide(present(FIRST, RECORDS), [], 5), 1, DAY).states


def test_a_first_release_is_of_its_day() -> None:
    rows = [("a", 30, "ok"), ("b", None, "primary"), ("z", None, "primary")]
    concluded = conclude(protected(rows), SPEC, decide(present(FIRST, RECORDS), [], 5), 1, DAY)
    assert concluded.begins.all()
    assert concluded.table[FIGURE_AS_OF].tolist() == [DAY.item(), None, None]
    assert concluded.table["persons"].tolist() == [30, pd.NA, pd.NA]
    assert concluded.table["persons"].dtype == "Int64"
    assert concluded.states.members.persons.tolist() == [30, 40, 0]


def test_old_figures_stand_with_their_day_whether_held_or_unchanged() -> None:
    """One person went from a to b: both are held back. Nothing has changed in c, and it stays a gap."""
    now = FIRST | {"a": FIRST["a"] - {0}, "b": FIRST["b"] | {0}}
    decision = decide(present(now, RECORDS), [first_release()], 5)
    rows = [("a", None, "secondary"), ("b", None, "secondary"), ("c", None, "secondary")]
    concluded = conclude(protected(rows), SPEC, decision, 2, LATER)
    assert [Verdict(v) for v in concluded.verdict] == [Verdict.HELD, Verdict.HELD, Verdict.UNCHANGED]
    assert concluded.table["persons"].tolist() == [30, 40, pd.NA]
    assert concluded.table["status"].tolist() == ["held_back", "held_back", "secondary"]
    assert concluded.table[FIGURE_AS_OF].tolist() == [DAY.item(), DAY.item(), None]
    assert concluded.states.since.tolist() == [1, 1, 1]
    assert not concluded.begins.any()


def test_an_unchanged_figure_bears_the_same_mark_as_one_held_back() -> None:
    """Who came to c is told by no mark: a and b, of whose persons nothing has changed, look the same."""
    spec = SPEC.__class__("areas", ("area",), "persons", members="m")
    now = FIRST | {"c": FIRST["c"] - {70}}
    states = conclude(
        protected([("a", 30, "ok"), ("b", 40, "ok"), ("c", 30, "ok")]),
        spec,
        decide(present(FIRST, RECORDS, spec), [], 5),
        1,
        DAY,
    ).states
    decision = decide(present(now, RECORDS, spec), [states], 5)
    concluded = conclude(
        protected([("a", 30, "ok"), ("b", 40, "ok"), ("c", None, "secondary")]), spec, decision, 2, LATER
    )
    assert [Verdict(v) for v in concluded.verdict] == [Verdict.UNCHANGED, Verdict.UNCHANGED, Verdict.HELD]
    assert set(concluded.table["status"]) == {"held_back"}
    assert set(concluded.table[FIGURE_AS_OF]) == {DAY.item()}


def test_a_figure_that_enough_have_changed_is_new() -> None:
    now = FIRST | {"a": FIRST["a"] | set(range(30, 40)), "b": set(range(40, 70))}
    decision = decide(present(now, RECORDS), [first_release()], 5)
    rows = [("a", 40, "ok"), ("b", 30, "ok"), ("c", None, "secondary")]
    concluded = conclude(protected(rows), SPEC, decision, 2, LATER)
    assert concluded.table["persons"].tolist() == [40, 30, pd.NA]
    assert concluded.table["status"].tolist() == ["ok", "ok", "secondary"]
    assert concluded.states.since.tolist() == [2, 2, 1]


def test_what_has_become_unobserved_shows_nothing_and_a_zero_that_cannot_be_otherwise_stays_one() -> None:
    cells = FIRST | {"b": set()}
    states = conclude(
        protected([("a", 30, "ok"), ("b", 0, Status.STRUCTURAL_ZERO), ("c", 30, "ok")]),
        SPEC,
        decide(present(cells, RECORDS), [], 5),
        1,
        DAY,
    ).states
    now = present(cells, RECORDS)
    now.is_observed[0] = False
    rows = [("a", None, "not_observed"), ("b", 0, "structural_zero"), ("c", 30, "ok")]
    concluded = conclude(protected(rows), SPEC, decide(now, [states], 5), 2, LATER)
    assert concluded.table["status"].tolist() == ["not_observed", "structural_zero", "held_back"]
    assert concluded.table["persons"].tolist() == [pd.NA, 0, 30]
