"""Notices: who is erased leaves every layer and stays out; restrictions and rectifications are on record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from polku.errors import Exit, Refusal
from polku.exchange.ledger import Ledger
from polku.exchange.notices import Notice
from polku.layout import CHECKOUT
from polku.research import archive, erasure, landed, storage
from polku.research.notices import due, due_on
from polku.research.research_tokens import rotate
from tests.polku.parties import Parties
from tests.polku.research.rotating import HETUS, TABLES, deliver, small_world, truth_of, write
from tests.polku.research.rotating import erasure as erase


@pytest.fixture
def world(tmp_path: Path) -> Parties:
    return small_world(tmp_path)


def store(world: Parties, query: str) -> list[tuple[Any, ...]]:
    with storage.connect(world.root) as con:
        storage.attach(con, world.root, world.root.identities, "identities", read_only=True)
        return con.execute(query).fetchall()


def take_notice(world: Parties, register: str, person: str, notice: Notice) -> dict[str, Any]:
    """Seal, carry and take in a notice; what the ledger keeps of it."""
    world.notice(register, ["hetu", HETUS[person]], notice)
    assert set(world.land().values()) == {None}
    return Ledger(world.root.ledger).accepted(register)[-1].facts


def every_key(world: Parties) -> Iterator[object]:
    for register, table in TABLES:
        for row in world.landed(register, table):
            yield from (value for name, value in row.items() if name.endswith("_key"))


def test_an_erased_person_leaves_every_table_under_every_identifier(world: Parties) -> None:
    """The notice comes from a register that knows the identity code; her services are under a client number."""
    deliver(world, "ab")
    gone = truth_of(world)["a"] | {
        r["client_key"] for r in world.landed("clients", "clients") if r["municipality_code"] == "a"
    }
    facts = take_notice(world, "jobs", "a", erase())
    assert set(truth_of(world)) == {"b"}
    assert gone.isdisjoint(every_key(world))
    assert facts["rows"] == {
        name: [2, 1] for name in ("persons.persons", "jobs.spells", "clients.clients", "clients.services")
    }
    assert (facts["persons"], facts["unknown"], facts["deliveries_destroyed"]) == (1, 0, 3)
    assert gone.isdisjoint(key for (key,) in store(world, "select entity_key from identities.entity"))
    assert gone.isdisjoint(key for (key,) in store(world, "select entity_key from identities.token"))
    assert store(world, "select count(*) from identities.erasing") == [(0,)]
    assert landed.totals(world.root, "persons")["persons"]["rows"] == 1


def test_she_stays_out_when_she_is_delivered_again_also_after_rotations(world: Parties) -> None:
    deliver(world, "ab")
    take_notice(world, "persons", "a", erase())
    deliver(world, "ab")
    assert set(truth_of(world)) == {"b"}
    (again,) = (e.facts for e in Ledger(world.root.ledger).accepted("jobs") if e.seq == 2)
    assert (again["tables"]["spells"]["erased"], again["archived"]) == (1, False)
    world.new_research_root()
    rotate(world.root)
    deliver(world, "ab", "jobs")
    world.rotate_token_keys()
    world.bridge("jobs")
    assert set(world.land().values()) == {None}
    deliver(world, "ab", "jobs")
    assert set(truth_of(world)) == {"b"}


def test_where_others_name_her_as_a_relative_the_cell_is_emptied(world: Parties) -> None:
    deliver(world, "ab")
    family = ["numero;hetu;huoltaja;kunta", f"12;{HETUS['b']};{HETUS['a']};b"]
    world.write("clients", "clients.csv", family)
    world.send(world.seal("clients"))
    world.land()
    assert any(row["guardian_key"] for row in world.landed("clients", "clients"))
    take_notice(world, "persons", "a", erase())
    assert [row["guardian_key"] for row in world.landed("clients", "clients")] == [None, None]
    world.send(world.seal("clients"))
    world.land()
    assert [row["guardian_key"] for row in world.landed("clients", "clients")] == [None, None, None]


def test_a_new_client_number_of_hers_does_not_bring_her_back(world: Parties) -> None:
    deliver(world, "ab")
    take_notice(world, "persons", "a", erase())
    world.write("clients", "clients.csv", ["numero;hetu;huoltaja;kunta", f"77;{HETUS['a']};;a", f"12;{HETUS['a']};;a"])
    world.write("clients", "services.csv", ["numero;alku", "77;01.01.2019", "12;02.01.2019"])
    world.send(world.seal("clients"))
    assert set(world.land().values()) == {None}
    # 77 is new and hers; 12 was somebody else's before, and a row that says otherwise erases nobody
    days = sorted(str(row["started_on"]) for row in world.landed("clients", "services"))
    assert days == ["2019-01-02", "2019-01-02"]
    assert store(world, "select count(*) from identities.erasing") == [(0,)]


def test_rows_that_broke_the_contract_lose_their_numbers_too(world: Parties) -> None:
    write(world, "ab")
    lines = ["tapaus;hetu;alku;selite", f"1;{HETUS['a']};31.02.2019;x", f"2;{HETUS['b']};01.01.2019;b"]
    world.write("jobs", "spells.csv", lines)
    world.send(world.seal("jobs"))
    world.land()
    (file,) = (world.root.quarantine / "jobs").glob("*.parquet")
    with storage.connect(world.root) as con:
        assert con.execute(f"select count(*) from {storage.parquet(file)}").fetchall() == [(1,)]
        take_notice(world, "jobs", "a", erase())
        assert con.execute(f"select count(*) from {storage.parquet(file)}").fetchall() == [(0,)]
    with pytest.raises(Refusal, match="destroyed"):
        archive.reopen(world.root, file.stem, world.root.inbox)


def test_a_notice_about_nobody_known_is_taken_and_leaves_a_tombstone(world: Parties) -> None:
    deliver(world, "b")
    facts = take_notice(world, "jobs", "a", erase())
    assert (facts["persons"], facts["unknown"], facts["rows"]) == (1, 1, {})
    deliver(world, "ab")
    assert set(truth_of(world)) == {"b"}


KILLED = """
import os, signal, sys
from pathlib import Path
from polku.exchange.ledger import Ledger
from polku.layout import DataRoot
from polku.research import archive, erasure, intake, opening, storage
from tests.polku.research.rotating import small_study_of

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def second(function):
    calls = []
    def call(*arguments, **named):
        calls.append(1)
        return die() if len(calls) == 2 else function(*arguments, **named)
    return call

