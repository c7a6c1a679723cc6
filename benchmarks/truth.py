"""How much of the truth a finished night recovers: each person-month's recorded state beside the true one.

Belongs here: the comparison, and the cause of every difference. Does not belong here: reading the files (`played`), and
limits (tests/pipeline/test_twin.py). `make bench` prints it; run alone after `make nightly`:
    python benchmarks/truth.py
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.played import Played, month_number, plain
from polku.layout import CHECKOUT, DataRoot
from polku.research import storage
from polku.research.clusters import MOST_IDENTIFIERS
from polku.research.coverage import months_before
from polku.studies import load_study
from polku.twin import activity as a
from polku.twin.chance import Bools, Floats, Ints, in_month
from polku.twin.earnings import monthly_wages, self_employed
from polku.twin.making import BLOCK
from polku.twin.registers.kela import DECISION_MONTHS
from polku.twin.registers.tulorekisteri import WAGES_FROM
from polku.twin.registers.ura import SERVICES_CODED
from polku.twin.world import World, blocks

ENDS = {"not_arrived": "out_of_study"}
"""The platform's name of a true state, where it is another one."""

CAUSES = {
    "not_covered": "no register that could tell of the month covers it",
    "not_received": "no delivery speaks of the month",
    "immature": "figures of the month are not final yet",
    "annual_wages": "wages are known by year alone and spread over its months",
    "annual_wages_below": "wages of the last months are not final by month, and the year's are below twelve minima",
    "service_without_code": "job seekers in services had no code of their own before 2012",
    "last_day_of_studies": "the day on which a study right ends, here the month's last, has its final state",
    "studies_interrupted": "studies that are interrupted for a time are not counted as studying",
    "student_of_autumn": "the census counts students of 20 September, here for the whole term or from one to the next",
    "self_employed": "the self-employed earn no wages, and URA did not know the person yet",
    "below_minimum": "wages of the month stay below the study's minimum, and URA did not know the person yet",
    "report_without_code": "the payer reported wages under another identifier than the identity code",
    "code_never_linked": "the register has the person under a temporary or second code, and nobody said whose it is",
    "in_dispute": "the person has more identifiers than the platform believes one can have, and they are kept apart",
    "chained_pay_periods": "pay periods a month apart or less are chained over a gap without work",
    "priority": "a state of higher rank is recorded of the same month",
}
UNEXPLAINED = "unexplained"

Months = pd.DataFrame


