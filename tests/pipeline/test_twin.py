"""The synthetic twin through the whole path: what comes out is compared with what is true of its persons."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.played import Played, Row, day, plain, warehouse
from benchmarks.truth import CAUSES, UNEXPLAINED, compared, report, share
from polku.research import landed
from polku.studies import Study, load_study
from polku.twin.earnings import monthly_wages, self_employed
from polku.twin.world import make_world

pytestmark = pytest.mark.pipeline

STUDY = "espoo_skills_centre"
ESPOO = "049"
COMPLETE_FROM = 2020
"""Koski is complete from 2020: before it a month without evidence is not observed, and shares are of others."""

EMPLOYED_WITHIN, SEEKING_WITHIN = 0.08, 0.06
"""How far a month's count may be from the true one, as a share of it; `benchmarks.truth` says why it is."""

ENDS = ("out_of_study", "dead", "emigrated")
INFERRED = {"annual_income", "no_event"}
"""Evidence that is a guess about the month; everything else was recorded of the month itself."""


@dataclass(frozen=True)
class Twin(Played):
    """A finished study beside its truth."""

    platform: Any

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """Numbers of the persons of each study group."""
        found = defaultdict(list)
        for key, group in self.platform.query("select person_key, group_code from cohort"):
            found[group].append(self.person_no[key])
        return found

    @cached_property
    def months(self) -> pd.DataFrame:
        """The study's person-months with the true state beside the recorded one, and why they differ."""
        months = compared(self)
        return months.assign(year=months.month_index // 12)


@pytest.fixture(scope="module")
def twin(finished: Callable[[str], Any]) -> Twin:
    platform = finished(STUDY)
    return Twin(platform.root, load_study(STUDY), platform)


# -------------------------------------------------------------------------------------------- rows and persons
def test_rows_in_quarantine_are_exactly_the_faulty_ones(twin: Twin) -> None:
    found = {
        (register, table): (
            len(twin.refused_by_authority(register, table)),
            len(twin.refused_by_platform(register, table)),
        )
        for register, table in twin.tables()
    }
    assert found == {
        (register, table): (truth["quarantined_by_authority"], truth["quarantined_by_platform"])
        for register, tables in twin.facts["files"].items()
        for table, truth in tables.items()
    }
    assert sum(by_authority for by_authority, _ in found.values()) > 0
    assert sum(by_platform for _, by_platform in found.values()) > 0


def test_the_authoritys_report_counts_what_stayed_to_the_row(twin: Twin) -> None:
    for register, tables in twin.facts["files"].items():
        for delivery, number in twin.deliveries(register).items():
            path = twin.root.authority(register) / "sealed" / f"{delivery}.report.json"
            reported = {table["file"]: table for table in json.loads(path.read_text(encoding="utf-8"))["tables"]}
            for name, truth in tables.items():
                table, file = reported[twin.table(register, name).file], truth["deliveries"][number - 1]
                assert table["rows"] == file["rows"], (delivery, name)
                assert table["rows"] - table["rows_kept"] == file["quarantined_by_authority"], (delivery, name)


def test_every_register_has_delivered_as_often_as_it_could(twin: Twin) -> None:
    deliveries = {register: list(twin.deliveries(register)) for register in twin.study.contracts}
    assert {len(names) for names in deliveries.values()} == {1, 3}
    assert deliveries["koto_aj"] == ["koto_aj-20251116-0001"]


def test_every_other_row_has_landed(twin: Twin) -> None:
    for register, tables in twin.facts["files"].items():
        totals = landed.totals(twin.root, register)
        for table, truth in tables.items():
            refused = truth["quarantined_by_authority"] + truth["quarantined_by_platform"]
            assert totals[table]["rows"] == truth["rows"] - refused, (register, table)


def test_everybody_in_the_population_register_is_one_person(twin: Twin) -> None:
    """Also persons whose identity codes differ in the separator alone, and those written in odd ways."""
    assert sorted(twin.person_no.values()) == list(range(len(twin.people)))


def persons_by_code(twin: Twin, *registers: str) -> dict[str, int]:
    """Number of the person by permanent code, and by every other code that one of the registers says was replaced."""
    number = {person["hetu"]: int(person["person_no"]) for person in twin.people}
    for register in ("dvv", *registers):
        for row in twin.valid(register, "identity_changes").values():
            former = row.get("vanha_hetu") or row["valiaikainen_tunnus"]
            number[plain(former)] = number[plain(row["hetu"])]
    return number


def linkable_clients(twin: Twin) -> set[int]:
    """Clients of whom the Skills Centre has an identity code that leads to the permanent one."""
    number = persons_by_code(twin, "osaamiskeskus")
    codes = {plain(row["hetu"]) for row in twin.valid("osaamiskeskus", "clients").values()}
    return {number[code] for code in codes & number.keys()}


def test_clients_are_all_who_can_be_linked(twin: Twin) -> None:
    linkable = linkable_clients(twin)
    assert sorted(twin.groups["client"]) == sorted(linkable)
    others = {int(p["person_no"]) for p in twin.people if p["group_code"] == "client"} - linkable
    codes = {plain(row["hetu"]) for row in twin.valid("osaamiskeskus", "clients").values()}
    temporary = {number for number in others if twin.people[number]["temporary_hetu"] in codes - {""}}
    twice = {number for number in others if twin.people[number]["second_hetu"] in codes - {""}}
    truth = twin.facts["files"]["osaamiskeskus"]["clients"]
    assert len(temporary) <= truth["persons_under_temporary_code"]
    assert 0 < len(others - temporary - twice) <= truth["mistakes"]["missing_identity_code"]


def test_rows_under_former_temporary_and_client_numbers_are_the_persons(twin: Twin) -> None:
    """Every landed row of every register that anybody could link has the key of its true person."""
    by_code = {register: persons_by_code(twin, register) for register in ("kela", "ura", "osaamiskeskus")}
    by_number = {p["migri_number"]: int(p["person_no"]) for p in twin.people}
    met = Counter[str]()
    for register, table in (
        ("kela", "payments"),
        ("ura", "employment_spells"),
        ("osaamiskeskus", "clients"),
        ("migri", "permits"),
    ):
        rows, source = twin.rows(register, table), twin.source_rows(register, table)
        query = f"select delivery_id, row_no, person_key from warehouse.landing.{register}__{table}"
        with warehouse(twin.root) as con:
            landed = con.execute(query).fetchall()
        for delivery, row_no, key in landed:
            row = rows[source[delivery, row_no]]
            identifier = plain(row["hetu"]) if "hetu" in row else row["CUSTOMER_ID"]
            number = by_code[register].get(identifier) if "hetu" in row else by_number[identifier]
            if number is None or number not in twin.person_no.values():
                continue
            person = twin.people[number]
            kind = next(
                (
                    k
                    for k in ("temporary_hetu", "former_hetu", "second_hetu", "migri_number")
                    if person[k] == identifier
                ),
                "hetu",
            )
            right = twin.person_no.get(key) == number
            met[f"{kind} {'right' if right else 'apart'}"] += 1
            # Apart only where the Immigration Service has no code of the person, or two persons' for a number.
            assert right or kind == "migri_number", (register, table, row_no)
            assert right or key not in twin.person_no
    assert min(met[f"{kind} right"] for kind in ("hetu", "temporary_hetu", "former_hetu", "migri_number")) > 0
    assert 0 < met["migri_number apart"] < 0.05 * met["migri_number right"]


def test_never_clients_are_all_others_who_lived_in_espoo_at_the_studys_ages(twin: Twin) -> None:
    moves, formats = defaultdict(list), twin.study.contracts["dvv"].file_format.date_formats
    for row in twin.valid("dvv", "moves").values():
        # On one day an arrival comes before a move and a move before a departure.
        order = {"41": 1, "42": 3}.get(row["muuttolaji"], 2)
        target = "" if row["muuttolaji"] == "42" else row["tkunta"].zfill(3)
        moves[plain(row["hetu"])].append((day(row["muuttopv"], formats), order, target))
    expected = {
        int(person["person_no"])
        for person in twin.people
        if lived_in_espoo_of_age(person, sorted(moves[person["hetu"]]), twin.study)
    }
    never_clients = twin.groups["never_client"]
    assert sorted(never_clients) == sorted(expected - linkable_clients(twin))
    assert set(never_clients).isdisjoint(twin.groups["client"])


def lived_in_espoo_of_age(person: Row, moves: list[tuple[date, int, str]], study: Study) -> bool:
    """In some month of the window, by its last day; the twin's persons all have a foreign mother tongue."""
    born, died = date.fromisoformat(person["born_on"]), person["died_on"]
    for month in pd.date_range(study.window_from, study.window_until, freq="ME"):
        last_day = month.date()
        age = (last_day.year * 12 + last_day.month - born.year * 12 - born.month) // 12
        here = [target for on, _, target in moves if on <= last_day]
        alive = not died or last_day < date.fromisoformat(died)
        if here and here[-1] == ESPOO and alive and (study.min_age_years or 0) <= age <= (study.max_age_years or 0):
            return True
    return False


# ------------------------------------------------------------------------------------------------------ states
def test_nobody_is_counted_before_arrival_after_death_or_abroad(twin: Twin) -> None:
    for end in ENDS:
        assert (twin.months.true == end).any()
        assert twin.months[(twin.months.true == end) != (twin.months.state == end)].empty
    outcomes = twin.platform.query("select person_key, min(month) from person_outcome group by person_key")
    for key, first_month in outcomes:
        assert first_month >= date.fromisoformat(twin.people[twin.person_no[key]]["arrived_on"]).replace(day=1)


def test_every_difference_from_the_truth_has_a_cause(twin: Twin) -> None:
    assert twin.months[twin.months.cause == UNEXPLAINED].empty
    assert set(twin.months.cause) - {"", *CAUSES} == set()
    assert share(twin.months) > 0.93
    assert share(twin.months[twin.months.status == "observed"]) > 0.98
    assert report(twin.months).endswith(" 0 unexplained")


def test_what_a_register_recorded_of_a_month_is_true(twin: Twin) -> None:
    wrong = twin.months[(twin.months.state != twin.months.true) & (twin.months.year >= COMPLETE_FROM)]
    assert set(wrong[wrong.cause != "chained_pay_periods"].evidence.dropna()) <= INFERRED
    assert len(wrong) < 0.03 * (twin.months.year >= COMPLETE_FROM).sum()


@pytest.mark.parametrize(
    ("state", "within"),
    [("employed", EMPLOYED_WITHIN), ("unemployed", SEEKING_WITHIN), ("in_service", SEEKING_WITHIN)],
)
def test_monthly_counts_are_near_the_true_ones(twin: Twin, state: str, within: float) -> None:
    months = twin.months[twin.months.year >= COMPLETE_FROM]
    true = months[months.true == state].groupby("month_index").size()
    found = dict(
        twin.platform.query(
            "select year(month) * 12 + month(month) - 1, persons from state_share_by_month"
            f" where state_code = '{state}' and year(month) >= {COMPLETE_FROM}"
        )
    )
    assert list(found)
    assert set(found) == set(true.index)
    assert {index: n for index, n in found.items() if abs(n - true[index]) > within * true[index]} == {}


def test_shares_of_every_observed_month_sum_to_one(twin: Twin) -> None:
    sums = twin.platform.query(
        "select year(month), sum(share), sum(weighted_share), count(*) from state_share_by_month"
        " group by month having sum(share) is not null"
    )
    assert len([year for year, *_ in sums if year >= COMPLETE_FROM]) == 60
    for _, total, weighted, states in sums:
        assert abs(total - 1) <= Decimal("0.00000001") * states
        assert weighted == total


# ---------------------------------------------------------------------------------------------------- benefits
def test_benefits_by_group_and_year_are_to_the_cent_what_kela_paid(twin: Twin) -> None:
    """Every valid row has a person, if only under a temporary code; a row that came twice was paid once."""
    groups = {code.code: code.group for code in twin.study.contracts["kela"].codes["etuus"]}
    paid = {}
    for row in twin.valid("kela", "payments").values():
        month = row["kohdekk"] if "-" in row["kohdekk"] else "-".join(reversed(row["kohdekk"].split("/")))
        amount = Decimal(row["bruttomaara"].replace("\u00a0", "").replace(",", "."))
        paid[plain(row["hetu"]), row["etuus"], row["maty"], row["majno"], row["matodpv"], month] = amount
    expected = Counter[tuple[str | None, int]]()
    for (_, benefit, *_, month), amount in paid.items():
        expected[groups[benefit], int(month[:4])] += amount  # type: ignore[assignment]
    with warehouse(twin.root) as con:
        found = con.execute(
            "select benefit_group_code, year(benefit_month), sum(amount_eur)"
            " from warehouse.intermediate.int_union_benefit_months where register = 'kela' group by all"
        ).fetchall()
    assert {(group, year): amount for group, year, amount in found} == dict(expected)


# ------------------------------------------------------------------------------------------------------- wages
def test_wages_of_every_person_and_month_are_to_the_cent_the_true_ones(twin: Twin) -> None:
    """But for reports on which the payer knew the earner by another identifier: these have no person."""
    world = make_world(twin.study, twin.facts["persons"], twin.facts["seed"])
    cents = np.rint(monthly_wages(world) * 100).astype(np.int64) * ~self_employed(world)
    cents[world.months < np.datetime64("2019-01")] = 0
    true = Counter(
        tuple((str(world.months[t]), int(cents[t, p])) for t in np.flatnonzero(cents[:, p]))
        for p in range(cents.shape[1])
    )
    del true[()]
    by_person = defaultdict(list)
    with warehouse(twin.root) as con:
        for person, month, wages in con.execute(
            "select person_key, earning_month, wages_eur from warehouse.intermediate.int_union_earnings"
            " where wages_eur <> 0 order by person_key, earning_month"
        ).fetchall():
            by_person[person].append((str(month)[:7], int(wages * 100)))
    found = Counter(map(tuple, by_person.values()))
    reports = twin.valid("tulorekisteri", "wage_reports").values()
    nameless = {row["repId"] for row in reports if row["hetu"] in ("", "NULL")}
    assert (true - found).total() <= len(nameless) < 0.3 * true.total()
    assert (found - true).total() <= (true - found).total()


# --------------------------------------------------------------------------------------------------- published
def test_everything_published_says_that_it_is_test_data(twin: Twin) -> None:
    folder = twin.root.published / "current"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["test"] is True
    assert set(manifest["tables"]) == set(twin.study.release_tables)
    for name, table in manifest["tables"].items():
        assert "test data" in table["columns"]["test_data"]
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            marks = [row["test_data"] for row in csv.DictReader(file)]
        assert set(marks) == {"True"}
        parquet = pd.read_parquet(folder / f"{name}.parquet")
        assert len(parquet) == len(marks)
        assert parquet["test_data"].all()
