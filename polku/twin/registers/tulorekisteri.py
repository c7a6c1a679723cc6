"""The Incomes Register's extract: wage reports with their lines from 2019, lines of benefit reports from 2021.

Belongs here: how payers report the world, with the versions, recoveries and doublings that come of it. Does not
belong here: true wages and benefits (`earnings`, `benefits`). Form: Statistics Finland's catalogue of
TAX_INCOMES_jua_*_002 and TAX_BENEFIT_jua_*_002.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from polku.twin import activity as a
from polku.twin.benefits import entitlements
from polku.twin.chance import Bools, Dates, Ints, Texts, in_month, pick
from polku.twin.earnings import monthly_wages, self_employed
from polku.twin.registers.frame import Frame, Frames, stack, texts
from polku.twin.world import World

WAGES_FROM, BENEFITS_FROM = np.datetime64("2019-01"), np.datetime64("2021-01")
SERIES_WEIGHTS = (0.12, 0.03, 0.85)
TOTAL, BOTH, ITEMS = range(len(SERIES_WEIGHTS))
"""What the payer of a job writes: the total (100-series), items (200-series), or wrongly both. Nearly 90 % of reports
had items at the end of 2019."""

OVERTIME_SHARE, OVERTIME_PART, TELEPHONE_SHARE, TELEPHONE_CENTS = 0.15, 0.08, 0.05, 2_000
TAXED_SHARE, TAX_RATE = 0.2, 0.2
"""Persons on whose reports the withheld tax stands too."""

UNPAID_LEAVE_SHARE, LEAVE_DAYS = 0.02, (5, 20)
"""Months whose first days were unpaid: pay periods of one job with a gap below a month."""

REPLACED_SHARE, WITHDRAWN_SHARE = 0.02, 0.004
REPLACED_AFTER, REPLACED_WITHIN = 20, 180
"""Days until a report is replaced or withdrawn: at least, and how many more at most."""

OVERPAID_SHARE, OVERPAID_PART, RECOVERED_WITHIN = 0.008, 10, 10
"""Months with a tenth too much, which a later report recovers; that within so many months."""

MISTAKEN_SHARE, MISTAKEN_CENTS = 0.002, 5_000
"""Months in which something was paid that is unjust enrichment."""

NO_PERIOD_SHARE = 0.08
OTHER_IDENTIFIER_SHARE = 0.002
"""Reports of an earner whom the payer knew by a tax number alone."""

PROFESSIONS = ("91120", "51200", "52230", "53210", "72330", "83320", "25140", "")
"""Cleaners, cooks, shop assistants, practical nurses, mechanics, drivers, software developers; not told."""

DOUBLED, RECOVERING = 400, 700
"""Numbers of a person's reports: of the months from 1, of doubled ones and of those that recover from these on."""

BENEFIT_KINDS = {
    "FM": "tyottomyys",
    "FP": "tyottomyys",
    "KOTT": "tyottomyys",
    "YAT": "muu",
    "OPR": "opinto",
    "LL": "perhe",
    "VR": "perhe",
    "KHT": "perhe",
    "PR": "kuntoutus",
    "QE": "muuelake",
    "TAKE": "muuelake",
}
"""Group of the benefits that Kela reports; social assistance is not reported, the special assistance had ended."""

