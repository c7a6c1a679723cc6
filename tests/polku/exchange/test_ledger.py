"""The ledger: what came before is known, cannot be changed, and decides what may come next."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange import ledger as ledger_module
from polku.exchange.delivery import Delivery
from polku.exchange.ledger import REFUSED, Ledger


def delivery(seq: int, content: str = "x", register: str = "jobs") -> Delivery:
    digests = {"data": f"{register}-{seq}-{content}-data", "link": f"{register}-{seq}-{content}-link"}
    package_ids = {part: f"id of {digest}" for part, digest in digests.items()}
    return Delivery(f"{register}-20240701-{seq:04d}", register, seq, {}, digests, package_ids)


def previous(ledger: Ledger, register: str = "jobs") -> dict[str, str | None]:
    return {part: ledger.head(register, part) for part in ("data", "link")}


def judged(ledger: Ledger, given_: Delivery, before: dict[str, str | None]) -> Exit:
    try:
        ledger.judge(given_, before)
    except Refusal as refusal:
        return refusal.exit
    return Exit.OK


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two deliveries of one register have been accepted."""
    made = Ledger(tmp_path / "ledger.sqlite")
    made.record(delivery(1), {"rows": 1})
    made.record(delivery(2), {"rows": 2})
    return made


def test_the_next_delivery_is_accepted(ledger: Ledger) -> None:
    assert judged(ledger, delivery(3), previous(ledger)) is Exit.OK
    assert judged(ledger, delivery(1, register="persons"), {"data": None, "link": None}) is Exit.OK


def test_the_same_bytes_again_are_a_replay(ledger: Ledger) -> None:
    assert judged(ledger, delivery(1), {"data": None, "link": None}) is Exit.PACKAGE_REPLAYED


def test_the_same_number_with_other_bytes_is_an_alarm(ledger: Ledger) -> None:
    for seq in (1, 2):
        assert judged(ledger, delivery(seq, "other"), previous(ledger)) is Exit.EQUIVOCATION


def test_a_missing_number_is_a_gap(ledger: Ledger) -> None:
    assert judged(ledger, delivery(4), previous(ledger)) is Exit.SEQUENCE_GAP


def test_another_predecessor_than_the_accepted_one_is_held(ledger: Ledger) -> None:
    before = {**previous(ledger), "data": "somebody else's"}
    assert judged(ledger, delivery(3), before) is Exit.SEQUENCE_GAP


def test_a_refused_delivery_uses_up_its_number_and_may_be_tried_again(ledger: Ledger) -> None:
    before = previous(ledger)
    ledger.record(delivery(3), {}, REFUSED)
    assert judged(ledger, delivery(3), before) is Exit.OK
    assert judged(ledger, delivery(3, "other"), before) is Exit.EQUIVOCATION
    assert judged(ledger, delivery(4), previous(ledger)) is Exit.OK
    assert [entry.seq for entry in ledger.accepted()] == [1, 2]
    assert not ledger.has(delivery(3).delivery_id)


def test_other_bytes_are_an_alarm_even_where_the_first_were_refused(ledger: Ledger) -> None:
    ledger.record(delivery(3), {}, REFUSED)
    only_data = Delivery("jobs-20240701-0003", "jobs", 3, {}, {"data": "other"})
    assert judged(ledger, only_data, previous(ledger)) is Exit.EQUIVOCATION
    assert judged(ledger, delivery(3, register="persons"), previous(ledger)) is Exit.SEQUENCE_GAP


def test_a_package_id_belongs_to_one_package(ledger: Ledger) -> None:
    """Whatever register, number or part the second one claims, and whether or not the first was accepted."""
    ledger.record(delivery(3), {}, REFUSED)
    for seq in (1, 3):
        taken = delivery(seq).package_ids["data"]
        again = replace(delivery(1, register="persons"), package_ids={"link": taken})
        assert judged(ledger, again, {"data": None, "link": None}) is Exit.EQUIVOCATION
        with pytest.raises(Refusal) as caught:
            ledger.record(again, {})
        assert caught.value.exit is Exit.EQUIVOCATION
    assert len(ledger.entries()) == 3
    ledger.record(delivery(3), {})


def test_what_another_object_wrote_is_read(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(tmp_path / "ledger.sqlite")
    assert len(other.entries()) == 2
    for writer, reader, seq in ((other, ledger, 3), (ledger, other, 4), (other, ledger, 5)):
        writer.record(delivery(seq), {})
        assert reader.last("jobs") == seq
        assert [entry.no for entry in reader.entries()] == list(range(1, seq + 1))
        assert reader.entries() == writer.entries() == Ledger(tmp_path / "ledger.sqlite").entries()


def test_what_is_known_is_not_verified_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[str] = []
    link = ledger_module.link
    monkeypatch.setattr(ledger_module, "link", lambda before, text: links.append(text) or link(before, text))
    for seq in range(3, 13):
        ledger.record(delivery(seq), {})
        assert judged(ledger, delivery(seq + 1), previous(ledger)) is Exit.OK
    assert len(set(links)) == 10
    assert len(links) == 20


def test_callers_cannot_change_what_is_known(ledger: Ledger) -> None:
    ledger.entries().clear()
    ledger.entries("jobs").clear()
    assert len(ledger.entries()) == len(ledger.entries("jobs")) == 2


def test_a_number_is_accepted_once(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        ledger.record(delivery(2), {})
    assert len(ledger.entries()) == 2


def test_a_ledger_that_was_half_made_is_finished_when_it_is_opened(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute(ledger_module._SCHEMA.partition(";")[0])
    Ledger(tmp_path / "ledger.sqlite").record(delivery(1), {})
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("delete from entry")


def test_entries_cannot_be_changed_or_removed(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        for statement in ("update entry set entry = ''", "delete from entry"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "update entry set entry = replace(entry, '\"rows\":1', '\"rows\":9') where no = 1",
        "delete from entry where no = 1",
        "update entry set no = 3 where no = 1",
        "update entry set no = 0 where no = 1",
        "update entry set entry = 'x' where no = 2",
        "update entry set entry = '{}' where no = 2",
        "update entry set seq = 7 where no = 2",
        "update entry set outcome = 'refused' where no = 2",
        "insert into entry select 3, entry, chain, 'other', seq, outcome from entry where no = 2",
    ],
)
def test_a_changed_file_is_noticed(ledger: Ledger, tmp_path: Path, change: str) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.executescript(f"drop trigger no_update; drop trigger no_delete; {change}")
    for reader in (ledger, ledger, Ledger(tmp_path / "ledger.sqlite")):
        with pytest.raises(Refusal) as caught:
            reader.entries()
        assert caught.value.exit is Exit.LEDGER_BROKEN
    with pytest.raises(Refusal):
        ledger.record(delivery(3), {})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([1, 2, 3, 4]))
def test_in_any_order_of_arrival_everything_is_accepted_once_and_in_sequence(tmp_path: Path, order: list[int]) -> None:
    (tmp_path / "l.sqlite").unlink(missing_ok=True)
    ledger = Ledger(tmp_path / "l.sqlite")
    before = {seq: {p: delivery(seq - 1).digests[p] if seq > 1 else None for p in ("data", "link")} for seq in order}
    held = list(order)
    while held:
        seq = next(s for s in held if judged(ledger, delivery(s), before[s]) is Exit.OK)
        ledger.record(delivery(seq), {})
        held.remove(seq)
    assert [entry.seq for entry in ledger.accepted("jobs")] == [1, 2, 3, 4]
    assert {judged(ledger, delivery(seq), before[seq]) for seq in order} == {Exit.PACKAGE_REPLAYED}
