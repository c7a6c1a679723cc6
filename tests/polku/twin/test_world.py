from __future__ import annotations

import numpy as np
import pytest

from polku.studies import Study
from polku.twin import activity as a
from polku.twin.residence import ABROAD, DEAD
from polku.twin.services import KINDS, SKILLS_CENTRE, months_of_entry
from polku.twin.shape import published, shape
from polku.twin.skills_centre import LEFT, NOT_KNOWN, OUTCOMES, PILOT_MONTH, Practice
from polku.twin.world import World, make_world


@pytest.fixture(scope="module")
def espoo(study: Study) -> World:
    """The world that `make nightly` uses."""
    return make_world(study, 6000, 1)


def test_shape_is_near_the_published_figures(espoo: World) -> None:
    figures = shape(espoo)
    assert set(figures) == {row["figure"] for row in published()}
    met = {row["figure"]: float(row["published"]) for row in published() if row["calibrated"] == "yes"}
    assert {name: figures[name] for name in met} == pytest.approx(met, abs=0.06)


def test_a_third_are_clients_from_the_pilot_on(espoo: World) -> None:
    entry = espoo.activity.entry
    assert espoo.activity.is_client.sum() == 2000
    assert espoo.months[entry[entry >= 0].min()] == PILOT_MONTH


def test_clients_are_residents_who_seek_work_and_stay_in_service_until_they_exit(espoo: World) -> None:
    act, clients = espoo.activity, np.flatnonzero(espoo.activity.is_client)
    entry = act.entry[clients]
    assert (espoo.residence.place[entry, clients] == espoo.study_area).all()
    assert np.isin(act.state[entry - 1, clients], (a.UNEMPLOYED, a.IN_SERVICE)).mean() > 0.85
    assert (espoo.people.origin[clients] == "22").all()
    until = np.where(act.exit[clients] < 0, len(espoo.months), act.exit[clients])
    for client, first, last in zip(clients, entry, until, strict=True):
        assert (act.state[first:last, client] == a.IN_SERVICE).all()


@pytest.mark.parametrize(("outcome", "state"), [("employed", a.EMPLOYED), ("other_education", a.GENERAL)])
def test_an_exit_leads_where_its_outcome_says(espoo: World, outcome: str, state: int) -> None:
    act = espoo.activity
    out = np.flatnonzero((act.exit >= 0) & (act.outcome == list(OUTCOMES).index(outcome)))
    assert len(out) > 100
    assert (act.state[act.exit[out], out] == state).all()


def test_who_left_espoo_during_the_service_no_longer_lives_there(espoo: World) -> None:
    act = espoo.activity
    left = np.flatnonzero((act.exit >= 0) & (act.outcome == LEFT))
    assert len(left)
    assert (espoo.residence.place[act.exit[left], left] != espoo.study_area).all()


def test_selection_clients_were_longer_unemployed_than_others_who_could_have_entered(espoo: World) -> None:
    act, t = espoo.activity, int((np.datetime64("2021-06") - espoo.months[0]).astype(int))
    seeking = np.isin(act.state[t], (a.UNEMPLOYED, a.IN_SERVICE)) & (espoo.residence.place[t] == espoo.study_area)
    unemployed = (act.state[t - 24 : t] == a.UNEMPLOYED).sum(axis=0)
    soon = seeking & (act.entry >= t) & (act.entry < t + 6)
    never = seeking & ~act.is_client
    assert unemployed[soon].mean() > unemployed[never].mean() + 1
    assert espoo.people.employability[act.is_client].mean() < espoo.people.employability[~act.is_client].mean()


@pytest.mark.parametrize("service", KINDS)
def test_true_effect_locks_in_first_and_lasts_afterwards(espoo: World, service: str) -> None:
    effect = espoo.employment_effect(service)
    # Not zero for all: who does not enter a training may have got a place in the Skills Centre before.
    assert abs(effect[0]) < 0.005
    assert effect[1:4].max() < 0
    assert effect[24:].mean() > (0.1 if service == "skills_centre" else 0.005)
    assert len(effect) == espoo.study.months_after + 1


