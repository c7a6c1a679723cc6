"""The months of a person by the models, against a calendar that knows none of them.

The calendar is written day by day from the rules of the field: what a person did on each day by every kind of evidence,
what of it holds the month, and which of that comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt_project.conftest import Built
from tests.dbt_project.sql_of_models import Warehouse

FIRST, LAST = date(2019, 12, 1), date(2021, 3, 31)
"""The window, inclusive; there is a 29 February in it."""
DAYS = [FIRST + timedelta(i) for i in range((LAST - FIRST).days + 1)]
MONTHS = sorted({(day.year, day.month) for day in DAYS})
MINIMUM = 1000
PAY_GAP = 31
SPELL_STATES = ("unemployed", "employed", "in_service", "vocational_education", "pension", "family_leave")
LABOUR_FORCE = {"statfin_v1": ("unemployed", "employed"), "employment_first": ("employed", "unemployed")}
REST = ("in_service", "higher_education", "vocational_education", "general_education", "pension", "family_leave")


@dataclass(frozen=True)
class Life:
    """One person. Ends are the first day after, None is open; wages are by month and by year."""

    spells: list[tuple[str, date, date | None]]
    moves: list[tuple[str, date]]
    died: date | None
    wages: dict[tuple[int, int], int]
    incomes: dict[int, int]


@dataclass(frozen=True)
class Setting:
    """`known_until` is the first day that the register of spells no longer speaks of; wages are known by month in the
    months of `by_month` (a stretch of the window)."""

    rule_set: str
    month_rule: str
    known_until: date
    by_month: tuple[int, int] | None


# ------------------------------------------------------------------------------------------------ the calendar
def states_of(life: Life, setting: Setting) -> list[str]:
    """The state of each month of the window."""
    paid, by_wages = paid_days(life, setting), months_by_wages(setting)
    by_day = []
    for day in DAYS:
        found = evidence_on(life, setting, day) | residence_on(life, day)
        if day in paid:
            found.add("employed")
        if (day.year, day.month) not in by_wages and life.incomes.get(day.year, 0) >= 12 * MINIMUM:
            found.add("guessed")
        by_day.append(found)
    return [month_state(of_month, setting) for of_month in by_months(by_day)]


def evidence_on(life: Life, setting: Setting, day: date) -> set[str]:
    found = {
        state
        for state, start, end in life.spells
        if start <= day and (end is None or day < end) and day < setting.known_until
    }
    if life.died and day >= life.died:
        found.add("dead")
    return found


def residence_on(life: Life, day: date) -> set[str]:
    """Abroad after an emigration; not yet here before a first immigration; on one day they come in this order."""
    order = ("immigration", "emigration")
    moves = sorted(life.moves, key=lambda move: (move[1], order.index(move[0])))
    before = [kind for kind, on in moves if on <= day]
    if before:
        return {"emigrated"} if before[-1] == "emigration" else set()
    return {"out_of_study"} if moves and moves[0][0] == "immigration" else set()


def paid_days(life: Life, setting: Setting) -> set[date]:
    """Days of the months with enough wages, and gaps between them of not more than a month."""
    enough = {month for month, wages in life.wages.items() if wages >= MINIMUM}
    paid = [day for day in DAYS if (day.year, day.month) in enough and day < setting.known_until]
    gaps = [(one, other) for one, other in pairwise(paid) if 1 < (other - one).days <= PAY_GAP + 1]
    return {*paid, *(one + timedelta(i) for one, other in gaps for i in range((other - one).days))}


def months_by_wages(setting: Setting) -> list[tuple[int, int]]:
    return MONTHS[setting.by_month[0] : setting.by_month[1] + 1] if setting.by_month else []


def by_months(by_day: list[set[str]]) -> list[list[set[str]]]:
    return [[on for day, on in zip(DAYS, by_day, strict=True) if (day.year, day.month) == month] for month in MONTHS]


def month_state(of_month: list[set[str]], setting: Setting) -> str:
    """What holds the month, in the order of the rule set; a guess from the year's wages comes after everything."""
    counts = Counter(state for on in of_month for state in on)
    if setting.month_rule == "last_day":
        holding = of_month[-1]
    else:
        holding = {state for state, days in counts.items() if 2 * days > len(of_month)}
    order = ("dead", "emigrated", "out_of_study", *LABOUR_FORCE[setting.rule_set], *REST, "guessed")
    first = next((state for state in order if state in holding), "nothing")
    return {"guessed": "employed"}.get(first, first)