NO_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class PaidMonths:
    """One element per person and month with wages, by person and month. `number` counts a person's months from 1,
    `position` is the month's in the window; `started_on` and `ended_on` are of the job; pay is for `pay_from` to
    `pay_until`, of which wages were earned until `earned_until`."""

    person: Ints
    position: Ints
    number: Ints
    cents: Ints
    series: Ints
    profession: Texts
    started_on: Dates
    ended_on: Dates
    pay_from: Dates
    pay_until: Dates
    earned_until: Dates
    paid_on: Dates
    other_identifier: Bools

    def __len__(self) -> int:
        return len(self.person)

    def where(self, mask: Bools) -> PaidMonths:
        """The months of `mask`."""
        return PaidMonths(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


def record(world: World) -> Frames:
    """Tables wage_reports, wage_transactions and benefit_transactions."""
    rng = world.rng("tulorekisteri")
    months = _paid_months(world, rng)
    wrong = rng.random(len(months)) < REPLACED_SHARE
    doubled = months.where(rng.random(len(months)) < WITHDRAWN_SHARE)
    later, paid_back = _recovered_later(world, rng, months)
    version = 1 + wrong
    reports = [
        _reports(world, months, 0, version, Counter(replaced_version=int(wrong.sum()))),
        _reports(world, months.where(wrong), 0, 1),
        _reports(world, doubled, DOUBLED, 1),
        _reports(world, doubled, DOUBLED, 2, Counter(withdrawn_report=len(doubled)), withdrawn=True),
        _reports(world, later, RECOVERING, 1),
    ]
    first_attempt = months.where(wrong)
    lines = [
        *_wage_lines(world, rng, months, 0, version, months.cents),
        *_wage_lines(world, rng, first_attempt, 0, 1, first_attempt.cents * 11 // 10),
        *_wage_lines(world, rng, doubled, DOUBLED, 1, doubled.cents),
        *_recoveries(world, months.where(paid_back), later, version[paid_back]),
        *_mistaken(world, months, rng.random(len(months)) < MISTAKEN_SHARE, version),
    ]
    return {
        "wage_reports": stack(*reports),
        "wage_transactions": stack(*lines),
        "benefit_transactions": _benefit_lines(world),
    }


def _paid_months(world: World, rng: np.random.Generator) -> PaidMonths:
    """A job's first report begins on its first day; its last pay period runs on to the job's last day, which lies in
    the month after the last one with wages."""
    cents = np.rint(monthly_wages(world) * 100).astype(np.int64) * ~self_employed(world)
    person, position = np.nonzero((cents * (world.months >= WAGES_FROM)[:, None]).T)
    jobs = world.spells.where(world.spells.value == a.EMPLOYED)
    job = jobs.paint(np.arange(len(jobs)), cents.shape)[position, person]
    series, trade = pick(rng, SERIES_WEIGHTS, len(jobs)), rng.integers(0, len(PROFESSIONS), len(jobs))
    started_on, ended_on = jobs.started_on[job], jobs.ended_on[job]
    first_day, last_day = in_month(world.months[position], 0), in_month(world.months[position] + 1, -1)
    number = np.arange(len(person)) - np.searchsorted(person, person) + 1
    leave = (rng.random(len(person)) < UNPAID_LEAVE_SHARE) & (started_on < first_day) & (number > 1)
    pay_from = np.maximum(first_day + leave * rng.integers(*LEAVE_DAYS, len(person)), started_on)
    ends = (position == jobs.last[job]) & ~np.isnat(ended_on)
    return PaidMonths(
        person=person,
        position=position,
        number=number,
        cents=cents[position, person],
        series=series[job],
        profession=texts(PROFESSIONS, trade[job]),
        started_on=started_on,
        ended_on=ended_on,
        pay_from=pay_from,
        pay_until=np.where(ends, ended_on, last_day),
        earned_until=last_day,
        paid_on=last_day - 15 + person % 25,
        other_identifier=rng.random(len(person)) < OTHER_IDENTIFIER_SHARE,
    )


def _recovered_later(world: World, rng: np.random.Generator, months: PaidMonths) -> tuple[PaidMonths, Bools]:
    """The reports that recover, and the months that they recover from."""
    position = months.position + rng.integers(1, RECOVERED_WITHIN + 1, len(months))
    mask = (rng.random(len(months)) < OVERPAID_SHARE) & (position < len(world.months)) & ~months.other_identifier
    chosen, month = months.where(mask), world.months[position[mask]]
    columns = {name: getattr(chosen, name) for name in chosen.__dataclass_fields__}
    first_day, last_day = in_month(month, 0), in_month(month + 1, -1)
    columns |= {"position": position[mask], "pay_from": first_day, "pay_until": last_day, "earned_until": last_day}
    return PaidMonths(**columns | {"paid_on": last_day}), mask


def _report_ids(world: World, months: PaidMonths, kind: int) -> Texts:
    number = (world.first_person + months.person) * 1000 + kind + months.number
    ids: Texts = np.char.add("P", number.astype(str)).astype(object)
    return ids


def _earner(world: World, months: PaidMonths) -> Texts:
    code: Texts = np.where(months.other_identifier, "", world.people.code[months.person])
    return code


def _reports(
    world: World,
    months: PaidMonths,
    kind: int,
    version: int | Ints,
    blemishes: Counter[str] | None = None,
    withdrawn: bool = False,
) -> Frame:
    count = len(months)
    return Frame(
        months.person,
        {
            "repId": _report_ids(world, months, kind),
            "hetu": _earner(world, months),
            "incomeEarnerIdType": np.where(months.other_identifier, "5", "2").astype(object),
            "reportVersion": np.full(count, version),
            "mitatoity": np.full(count, withdrawn),
            "paymentDate": months.paid_on,
            "paymentStartDate": months.pay_from,
            "paymentEndDate": months.pay_until,
            "employmentStartDate": months.started_on,
            "employmentEndDate": months.ended_on,
            "professionCode1": months.profession,
        },
        blemishes or Counter(),
        known_on=_filed_on(months, version),
        foreseen=("paymentEndDate", "employmentEndDate"),
    )


def _filed_on(months: PaidMonths, version: int | Ints) -> Dates:
    """On the day of payment; a later version some weeks or months afterwards."""
    later = REPLACED_AFTER + (months.person * 13 + months.number * 7) % REPLACED_WITHIN
    day: Dates = months.paid_on + np.where(np.asarray(version) > 1, later, 0)
    return day


def _wage_lines(
    world: World, rng: np.random.Generator, months: PaidMonths, kind: int, version: int | Ints, cents: Ints
) -> list[Frame]:
    """The lines of reports that pay `cents`: total, items, benefits in kind, withheld tax."""
    count = len(months)
    telephone = np.where((months.person % 100 < TELEPHONE_SHARE * 100) & (cents > 10_000), TELEPHONE_CENTS, 0)
    money = cents - telephone
    overtime = np.where(rng.random(count) < OVERTIME_SHARE, (money * OVERTIME_PART).astype(np.int64), 0)
    told = rng.random(count) >= NO_PERIOD_SHARE
    told |= months.pay_until != months.earned_until
    taxed = (months.person * 7 % 100) < TAXED_SHARE * 100
    lines = (
        (1, "101", money, months.series != ITEMS),
        (2, "201", money - overtime, months.series != TOTAL),
        (3, "235", overtime, (months.series != TOTAL) & (overtime > 0)),
        (4, "330", telephone, telephone > 0),
        (5, "402", (money * TAX_RATE).astype(np.int64), taxed),
    )
    versions = np.full(count, version)
    return [
        _lines(world, months.where(rows), kind, versions[rows], number, code, amount[rows], told[rows])
        for number, code, amount, rows in lines
    ]


def _recoveries(world: World, months: PaidMonths, later: PaidMonths, version: Ints) -> list[Frame]:
    """What was paid too much, on the report of its month, and the same amount recovered by the later one."""
    code = np.where(months.series == TOTAL, "101", "201").astype(object)
    everywhere = np.ones(len(months), dtype=bool)
    amount = months.cents // OVERPAID_PART
    paid = _lines(world, months, 0, version, 6, code, amount, everywhere)
    back = _lines(world, later, RECOVERING, 1, 1, code, amount, everywhere)
    back.columns["recovery"] = everywhere
    back.columns["origPaymentDate"] = months.paid_on
    back.columns["origStartDate"], back.columns["origEndDate"] = months.pay_from, months.earned_until
    return [Frame(paid.person, paid.columns, Counter(recovered_wages=len(paid))), back]


def _mistaken(world: World, months: PaidMonths, rows: Bools, version: Ints) -> list[Frame]:
    chosen = months.where(rows)
    cents, told = np.full(len(chosen), MISTAKEN_CENTS), np.ones(len(chosen), dtype=bool)
    code = np.where(chosen.series == TOTAL, "101", "201").astype(object)
    mistaken = _lines(world, chosen, 0, version[rows], 7, code, cents, told)
    mistaken.columns["unjustEnrichment"] = told
    return [mistaken]


def _lines(
    world: World,
    months: PaidMonths,
    kind: int,
    version: int | Ints,
    number: int,
    code: str | Texts,
    cents: Ints,
    told: Bools,
) -> Frame:
    """One line of each report; the earning period stands where it is `told`."""
    count = len(months)
    return Frame(
        months.person,
        {
            "repId": _report_ids(world, months, kind),
            "hetu": _earner(world, months),
            "reportVersion": np.full(count, version),
            "txno": np.full(count, number),
            "transactionCode": np.full(count, code, dtype=object),
            "unjustEnrichment": np.zeros(count, dtype=bool),
            "recovery": np.zeros(count, dtype=bool),
            "origPaymentDate": np.full(count, NO_DAY),
            "origStartDate": np.full(count, NO_DAY),
            "origEndDate": np.full(count, NO_DAY),
            "earningPeriodStartDate": np.where(told, months.pay_from, NO_DAY),
            "earningPeriodEndDate": np.where(told, months.earned_until, NO_DAY),
            "amount": cents,
        },
        known_on=_filed_on(months, version),
    )


def _benefit_lines(world: World) -> Frame:
    """What Kela reports of the benefits that it pays: one report per person and month, one line per benefit."""
    frames = []
    for number, entitlement in enumerate((e for e in entitlements(world) if e.code in BENEFIT_KINDS), start=1):
        chosen = world.months[entitlement.month] >= BENEFITS_FROM
        person, position = entitlement.person[chosen], entitlement.month[chosen]
        month, count = world.months[position], len(person)
        report = (world.first_person + person) * 1000 + position
        frames.append(
            Frame(
                person,
                {
                    "repId": np.char.add("E", report.astype(str)).astype(object),
                    "hetu": world.people.code[person],
                    "reportVersion": np.ones(count, dtype=np.int64),
                    "txno": np.full(count, number),
                    "tuloryhma": np.full(count, BENEFIT_KINDS[entitlement.code], dtype=object),
                    "maksajaryhma": np.full(count, "kela", dtype=object),
                    "recovery": np.zeros(count, dtype=bool),
                    "paymentDate": in_month(month + 1, 2 + person % 8),
                    "earningPeriodStartDate": in_month(month, 0),
                    "earningPeriodEndDate": in_month(month + 1, -1),
                    "amount": entitlement.cents[chosen],
                },
            )
        )
    return stack(*frames)