root, study = DataRoot("small", Path(sys.argv[1])), small_study_of()
[delivery] = opening.pending(root, study)
match sys.argv[2]:
    case "begun": erasure.finish = die
    case "rewriting": storage.write_parquet = second(storage.write_parquet)
    case "destroying": archive.destroy = second(archive.destroy)
    case "rewritten": Ledger.record = die
    case "recorded": archive.put_away = die
    case "put_away": erasure.close = die
intake.take(root, study, delivery, lambda _: None)
"""


@pytest.mark.parametrize("moment", ["begun", "rewriting", "destroying", "rewritten", "recorded", "put_away"])
def test_an_erasure_killed_at_any_moment_is_finished_by_the_next_run(world: Parties, moment: str) -> None:
    deliver(world, "ab")
    world.notice("jobs", ["hetu", HETUS["a"]], erase())
    world.relay()
    code = [sys.executable, "-c", KILLED, str(world.root.path), moment]
    killed = subprocess.run(code, cwd=CHECKOUT, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert set(world.land().values()) <= {None}
    assert set(truth_of(world)) == {"b"}
    (facts,) = (e.facts for e in Ledger(world.root.ledger).accepted("jobs") if e.facts["kind"] == "notice")
    assert facts["rows"]["jobs.spells"] == [2, 1]
    assert erasure.begun(world.root) == {}
    assert list(world.root.inbox.glob("*.hpkg")) == []
    assert not list((world.root.keys / "deliveries").iterdir())
    deliver(world, "ab", "jobs")
    assert set(truth_of(world)) == {"b"}


def test_restriction_and_its_end(world: Parties) -> None:
    deliver(world, "ab")
    (key,) = truth_of(world)["a"]
    take_notice(world, "jobs", "a", Notice("restrict", "accuracy_contested", date(2024, 6, 1), None, "x", 0))
    assert key in {k for (k,) in store(world, "select entity_key from identities.restriction")}
    assert len(truth_of(world)) == 2
    lift = Notice("lift", "ground_ended", date(2024, 6, 20), date(2024, 6, 15), "x", 0)
    take_notice(world, "persons", "a", lift)
    assert store(world, "select count(*) from identities.restriction") == [(0,)]


def test_a_restriction_holds_for_who_arrives_later(world: Parties) -> None:
    deliver(world, "b", "jobs")
    facts = take_notice(world, "jobs", "a", Notice("restrict", "legal_claim", date(2024, 6, 1), None, "x", 0))
    assert facts["unknown"] == 1
    deliver(world, "ab", "jobs")
    (restricted,) = store(world, "select entity_key from identities.restriction")
    assert truth_of(world)["a"] == set(restricted)


def test_a_rectification_is_done_by_the_next_extract_and_keeps_the_original(world: Parties) -> None:
    deliver(world, "a", "jobs")
    before = world.landed("jobs", "spells")
    take_notice(world, "jobs", "a", Notice("rectify", "inaccurate", date(2024, 5, 31), None, "the office", 0))
    (open_,) = due(world.root)
    assert (open_.action, open_.due_on, open_.done_on) == ("rectify", date(2024, 6, 30), None)
    assert open_.overdue(date(2024, 7, 1))
    assert not open_.overdue(date(2024, 6, 30))
    deliver(world, "a", "persons")
    assert due(world.root)[0].done_on is None
    deliver(world, "a", "jobs")
    assert due(world.root)[0].done_on is not None
    assert before[0] in world.landed("jobs", "spells")


@pytest.mark.parametrize(
    ("received", "until"), [(date(2026, 1, 31), date(2026, 2, 28)), (date(2026, 11, 2), date(2026, 12, 2))]
)
def test_a_month_is_a_calendar_month(received: date, until: date) -> None:
    assert due_on(received) == until


@pytest.mark.parametrize(
    ("lines", "notice", "exit_"),
    [
        (["hetu", "010190-900X"], erase(), Exit.EXTRACT_BREAKS_CONTRACT),
        (["hetu", "131052-900W", " "], erase(), Exit.EXTRACT_BREAKS_CONTRACT),
        (["nimi", "131052-900W"], erase(), Exit.EXTRACT_BREAKS_CONTRACT),
        (["hetu"], erase(), Exit.EXTRACT_BREAKS_CONTRACT),
        (["hetu", "131052-900W"], Notice("erase", "inaccurate", date(2024, 6, 1), None, "x", 0), Exit.USAGE),
        (["hetu", "131052-900W"], Notice("lift", "ground_ended", date(2024, 6, 1), None, "x", 0), Exit.USAGE),
        (["hetu", "131052-900W"], erase(date(2030, 1, 1)), Exit.USAGE),
    ],
)  # fmt: skip
def test_a_notice_that_is_not_clear_is_not_sealed(
    world: Parties, lines: list[str], notice: Notice, exit_: Exit
) -> None:
    with pytest.raises(Refusal) as refusal:
        world.notice("jobs", lines, notice)
    assert refusal.value.exit is exit_
    assert "131052" not in str(refusal.value)
    assert not list((world.root.authority("jobs") / "sealed").glob("*.hpkg"))


def test_one_person_can_be_named_by_two_identifiers_at_once(world: Parties) -> None:
    deliver(world, "ab")
    world.notice("clients", ["numero;hetu", f"11;{HETUS['a']}", f";{HETUS['b']}"], erase())
    assert set(world.land().values()) == {None}
    assert Ledger(world.root.ledger).accepted("clients")[-1].facts["persons"] == 2
    assert truth_of(world) == {}


def test_released_tables_that_used_her_rows_are_named(world: Parties) -> None:
    deliver(world, "ab")
    release = world.root.published / "2024-08-01-abc"
    release.mkdir(parents=True)
    (release / "manifest.json").write_text('{"inputs": {"jobs-20240701-0001": "00"}, "tables": {"state_share": {}}}')
    assert take_notice(world, "persons", "a", erase())["released"] == ["2024-08-01-abc/state_share"]
