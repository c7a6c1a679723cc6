"""Rotations of keys: nobody becomes somebody else, and no analyst sees anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange.delivery import BRIDGE, DATA, LINK
from polku.exchange.ledger import REFUSED, Ledger
from polku.layout import CHECKOUT
from polku.research import arrived_parts, opening, storage
from polku.research.identities import identities
from polku.research.research_tokens import MOST_LEVELS, Ring, rotate
from tests.polku.parties import Parties
from tests.polku.research.rotating import HETUS, REGISTERS, TABLES, deliver, erasure, small_world, truth_of, write


@pytest.fixture
def world(tmp_path: Path) -> Parties:
    return small_world(tmp_path)


def content(world: Parties) -> list[list[dict[str, object]]]:
    return [world.landed(register, table) for register, table in TABLES]


def store(world: Parties, query: str) -> list[tuple[object, ...]]:
    with storage.connect(world.root) as con:
        storage.attach(con, world.root, world.root.identities, "identities", read_only=True)
        return con.execute(query).fetchall()


def test_a_further_level_changes_every_token_and_nobodys_key(world: Parties) -> None:
    deliver(world, "ab")
    before, tokens = content(world), store(world, "from identities.token order by all")
    world.new_research_root()
    assert rotate(world.root) == (2, len(tokens))
    assert content(world) == before
    after = store(world, "from identities.token order by all")
    assert {row[1] for row in tokens}.isdisjoint(row[1] for row in after)
    assert sorted(str(row[2]) for row in tokens) == sorted(str(row[2]) for row in after)
    known = truth_of(world)
    deliver(world, "abc")
    assert {person: truth_of(world)[person] for person in "ab"} == known
    assert len(truth_of(world)["c"]) == 1
    assert store(world, "select count(*), count(distinct (id_type, rho)) from identities.token")[0] == (9, 9)


def test_a_level_needs_its_own_root_and_there_are_at_most_eight(world: Parties) -> None:
    deliver(world, "a", "persons")
    with pytest.raises(Refusal) as missing:
        rotate(world.root)
    assert missing.value.exit is Exit.KEY_UNUSABLE
    for _ in range(2, MOST_LEVELS + 1):
        world.new_research_root()
        rotate(world.root)
    with pytest.raises(Refusal, match="8 levels"):
        rotate(world.root)
    deliver(world, "a", "jobs")
    assert len(truth_of(world)["a"]) == 1


def test_another_root_key_makes_nobody_a_stranger_but_stops(world: Parties) -> None:
    deliver(world, "a", "persons")
    root = world.root.keys / "root.key"
    root.unlink()
    root.write_bytes(bytes(32))
    root.chmod(0o600)
    with pytest.raises(Refusal) as refusal, identities(world.root) as made:
        Ring.of(world.root, made)
    assert refusal.value.exit is Exit.KEY_UNUSABLE


KILLED = """
import os, signal, sys
from pathlib import Path
from polku.layout import DataRoot
from polku.research import research_tokens
from polku.research.identities import Identities

check = research_tokens.key_check
calls = []

def die(key):
    calls.append(key)
    if len(calls) == 2:  # the level is written last, after every token
        os.kill(os.getpid(), signal.SIGKILL)
    return check(key)

research_tokens.key_check = die
research_tokens.rotate(DataRoot("small", Path(sys.argv[1])))
"""


def test_a_rotation_that_is_killed_leaves_the_old_level(world: Parties) -> None:
    deliver(world, "ab")
    known = truth_of(world)
    world.new_research_root()
    code = [sys.executable, "-c", KILLED, str(world.root.path)]
    killed = subprocess.run(code, cwd=CHECKOUT, env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store(world, "select count(*) from identities.level") == [(1,)]
    deliver(world, "ab")
    assert truth_of(world) == known
    assert rotate(world.root)[0] == 2
    deliver(world, "ab")
    assert truth_of(world) == known


def test_a_bridge_gives_every_person_the_new_tokens(world: Parties) -> None:
    deliver(world, "ab")
    before, known = content(world), truth_of(world)
    world.rotate_token_keys()
    for register in REGISTERS:
        world.bridge(register)
    assert set(world.land().values()) == {None}
    assert content(world) == before
    deliver(world, "abc")
    assert {person: truth_of(world)[person] for person in "ab"} == known
    facts = [e.facts for e in Ledger(world.root.ledger).accepted("clients") if e.facts["kind"] == BRIDGE]
    assert [(f["identifiers"], f["bridged"], f["joined"], f["unknown"]) for f in facts] == [(4, 4, 0, 0)]


def test_a_person_who_came_as_a_stranger_before_the_bridge_is_joined(world: Parties) -> None:
    """One register has bridged and delivers a person whom only another register, not yet bridged, has delivered."""
    deliver(world, "a", "persons")
    deliver(world, "b", "jobs")
    world.rotate_token_keys()
    write(world, "b")
    world.bridge("jobs")
    assert set(world.land().values()) == {None}
    deliver(world, "ab", "jobs")
    assert len(truth_of(world)["a"]) == 2
    write(world, "a")
    world.bridge("persons")
    assert set(world.land().values()) == {None}
    ((one, other),) = store(world, "select one, other from identities.same")
    assert {one, other} == truth_of(world)["a"]


def test_an_authority_may_not_seal_before_its_bridge(world: Parties) -> None:
    deliver(world, "a", "persons")
    world.rotate_token_keys()
    with pytest.raises(Refusal) as refusal:
        world.seal("persons")
    assert refusal.value.exit is Exit.BRIDGE_MISSING
    world.send(world.seal("jobs"))  # its first delivery: nobody to be mistaken


def test_what_comes_before_its_bridge_is_kept_and_taken_in_after_it(world: Parties) -> None:
    """An authority that lost its ledger's memory of the first epoch seals anyway; the platform remembers."""
    deliver(world, "ab", "persons")
    known = truth_of(world)
    world.rotate_token_keys()
    ledger = Ledger(world.root.authority("persons") / "ledger.sqlite")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("polku.authority.sealing.check_epoch", lambda *_: None)
        world.send(world.seal("persons"))
    assert ledger.last("persons") == 2
    assert set(world.land().values()) == {Exit.BRIDGE_MISSING}
    assert truth_of(world) == known
    assert Ledger(world.root.ledger).entries("persons")[-1].outcome == REFUSED
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("polku.authority.dispatch.check_epoch", lambda *_: None)
        world.bridge("persons")
    assert set(world.land().values()) == {None}
    assert truth_of(world) == known
    assert len(Ledger(world.root.ledger).accepted("persons")) == 3


