"""What registers of residence, reception and education say of the world agrees with the world."""

from __future__ import annotations

import numpy as np
import pytest

from polku.twin import activity as a
from polku.twin.education import DEGREE_FORMS, education
from polku.twin.people import GROUNDS
from polku.twin.registers import dvv, koski, migri, opiskelijat, tutkinnot, vastaanotto
from polku.twin.registers.frame import Frame, Frames
from polku.twin.residence_cases import first_cases, naturalised_on
from polku.twin.world import World

PROTECTION = GROUNDS.index("protection")


@pytest.fixture(scope="module")
def residence(world: World) -> Frames:
    return migri.record(world)


def standing(decisions: Frame) -> dict[str, int]:
    """By case: the row of the last decision of the highest level."""
    of = decisions.columns
    order = np.lexsort((of["DCSN_MEASURE_CONFIRMATION_DAY"], of["DCSN_LEVEL"].astype(str)))
    return {of["CASE_ID"][row]: int(row) for row in order}


def test_the_standing_decision_of_a_case_is_the_permit_that_was_valid(residence: Frames) -> None:
    of, rows = residence["decisions"].columns, standing(residence["decisions"])
    permits = residence["permits"].columns
    known = permits["CASE_ID"] != ""
    cases = [rows[case] for case in permits["CASE_ID"][known]]
    assert known.sum() > 500
    assert (~known).any(), "permits of the time before the register"
    np.testing.assert_array_equal(of["VALIDITY_END_DATE"][cases], permits["VALIDITY_END_DATE"][known])
    starts, registered = of["VALIDITY_START_DATE"][cases], of["DCSN_MEASURE_CONFIRMATION_DAY"][cases]
    begins = np.where(np.isnat(starts), registered, starts)
    np.testing.assert_array_equal(begins, permits["VALIDITY_START_DATE"][known])
    assert len(rows) < len(residence["decisions"])


def test_refusals_come_before_the_court_and_only_of_asylum_seekers(world: World, residence: Frames) -> None:
    decisions = residence["decisions"]
    refused = decisions.rows(decisions.columns["DCSN_TYPE_ID"] == migri.NEGATIVE)
    assert len(refused) > 3
    assert (world.people.ground[refused.person] == PROTECTION).all()
    rows = standing(decisions)
    final = [rows[case] for case in refused.columns["CASE_ID"]]
    assert set(decisions.columns["DCSN_LEVEL"][final]) == {"2"}
    day = "DCSN_MEASURE_CONFIRMATION_DAY"
    assert (refused.columns[day] < decisions.columns[day][final]).all()


def test_every_case_is_applied_for_before_it_is_decided_by_the_same_person(residence: Frames) -> None:
    of = residence["applications"].columns
    assert len(set(of["CASE_ID"])) == len(of["CASE_ID"])
    applied = dict(zip(of["CASE_ID"], zip(of["CUSTOMER_ID"], of["initiation_month"], strict=True), strict=True))
    decisions = residence["decisions"].columns
    for case, number, day in zip(
        decisions["CASE_ID"], decisions["CUSTOMER_ID"], decisions["DCSN_MEASURE_CONFIRMATION_DAY"], strict=True
    ):
        assert applied[case][0] == number
        assert applied[case][1] <= day


def test_only_those_who_wait_for_protection_are_in_reception_until_their_first_home(world: World) -> None:
    lodgings, allowances = vastaanotto.record(world).values()
    person, day = lodgings.person, lodgings.columns["LODGING_DAY"]
    cases = first_cases(world)
    assert len(np.unique(person)) > 20
    assert (world.people.ground[person] == PROTECTION).all()
    assert not cases.is_quota[person].any()
    assert ((day >= cases.applied_on[person]) & (day < world.people.arrived_on[person])).all()
    assert (day + 1 == (day + 1).astype("datetime64[M]").astype("datetime64[D]")).all()
    months = np.stack([person, day.astype("datetime64[M]").astype(int)], axis=1)
    assert len(np.unique(months, axis=0)) == len(months)
    asylum = cases.in_reception & ~cases.is_temporary
    assert (cases.granted_on[asylum] == world.people.arrived_on[asylum]).all()
    assert set(allowances.person) < set(person)


def test_citizens_of_the_population_register_are_those_of_the_immigration_service(
    world: World, residence: Frames
) -> None:
    persons, moves = dvv.record(world)["persons"], dvv.record(world)["moves"]
    citizen = ~np.isnat(naturalised_on(world))
    np.testing.assert_array_equal(persons.columns["kansa1"] == dvv.FINLAND, citizen)
    assert set(residence["citizenships"].person) <= set(np.flatnonzero(citizen))
    arrival = moves.columns["muuttolaji"] == "41"
    first = np.unique(moves.person[arrival], return_index=True)[1]
    on_arrival = moves.columns["kansa1_m"][arrival][first]
    np.testing.assert_array_equal(on_arrival, world.people.country[moves.person[arrival][first]])


def test_students_of_the_census_studied_for_a_degree_that_day(world: World) -> None:
    students = opiskelijat.record(world)["students"]
    year = students.columns["vuosi"]
    assert (year.min(), year.max()) == (2009, 2019)
    september = (year - 2009) * 12 + 8
    by_school = {"15": a.GENERAL, "21": a.VOCATIONAL, "24": a.VOCATIONAL, "41": a.HIGHER, "42": a.HIGHER}
    told = np.array([by_school[school] for school in students.columns["opty"].tolist()])
    # The state of the month's end may follow a change in its last days: that of the month before is it then.
    now, before = (world.activity.state[september - late, students.person] for late in (0, 1))
    assert ((now == told) | (before == told)).all()
    assert (now == told).mean() > 0.95


def test_a_degree_is_in_koski_and_in_the_degree_register(world: World) -> None:
    degrees, rights = tutkinnot.record(world)["degrees"], koski.record(world)["study_rights"]
    finnish = ~degrees.columns["ulkom"]
    months = set(zip(degrees.person[finnish], degrees.columns["saika"][finnish].astype("datetime64[M]"), strict=True))
    of = rights.columns
    whole = np.isin(of["suorituksen_tyyppi"], ("lukionoppimaara", "ammatillinentutkinto", "korkeakoulututkinto"))
    own = of["sis_opiskeluoikeuteen_oid"] == ""
    completed = whole & own & (of["viimeisin_tila"] == "valmistunut") & ~np.isnat(of["vahvistus_paiva"])
    of_koski = set(zip(rights.person[completed], of["vahvistus_paiva"][completed].astype("datetime64[M]"), strict=True))
    assert len(of_koski) > 10
    assert of_koski < months, "the degree register has those of the time before Koski too"
    assert degrees.columns["ulkom"].any()


def test_bought_training_is_part_of_a_right_of_the_same_person(world: World) -> None:
    rights = koski.record(world)["study_rights"]
    of = rights.columns
    owner = dict(zip(of["opiskeluoikeus_oid"], rights.person, strict=True))
    part = of["sis_opiskeluoikeuteen_oid"] != ""
    assert part.any()
    assert [owner[oid] for oid in of["sis_opiskeluoikeuteen_oid"][part]] == rights.person[part].tolist()


def test_education_that_aims_at_a_degree_is_the_share_it_is_meant_to_be(world: World) -> None:
    studies = education(world)
    assert set(studies.form[studies.aims_at_degree]) == set(DEGREE_FORMS)
    assert (studies.graduated | ~studies.confirmed).all()
    assert (~np.isnat(studies.completed_on)).sum() == (studies.confirmed & studies.aims_at_degree).sum()
