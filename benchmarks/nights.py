"""A register that changes every night, and two linked tables that are released of it, for tests and benchmarks.

Belongs here: invented persons, arrivals, departures, corrections and erasures, and the releases made of them. Does not
belong here: what must hold of these releases (tests), and measuring (`releases`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from polku.disclosure import Finding, Policy, ReleaseSpec, load_policy, protect_release, recover_between
from polku.disclosure.ledger.cell_file import PublicRelease
from polku.disclosure.ledger.night import Outcome, plan
from polku.disclosure.ledger.release_ledger import Draft, ReleaseLedger
from polku.disclosure.ledger.sketch import Sketches, keys_of, sketch

TOTAL = "all"
AREAS = tuple(f"area {i}" for i in range(1, 7))
ACTIVITIES = ("employed", "unemployed", "studying", "in service", "other")
AGES = ("18-29", "30-44", "45-64")
CODES = {"area": AREAS, "activity": ACTIVITIES, "age": AGES}
FIRST_DAY = date(2026, 1, 1)
TABLES = {
    name: ReleaseSpec(
        name,
        dimensions,
        "persons",
        additive=dimensions,
        total_code=dict.fromkeys(dimensions, TOTAL),
        population="everybody",
        members=f"members of {name}",
    )
    for name, dimensions in {"by_area": ("area", "activity"), "by_age": ("activity", "age")}.items()
}
"""Linked: both have the activities of everybody."""


@dataclass
class Register:
    """Invented persons; who has left or was erased keeps a number but is not `present`. Rates are persons a night."""

    rng: np.random.Generator
    persons: int
    arrivals: float = 6.0
    departures: float = 4.0
    corrections: float = 5.0
    erasures: float = 0.3
    people: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        self.people = self._new(0, self.persons)

    def pass_night(self) -> None:
        """Persons arrive, leave, are erased, or are found to live or do something else than was recorded."""
        arrived = self._new(len(self.people), self.rng.poisson(self.arrivals))
        for rate in (self.departures, self.erasures):
            self.people.loc[self._some(rate), "present"] = False
        for column in ("area", "activity", "age"):
            of = self._some(self.corrections / 3)
            self.people.loc[of, column] = self._codes(column, len(of))
        self.people = pd.concat([self.people, arrived], ignore_index=True)

    def members(self, spec: ReleaseSpec) -> pd.DataFrame:
        """One row per cell and person, totals among the cells."""
        lists = [f"unnest(['{TOTAL}', {code}]) as {code}" for code in spec.dimensions]
        first = f"select person_key, record_key, {spec.dimensions[1]}, {lists[0]} from people where present"
        with duckdb.connect() as con:
            con.register("people", self.people)
            return con.execute(f"select {spec.dimensions[0]}, person_key, record_key, {lists[1]} from ({first})").df()

    def _new(self, first: int, persons: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "person_key": np.arange(first, first + persons),
                "record_key": self.rng.integers(0, 2**64, persons, dtype=np.uint64),
                "present": np.ones(persons, bool),
                **{column: self._codes(column, persons) for column in CODES},
            }
        )

    def _codes(self, column: str, persons: int) -> np.ndarray:
        """Codes fall off by a half each, so that some cells are small."""
        codes = np.array(CODES[column], dtype=object)
        chances = 0.6 ** np.arange(len(codes))
        return self.rng.choice(codes, persons, p=chances / chances.sum())

    def _some(self, rate: float) -> np.ndarray:
        there = np.flatnonzero(self.people["present"])
        return self.rng.choice(there, min(self.rng.poisson(rate), len(there)), replace=False)


@dataclass(frozen=True)
class Night:
    """What one night came to: `outcome`, the tables after protection and before old figures were laid over them, the
    true members of each cell by table and key, all releases with tonight's, and what these give away (`findings`)."""

    no: int
    day: date
    outcome: Outcome
    protected: Mapping[str, pd.DataFrame]
    members: Mapping[str, Mapping[str, frozenset[int]]]
    public: Sequence[PublicRelease]
    findings: Sequence[Finding]

    @property
    def is_released(self) -> bool:
        """Whether anything left: there was something new, and nothing that earlier releases give away."""
        return self.outcome.is_new and not self.findings


class PlainCells:
    """Cells of invented persons need no key."""

    def write(self, cells: pa.Table, file: Path) -> None:
        """Write a new file."""
        pq.write_table(cells, file, compression="zstd")

    def read(self, file: Path) -> pa.Table:
        """The cells of a file."""
        return pq.read_table(file)


def released_nights(folder: Path, nights: int, register: Register, policy: Policy | None = None) -> Iterator[Night]:
    """Release both tables on every night that has something new, by a ledger in `folder`; yields every night.

    As the platform does (`assets/release.py`): decided, protected together, attacked with all earlier releases, and
    held back whole where the new figures cannot be hidden behind those that are known.
    """
    policy = policy or load_policy("fi_study_v1")
    ledger = ReleaseLedger(folder, PlainCells())
    for no in range(1, nights + 1):
        day = FIRST_DAY + timedelta(days=no)
        listed = {name: register.members(spec) for name, spec in TABLES.items()}
        tables = {name: (_counted(listed[name], spec), spec) for name, spec in TABLES.items()}
        planned = plan(tables, {n: _sketched(listed[n], spec) for n, spec in TABLES.items()}, ledger, policy)
        forced, kept = ({n: masks(n) for n in TABLES} for masks in (planned.forced, planned.kept))
        protected = protect_release(tables, policy, forced, kept).tables
        outcome = planned.conclude(protected, day)
        public = planned.public_with(outcome, day)
        findings = recover_between(public, TABLES, policy) if outcome.is_new else []
        if outcome.is_new and not findings:
            dimensions = {name: spec.dimensions for name, spec in TABLES.items()}
            draft = Draft(f"night-{no}", day, {}, policy.profile, None, outcome.tables, dimensions, {})
            ledger.append(draft, planned.head)
        members = {n: _by_cell(listed[n], spec) for n, spec in TABLES.items()}
        yield Night(no, day, outcome, protected, members, public, findings)
        register.pass_night()


def _counted(members: pd.DataFrame, spec: ReleaseSpec) -> pd.DataFrame:
    return members.groupby(list(spec.dimensions), as_index=False).agg(persons=("person_key", "size"))


def _sketched(members: pd.DataFrame, spec: ReleaseSpec) -> tuple[np.ndarray, Sketches, Sketches]:
    with duckdb.connect() as con:
        con.register("listed", members)
        records = "(select distinct person_key, record_key from listed)"
        return sketch(con, spec, "(select * exclude (record_key) from listed)", records)


def _by_cell(members: pd.DataFrame, spec: ReleaseSpec) -> dict[str, frozenset[int]]:
    keys = keys_of(members, spec.dimensions)
    return {str(key): frozenset(persons) for key, persons in members["person_key"].groupby(keys)}
