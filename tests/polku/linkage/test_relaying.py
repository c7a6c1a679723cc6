"""The linkage unit: re-keys, forgets, refuses, and never sees a row."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import delivery, folders, grants, keys
from polku.exchange.delivery import LINK, Heading
from polku.exchange.files import digest_of
from polku.exchange.ledger import ACCEPTED, REFUSED, Ledger
from polku.exchange.package import Package, writing
from polku.exchange.parts import ID_PART
from polku.exchange.payload import Payload, write_payload
from polku.exchange.tokens import tokens
from polku.linkage import relaying
from tests.polku.parties import Parties

LINES = ["hetu;syntymapaiva;kieli", "010190-999W;01.01.1990;fi", "131052-900W;13.10.1952;sv", "290296-9026;29.02.1996;"]


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    made = Parties(tmp_path)
    made.write("persons", "persons.csv", LINES)
    return made


def opened(parties: Parties, path: Path, party: str, folder: Path) -> list[dict[str, object]]:
    trust = parties.trust()
    with Package.verify(path, trust.signers) as package:
        payload = Payload(package.open(trust.own(party, folder).opening), path.name)
        return [row for _, reader in payload.tables() for row in reader.read_all().to_pylist()]


def ledger(parties: Parties) -> Ledger:
    return Ledger(parties.root.linkage / "ledger.sqlite")


def id_part(parties: Parties, heading: Heading) -> Path:
    """An id part with any heading, genuinely signed by its authority and left in the linkage unit's inbox."""
    trust = parties.trust()
    signing = trust.own("persons", parties.root.authority("persons")).signing
    path = parties.root.linkage / "inbox" / delivery.part_name(heading.delivery_id, "id")
    with writing(path, heading.as_json(), signing, trust.party(keys.LINKAGE).sealing_key) as out:
        write_payload(out, {"tables": [{"name": "identifiers", "rows": 0}]}, [(ID_PART, [])])
    folders.mark(path, out.digest)
    return path


def heading_of(parties: Parties, path: Path) -> Heading:
    with Package.verify(path, parties.trust().signers) as package:
        return Heading.of(package)


def test_tokens_are_re_keyed_and_handles_kept(parties: Parties) -> None:
    report = parties.seal("persons")
    sent = opened(parties, report.id_part, keys.LINKAGE, parties.root.linkage)
    parties.send(report)
    (link,) = relaying.relay(parties.root.linkage, parties.root.trust).relayed
    linked = opened(parties, link, keys.RESEARCH, parties.root.path)
    assert {row["handle"] for row in sent} == {row["handle"] for row in linked}
    assert not {row["token"] for row in sent} & {row["linked"] for row in linked}
    assert len(linked) == 4 - 1


def test_only_national_identifiers_share_a_key(parties: Parties) -> None:
    """The study's key for permanent codes; the register's own for temporary codes and its numbers."""
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", "7;131052-900W;;", "7;010190-999W;;"])
    sent = opened(parties, parties.seal("jobs").id_part, keys.LINKAGE, parties.root.linkage)
    shared, own = grants.token_keys(parties.root.authority("jobs"), keys.EPOCH)
    assert {(row["id_type"], row["token"]) for row in sent} == {
        ("fi.hetu", *tokens(shared, "fi.hetu", [b"131052-900W"])),
        ("fi.hetu.temporary/jobs", *tokens(own, "fi.hetu.temporary/jobs", [b"010190-999W"])),
        ("jobs.case", *tokens(own, "jobs.case", [b"7"])),
    }


def test_the_order_of_the_link_part_is_that_of_the_linked_tokens(parties: Parties) -> None:
    parties.send(parties.seal("persons"))
    (link,) = relaying.relay(parties.root.linkage, parties.root.trust).relayed
    linked = [row["linked"] for row in opened(parties, link, keys.RESEARCH, parties.root.path)]
    assert linked == sorted(linked)  # type: ignore[type-var]


def test_a_person_has_one_linked_token_and_ever_new_handles(parties: Parties) -> None:
    links = []
    for _ in range(2):
        parties.send(parties.seal("persons"))
        (link,) = relaying.relay(parties.root.linkage, parties.root.trust).relayed
        links.append(opened(parties, link, keys.RESEARCH, parties.root.path))
    first, second = links
    assert {row["linked"] for row in first} == {row["linked"] for row in second}
    assert not {row["handle"] for row in first} & {row["handle"] for row in second}


def test_the_unit_keeps_counts_and_nothing_else(parties: Parties) -> None:
    parties.send(parties.seal("persons"))
    relaying.relay(parties.root.linkage, parties.root.trust)
    assert not list((parties.root.linkage / "inbox").iterdir())
    (entry,) = ledger(parties).accepted()
    assert entry.facts == {"fi.hetu": 2, "fi.hetu.temporary/persons": 1}


def test_a_linkage_unit_cannot_open_rows(parties: Parties) -> None:
    with pytest.raises(Refusal) as caught:
        opened(parties, parties.seal("persons").data_part, keys.LINKAGE, parties.root.linkage)
    assert caught.value.exit is Exit.PACKAGE_MISADDRESSED


def test_a_replay_changes_nothing(parties: Parties) -> None:
    report = parties.seal("persons")
    for _ in range(2):
        parties.send(report)
        relayed = parties.relay()
    assert (relayed.relayed, relayed.repeated) == ([], [report.delivery_id])
    assert len(ledger(parties).entries()) == 1


