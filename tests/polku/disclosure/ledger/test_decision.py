from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.disclosure import Status
from polku.disclosure.ledger.decision import Decision, Present, Verdict, decide
from polku.disclosure.ledger.sketch import Sketches
from polku.disclosure.ledger.states import NO_DAY, States
from tests.polku.disclosure.ledger.cells import DAY, present, record_keys

T = 5
PERSONS = 60
RECORDS = record_keys(PERSONS)
EVERYBODY = frozenset(range(PERSONS))


def public(of: Present, no: int, hidden: tuple[int, ...] = ()) -> States:
    """The states of a release that publishes all but the cells at these places."""
    status = np.array([Status.SECONDARY if i in hidden else Status.OK for i in range(len(of.keys))], dtype=object)
    gap = status == Status.SECONDARY
    return States(
        of.columns,
        of.keys,
        np.where(gap[:, None], np.nan, of.figures),
        status,
        np.where(gap, NO_DAY, DAY),
        np.full(len(of.keys), no),
        of.members,
        of.complements,
    )


def two(a: set[int] | frozenset[int]) -> Present:
    """A line of two cells: these persons and all others."""
    return present({"a": a, "b": EVERYBODY - a}, RECORDS)


def verdict(decision: Decision) -> list[Verdict]:
    return [Verdict(v) for v in decision.verdict]


FIRST = set(range(20))


def test_a_cell_that_was_never_public_is_free() -> None:
    decision = decide(two(FIRST), [], T)
    assert verdict(decision) == [Verdict.NEW, Verdict.NEW]
    assert not decision.forced.any()
    assert not decision.kept.any()


def test_the_same_persons_keep_their_gap_and_their_figure() -> None:
    decision = decide(two(FIRST), [public(two(FIRST), 1, hidden=(0,))], T)
    assert verdict(decision) == [Verdict.UNCHANGED, Verdict.UNCHANGED]
    assert decision.forced.tolist() == [True, False]
    assert decision.kept.tolist() == [False, True]


@pytest.mark.parametrize("moved", range(1, T))
def test_fewer_than_the_threshold_hold_both_cells_back(moved: int) -> None:
    decision = decide(two(FIRST | set(range(30, 30 + moved))), [public(two(FIRST), 1)], T)
    assert verdict(decision) == [Verdict.HELD, Verdict.HELD]
    assert decision.forced.all()
    assert decision.latest.figures[:, 0].tolist() == [20, 40]


def test_as_many_as_the_threshold_let_both_change() -> None:
    decision = decide(two(FIRST | set(range(30, 30 + T))), [public(two(FIRST), 1)], T)
    assert verdict(decision) == [Verdict.CHANGED, Verdict.CHANGED]
    assert not decision.forced.any()


def test_flows_count_and_not_differences() -> None:
    decision = decide(two(FIRST - {0} | {30}), [public(two(FIRST), 1)], T)
    assert verdict(decision) == [Verdict.HELD, Verdict.HELD]


def test_who_enters_the_complement_alone_holds_the_cell_back_too() -> None:
    """Its share would tell of the one who came."""
    before = present({"a": FIRST, "b": set(range(20, 59))}, RECORDS)
    assert verdict(decide(two(FIRST), [public(before, 1)], T)) == [Verdict.HELD, Verdict.HELD]


def test_one_person_between_the_first_and_the_third_release_is_found() -> None:
    """Ten came, then these ten and one more left: enough each time, but the first and the third differ by one."""
    first, second, third = FIRST, FIRST | set(range(30, 40)), FIRST - {0}
    history = [public(two(first), 1), public(two(second), 2)]
    assert verdict(decide(two(third), history[1:], T)) == [Verdict.CHANGED, Verdict.CHANGED]
    decision = decide(two(third), history, T)
    assert verdict(decision) == [Verdict.HELD, Verdict.HELD]
    assert decision.latest.since.tolist() == [2, 2]


def test_a_gap_stays_one_when_its_persons_come_back() -> None:
    history = [public(two(FIRST), 1, hidden=(0, 1)), public(two(FIRST | set(range(30, 40))), 2)]
    decision = decide(two(FIRST), history, T)
    assert verdict(decision) == [Verdict.CHANGED, Verdict.CHANGED]
    assert decision.forced.tolist() == [True, True]


def test_a_public_figure_stays_so_when_its_persons_come_back() -> None:
    history = [public(two(FIRST), 1), public(two(FIRST | set(range(30, 40))), 2)]
    decision = decide(two(FIRST), history, T)
    assert decision.kept.tolist() == [True, True]
    assert not decision.forced.any()


def test_what_was_not_observed_was_not_public() -> None:
    states = public(two(set()), 1)
    states.status[:] = Status.NOT_OBSERVED
    assert verdict(decide(two(FIRST), [states], T)) == [Verdict.NEW, Verdict.NEW]


def test_what_is_not_observed_any_more_has_no_state_to_stand() -> None:
    now = two(FIRST)
    now.is_observed[0] = False
    decision = decide(now, [public(two(FIRST), 1)], T)
    assert verdict(decision) == [Verdict.NOT_OBSERVED, Verdict.UNCHANGED]


def estimates(counts: list[int], figures: list[float]) -> Present:
    keys = np.array([f"[{i}]" for i in range(len(counts))], dtype=object)
    table = np.column_stack([np.array(counts, float), np.array(figures, float)])
    members = Sketches.of_counts(np.array(counts))
    observed = np.ones(len(keys), bool)
    return Present(("n", "x"), keys, table, observed, members, Sketches.empty(len(keys)), counted_only=True)


def test_an_estimate_may_change_unless_its_count_gives_few_away() -> None:
    before = public(estimates([20, 20, 20, 20, 20], [1.0, 1.0, 1.0, 1.0, 1.0]), 1, hidden=(4,))
    decision = decide(estimates([20, 20, 22, 26, 20], [1.0, 2.0, 2.0, 2.0, 2.0]), [before], T)
    assert verdict(decision) == [
        Verdict.UNCHANGED, Verdict.CHANGED, Verdict.HELD, Verdict.CHANGED, Verdict.UNCHANGED,
    ]  # fmt: skip
    assert decision.kept.tolist() == [True, True, False, False, False]
    assert decision.forced.tolist() == [False, False, True, False, True]


STEPS = st.lists(st.sets(st.integers(0, PERSONS - 1), max_size=40), min_size=2, max_size=6)


@settings(max_examples=40)
@given(STEPS, st.sampled_from([2, 3, 5, 10]), st.data())
def test_no_two_public_figures_of_a_cell_differ_by_few_persons(
    nights: list[set[int]], threshold: int, data: st.DataObject
) -> None:
    """Against the true members of every release, whatever the protection hides besides."""
    history: list[States] = []
    shown: list[list[tuple[frozenset[int], bool]]] = [[], []]
    for no, persons in enumerate(nights, 1):
        now = two(persons)
        decision = decide(now, history, threshold)
        by_chance = data.draw(st.sets(st.integers(0, 1)))
        hidden = tuple(i for i in (0, 1) if decision.forced[i] or (i in by_chance and not decision.kept[i]))
        begins = ~decision.stands
        history.append(public(now, no, hidden).at(begins))
        for i, members in enumerate((frozenset(persons), EVERYBODY - persons)):
            if begins[i]:
                shown[i].append((members, i in hidden))
    for states in shown:
        for later, (members, hidden) in enumerate(states):
            before = states[:later]
            assert not any(0 < len(members ^ other) < threshold for other, _ in before)
            same = [was_hidden for other, was_hidden in before if other == members]
            assert hidden or not same or not all(same), "a gap of the same persons became public"
