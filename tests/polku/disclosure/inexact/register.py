"""Nights of one table about invented persons, rounded or noisy.

Belongs here: a mart, its sketches and its release from the persons of each cell. Does not belong here: expectations.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from expectations.inexact import broken_promises
from polku.disclosure import Finding, ReleaseSpec, load_policy
from polku.disclosure.inexact.making import make_inexact
from polku.disclosure.inexact.protections import Protection
from polku.disclosure.ledger.night import Outcome, Plan, plan
from polku.disclosure.ledger.release_ledger import Draft, ReleaseLedger
from polku.disclosure.ledger.sketch import sketch
from tests.polku.disclosure import known
from tests.polku.disclosure.ledger.cells import record_keys
from tests.polku.disclosure.ledger.plain_files import PlainCells

POLICY = load_policy("fi_study_v1")
RECORDS = record_keys(4000)
EXITS = replace(known.EXITS, measures=("share", "mean_days"), members="int_list_exit_members")
STATES = ReleaseSpec(
    "states", ("month", "state"), "persons", measures=("share",), additive=("state",), members="int_list_state_members"
)
RATES = ReleaseSpec(
    "rates", ("area",), "persons", base="observed", base_by=("area",), measures=("share",), members="int_list_members"
)
Persons = Mapping[tuple[object, ...], Set[int]]
"""Who is counted in each cell, by its codes."""


def mart_of(spec: ReleaseSpec, counted: Persons, others: Persons | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The mart and the list of its members; `others` are those of the base of a cell who are not counted in it."""
    cells = dict(counted)
    if "year" in spec.dimensions:
        for key, persons in counted.items():
            total = (None, *key[1:])
            cells[total] = set(cells.get(total, ())) | set(persons)
    extra = others or {}
    members = [(*key, person, True) for key, persons in cells.items() for person in persons]
    members += [(*key, person, False) for key, persons in extra.items() for person in persons]
    rows = []
    for key, persons in cells.items():
        whole = [k for k in cells if _same_whole(spec, k, key)]
        of = sum(len(cells[k]) for k in whole) + len(extra.get(key, ()))
        base = [of] if spec.base else []
        more = [float(len(persons))] if "mean_days" in spec.measures else []
        rows.append((*key, *base, len(persons), len(persons) / of if of else None, *more))
    columns = [*spec.dimensions, *([spec.base] if spec.base else []), spec.count, *spec.measures]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({d: object for d in spec.dimensions}), pd.DataFrame(
        members, columns=[*spec.dimensions, "person_key", "is_counted"]
    )


def _same_whole(spec: ReleaseSpec, one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    by = spec.base_by if spec.base else tuple(d for d in spec.dimensions if d not in spec.additive[:1])
    return all(a == b for d, a, b in zip(spec.dimensions, one, other, strict=True) if d in by)


@dataclass
class Register:
    """A ledger of its own and the nights of one table."""

    folder: Path
    spec: ReleaseSpec
    protection: Protection
    day: int = 0
    plan: Plan | None = field(default=None, init=False)

    @property
    def ledger(self) -> ReleaseLedger:
        return ReleaseLedger(self.folder, PlainCells())

    def night(self, counted: Persons, others: Persons | None = None) -> tuple[Outcome, list[Finding]]:
        """What would leave, and what the gate finds in it; a new release is put on record."""
        self.day += 1
        day, name = date(2026, 3, self.day), self.spec.name
        mart, members = mart_of(self.spec, counted, others)
        with duckdb.connect() as con:
            con.register("members", members.astype({"person_key": "int64"}))
            con.register("records", pd.DataFrame({"person_key": range(len(RECORDS)), "record_key": RECORDS}))
            sketches = sketch(con, self.spec, "members", "records")
        planned = plan({name: (mart, self.spec)}, {name: sketches}, self.ledger, POLICY)
        made = make_inexact(planned, {name: self.protection}, POLICY)
        outcome = made.planned.conclude(made.tables, day)
        self.plan = made.planned
        if outcome.is_new:
            dimensions = {name: self.spec.dimensions}
            draft = Draft(f"r{self.day}", day, {}, "p", None, outcome.tables, dimensions, {})
            self.ledger.append(replace(draft, protections={name: str(self.protection)}), planned.head)
        return outcome, broken_promises(outcome.tables[name].table, mart, self.spec, POLICY, self.protection)