def test_a_gap_is_held_until_it_is_filled(parties: Parties) -> None:
    first, second = parties.seal("persons"), parties.seal("persons")
    parties.send(second)
    report = parties.relay()
    assert [refusal.exit for refusal in report.held] == [Exit.SEQUENCE_GAP]
    parties.send(first)
    assert [path.name for path in parties.relay().relayed] == [
        delivery.part_name(sealed.delivery_id, LINK) for sealed in (first, second)
    ]


def test_what_is_still_being_copied_or_dated_ahead_is_held(parties: Parties) -> None:
    """Nothing is refused, moved or recorded, and what follows goes its way."""
    report, inbox = parties.seal("persons"), parties.root.linkage / "inbox"
    path = inbox / report.id_part.name
    path.write_bytes(report.id_part.read_bytes()[:-100])
    assert relaying.relay(parties.root.linkage, parties.root.trust).arriving == [path]
    folders.mark(path, digest_of(report.id_part))
    (refusal,) = parties.relay().held
    assert refusal.exit is Exit.NOT_YET
    path.unlink()
    id_part(parties, replace(heading_of(parties, report.id_part), created_at="2999-01-01T00:00:00+00:00"))
    (refusal,) = parties.relay().held
    assert refusal.exit is Exit.NOT_YET
    assert path.is_file()
    assert ledger(parties).entries() == []
    folders.copy(report.id_part, inbox)
    assert len(parties.relay().relayed) == 1


def test_two_different_deliveries_of_one_number_raise_the_alarm(parties: Parties) -> None:
    report = parties.seal("persons")
    heading = heading_of(parties, report.id_part)
    parties.send(report)
    parties.relay()
    id_part(parties, heading)
    (refusal,) = parties.relay().refused
    assert refusal.exit is Exit.EQUIVOCATION


@pytest.mark.parametrize(
    ("change", "exit_"),
    [
        ({"key_check": "0" * 16}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"mode": "blinded"}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"mode": "relay+stretched"}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"canon_version": 999}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"study": "other"}, Exit.PACKAGE_MISADDRESSED),
        ({"kind": "letter"}, Exit.PACKAGE_MISADDRESSED),
        ({"epoch": "2"}, Exit.PACKAGE_MISADDRESSED),
        ({"compartment": "data"}, Exit.PACKAGE_MISADDRESSED),
        ({"seq": 7}, Exit.PACKAGE_MISADDRESSED),
    ],
)
def test_what_would_link_to_nobody_is_refused(parties: Parties, change: dict[str, object], exit_: Exit) -> None:
    heading = heading_of(parties, parties.seal("persons").id_part)
    path = id_part(parties, replace(heading, **change))  # type: ignore[arg-type]
    (refusal,) = parties.relay().refused
    assert refusal.exit is exit_
    (reason,) = (parties.root.linkage / "refused").glob("*/reason.json")
    assert json.loads(reason.read_text())["exit"] == exit_.name
    assert (reason.parent / path.name).is_file()


def test_a_genuine_refused_number_does_not_block_the_next(parties: Parties) -> None:
    first = parties.seal("persons")
    id_part(parties, replace(heading_of(parties, first.id_part), key_check="0" * 16))
    parties.relay()
    assert [entry.outcome for entry in ledger(parties).entries()] == [REFUSED]


def test_another_authority_cannot_use_up_numbers(parties: Parties) -> None:
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", "1;010190-999W;01.01.2019;"])
    forged = replace(
        heading_of(parties, parties.seal("jobs").id_part), register="jobs", delivery_id="jobs-20240701-0001"
    )
    id_part(parties, forged)  # signed by `persons`
    (refusal,) = parties.relay().refused
    assert refusal.exit is Exit.SENDER_UNKNOWN
    assert ledger(parties).entries() == []


def test_one_refusal_does_not_keep_others_waiting(parties: Parties) -> None:
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", "1;010190-999W;01.01.2019;"])
    spoiled, good = parties.seal("jobs"), parties.seal("persons")
    for report in (spoiled, good):
        parties.send(report)
    path = parties.root.linkage / "inbox" / spoiled.id_part.name
    path.write_bytes(path.read_bytes()[:-1])
    folders.mark(path, digest_of(path))
    report = parties.relay()
    assert [refusal.exit for refusal in report.refused] == [Exit.PACKAGE_TRUNCATED]
    assert [link.name for link in report.relayed] == [delivery.part_name(good.delivery_id, LINK)]


def test_killed_after_the_ledger_knows_finishes_next_time(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    parties.send(parties.seal("persons"))
    record = Ledger.record

    def then_killed(*args: object) -> None:
        record(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "record", then_killed)
        with pytest.raises(KeyboardInterrupt):
            parties.relay()
    outbox = parties.root.linkage / "outbox"
    assert not list(outbox.glob("[!.]*"))
    assert parties.relay().repeated
    assert sorted(path.name for path in outbox.iterdir()) == [
        "persons-20240701-0001.link.hpkg", "persons-20240701-0001.link.hpkg.sha256",
    ]  # fmt: skip
    assert [entry.outcome for entry in ledger(parties).entries()] == [ACCEPTED]


def test_a_link_part_is_taken_back_when_the_ledger_never_knew(parties: Parties, tmp_path: Path) -> None:
    parties.send(parties.seal("persons"))
    outbox = parties.root.linkage / "outbox"
    outbox.mkdir()
    stray = outbox / ".persons-20240701-0009.link.hpkg.part"
    shutil.copy(parties.root.trust, stray)
    parties.relay()
    assert not stray.exists()