# --------------------------------------------------------------------------------------------------- random lives
days = st.integers(-40, len(DAYS) + 20).map(lambda i: FIRST + timedelta(i))
lengths = st.one_of(st.none(), st.integers(1, 120))
spells = st.tuples(st.sampled_from(SPELL_STATES), days, lengths).map(
    lambda s: (s[0], s[1], None if s[2] is None else s[1] + timedelta(s[2]))
)
lives = st.builds(
    Life,
    spells=st.lists(spells, max_size=4),
    moves=st.lists(st.tuples(st.sampled_from(["immigration", "emigration"]), days), max_size=3, unique=True),
    died=st.one_of(st.none(), st.none(), days),
    wages=st.dictionaries(st.sampled_from(MONTHS), st.sampled_from([999, 1000, 3000]), max_size=6),
    incomes=st.dictionaries(st.sampled_from([2019, 2020, 2021]), st.sampled_from([11999, 12000]), max_size=3),
)
months = st.integers(0, len(MONTHS) - 1)
settings_of = st.builds(
    Setting,
    rule_set=st.sampled_from(sorted(LABOUR_FORCE)),
    month_rule=st.sampled_from(["last_day", "majority"]),
    known_until=st.sampled_from([LAST + timedelta(1), date(2020, 9, 11), date(2020, 10, 1)]),
    by_month=st.one_of(st.none(), st.tuples(months, months).map(lambda pair: (min(pair), max(pair)))),
)


# ---------------------------------------------------------------------------------------------------- the models
@pytest.fixture(scope="module")
def warehouse(built: Built) -> Iterator[Warehouse]:
    models = ("int_rank_activities", "int_build_residence_spells", "int_collect_activity_spells")
    made = Warehouse(built, [f"intermediate.{name}" for name in (*models, "int_expand_activity_months")])
    for seed in ("states", "state_priority"):
        made.seed(seed)
    yield made
    made.close()


def load(warehouse: Warehouse, people: list[Life], setting: Setting) -> None:
    """Wages are of a register of their own, whose gaps the contract bridges."""
    person = {"person_key": "bigint"}
    study = {
        "rule_set_code": "varchar",
        "month_rule_code": "varchar",
        "window_start_on": "date",
        "window_end_on": "date",
        "employed_min_eur_per_month": "integer",
    }
    row = (setting.rule_set, setting.month_rule, FIRST, LAST + timedelta(1), MINIMUM)
    warehouse.table("staging.stg_reference__study", study, [row])
    known = [
        ("ura", "employment_spells", setting.known_until, 0),
        ("kela", "benefit_spells", setting.known_until, PAY_GAP),
    ]
    covered = {"register": "varchar", "table_name": "varchar", "observed_to_on": "date", "gap_days": "integer"}
    warehouse.table("staging.stg_reference__coverage", covered, known)
    wages_known = months_by_wages(setting)
    observed = [(12 * year + month - 1, (year, month) in wages_known) for year, month in MONTHS]
    kinds = {"month_index": "integer", "has_monthly_earnings": "boolean"}
    warehouse.table("intermediate.int_list_observed_months", kinds, observed)
    warehouse.table(
        "intermediate.int_union_activity_spells",
        {"register": "varchar", **person, "state_code": "varchar", "evidence_code": "varchar"}
        | {"started_on": "date", "ended_on": "date"},
        [
            ("ura", key, state, "ura", start, end)
            for key, life in enumerate(people)
            for state, start, end in life.spells
        ],
    )
    warehouse.table(
        "intermediate.int_union_residence_events",
        {**person, "event_code": "varchar", "event_on": "date"}
        | {"from_municipality_code": "varchar", "municipality_code": "varchar"},
        [(key, kind, on, None, None) for key, life in enumerate(people) for kind, on in life.moves],
    )
    deaths = [(key, life.died) for key, life in enumerate(people)]
    warehouse.table("intermediate.int_resolve_persons", person | {"died_on": "date"}, deaths)
    incomes = [(key, year, eur) for key, life in enumerate(people) for year, eur in life.incomes.items()]
    columns = person | {"income_year": "integer", "wages_eur": "integer"}
    warehouse.table("intermediate.int_union_incomes", columns, incomes)
    wages = [
        ("kela", key, date(*month, 1), eur) for key, life in enumerate(people) for month, eur in life.wages.items()
    ]
    columns = {"register": "varchar", **person, "earning_month": "date", "wages_eur": "integer"}
    warehouse.table("intermediate.int_union_earnings", columns, wages)
    warehouse.make()


@settings(max_examples=40, deadline=None)
@given(people=st.lists(lives, min_size=1, max_size=12), setting=settings_of)
def test_months_are_those_of_the_calendar(warehouse: Warehouse, people: list[Life], setting: Setting) -> None:
    load(warehouse, people, setting)
    found = warehouse.query("""
        select months.person_key, months.month_index, ranks.state_code
        from warehouse.intermediate.int_expand_activity_months as months
        join warehouse.intermediate.int_rank_activities as ranks using (activity_rank)""")
    states = {(key, divmod(index, 12)): state for key, index, state in found}
    for key, life in enumerate(people):
        by_model = [states.get((key, (year, month - 1)), "nothing") for year, month in MONTHS]
        assert by_model == states_of(life, setting), key