def main() -> None:
    """Print shares of person-months and causes of differences; stops with a message when one is unexplained."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/truth.py --study espoo_skills_centre")
    parser.add_argument("--study", default="espoo_skills_centre")
    args = parser.parse_args()
    months = compared(Played(DataRoot.of(args.study), load_study(args.study)))
    print(report(months))
    if (months.cause == UNEXPLAINED).any():
        sys.exit("a difference between the marts and the truth has no listed cause")


def report(months: Months) -> str:
    """The shares and the causes as a table; the last line says how many differences are unexplained."""
    observed = months[months.status == "observed"]
    lines = [
        f"{len(months):,} person-months, state equals the truth in {share(months):.2%}; "
        f"of {len(observed):,} observed ones in {share(observed):.2%}"
    ]
    for cause, count in months.cause[months.cause != ""].value_counts().items():
        if cause != UNEXPLAINED:
            lines.append(f"  {count:>9,} {count / len(months):7.3%}  {cause}: {CAUSES[str(cause)]}")
    lines.append(f"  {(months.cause == UNEXPLAINED).sum():>9,} unexplained")
    return "\n".join(lines)


def share(months: Months) -> float:
    """Share of the person-months whose state is the true one."""
    return float((months.state == months.true).mean())


def compared(played: Played) -> Months:
    """The cohort's person-months: person_no, month_index, state, evidence, status, bits, true, and the cause of a
    difference ('' where there is none)."""
    columns = ["person_key", "month_index", "state", "evidence", "status", "bits"]
    query = "select person_key, month_index, state_code, evidence_code, status_code, state_bits from person_month"
    with storage.connect(played.root) as con:
        storage.attach(con, played.root, played.root.marts, "marts_db", read_only=True)
        con.execute("use marts_db.marts")
        months = con.execute(query).df().set_axis(columns, axis=1)
    months["person_no"] = months.person_key.map(played.person_no)
    names = {letter: ENDS.get(state, state) for letter, state in played.facts["states"].items()}
    letters = np.array([list(person["states"]) for person in played.people])
    first = month_number(played.facts["months"][0])
    months["true"] = pd.Series(letters[months.person_no, months.month_index - first]).map(names).to_numpy()
    months["cause"] = ""
    wrong = months[months.state != months.true]
    facts = played.facts
    for world in blocks(played.study, facts["persons"], facts["seed"], BLOCK):
        inside = wrong.person_no.between(world.first_person, world.first_person + len(world.people) - 1)
        part = wrong[inside]
        months.loc[part.index, "cause"] = _causes(played, world, part)
    return months


def _causes(played: Played, world: World, wrong: Months) -> npt.NDArray[np.object_]:
    """The first cause that applies to each difference; every one is looked up in the world or in the files."""
    person = wrong.person_no.to_numpy() - world.first_person
    t = wrong.month_index.to_numpy() - month_number(str(world.months[0]))
    state, evidence = world.activity.state[t, person], wrong.evidence.fillna("").to_numpy()
    minimum = float(played.study.employed_min_eur_per_month)
    alone = self_employed(world)
    paid = np.where(alone, 0, monthly_wages(world))
    year = world.months.astype("datetime64[Y]").astype(int)
    earned = np.add.reduceat(paid, np.flatnonzero(np.diff(year, prepend=-1)))[year[t] - year[0], person]
    began, ended = (
        world.spells.paint(days.astype(np.int64), world.activity.state.shape)[t, person]
        for days in (world.spells.started_on, world.spells.ended_on)
    )
    unseen = wrong.state.isin(("not_observed", "other")).to_numpy()
    works, by_month = (state == a.EMPLOYED) & unseen, world.months >= WAGES_FROM
    studies = np.isin(state, (a.GENERAL, a.VOCATIONAL, a.HIGHER)) & unseen
    # Job seekers and receivers of benefits are in a register in every month of the window.
    partly = unseen & ~np.isin(state, (a.UNEMPLOYED, a.IN_SERVICE, a.FAMILY_LEAVE, a.PENSION))
    applies = {
        "annual_wages": (evidence == "annual_income") & (earned >= 12 * minimum),
        "service_without_code": (state == a.IN_SERVICE) & (evidence == "ura") & (began < SERVICES_CODED.astype(int)),
        "last_day_of_studies": studies & (ended == (world.months[t] + 1).astype("datetime64[D]").astype(int) - 1),
        "studies_interrupted": studies & _in(_interrupted(played), wrong),
        "student_of_autumn": (evidence == "opiskelijat") & _in_autumn(world, wrong, t, person),
        "self_employed": works & alone[person],
        "report_without_code": works & _in(_reported_without_code(played), wrong),
        "below_minimum": works & by_month[t] & (paid[t, person] < minimum),
        "annual_wages_below": works & (world.months[t] > _final_wages(played)) & (earned < 12 * minimum),
        "code_never_linked": unseen & _unlinked(played, world, t, person),
        "in_dispute": unseen & np.isin(wrong.person_no.to_numpy(), _in_dispute(played)),
        **{code: partly & (wrong.status.to_numpy() == code) for code in ("not_covered", "not_received", "immature")},
        "chained_pay_periods": np.isin(evidence, ("tulorekisteri", "earnings")) & _chained(paid, t, person),
        "priority": (wrong.bits.to_numpy() & _bits(wrong.true)) > 0,
    }
    causes: npt.NDArray[np.object_] = np.select(list(applies.values()), list(applies), UNEXPLAINED).astype(object)
    return causes


def _bits(states: pd.Series) -> Ints:
    with (CHECKOUT / "dbt_project" / "seeds" / "states.csv").open(encoding="utf-8", newline="") as file:
        bit = {row["state_code"]: int(row["state_bit"]) for row in csv.DictReader(file)}
    return states.map(bit).to_numpy()


def _in(cells: set[tuple[int, int]], wrong: Months) -> Bools:
    """Whether (person, month) is one of the cells."""
    pairs = zip(wrong.person_no.tolist(), wrong.month_index.tolist(), strict=True)
    return np.fromiter((pair in cells for pair in pairs), dtype=bool, count=len(wrong))


def _final_wages(played: Played) -> np.datetime64:
    """The last month whose wages by month are final in the last extract."""
    contract = played.study.contracts["tulorekisteri"]
    made_on = played.extracts("tulorekisteri")[-1].made_on
    final = months_before(made_on, contract.maturity_months) + timedelta(days=1)
    return np.datetime64(final, "M") - 1


def _interrupted(played: Played) -> set[tuple[int, int]]:
    """Person and month on whose last day a study right was interrupted."""
    number = {person["hetu"]: int(person["person_no"]) for person in played.people}
    cells = set()
    for row in played.valid("koski", "study_periods").values():
        if row["tila"] == "valiaikaisestikeskeytynyt":
            last = row["loppu"] if row["loppu"][:1].isdigit() else str(played.study.window_until)
            # A period that ends on a month's last day covers it; else that month is not among those covered.
            until = np.datetime64(last, "D") + 1
            for month in np.arange(np.datetime64(row["alku"][:7]), until.astype("datetime64[M]")):
                cells.add((number[plain(row["hetu"])], month_number(str(month))))
    return cells


def _in_autumn(world: World, wrong: Months, t: Ints, person: Ints) -> Bools:
    """Whether the recorded state was the true one on the census day of the school year."""
    recorded = wrong.state.map({state: number for number, state in enumerate(a.STATES)}).fillna(-1).to_numpy()
    august = t - (t + month_number(str(world.months[0])) - 7) % 12
    # Who studies on 20 September does so at the end of August or, where that began later, at the end of September.
    ends = [world.activity.state[np.clip(august + months, 0, len(world.months) - 1), person] for months in (0, 1)]
    studied: Bools = np.any([end == recorded for end in ends], axis=0)
    return studied


def _reported_without_code(played: Played) -> set[tuple[int, int]]:
    """Person and month of wage reports that do not name the person; the twin numbers reports by person."""
    cells = set()
    for row in played.valid("tulorekisteri", "wage_reports").values():
        if row["incomeEarnerIdType"] != "2":
            paid = row["paymentStartDate"]
            cells.add((int(row["repId"][1:]) // 1000, month_number(paid)))
    return cells


def _unlinked(played: Played, world: World, t: Ints, person: Ints) -> Bools:
    """Whether the register that tells of the state has the person under a code that is linked to no other."""
    spells, people = world.spells, world.people
    index = spells.paint(np.arange(len(spells)) + 1, world.activity.state.shape)[t, person] - 1
    order = (t - spells.first[index]) // DECISION_MONTHS
    decided = in_month(world.months[spells.first[index] + DECISION_MONTHS * order], 0)
    on = np.where(order > 0, decided, spells.started_on[index])
    unlinked = np.zeros(len(t), dtype=bool)
    for register, states, days in (
        ("ura", (a.EMPLOYED, a.UNEMPLOYED, a.IN_SERVICE), spells.started_on[index]),
        ("kela", (a.FAMILY_LEAVE, a.PENSION), on),
    ):
        rows = played.valid(register, "identity_changes").values()
        linked = {plain(row["valiaikainen_tunnus"]) for row in rows}
        code = people.code_on(person, days)
        temporary = (code == people.temporary_code[person]) & ~np.isin(code, list(linked))
        second = (code == people.second_code[person]) & ~people.merged[person]
        unlinked |= np.isin(spells.value[index], states) & (code != "") & (temporary | second)
    return unlinked & (index >= 0)


def _in_dispute(played: Played) -> list[int]:
    """Persons of whom the registers' tables of identifiers name too many; temporary codes are each register's own."""
    number, temporary = {}, {person["temporary_hetu"] for person in played.people}
    for person in played.people:
        for kind in ("hetu", "temporary_hetu", "former_hetu", "second_hetu"):
            number[person[kind]] = int(person["person_no"])
    number.pop("")
    found = defaultdict(set)
    for register, name in played.tables():
        table = played.table(register, name)
        if table.edge is None:
            continue
        one, other = table.column(table.edge.one), table.column(table.edge.other)
        for row in played.valid(register, name).values():
            codes = [(column, plain(row[column.source])) for column in (one, other)]
            person = next((number[code] for _, code in codes if code in number), None)
            for column, code in codes if person is not None else ():
                scope = register if code in temporary else str(column.domain)
                found[person].add((scope, code))
    return [person for person, identifiers in found.items() if len(identifiers) > MOST_IDENTIFIERS]


def _chained(paid: Floats, t: Ints, person: Ints) -> Bools:
    """Whether the person earned nothing in the month, and something in the one before and the one after."""
    before, after = np.maximum(t - 1, 0), np.minimum(t + 1, len(paid) - 1)
    chained: Bools = (paid[t, person] == 0) & (paid[before, person] > 0) & (paid[after, person] > 0)
    return chained


if __name__ == "__main__":
    main()
