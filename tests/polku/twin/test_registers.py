"""What registers say of the world agrees with the world, before mistakes are put in."""

from __future__ import annotations

import numpy as np
import pytest

from polku.twin import activity as a
from polku.twin.benefits import PENSIONS, TAXABLE, entitlements
from polku.twin.earnings import monthly_wages
from polku.twin.registers import dvv, kela, koski, migri, osaamiskeskus, ura, vero
from polku.twin.registers.frame import Frame, with_overlaps
from polku.twin.registers.identity_changes import changed_codes
from polku.twin.world import World


def last_days(world: World) -> np.ndarray:
    return (world.months + 1).astype("datetime64[D]") - 1


def covered(world: World, frame: Frame, start: str, end: str, chosen: np.ndarray) -> np.ndarray:
    """(months, persons): whether a chosen row covers the month's last day."""
    rows = frame.rows(chosen)
    until = np.where(np.isnat(rows.columns[end]), np.datetime64("2999-01-01"), rows.columns[end])
    canvas = np.zeros((len(world.months), len(world.people)), dtype=bool)
    for t, day in enumerate(last_days(world)):
        canvas[t, rows.person[(rows.columns[start] <= day) & (until >= day)]] = True
    return canvas


def test_job_searches_cover_exactly_the_months_of_job_seeking(world: World) -> None:
    searches = ura.record(world)["job_searches"]
    seeking = covered(world, searches, "alkpv1", "loppv1", np.ones(len(searches), dtype=bool))
    np.testing.assert_array_equal(seeking, np.isin(world.activity.state, (a.UNEMPLOYED, a.IN_SERVICE)))


def test_codes_of_unemployment_and_services_are_where_the_states_are(world: World) -> None:
    spells = ura.record(world)["employment_spells"]
    closed = spells.rows(spells.columns["tppvm"] != ura.OPEN_END)
    code = closed.columns["tyok1"]
    unemployed = covered(world, closed, "tappvh", "tppvm", np.isin(code, ("02", "03")))
    assert (world.activity.state[unemployed] == a.UNEMPLOYED).all()
    in_service = covered(world, closed, "tappvh", "tppvm", code == "07")
    assert (world.activity.state[in_service] == a.IN_SERVICE).all()


def test_present_in_koski_means_in_education(world: World) -> None:
    tables = koski.record(world)
    rights, periods = tables["study_rights"].columns, tables["study_periods"]
    voided = rights["opiskeluoikeus_oid"][rights["viimeisin_tila"] == "mitatoity"]
    assert len(voided) > 0
    periods = periods.rows(~np.isin(periods.columns["opiskeluoikeus_oid"], voided))
    long = np.isnat(periods.columns["loppu"]) | (periods.columns["loppu"] > periods.columns["alku"])
    present = covered(world, periods, "alku", "loppu", (periods.columns["tila"] == "lasna") & long)
    assert present.sum() > 1000
    studying = np.isin(world.activity.state, (a.GENERAL, a.VOCATIONAL, a.HIGHER))
    assert studying[present].all()
    since_2020 = world.months >= np.datetime64("2020-01")
    told = covered(world, periods, "alku", "loppu", np.ones(len(periods), dtype=bool))
    assert (told & studying)[since_2020].sum() == studying[since_2020].sum()


def test_periods_of_a_study_right_lie_within_it(world: World) -> None:
    tables = koski.record(world)
    rights, periods = tables["study_rights"], tables["study_periods"]
    begins = dict(zip(rights.columns["opiskeluoikeus_oid"], rights.columns["alkamispaiva"], strict=True))
    assert len(begins) == len(rights)
    starts = np.array([begins[oid] for oid in periods.columns["opiskeluoikeus_oid"]])
    assert (periods.columns["alku"] >= starts).all()


def test_services_lie_within_the_client_relationship(world: World) -> None:
    tables = osaamiskeskus.record(world)
    clients, services = tables["clients"], tables["services"]
    begins = dict(zip(clients.columns["client_no"], clients.columns["start_date"], strict=True))
    starts = np.array([begins[number] for number in services.columns["client_no"]])
    assert len(begins) == len(clients)
    assert (services.columns["start"] >= starts).all()
    in_service = covered(world, services, "start", "end", (services.columns["status"] != "cancelled"))
    month = np.arange(len(world.months))[:, None]
    act = world.activity
    inside = (act.entry >= 0) & (month >= act.entry) & ((act.exit < 0) | (month < act.exit))
    assert in_service[inside].mean() > 0.95


def test_each_exit_is_of_a_client_whose_relationship_ended_then(world: World) -> None:
    tables = osaamiskeskus.record(world)
    clients, exits = tables["clients"], tables["exits"]
    ended = dict(zip(clients.columns["client_no"], clients.columns["end_date"], strict=True))
    ends = np.array([ended[number] for number in exits.columns["client_no"]])
    np.testing.assert_array_equal(ends, exits.columns["exit_date"])
    assert (~np.isnat(clients.columns["end_date"])).sum() == len(exits)