def test_a_bridge_is_read_from_identifier_columns_alone_and_holds_no_row(world: Parties) -> None:
    deliver(world, "ab", "persons")
    world.rotate_token_keys()
    extract = world.extract("persons") / "persons.csv"
    lines = [line.split(";")[0] for line in extract.read_text().splitlines()]
    extract.write_text("\n".join(lines) + "\n")  # the other columns are not even there
    sealed = world.bridge("persons")
    world.relay()
    (arrived,) = opening.pending(world.root, world.study)
    assert arrived_parts.kind_of(world.root, arrived) == BRIDGE
    with arrived_parts.open_parts(world.root, world.study, arrived, BRIDGE) as parts:
        (table,) = (reader.read_all() for _, reader in parts.data.tables())
        links = parts.linked("links", "previous")
    assert table.num_rows == 2
    assert all(set(each["linked"].to_pylist()).isdisjoint(links[0]["handle"].to_pylist()) for each in links)
    assert not any(h.encode() in (sealed.files[DATA].read_bytes()) for h in HETUS.values())


def test_a_bridge_is_no_extract_and_an_extract_no_bridge(world: Parties) -> None:
    deliver(world, "a", "persons")
    world.rotate_token_keys()
    world.bridge("persons")
    world.relay()
    (arrived,) = opening.pending(world.root, world.study)
    with pytest.raises(Refusal) as refusal:
        world.read(arrived)
    assert refusal.value.exit is Exit.PACKAGE_MISADDRESSED
    assert set(arrived.files) == {DATA, LINK}


def test_packages_of_the_old_epoch_are_refused_and_use_up_their_number(world: Parties) -> None:
    deliver(world, "a", "persons")
    world.send(world.seal("persons"))
    world.relay()
    world.rotate_token_keys()
    world.bridge("persons")
    assert list(world.land().values()) == [Exit.PACKAGE_MISADDRESSED, None]


def test_there_is_no_bridge_without_a_rotation(world: Parties) -> None:
    write(world, "a")
    with pytest.raises(Refusal, match="nothing to bridge"):
        world.bridge("persons")
    assert world.trust().previous_epoch is None


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.sets(st.sampled_from("abc"), min_size=1), st.sampled_from(REGISTERS)),
        st.tuples(st.just("level"), st.none(), st.none()),
        st.tuples(st.just("epoch"), st.none(), st.none()),
        st.tuples(st.just("erase"), st.sampled_from("abc"), st.sampled_from(REGISTERS)),
    ),
    min_size=2,
    max_size=5,
)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_rows_are_whose_they_are_after_any_sequence_of_events(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object, str]]
) -> None:
    """Deliveries, rotations of either kind, erasures and re-deliveries in any order: each person's rows have keys that
    are one person's, no two persons' rows have one, and who has been erased has no rows."""
    world = small_world(tmp_path_factory.mktemp("world"))
    deliver(world, "abc")
    erased: set[str] = set()
    level = 1
    for what, whom, register in steps:
        if what == "deliver":
            assert isinstance(whom, set)
            deliver(world, whom, register)
        elif what == "level":
            level += 1
            world.new_research_root()
            rotate(world.root)
        elif what == "epoch":
            world.rotate_token_keys()
            write(world, "abc")  # what authorities hold; the erased too, for they may have a duty to keep it
            for each in REGISTERS:
                world.bridge(each)
            assert set(world.land().values()) == {None}
        else:
            world.notice(register, ["hetu", HETUS[str(whom)]], erasure())
            assert set(world.land().values()) == {None}
            erased.add(str(whom))
        found = truth_of(world)
        assert set(found) == set("abc") - erased
        assert all(len(keys_) == 1 for keys_ in found.values())
        assert len(set().union(*found.values())) == len(found)
