"""What the registers of wages, benefits and social work say agrees with the world, before mistakes are put in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from polku.contracts import load_contracts
from polku.layout import CHECKOUT
from polku.twin import activity as a
from polku.twin.benefits import entitlements, municipal_assistance
from polku.twin.earnings import monthly_wages, self_employed
from polku.twin.registers import hyvinvointialue, kela, toimeentulotuki, tulorekisteri, vero
from polku.twin.registers.frame import Frame, Frames
from polku.twin.social_work import assistance, client_spells
from polku.twin.world import World

FROM_2019 = np.datetime64("2019-01-01")
WAGE_GROUPS = {
    entry.code: entry.group
    for entry in load_contracts(CHECKOUT / "contracts")["tulorekisteri"].codes["transactionCode"]
    if entry.group
}


@pytest.fixture(scope="module")
def incomes(world: World) -> Frames:
    return tulorekisteri.record(world)


def rows_of(frame: Frame) -> list[dict[str, object]]:
    names = list(frame.columns)
    columns = [values.tolist() for values in frame.columns.values()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def standing(incomes: Frames) -> dict[str, dict[str, object]]:
    """The last version of each report, unless it takes the report back."""
    last: dict[str, dict[str, object]] = {}
    for row in rows_of(incomes["wage_reports"]):
        known = last.get(str(row["repId"]))
        if known is None or known["reportVersion"] < row["reportVersion"]:
            last[str(row["repId"])] = row
    return {report: row for report, row in last.items() if not row["mitatoity"]}


def wages_by_code_and_month(incomes: Frames) -> dict[tuple[str, str], int]:
    """Cents by identity code and month, by the rules of the models written once more: row by row."""
    reports = standing(incomes)
    lines = defaultdict(list)
    for row in rows_of(incomes["wage_transactions"]):
        report = reports.get(str(row["repId"]))
        counts = row["transactionCode"] in WAGE_GROUPS and not row["unjustEnrichment"]
        if report and counts and report["reportVersion"] == row["reportVersion"]:
            lines[str(row["repId"])].append(row)
    cents: dict[tuple[str, str], int] = defaultdict(int)
    for identifier, rows in lines.items():
        items = any(WAGE_GROUPS[str(row["transactionCode"])] == "wage_item" for row in rows)
        for row in rows:
            if items and row["transactionCode"] == "101":
                continue
            first = row["origStartDate"] if row["recovery"] else row["earningPeriodStartDate"]
            last = row["origEndDate"] if row["recovery"] else row["earningPeriodEndDate"]
            first = first or reports[identifier]["paymentStartDate"]
            last = last or reports[identifier]["paymentEndDate"]
            assert str(first)[:7] == str(last)[:7], "every period of the twin lies in one month"
            sign = -1 if row["recovery"] else 1
            cents[str(row["hetu"]), str(first)[:7]] += sign * int(str(row["amount"]))
    return cents


def true_wages(world: World) -> np.ndarray:
    cents = np.rint(monthly_wages(world) * 100).astype(np.int64) * ~self_employed(world)
    return cents * (world.months >= FROM_2019.astype("datetime64[M]"))[:, None]


def test_wages_add_up_to_the_truth_of_every_person_and_month_to_the_cent(world: World, incomes: Frames) -> None:
    reported = wages_by_code_and_month(incomes)
    truth = true_wages(world)
    hidden = 0
    for month, person in np.argwhere(truth):
        key = (str(world.people.code[person]), str(world.months[month]))
        cents = reported.pop(key, None)
        hidden += cents is None
        assert cents in (None, truth[month, person]), key
    unlinked = sum(cents for (code, _), cents in reported.items() if code == "")
    assert {code for code, _ in reported} <= {""}
    assert 0 < hidden < 0.01 * (truth > 0).sum()
    assert sum(reported.values()) == unlinked > 0


def test_reports_of_work_chained_over_a_month_are_the_true_jobs(world: World, incomes: Frames) -> None:
    """Days of work in the truth are those of the pay periods within the job, once gaps of a month are closed."""
    jobs = world.spells.where((world.spells.value == a.EMPLOYED) & ~self_employed(world)[world.spells.person])
    ends = np.where(np.isnat(jobs.ended_on), world.months[-1].astype("datetime64[D]") + 31, jobs.ended_on + 1)
    linked = incomes["wage_reports"].rows(incomes["wage_reports"].columns["hetu"] != "")
    paid = {str(row["repId"]) for row in rows_of(incomes["wage_transactions"]) if not row["recovery"]}
    chosen = np.array([str(report) in paid for report in linked.columns["repId"]])
    reports = linked.rows(chosen & (linked.columns["reportVersion"] == 1))
    job_end = reports.columns["employmentEndDate"]
    until = np.fmin(reports.columns["paymentEndDate"], job_end) + 1
    start = np.maximum(reports.columns["paymentStartDate"], reports.columns["employmentStartDate"])
    order = np.lexsort((start, reports.person))
    chained: dict[int, list[list[np.datetime64]]] = defaultdict(list)
    gaps = 0
    for person, first, last in zip(reports.person[order], start[order], until[order], strict=True):
        spells = chained[person]
        if spells and (first - spells[-1][1]).astype(int) <= 31:
            gaps += first > spells[-1][1]
            spells[-1][1] = max(spells[-1][1], last)
        else:
            spells.append([first, last])
    assert gaps > 20
    complete = set(range(len(world.people))) - set(
        incomes["wage_reports"].person[incomes["wage_reports"].columns["hetu"] == ""].tolist()
    )
    expected: dict[int, list[list[np.datetime64]]] = defaultdict(list)
    for person, first, last, last_month in zip(jobs.person, jobs.started_on, ends, jobs.last, strict=True):
        if person in complete and world.months[last_month] >= FROM_2019:
            first = max(first, FROM_2019)
            spells = expected[person]
            if spells and (first - spells[-1][1]).astype(int) <= 31:
                spells[-1][1] = last
            else:
                spells.append([first, last])
    assert len(expected) > 100
    assert {person: chained[person] for person in expected} == expected


def test_reports_show_every_kind_of_mess(incomes: Frames) -> None:
    reports, lines = incomes["wage_reports"], incomes["wage_transactions"]
    assert (reports.columns["reportVersion"] == 2).any()
    assert reports.columns["mitatoity"].any()
    assert lines.columns["recovery"].any()
    assert lines.columns["unjustEnrichment"].any()
    assert np.isnat(lines.columns["earningPeriodStartDate"]).any()
    codes = defaultdict(set)
    for row in rows_of(lines):
        codes[row["repId"], row["reportVersion"]].add(WAGE_GROUPS.get(str(row["transactionCode"])))
    groups = [found & {"wage_total", "wage_item"} for found in codes.values()]
    assert {frozenset(found) for found in groups} == {
        frozenset({"wage_total"}),
        frozenset({"wage_item"}),
        frozenset({"wage_total", "wage_item"}),
    }


def test_report_lines_have_one_place_each(incomes: Frames) -> None:
    for table, key in (
        ("wage_reports", ("repId", "reportVersion")),
        ("wage_transactions", ("repId", "reportVersion", "txno")),
        ("benefit_transactions", ("repId", "reportVersion", "txno")),
    ):
        columns = incomes[table].columns
        rows = list(zip(*(columns[name].tolist() for name in key), strict=True))
        assert len(set(rows)) == len(rows) > 1000, table


def test_wages_of_a_year_are_those_of_taxation(world: World, incomes: Frames) -> None:
    """Two registers of one truth: they differ by the rounding of months and what cannot be linked."""
    reported: dict[tuple[str, str], int] = defaultdict(int)
    for (code, month), cents in wages_by_code_and_month(incomes).items():
        reported[code, month[:4]] += cents
    taxed = vero.record(world)["annual_incomes"].columns
    unlinked = {
        world.people.code[p] for p in incomes["wage_reports"].person[incomes["wage_reports"].columns["hetu"] == ""]
    }
    rows = zip(taxed["hetu"], taxed["vuosi"], taxed["palkkatulo"], strict=True)
    pairs = [(cents, reported[code, str(year)]) for code, year, cents in rows if year >= 2019 and code not in unlinked]
    assert sum(cents for cents, _ in pairs) > 0
    assert max(abs(first - second) for first, second in pairs) <= 6


def test_benefits_reported_by_kela_are_those_that_kela_pays(world: World, incomes: Frames) -> None:
    lines, payments = incomes["benefit_transactions"], kela.record(world)["payments"]
    paid = (payments.columns["maty"] != "P") & (payments.columns["kohdekk"] >= np.datetime64("2021-01-01"))
    paid &= np.isin(payments.columns["etuus"], list(tulorekisteri.BENEFIT_KINDS))
    assert lines.columns["amount"].sum() == payments.columns["bruttomaara"][paid].sum() > 0
    assert lines.columns["earningPeriodStartDate"].min() >= np.datetime64("2021-01-01")


def test_social_assistance_before_kela_is_returned_by_year_and_month(world: World) -> None:
    tables, truth = toimeentulotuki.record(world), municipal_assistance(world)
    years, months = tables["household_years"], tables["assistance_months"]
    assert years.columns["euroa"].sum() == truth.cents.sum() > 0
    assert years.columns["vuosi"].max() == 2016
    by_year: dict[tuple[int, int], int] = defaultdict(int)
    for person, month, cents in zip(truth.person, truth.month, truth.cents, strict=True):
        by_year[int(person), world.months[month].astype(int) // 12 + 1970] += int(cents)
    found = zip(years.person.tolist(), years.columns["vuosi"].tolist(), years.columns["euroa"].tolist(), strict=True)
    assert {(person, year): cents for person, year, cents in found} == by_year
    marked = {(p, m.astype("datetime64[M]")) for p, m in zip(months.person, months.columns["kuukausi"], strict=True)}
    assert marked == {(p, world.months[m]) for p, m in zip(truth.person, truth.month, strict=True)}
    assert not any(entitlement.code == "municipal" for entitlement in entitlements(world))


def test_social_work_goes_on_through_the_transfer_to_the_county(world: World) -> None:
    spells, truth = hyvinvointialue.record(world)["client_spells"], client_spells(world)
    parts = spells.columns
    touching = parts["alkupvm"] == hyvinvointialue.TAKES_OVER
    assert touching.sum() == spells.blemishes["transferred_spell"] > 0
    assert len(spells) - spells.blemishes["transferred_spell"] == len(truth)
    assert (parts["loppupvm"][parts["yksikko"] == "K049"] < hyvinvointialue.TAKES_OVER).all()
    assert (parts["alkupvm"][parts["yksikko"] == "HVA"] >= hyvinvointialue.TAKES_OVER).all()
    resident = world.residence.place == world.study_area
    for person, first, last in zip(truth.person, truth.first, truth.last, strict=True):
        assert resident[first : last + 1, person].all()


def test_assistance_is_the_truth_less_what_was_recovered(world: World) -> None:
    rows, truth = hyvinvointialue.record(world)["assistance"], assistance(world)
    amounts = rows.columns["maara"]
    assert amounts[amounts > 0].sum() == truth.cents.sum() > 0
    assert (amounts < 0).sum() == rows.blemishes["recovered_payment"]


def test_numbers_of_reports_are_unique_over_blocks_of_persons(world: World, incomes: Frames) -> None:
    later = tulorekisteri.record(replace(world, first_person=len(world.people)))
    for table in ("wage_reports", "benefit_transactions"):
        first = set(incomes[table].columns["repId"])
        assert first.isdisjoint(later[table].columns["repId"])
