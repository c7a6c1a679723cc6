"""Record keys over real deliveries: kept from night to night and through rotations, forgotten with an erased person."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from polku.disclosure import ReleaseSpec
from polku.research import crosswalk, record_keys, storage
from polku.research.research_tokens import rotate
from tests.polku.parties import Parties
from tests.polku.research.rotating import deliver, small_world
from tests.polku.research.rotating import erasure as erase
from tests.polku.research.test_erasure import take_notice, truth_of

SPEC = ReleaseSpec("languages", ("language_code",), "persons", members="int_list_language_members")


@pytest.fixture
def world(tmp_path: Path) -> Parties:
    return small_world(tmp_path)


def night(world: Parties) -> dict[int, int]:
    """Record keys by entity, after the crosswalk has been made."""
    crosswalk.resolve(world.root, world.study)
    with storage.connect(world.root) as con:
        storage.attach(con, world.root, world.root.identities, "identities", read_only=True)
        rows = con.execute("select entity_key, record_key from identities.record").fetchall()
        assert con.execute("select count(*) from identities.entity").fetchall() == [(len(rows),)]
    return dict(rows)


def test_everybody_has_a_key_of_her_own_that_stays(world: Parties) -> None:
    deliver(world, "ab")
    first = night(world)
    assert len(set(first.values())) == len(first)
    assert set(first.values()).isdisjoint(first)
    deliver(world, "abc")
    later = night(world)
    assert len(later) > len(first)
    assert first.items() <= later.items()


def test_new_keys_of_the_parties_change_no_record_key(world: Parties) -> None:
    deliver(world, "ab")
    first = night(world)
    world.new_research_root()
    rotate(world.root)
    world.rotate_token_keys()
    for register in ("persons", "jobs", "clients"):
        world.bridge(register)
    assert set(world.land().values()) == {None}
    deliver(world, "ab")
    assert night(world) == first


def test_an_erased_person_has_none_any_more(world: Parties) -> None:
    deliver(world, "ab")
    night(world)
    gone = truth_of(world)["a"]
    take_notice(world, "jobs", "a", erase())
    assert gone.isdisjoint(night(world))


def test_sketches_are_of_the_listed_members_of_the_warehouse(world: Parties) -> None:
    deliver(world, "ab")
    keys = night(world)
    people = sorted(row["person_key"] for row in world.landed("persons", "persons"))
    with storage.connect(world.root) as con:
        storage.attach(con, world.root, world.root.warehouse, "warehouse")
        con.execute("create schema warehouse.intermediate")
        con.execute(
            "create view warehouse.intermediate.int_list_language_members as "
            f"select 'fi' as language_code, unnest({people}) as person_key"
        )
    found = record_keys.sketches(world.root, [SPEC, ReleaseSpec("estimates", ("a",), "n")])
    assert list(found) == ["languages"]
    named, members, _ = found["languages"]
    assert named.tolist() == ['["fi"]']
    assert members.persons.tolist() == [2]
    assert int(members.sums.sum(dtype="uint64")) == sum(keys[person] for person in people) % 2**64


def test_keys_are_drawn_from_all_64_bits() -> None:
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as identities")
        con.execute("create table identities.entity as select i as entity_key from range(2000) t(i)")
        con.execute("create table identities.record (entity_key bigint, record_key ubigint)")
        assert record_keys.draw_missing(con) == 2000
        assert record_keys.draw_missing(con) == 0
        ((buckets, great),) = con.execute(
            "select count(distinct record_key % 64), count_if(record_key >= 9223372036854775808) from identities.record"
        ).fetchall()
    assert buckets == 64
    assert 800 < great < 1200