def test_deaths_and_moves_are_those_of_the_world(world: World) -> None:
    tables = dvv.record(world)
    died = ~np.isnat(tables["persons"].columns["kuolinpv"])
    np.testing.assert_array_equal(died, (world.activity.state == a.DEAD_STATE).any(axis=0))
    assert (tables["persons"].columns["hetu"] == world.people.code).all()
    kinds = set(tables["moves"].columns["muuttolaji"].tolist())
    assert kinds == {"41", "42", "43", "44"}


def test_regular_payments_are_the_entitlements(world: World) -> None:
    payments = kela.record(world)["payments"]
    regular = payments.columns["maty"] != "P"
    owed = {entitlement.code: int(entitlement.cents.sum()) for entitlement in entitlements(world)}
    for code, cents in owed.items():
        paid = payments.columns["bruttomaara"][regular & (payments.columns["etuus"] == code)]
        assert paid.sum() == cents
    assert (payments.columns["bruttomaara"][~regular] < 0).all()


def test_payment_numbers_run_by_person_and_benefit(world: World) -> None:
    payments = kela.record(world)["payments"]
    regular = payments.rows(payments.columns["maty"] != "P")
    benefit = np.unique(regular.columns["etuus"].astype(str), return_inverse=True)[1]
    keys = np.stack([regular.person, benefit, regular.columns["majno"]])
    assert len(np.unique(keys, axis=1).T) == len(regular)


def test_decisions_follow_each_other_without_a_gap(world: World) -> None:
    decisions = kela.record(world)["benefit_spells"]
    granted = np.isin(decisions.columns["ratkaisutyyppi"], ("MYÖ", "TAR"))
    housing = covered(world, decisions, "jakso_alpv", "jakso_lopv", granted & (decisions.columns["etuus"] == "YAT"))
    entitlement = next(e for e in entitlements(world) if e.code == "YAT")
    true = np.zeros_like(housing)
    true[entitlement.month, entitlement.person] = True
    np.testing.assert_array_equal(housing, true)


def test_annual_incomes_are_the_sums_of_the_months(world: World) -> None:
    incomes = vero.record(world)["annual_incomes"]
    earned = incomes.columns["palkkatulo"] + incomes.columns["yrittajatulo"]
    assert earned.sum() / 100 == pytest.approx(monthly_wages(world).sum(), rel=1e-6)
    for column, codes in (("etuustulo", TAXABLE), ("elaketulo", PENSIONS)):
        owed = sum(int(e.cents.sum()) for e in entitlements(world) if e.code in codes)
        assert incomes.columns[column].sum() == pytest.approx(owed, abs=1)
    assert len(np.unique(np.stack([incomes.person, incomes.columns["vuosi"]]), axis=1).T) == len(incomes)


def test_temporary_codes_stop_when_the_permanent_one_comes(world: World) -> None:
    spells = ura.record(world)["employment_spells"]
    temporary = spells.columns["hetu"] == world.people.temporary_code[spells.person]
    assert temporary.any()
    np.testing.assert_array_equal(temporary, spells.columns["tappvh"] < world.people.temporary_until[spells.person])


def test_a_changed_code_is_used_until_the_change_and_then_no_more(world: World) -> None:
    people, changes = world.people, changed_codes(world)
    assert len(changes) > 0
    for day, code in ((changes.columns["muutospv"] - 1, "vanha_hetu"), (changes.columns["muutospv"], "hetu")):
        later = people.temporary_until[changes.person] <= day
        settled = np.isnat(people.temporary_until[changes.person]) | later
        assert settled.any()
        np.testing.assert_array_equal(people.code_on(changes.person, day)[settled], changes.columns[code][settled])


def test_every_person_has_a_client_number_of_the_immigration_service_and_some_numbers_have_two_persons(
    world: World,
) -> None:
    customers = migri.record(world)["customers"]
    numbers = customers.columns["CUSTOMER_ID"]
    assert set(numbers) == set(world.people.migri_number)
    assert len(set(numbers)) == len(world.people)
    assert len(numbers) - len(world.people) == customers.blemishes["number_of_two_persons"] > 0


def test_overlapping_rows_cover_the_days_of_the_spell_they_replace() -> None:
    days = {
        "start": np.array(["2020-01-01", "2020-01-01"], "M8[D]"),
        "end": np.array(["2020-12-31", "2020-01-31"], "M8[D]"),
    }
    split = with_overlaps(Frame(np.array([0, 1]), days), "start", "end", 1.0, np.random.default_rng(1))
    assert split.person.tolist() == [0, 0, 1]
    assert split.columns["start"].astype(str).tolist() == ["2020-01-01", "2020-01-26", "2020-01-01"]
    assert split.columns["end"].astype(str).tolist() == ["2020-02-15", "2020-12-31", "2020-01-31"]
    assert split.blemishes == {"overlapping_spell": 1}
