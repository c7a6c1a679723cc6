"""The small world of rotations and erasures: three registers, and rows by the person whom they truly concern.

Belongs here: extracts of invented persons and what has landed of them. Does not belong here: a check.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from polku.exchange.notices import Notice
from polku.studies import Study
from tests.polku.parties import CLIENTS, PERSONS, SERVICES, SPELLS, Parties, contract, small_study

HETUS = {"a": "131052-900W", "b": "290296-9026", "c": "150585-923D"}
NUMBERS = {"a": "11", "b": "12", "c": "13"}
TABLES = (("persons", "persons"), ("jobs", "spells"), ("clients", "clients"), ("clients", "services"))
REGISTERS = ("persons", "jobs", "clients")


def small_study_of() -> Study:
    """Registers: one of persons, one of spells, one that knows persons by its own number."""
    return small_study(contract("persons", PERSONS), contract("jobs", SPELLS), contract("clients", CLIENTS, SERVICES))


def small_world(path: Path) -> Parties:
    """The parties of that study."""
    return Parties(path, study=small_study_of())


def write(world: Parties, persons: Iterable[str]) -> None:
    """Extracts of these persons. A row tells whose it is: by a note, a language, a municipality or a date."""
    who = sorted(persons)
    days = {person: f"0{no}.01.2019" for no, person in enumerate("abc", start=1)}
    world.write("persons", "persons.csv", ["hetu;syntymapaiva;kieli", *(f"{HETUS[p]};01.01.1990;{p}" for p in who)])
    spells = [f"{NUMBERS[p]};{HETUS[p]};01.01.2019;{p}" for p in who]
    world.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", *spells])
    world.write(
        "clients", "clients.csv", ["numero;hetu;huoltaja;kunta", *(f"{NUMBERS[p]};{HETUS[p]};;{p}" for p in who)]
    )
    world.write("clients", "services.csv", ["numero;alku", *(f"{NUMBERS[p]};{days[p]}" for p in who)])


def deliver(world: Parties, persons: Iterable[str], *registers: str) -> None:
    """Deliver these persons' rows from these registers (all when none is named), and land them."""
    write(world, persons)
    for register in registers or REGISTERS:
        world.send(world.seal(register))
    assert set(world.land().values()) <= {None}


def erasure(received_on: date = date(2024, 6, 1)) -> Notice:
    """A notice of an erasure."""
    return Notice("erase", "objection", received_on, None, "the authority", 0)


def truth_of(world: Parties) -> dict[str, set[object]]:
    """The keys under which each person's rows have landed; client numbers are resolved by the rows that link them."""
    rows = {table: world.landed(register, table) for register, table in TABLES}
    owner = {row["client_key"]: row["person_key"] for row in rows["clients"]}
    found: dict[str, set[object]] = {}
    for table, label in (("persons", "language_code"), ("spells", "note"), ("clients", "municipality_code")):
        for row in rows[table]:
            found.setdefault(str(row[label]), set()).add(row["person_key"])
    for row in rows["services"]:
        day = row["started_on"]
        assert isinstance(day, date)
        found.setdefault("abc"[day.day - 1], set()).add(owner.get(row["client_key"], row["client_key"]))
    return found
