"""What registers of services and plans say agrees with the world and with each other, before mistakes are put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from polku.twin import activity as a
from polku.twin.integration import last_day, municipal_clients, services
from polku.twin.registers import ely_keha, koto_aj, koto_crm, kotokoulutus, kuntakokeilu, neuvonta, ura
from polku.twin.registers.frame import Frame
from polku.twin.registers.ura_services import OPEN_END
from polku.twin.services import COACHING, INTEGRATION, LITERACY, PRACTICE, SKILLS_CENTRE, TRAINING
from polku.twin.world import World


def months_of(world: World, frame: Frame, start: str, end: str) -> set[tuple[int, int]]:
    """Person and month of every month's last day that a row covers."""
    begins, ends = frame.columns[start], frame.columns[end]
    until = np.where(np.isnat(ends) | (ends == OPEN_END), last_day(world), ends)
    days = (world.months + 1).astype("datetime64[D]") - 1
    row, month = np.nonzero((begins[:, None] <= days) & (days <= until[:, None]))
    return set(zip(frame.person[row].tolist(), month.tolist(), strict=True))


def test_services_outside_the_skills_centre_are_the_months_of_service_outside_it(world: World) -> None:
    spells, kind = services(world)
    painted = spells.paint(np.ones(len(spells), dtype=bool), world.activity.state.shape)
    expected = (world.activity.state == a.IN_SERVICE) & (world.activity.service != SKILLS_CENTRE)
    np.testing.assert_array_equal(painted, expected)
    assert set(kind.tolist()) == {PRACTICE, COACHING, TRAINING, INTEGRATION, LITERACY}


def test_ura_and_the_ely_centre_together_know_every_month_of_service(world: World) -> None:
    tables = ura.record(world)
    supported = tables["placements"].columns["sijkds"]
    practice = tables["placements"].rows(np.isin(supported, ("70", "71")))
    told = months_of(world, practice, "alkpv2", "loppv2")
    told |= months_of(world, tables["work_trials"], "alkpv4", "loppv4")
    told |= months_of(world, tables["trainings"], "alpvm", "papvm")
    told |= months_of(world, ely_keha.record(world)["participations"], "alkupv", "loppupv")
    month, person = np.nonzero((world.activity.state == a.IN_SERVICE) & (world.activity.service != SKILLS_CENTRE))
    missing = set(zip(person.tolist(), month.tolist(), strict=True)) - told
    without_code = {p for p, _ in missing}
    assert without_code <= set(np.flatnonzero(world.people.temporary_until > last_day(world)).tolist())


def test_work_practice_is_a_placement_before_2013_and_a_trial_after(world: World) -> None:
    tables = ura.record(world)
    practice = np.isin(tables["placements"].columns["sijkds"], ("70", "71"))
    assert (tables["placements"].columns["alkpv2"][practice] < np.datetime64("2013-01-01")).all()
    assert (tables["work_trials"].columns["alkpv4"] >= np.datetime64("2013-01-01")).all()


def test_every_plan_of_the_world_is_in_ura_under_both_codings(world: World) -> None:
    tables = ura.record(world)
    planned = set(np.flatnonzero(world.activity.plan >= 0).tolist())
    plans, signed = tables["plans"], tables["signed_plans"]
    integration = plans.rows(plans.columns["kotsk"] == "01")
    assert set(integration.person.tolist()) == planned
    assert set(signed.person[signed.columns["toimsuunlaji"] == "04"].tolist()) <= planned
    first = {p: d for p, d in zip(integration.person[::-1], integration.columns["thspv"][::-1], strict=True)}
    month = {p: world.months[world.activity.plan[p]] for p in planned}
    assert all(first[p].astype("datetime64[M]") == month[p] for p in planned)


def test_clients_of_the_trial_are_its_job_seekers_in_espoo(world: World) -> None:
    spells = kuntakokeilu.record(world)["client_spells"]
    assert spells.columns["siirtopv"].min() == np.datetime64("2021-03-01")
    assert (spells.columns["siirtopv"] <= spells.columns["paattymispv"]).all()
    seeking = np.isin(world.activity.state, (a.UNEMPLOYED, a.IN_SERVICE)) & (world.residence.place == world.study_area)
    month, person = np.nonzero(seeking & (world.months >= np.datetime64("2021-03"))[:, None])
    expected = set(zip(person.tolist(), month.tolist(), strict=True))
    without_code = set(np.flatnonzero(world.people.temporary_until > last_day(world)).tolist())
    told = months_of(world, spells, "siirtopv", "paattymispv")
    assert {pair for pair in expected if pair[0] not in without_code} <= told


