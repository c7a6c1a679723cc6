"""The crosswalk over real deliveries: links arrive, are corrected, disputed and decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest

from polku.contracts.model import Column, Edge, Feed, Table
from polku.errors import Exit, Refusal
from polku.research import crosswalk, landed, landing, linkage, storage
from tests.polku.parties import TEXT, Parties, contract, small_study

HETU = Column("hetu", "person_key", "identifier", "joins", domain="fi.hetu")
PERSONS = Table("persons", "persons.csv", TEXT, "", ("person_key",), (HETU, Column("v", "seen_year", "year", "when")))
CHANGES = Table(
    "changes",
    "changes.csv",
    TEXT,
    "",
    ("former_key",),
    (Column("vanha", "former_key", "identifier", "joins", domain="fi.hetu"), HETU),
    edge=Edge("hetu_changed", "former_key", "person_key"),
)
CUSTOMERS = Table(
    "customers",
    "customers.csv",
    TEXT,
    "",
    ("customer_key",),
    (
        Column("nro", "customer_key", "identifier", "joins", domain="fi.migri.client"),
        HETU,
        Column("poistettu", "is_withdrawn", "boolean", "taken back"),
    ),
    edge=Edge("number_of_person", "customer_key", "person_key", withdrawn="is_withdrawn"),
)
PERMITS = Table(
    "permits",
    "permits.csv",
    TEXT,
    "",
    ("person_key", "seen_year"),
    (replace(CUSTOMERS.columns[0], name="person_key"), Column("v", "seen_year", "year", "when")),
)
CLIENTS = Table(
    "clients",
    "clients.csv",
    TEXT,
    "",
    ("client_key",),
    (
        Column("nro", "client_key", "identifier", "joins", domain="centre.client"),
        HETU,
        Column("v", "seen_year", "year", "when"),
    ),
    edge=Edge("number_of_person", "client_key", "person_key"),
)
REPLACED = replace(
    CHANGES, name="replaced", file="replaced.csv", edge=Edge("temporary_replaced", "former_key", "person_key")
)
REGISTERS = (
    contract("dvv", PERSONS, CHANGES, timeline={"residence": Feed("persons", "")}),
    contract("migri", CUSTOMERS, PERMITS),
    contract("centre", CLIENTS, REPLACED, timeline={"client": Feed("clients", "")}),
)
ANNA, ANNA_BEFORE, BORIS, ANNA_TEMPORARY = "010190-900P", "020190-900R", "131052-900W", "010190-991W"


def checked(code: str) -> str:
    signs = "0123456789ABCDEFHJKLMNPRSTUVWXY"
    return code[:10] + signs[int(code[:6] + code[7:10]) % 31]


ANNA, ANNA_BEFORE, BORIS, ANNA_TEMPORARY = map(checked, (ANNA, ANNA_BEFORE, BORIS, ANNA_TEMPORARY))


class World(Parties):
    """Deliveries of the three registers; a file that is not given is empty."""

    def land(self, register: str, **files: list[str]) -> str:
        for table in self.study.contracts[register].tables:
            header = ";".join(column.source for column in table.columns)
            self.write(register, table.file, [header, *files.get(table.name, [])])
        delivery = self.deliver(register)
        landing.commit(self.root, landing.stage(self.root, self.study, delivery))
        return delivery.delivery_id

    def persons(self) -> dict[tuple[str, str], list[int]]:
        """Keys of persons by table and column, in the order in which rows were written, as the marts see them."""
        crosswalk.resolve(self.root, self.study)
        keys = self.root.landing / "reference" / crosswalk.PERSON_KEYS / "current.parquet"
        found = {}
        with storage.connect(self.root) as con:
            for register, its in self.study.contracts.items():
                for table in its.tables:
                    parts = landed.parts(self.root, register, table.name)
                    for column in (c for c in table.identifiers if parts):
                        query = f"""
                            select coalesce(k.person_key, t.{column.name}) from {storage.parquet(parts)} t
                            left join {storage.parquet(keys)} k on k.entity_key = t.{column.name} order by all"""
                        found[table.name, column.name] = [key for (key,) in con.execute(query).fetchall()]
        return found

    def everybody(self) -> set[int]:
        return {key for keys in self.persons().values() for key in keys if key is not None}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, replace(small_study(*REGISTERS), client_register="centre"))


def test_one_person_under_four_identifiers_in_three_registers_has_one_key(world: World) -> None:
    world.land("dvv", persons=[f"{ANNA};2020", f"{BORIS};2020"], changes=[f"{ANNA_BEFORE};{ANNA}"])
    world.land("migri", customers=[f"00123456;{ANNA};"], permits=["00123456;2016"])
    world.land("centre", clients=[f"OK1;{ANNA_TEMPORARY};2019"], replaced=[f"{ANNA_TEMPORARY};{ANNA_BEFORE}"])
    persons = world.persons()
    [anna] = persons["permits", "person_key"]
    assert persons["clients", "person_key"] == [anna]
    assert anna in persons["persons", "person_key"]
    assert len(world.everybody()) == 2


@pytest.mark.parametrize("order", list(permutations(["dvv", "migri", "centre"])))
def test_the_order_of_deliveries_changes_no_person(tmp_path: Path, order: tuple[str, ...]) -> None:
    """Links come before the facts and after them."""
    world = World(tmp_path, replace(small_study(*REGISTERS), client_register="centre"))
    files = {
        "dvv": {"persons": [f"{ANNA};2020"], "changes": [f"{ANNA_BEFORE};{ANNA}"]},
        "migri": {"customers": [f"00123456;{ANNA_BEFORE};"], "permits": ["00123456;2016"]},
        "centre": {"clients": [f"OK1;{ANNA_TEMPORARY};2019"], "replaced": [f"{ANNA_TEMPORARY};{ANNA}"]},
    }
    for register in order:
        world.land(register, **files[register])
    assert len(world.everybody()) == 1


def test_a_key_outlives_a_merge_and_its_undoing(world: World) -> None:
    world.land("dvv", persons=[f"{ANNA};2020"])
    [anna] = world.persons()["persons", "person_key"]
    world.land("migri", customers=[f"00123456;{ANNA};"], permits=["00123456;2016"])
    assert world.persons()["permits", "person_key"] == [anna]
    world.land("migri", customers=[f"00123456;{ANNA};kyllä"])
    persons = world.persons()
    assert persons["persons", "person_key"] == [anna]
    assert anna not in persons["permits", "person_key"]


def test_a_corrected_number_moves_to_whom_it_belongs(world: World) -> None:
    world.land("dvv", persons=[f"{ANNA};2020", f"{BORIS};2020"])
    world.land("migri", customers=[f"00123456;{ANNA};"], permits=["00123456;2016"])
    before = world.persons()["permits", "person_key"]
    world.land("migri", customers=[f"00123456;{BORIS};"])
    after = world.persons()["permits", "person_key"]
    assert before != after
    assert {*before, *after} == set(world.persons()["persons", "person_key"])


def test_what_was_known_then_can_be_resolved_again(world: World) -> None:
    world.land("dvv", persons=[f"{ANNA};2020"])
    world.land("migri", customers=[f"00123456;{ANNA};"], permits=["00123456;2016"])
    assert crosswalk.resolve(replace(world.root, as_of="2024-06-30"), world.study).merged == 0
    assert crosswalk.resolve(replace(world.root, as_of="2024-07-01"), world.study).merged == 1


def disputed(world: World) -> str:
    """Anna's number is Boris's too."""
    world.land("dvv", persons=[f"{ANNA};2020", f"{BORIS};2020"])
    return world.land("migri", customers=[f"00123456;{ANNA};", f"00123456;{BORIS};"], permits=["00123456;2016"])


def test_a_dispute_waits_for_a_person_and_names_rows_only(world: World) -> None:
    delivery = disputed(world)
    made = crosswalk.resolve(world.root, world.study)
    assert (made.conflicts, made.merged) == ({"two_persons": 1}, 0)
    listed = crosswalk.disputes(world.root, world.study)
    assert [row[1:6] for row in listed] == [("two_persons", "number_of_person", "migri", "customers", delivery)] * 2
    assert {row[6] for row in listed} == {1, 2}
    assert len(world.everybody()) == 3


def test_a_decision_settles_a_dispute_and_can_be_taken_back(world: World) -> None:
    disputed(world)
    *_, register, table, delivery, row_no = crosswalk.disputes(world.root, world.study)[0]
    link = (register, table, delivery, row_no)
    crosswalk.reject(world.root, link, by="data steward", reason="wrong customer opened", on=date(2026, 1, 1))
    assert crosswalk.disputes(world.root, world.study) == []
    assert len(world.everybody()) == 2
    crosswalk.accept(world.root, link)
    assert len(crosswalk.disputes(world.root, world.study)) == 2
    with pytest.raises(Refusal) as refused:
        crosswalk.accept(world.root, link)
    assert refused.value.exit is Exit.USAGE


def test_a_decision_needs_a_role_and_a_reason(world: World) -> None:
    with pytest.raises(Refusal) as refused:
        crosswalk.reject(world.root, ("migri", "customers", "d", 1), by=" ", reason="", on=date(2026, 1, 1))
    assert refused.value.exit is Exit.USAGE


def test_all_identifiers_of_a_person_are_found_from_any(world: World) -> None:
    world.land("dvv", persons=[f"{ANNA};2020", f"{BORIS};2020"])
    world.land("centre", clients=[f"OK1;{ANNA};2019", "OK2;;2019"])
    with storage.connect(world.root) as con:
        [part] = landed.parts(world.root, "centre", "clients")
        rows = con.execute(f"select client_key, person_key from {storage.parquet(part)}").fetchall()
    client, anna = next(row for row in rows if row[1])
    assert crosswalk.entities_of_persons(world.root, world.study, [client]) == {client, anna}
    assert crosswalk.entities_of_persons(world.root, world.study, [anna]) == {client, anna}
    assert crosswalk.entities_of_persons(world.root, world.study, [12345]) == {12345}


# ----------------------------------------------------------------------------------------------- linkage report
def test_clients_who_would_have_stood_in_both_groups_are_counted(world: World) -> None:
    world.land("dvv", persons=[f"{ANNA};2020", f"{BORIS};2020"])
    world.land("centre", clients=[f"OK1;{ANNA_TEMPORARY};2019", f"OK2;{BORIS};2019"])
    assert linkage.report(world.root, world.study)[2] == linkage.BothGroups(joined=0, disputed=0)
    world.land("centre", clients=[], replaced=[f"{ANNA_TEMPORARY};{ANNA}"])
    assert linkage.report(world.root, world.study)[2] == linkage.BothGroups(joined=1, disputed=0)
    world.land("centre", clients=[], replaced=[f"{ANNA_TEMPORARY};{ANNA}", f"{ANNA_TEMPORARY};{BORIS}"])
    assert linkage.report(world.root, world.study)[2] == linkage.BothGroups(joined=0, disputed=1)


def test_rates_tell_who_links_by_year_and_small_numbers_are_left_out(world: World) -> None:
    world.land("dvv", persons=[f"{ANNA};2020"])
    many = [f"OK{i};{ANNA};2019" for i in range(3)] + [f"OK{i};;2019" for i in range(3, linkage.FEWEST_ROWS)]
    world.land("centre", clients=[*many, f"OK900;{ANNA};2020"])
    shares, rates, _ = linkage.report(world.root, world.study)
    assert shares["dvv"] == 1
    assert [(r.register, r.year, r.rows, r.share) for r in rates] == [("centre", 2019, 100, 0.03)]