@pytest.mark.parametrize("service", KINDS)
def test_without_a_service_nobody_s_life_differs_before_entry(espoo: World, service: str) -> None:
    without = a.simulate_activity(
        espoo.people, espoo.residence, espoo.months, espoo.study_area, espoo.seed, without=service
    )
    entry = months_of_entry(espoo.activity.service, KINDS[service])
    assert not np.isin(without.service, KINDS[service]).any()
    month = np.arange(len(espoo.months))[:, None]
    before = month < np.where(entry < 0, len(espoo.months), entry)
    same = without.state == espoo.activity.state
    if service == "skills_centre":
        assert same[before].all()
    else:
        # Places in the Skills Centre that somebody does not take go to somebody else.
        first_client = int(espoo.activity.entry[espoo.activity.is_client].min())
        assert same[:first_client][before[:first_client]].all()


def test_a_service_that_fails_half_of_its_later_entrants_gains_them_less_and_changes_nobody_before(
    espoo: World, study: Study
) -> None:
    failing = make_world(study, 6000, 1, practice=Practice(later_failures=0.5))
    act, half = failing.activity, len(espoo.months) - 37
    late = np.flatnonzero((act.exit >= 0) & (act.entry >= half) & (act.outcome != LEFT))
    failed = act.outcome[late] == NOT_KNOWN
    assert failed.mean() == pytest.approx(0.5, abs=0.08)
    assert (act.state[act.exit[late], late][failed] == a.UNEMPLOYED).all()
    same = act.state == espoo.activity.state
    assert same[:half].all()
    assert failing.employment_effect("skills_centre")[12] < espoo.employment_effect("skills_centre")[12] - 0.03


def test_services_take_those_in_a_weak_position_first_and_have_more_places_in_some_years(espoo: World) -> None:
    act, employability = espoo.activity, espoo.people.employability
    for kinds in list(KINDS.values())[1:]:
        assert employability[months_of_entry(act.service, kinds) >= 0].mean() < employability.mean() - 0.05
    year = espoo.months.astype("datetime64[Y]").astype(int) + 1970
    unemployed = (act.state == a.UNEMPLOYED)[:-1]
    enters = unemployed & (act.service[1:] > SKILLS_CENTRE)
    rate = {y: enters[year[:-1] == y].sum() / unemployed[year[:-1] == y].sum() for y in (2016, 2020)}
    assert rate[2016] > 1.4 * rate[2020]


def test_states_agree_with_residence(world: World) -> None:
    state, place = world.activity.state, world.residence.place
    np.testing.assert_array_equal(np.isin(state, a.LIVING), world.residence.present)
    np.testing.assert_array_equal(state == a.EMIGRATED, place == ABROAD)
    np.testing.assert_array_equal(state == a.DEAD_STATE, place == DEAD)
    assert ((place == DEAD)[1:] >= (place == DEAD)[:-1]).all(), "the dead stay dead"


def test_every_person_reaches_espoo_unless_nothing_is_left_of_the_window(world: World) -> None:
    settled = world.people.arrival_month < len(world.months) - 31
    assert ((world.residence.place == world.study_area).any(axis=0))[settled].all()
    assert (world.residence.place[-1][world.people.arrival_month < 0] != -1).all()


def test_moves_lead_from_place_to_place(world: World) -> None:
    moves = world.residence
    same = moves.move_person[1:] == moves.move_person[:-1]
    np.testing.assert_array_equal(moves.move_from[1:][same], moves.move_to[:-1][same])
    assert (moves.moved_on[1:] >= moves.moved_on[:-1])[same].all()
    first = np.append(True, ~same)
    assert (moves.move_kind[first] == 41).all()
    np.testing.assert_array_equal(np.unique(moves.move_person), np.arange(len(world.people)))


def test_covid_shows_in_unemployment(espoo: World) -> None:
    month = {
        text: int((np.datetime64(text) - espoo.months[0]).astype(int)) for text in ("2020-03", "2020-08", "2022-03")
    }
    state, present = espoo.activity.state, espoo.residence.present
    share = {text: (state[t] == a.EMPLOYED).sum() / present[t].sum() for text, t in month.items()}
    assert share["2020-08"] < share["2020-03"]
    assert share["2020-08"] < share["2022-03"]