def test_the_archive_holds_nobody_whose_relationship_ended_four_years_ago(world: World) -> None:
    clients, kept = municipal_clients(world), koto_crm.record(world)["clients"]
    ended = kept.columns["asiakkuus_paattyi"]
    assert (np.isnat(ended) | (ended >= np.datetime64("2021-01-01"))).all()
    assert 0 < len(kept) < len(clients.person)
    for table in ("plans", "appointments", "consents"):
        numbers = set(koto_crm.record(world)[table].columns["asiakasnro"])
        assert numbers <= set(kept.columns["asiakasnro"])


def test_appointments_lie_within_the_relationship_and_some_after_a_withdrawn_permission(world: World) -> None:
    tables = koto_crm.record(world)
    clients = tables["clients"].columns
    begins = dict(zip(clients["asiakasnro"], clients["asiakkuus_alkoi"], strict=True))
    period = dict(zip(clients["asiakasnro"], clients["kotoutumisaika_paattyi"], strict=True))
    held = tables["appointments"].columns
    numbers, days = held["asiakasnro"], held["tapaamispv"]
    assert all(day >= begins[number] for number, day in zip(numbers, days, strict=True))
    consents = tables["consents"].columns
    permitted = set(consents["asiakasnro"][consents["suostumuksen_laji"] == "after_integration"])
    late = {number for number, day in zip(numbers, days, strict=True) if day > period[number]}
    assert late
    assert late <= permitted


def test_migrated_clients_are_those_of_the_archive_whose_relationship_goes_on(world: World) -> None:
    archive, migrated = koto_crm.record(world)["clients"], koto_aj.record(world)["clients"]
    ongoing = np.isnat(archive.columns["asiakkuus_paattyi"])
    np.testing.assert_array_equal(archive.person[ongoing], migrated.person)
    assert not set(archive.columns["asiakasnro"]) & set(migrated.columns["asiakasnro"])


def test_a_plan_of_the_municipality_and_ura_is_of_the_same_day(world: World) -> None:
    ura_plans = ura.record(world)["plans"]
    days = set(zip(ura_plans.person.tolist(), ura_plans.columns["thspv"].tolist(), strict=True))
    clients = municipal_clients(world)
    shared = (world.activity.plan[clients.person] >= 0) & ~np.isnat(clients.plan_on)
    assert shared.any()
    assert all((p, d) in days for p, d in zip(clients.person[shared], clients.plan_on[shared].tolist(), strict=True))


def test_attended_training_is_training_that_was_bought(world: World) -> None:
    attended = kotokoulutus.record(world)["attendances"]
    training = attended.rows(np.isin(attended.columns["palvelu"], ("integration", "literacy")))
    bought = ely_keha.record(world)["participations"]
    assert set(training.person.tolist()) - set(bought.person.tolist()) <= set(
        np.flatnonzero(world.people.temporary_until > last_day(world)).tolist()
    )
    keys = np.stack([attended.person, np.unique(attended.columns["palvelu"].astype(str), return_inverse=True)[1],
                     attended.columns["kuukausi"].astype(int)])  # fmt: skip
    assert len(np.unique(keys, axis=1).T) == len(attended)


def test_the_information_service_names_nobody_and_opens_its_doors_in_january(world: World) -> None:
    contacts = neuvonta.record(world)["contacts"]
    assert set(contacts.columns) == {"yhteydenottonro", "paiva", "kanava", "kieli", "aihe"}
    visits = contacts.columns["kanava"] == "visit"
    assert contacts.columns["paiva"][visits].min() >= np.datetime64("2021-01-11")
    assert contacts.columns["paiva"].max() <= np.datetime64("2021-08-31")


@pytest.mark.parametrize(
    ("register", "table", "number"),
    [
        (koto_crm, "clients", "asiakasnro"),
        (koto_aj, "clients", "asiakasnro"),
        (kotokoulutus, "participants", "asiakasnro"),
        (neuvonta, "contacts", "yhteydenottonro"),
    ],
)
def test_numbers_of_another_block_of_persons_are_others(world: World, register, table: str, number: str) -> None:
    """A world is one block of persons of many: numbers count from its first person."""
    next_block = replace(world, first_person=len(world.people))
    first, second = (set(register.record(block)[table].columns[number]) for block in (world, next_block))
    assert len(first) == len(register.record(world)[table])
    assert not first & second
