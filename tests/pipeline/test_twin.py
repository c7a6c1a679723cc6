"""The synthetic twin through the whole path: what comes out is compared with what is true of its persons.

Persons are told apart by the authorities' own lists of sealed rows, which the research platform never gets.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from polku.authority.row_map import source_rows
from polku.research import landed, storage
from polku.studies import Study, load_study
from polku.twin.earnings import monthly_wages, self_employed
from polku.twin.world import make_world
from tests.pipeline.conftest import warehouse

pytestmark = pytest.mark.pipeline

STUDY = "espoo_skills_centre"
ESPOO = "049"
COMPLETE_FROM = 2020
"""Koski is complete from 2020: before it a month without evidence is not observed, and shares are of others."""

EMPLOYED_WITHIN, SEEKING_WITHIN = 0.08, 0.06
"""How far a month's count may be from the true one, as a share of it. The registers cannot tell: work before the
first job search (URA does not know the person) when the year's wages stay below the study's minimum; the months
without work in a year whose wages reach it; job searches under a temporary code that no register says was replaced."""

ENDS = {"not_arrived": "out_of_study", "dead": "dead", "emigrated": "emigrated"}
INFERRED = {"annual_income", "no_event"}
"""Evidence that is a guess about the month; everything else was recorded of the month itself."""

Row = dict[str, str]


@dataclass(frozen=True)
class Twin:
    """A finished study, its truth, and the authorities' files as they wrote them."""

    platform: Any
    study: Study

    @cached_property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self._truth / "truth.json").read_text(encoding="utf-8"))
        return facts

    @cached_property
    def people(self) -> list[Row]:
        """One row per person, in the order of their numbers."""
        with (self._truth / "truth_person.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def _truth(self) -> Path:
        folder: Path = self.platform.root.authority("_truth")
        return folder

    def tables(self) -> Iterator[tuple[str, str]]:
        return ((c.register, t.name) for c in self.study.contracts.values() for t in c.tables)

    def extract(self, register: str, table: str) -> dict[int, Row]:
        """Rows of an extract by row number, as a spreadsheet counts."""
        contract = self.study.contracts[register]
        file = self.platform.root.authority(register) / "extract" / contract.table(table).file
        footers = contract.file_format.footers
        with file.open(encoding=contract.file_format.encoding, newline="") as lines:
            rows = enumerate(csv.DictReader(lines, delimiter=contract.file_format.delimiter), start=2)
            return {no: row for no, row in rows if not next(iter(row.values())).startswith(footers or ("\n",))}

    def source_rows(self, register: str, table: str) -> dict[int, int]:
        """Row of the extract by sealed row number."""
        [path] = (self.platform.root.authority(register) / "sealed").glob(f"*.{table}.rows.arrow")
        return dict(enumerate(source_rows(path).to_pylist(), start=1))

    def refused_by_authority(self, register: str, table: str) -> set[int]:
        """Rows of the extract that the authority kept back."""
        name = self.study.contracts[register].table(table).file
        rows = set()
        for path in (self.platform.root.authority(register) / "quarantine").glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                rows |= {int(row["row_no"]) for row in csv.DictReader(file) if row["file"] == name}
        return rows

    def refused_by_platform(self, register: str, table: str) -> set[int]:
        """Rows of the extract that the research platform put into quarantine."""
        source = self.source_rows(register, table)
        lists = sorted((self.platform.root.quarantine / register).glob("*.parquet"))
        with storage.connect(self.platform.root) as con:
            query = f"select distinct row_no from {storage.parquet(lists)} where table_name = ?"
            return {source[row_no] for (row_no,) in con.execute(query, [table]).fetchall()}

    def valid(self, register: str, table: str) -> list[Row]:
        """Rows of an extract that nobody refused."""
        refused = self.refused_by_authority(register, table) | self.refused_by_platform(register, table)
        return [row for row_no, row in self.extract(register, table).items() if row_no not in refused]

    @cached_property
    def person_no(self) -> dict[int, int]:
        """Number of the true person by person key, for everybody in the population register."""
        number = {row["hetu"]: int(row["person_no"]) for row in self.people}
        rows, source = self.extract("dvv", "persons"), self.source_rows("dvv", "persons")
        with warehouse(self.platform.root) as con:
            landed = con.execute("select row_no, person_key from warehouse.landing.dvv__persons").fetchall()
        return {key: number[plain(rows[source[row_no]]["hetu"])] for row_no, key in landed}

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """Numbers of the persons of each study group."""
        found = defaultdict(list)
        for key, group in self.platform.query("select person_key, group_code from cohort"):
            found[group].append(self.person_no[key])
        return found

    @cached_property
    def months(self) -> pd.DataFrame:
        """The study's person-months with the true state beside the recorded one."""
        query = "select person_key, month_index, state_code, evidence_code from person_month"
        months = pd.DataFrame(self.platform.query(query), columns=["person_key", "month_index", "state", "evidence"])
        year, month = map(int, self.facts["months"][0].split("-"))
        first = year * 12 + month - 1
        names = {letter: ENDS.get(state, state) for letter, state in self.facts["states"].items()}
        true = {
            key: [names[letter] for letter in self.people[number]["states"]] for key, number in self.person_no.items()
        }
        pairs = zip(months.person_key, months.month_index, strict=True)
        return months.assign(year=months.month_index // 12, true=[true[key][index - first] for key, index in pairs])


def plain(code: str) -> str:
    """An identity code without the twin's odd spellings."""
    return code.strip().upper().replace("\u2013", "-")


def day(text: str) -> date:
    return datetime.strptime(text, "%d.%m.%Y").date()


@pytest.fixture(scope="module")
def twin(finished: Callable[[str], Any]) -> Twin:
    return Twin(finished(STUDY), load_study(STUDY))


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
        [path] = (twin.platform.root.authority(register) / "sealed").glob("*.report.json")
        reported = {table["file"]: table for table in json.loads(path.read_text(encoding="utf-8"))["tables"]}
        for name, truth in tables.items():
            table = reported[twin.study.contracts[register].table(name).file]
            assert table["rows"] == truth["rows"], (register, name)
            assert table["rows"] - table["rows_kept"] == truth["quarantined_by_authority"], (register, name)


def test_every_other_row_has_landed(twin: Twin) -> None:
    for register, tables in twin.facts["files"].items():
        totals = landed.totals(twin.platform.root, register)
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
        for row in twin.valid(register, "identity_changes"):
            former = row.get("vanha_hetu") or row["valiaikainen_tunnus"]
            number[plain(former)] = number[plain(row["hetu"])]
    return number


def linkable_clients(twin: Twin) -> set[int]:
    """Clients of whom the Skills Centre has an identity code that leads to the permanent one."""
    number = persons_by_code(twin, "osaamiskeskus")
    codes = {plain(row["hetu"]) for row in twin.valid("osaamiskeskus", "clients")}
    return {number[code] for code in codes & number.keys()}


def test_clients_are_all_who_can_be_linked(twin: Twin) -> None:
    linkable = linkable_clients(twin)
    assert sorted(twin.groups["client"]) == sorted(linkable)
    others = {int(p["person_no"]) for p in twin.people if p["group_code"] == "client"} - linkable
    codes = {plain(row["hetu"]) for row in twin.valid("osaamiskeskus", "clients")}
    temporary = {number for number in others if twin.people[number]["temporary_hetu"] in codes - {""}}
    truth = twin.facts["files"]["osaamiskeskus"]["clients"]
    assert len(temporary) <= truth["persons_under_temporary_code"]
    assert 0 < len(others - temporary) <= truth["mistakes"]["missing_identity_code"]


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
        rows, source = twin.extract(register, table), twin.source_rows(register, table)
        with warehouse(twin.platform.root) as con:
            landed = con.execute(f"select row_no, person_key from warehouse.landing.{register}__{table}").fetchall()
        for row_no, key in landed:
            row = rows[source[row_no]]
            identifier = plain(row["hetu"]) if "hetu" in row else row["CUSTOMER_ID"]
            number = by_code[register].get(identifier) if "hetu" in row else by_number[identifier]
            if number is None or number not in twin.person_no.values():
                continue
            person = twin.people[number]
            kind = next(
                (k for k in ("temporary_hetu", "former_hetu", "migri_number") if person[k] == identifier), "hetu"
            )
            right = twin.person_no.get(key) == number
            met[f"{kind} {'right' if right else 'apart'}"] += 1
            # Apart only where the Immigration Service has no code of the person, or two persons' for a number.
            assert right or kind == "migri_number", (register, table, row_no)
            assert right or key not in twin.person_no
    assert min(met[f"{kind} right"] for kind in ("hetu", "temporary_hetu", "former_hetu", "migri_number")) > 0
    assert 0 < met["migri_number apart"] < 0.05 * met["migri_number right"]


def test_never_clients_are_all_others_who_lived_in_espoo_at_the_studys_ages(twin: Twin) -> None:
    moves = defaultdict(list)
    for row in twin.valid("dvv", "moves"):
        # On one day an arrival comes before a move and a move before a departure.
        order = {"41": 1, "42": 3}.get(row["muuttolaji"], 2)
        target = "" if row["muuttolaji"] == "42" else row["tkunta"].zfill(3)
        moves[plain(row["hetu"])].append((day(row["muuttopv"]), order, target))
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
    for end in ENDS.values():
        assert (twin.months.true == end).any()
        assert twin.months[(twin.months.true == end) != (twin.months.state == end)].empty
    outcomes = twin.platform.query("select person_key, min(month) from person_outcome group by person_key")
    for key, first_month in outcomes:
        assert first_month >= date.fromisoformat(twin.people[twin.person_no[key]]["arrived_on"]).replace(day=1)


def test_what_a_register_recorded_of_a_month_is_true(twin: Twin) -> None:
    wrong = twin.months[(twin.months.state != twin.months.true) & (twin.months.year >= COMPLETE_FROM)]
    assert set(wrong.evidence) == INFERRED
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
    for _, share, weighted, states in sums:
        assert abs(share - 1) <= Decimal("0.00000001") * states
        assert weighted == share


# ---------------------------------------------------------------------------------------------------- benefits
def test_benefits_by_group_and_year_are_to_the_cent_what_kela_paid(twin: Twin) -> None:
    """Every valid row has a person, if only under a temporary code; a row that came twice was paid once."""
    groups = {code.code: code.group for code in twin.study.contracts["kela"].codes["etuus"]}
    paid = {}
    for row in twin.valid("kela", "payments"):
        month = row["kohdekk"] if "-" in row["kohdekk"] else "-".join(reversed(row["kohdekk"].split("/")))
        amount = Decimal(row["bruttomaara"].replace("\u00a0", "").replace(",", "."))
        paid[plain(row["hetu"]), row["etuus"], row["maty"], row["majno"], row["matodpv"], month] = amount
    expected = Counter[tuple[str | None, int]]()
    for (_, benefit, *_, month), amount in paid.items():
        expected[groups[benefit], int(month[:4])] += amount  # type: ignore[assignment]
    with warehouse(twin.platform.root) as con:
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
    with warehouse(twin.platform.root) as con:
        for person, month, wages in con.execute(
            "select person_key, earning_month, wages_eur from warehouse.intermediate.int_union_earnings"
            " where wages_eur <> 0 order by person_key, earning_month"
        ).fetchall():
            by_person[person].append((str(month)[:7], int(wages * 100)))
    found = Counter(map(tuple, by_person.values()))
    nameless = {row["repId"] for row in twin.valid("tulorekisteri", "wage_reports") if row["hetu"] in ("", "NULL")}
    assert (true - found).total() <= len(nameless) < 0.3 * true.total()
    assert (found - true).total() <= (true - found).total()


# --------------------------------------------------------------------------------------------------- published
def test_everything_published_says_that_it_is_test_data(twin: Twin) -> None:
    folder = twin.platform.root.published / "current"
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
