"""The research platform's door: what opens, under which keys, and what is turned away without a trace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from polku.errors import Exit, Refusal
from polku.exchange import folders, keys
from polku.exchange.delivery import DATA, LINK, Delivery, Heading, TableFacts
from polku.exchange.files import digest_of
from polku.exchange.ledger import REFUSED, Ledger
from polku.exchange.package import Package, writing
from polku.exchange.payload import Payload, write_payload
from polku.exchange.trust import Trust
from polku.layout import DataRoot
from polku.research import opening, storage
from tests.polku.parties import PERSONS, Parties, contract, small_study

PERSON_LINES = [
    "hetu;syntymapaiva;kieli",
    "010190-989L;01.01.1990;fi",
    "131052-900W;13.10.1952;sv",
    "290296-9026;29.02.1996;",
    "010190Y999W;01.01.1990;et",
]
SPELL_LINES = [
    "tapaus;hetu;alku;selite",
    "7;131052\u2212900w;01.01.2019;a",
    "7;131052-900W;01.02.2019;b",
    "8;290296-9026;01.01.2019;c",
    "8;010190Y999W;01.01.2019;temporary",
    ";;01.01.2019;nobody",
]


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    made = Parties(tmp_path)
    made.write("persons", "persons.csv", PERSON_LINES[:1] + PERSON_LINES[2:])
    made.write("jobs", "spells.csv", SPELL_LINES)
    return made


def exit_of(parties: Parties, delivery: Delivery) -> Exit:
    with pytest.raises(Refusal) as caught:
        parties.read(delivery)
    return caught.value.exit


def accept(parties: Parties, delivery: Delivery) -> None:
    """What landing does with a delivery that has passed its gates."""
    parties.read(delivery)
    Ledger(parties.root.ledger).record(delivery, {})
    parties.root.archive.mkdir(parents=True, exist_ok=True)
    for path in delivery.files.values():
        folders.move(path, parties.root.archive)


def reseal(parties: Parties, path: Path, party: str, change: Callable[[Heading], Heading]) -> None:
    """Put another heading on a part, genuinely signed by its sender."""
    trust = parties.trust()
    folder = parties.root.linkage if party == keys.LINKAGE else parties.root.authority(party)
    recipient = trust.own(keys.RESEARCH, parties.root.path).opening
    with Package.verify(path, trust.signers) as package:
        heading = Heading.of(package)
        payload = Payload(package.open(recipient), path.name)
        tables = [(reader.schema, reader.read_all().to_batches()) for _, reader in payload.tables()]
    path.unlink()
    signing = trust.own(party, folder).signing
    with writing(path, change(heading).as_json(), signing, trust.party(keys.RESEARCH).sealing_key) as out:
        write_payload(out, payload.manifest, tables)
    folders.mark(path, out.digest)


def pending(parties: Parties) -> list[Delivery]:
    return opening.pending(parties.root, parties.study)


def stored(root: DataRoot) -> int:
    with storage.connect(root) as con:
        storage.attach(con, root, root.identities, "identities")
        count = con.execute("select count(*) from identities.entity").fetchone()
    return count[0] if count else 0


def test_a_person_has_one_random_key_in_every_register_and_delivery(parties: Parties) -> None:
    first = parties.read(parties.deliver("persons"))["persons"]
    again = parties.read(parties.deliver("jobs"))["spells"]
    by_month = {row["birth_month"]: row["person_key"] for row in first}
    by_note = {row["note"]: row["person_key"] for row in again}
    assert by_note["a"] == by_note["b"] == by_month["1952-10-01"]
    assert by_note["c"] == by_month["1996-02-01"]
    assert by_note["nobody"] is None
    assert len({row["person_key"] for row in first}) == len(first)
    assert all(isinstance(key, int) and 0 < key < 2**63 for key in by_month.values())


def test_a_temporary_code_is_somebody_else_in_every_register(parties: Parties) -> None:
    persons = parties.read(parties.deliver("persons"))["persons"]
    jobs = parties.read(parties.deliver("jobs"))["spells"]
    (there,) = (row["person_key"] for row in persons if row["language_code"] == "et")
    (here,) = (row["person_key"] for row in jobs if row["note"] == "temporary")
    assert there != here


def test_numbers_of_a_register_get_keys_of_their_own(parties: Parties) -> None:
    rows = parties.read(parties.deliver("jobs"))["spells"]
    cases = {row["note"]: row["case_key"] for row in rows}
    assert cases["a"] == cases["b"]
    assert len({cases["a"], cases["c"], *(row["person_key"] for row in rows)} - {None}) == 5


def test_neither_half_alone_can_be_opened(parties: Parties) -> None:
    parties.send(parties.seal("persons"))
    assert pending(parties) == []
    (waits,) = opening.waiting(parties.root, parties.study)
    assert set(waits.files) == {DATA}
    parties.relay()
    assert [set(delivery.files) for delivery in pending(parties)] == [{DATA, LINK}]


def test_a_delivery_waits_for_the_one_before(parties: Parties) -> None:
    first, second = parties.seal("persons"), parties.seal("persons")
    for report in (first, second):
        parties.send(report)
    parties.relay()
    held = parties.root.inbox / first.data_part.name
    held.rename(parties.path / "held")
    assert pending(parties) == []
    (parties.path / "held").rename(held)
    assert [delivery.seq for delivery in pending(parties)] == [1, 2]
    assert exit_of(parties, pending(parties)[1]) is Exit.SEQUENCE_GAP


def test_a_replay_is_refused_and_changes_nothing(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    copies = {path: path.read_bytes() for path in delivery.files.values()}
    accept(parties, delivery)
    for path, content in copies.items():
        path.write_bytes(content)
        folders.mark(path, digest_of(path))
    (again,) = pending(parties)
    with pytest.raises(Refusal) as caught:
        parties.read(again)
    assert caught.value.exit is Exit.PACKAGE_REPLAYED
    opening.refuse(parties.root, again, caught.value)
    assert [entry.outcome for entry in Ledger(parties.root.ledger).entries()] == ["accepted"]


def test_another_package_of_an_accepted_number_raises_the_alarm(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    copies = {path: path.read_bytes() for path in delivery.files.values()}
    accept(parties, delivery)
    for path, content in copies.items():
        path.write_bytes(content)
        folders.mark(path, digest_of(path))
    reseal(parties, delivery.data, "persons", lambda heading: heading)
    assert exit_of(parties, pending(parties)[0]) is Exit.EQUIVOCATION


def test_a_third_party_of_the_same_study_cannot_send_rows(parties: Parties) -> None:
    parties.deliver("persons")
    reseal(parties, pending(parties)[0].data, "jobs", lambda heading: heading)
    assert exit_of(parties, pending(parties)[0]) is Exit.SENDER_UNKNOWN


@pytest.mark.parametrize(
    ("change", "exit_"),
    [
        ({"contract_version": 2}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"canon_version": 999}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"mode": "blinded"}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"mode": "relay+stretched"}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"key_check": "0" * 16}, Exit.PACKAGE_WRONG_CONTRACT),
        ({"test": False}, Exit.PACKAGE_MISADDRESSED),
        ({"study": "other"}, Exit.PACKAGE_MISADDRESSED),
        ({"epoch": "2"}, Exit.PACKAGE_MISADDRESSED),
        ({"seq": 2}, Exit.PACKAGE_MISADDRESSED),
    ],
)
def test_a_delivery_under_other_terms_is_refused(parties: Parties, change: dict[str, object], exit_: Exit) -> None:
    parties.deliver("persons")
    (delivery,) = pending(parties)
    reseal(parties, delivery.data, "persons", lambda heading: replace(heading, **change))  # type: ignore[arg-type]
    reseal(parties, delivery.link, keys.LINKAGE, lambda heading: replace(heading, **change))  # type: ignore[arg-type]
    assert exit_of(parties, pending(parties)[0]) is exit_
    assert not parties.root.identities.exists() or stored(parties.root) == 0


def test_parts_with_different_headings_are_not_one_delivery(parties: Parties) -> None:
    parties.deliver("persons")
    reseal(parties, pending(parties)[0].link, keys.LINKAGE, lambda heading: replace(heading, contract_version=2))
    assert exit_of(parties, pending(parties)[0]) is Exit.DELIVERY_INCOMPLETE


def test_the_linked_tokens_of_another_delivery_do_not_fit(parties: Parties, tmp_path: Path) -> None:
    """The same heading, another run of the sealer: its handles are others."""
    parties.deliver("persons")
    (delivery,) = pending(parties)
    foreign = tmp_path / "foreign.hpkg"
    shutil.copy(delivery.link, foreign)
    second = parties.deliver("persons")
    trust = parties.trust()
    recipient = trust.own(keys.RESEARCH, parties.root.path).opening
    with Package.verify(foreign, trust.signers) as first_link, Package.verify(second.link, trust.signers) as package:
        heading = Heading.of(first_link)
        payload = Payload(package.open(recipient), "link")
        tables = [(reader.schema, reader.read_all().to_batches()) for _, reader in payload.tables()]
    delivery.link.unlink()
    signing = trust.own(keys.LINKAGE, parties.root.linkage).signing
    with writing(delivery.link, heading.as_json(), signing, trust.party(keys.RESEARCH).sealing_key) as out:
        write_payload(out, payload.manifest, tables)
    folders.mark(delivery.link, out.digest)
    assert exit_of(parties, pending(parties)[0]) is Exit.DELIVERY_INCOMPLETE
    assert stored(parties.root) == 0


def test_a_refusal_reaches_the_caller_even_through_duckdb(parties: Parties) -> None:
    parties.deliver("persons")
    (delivery,) = pending(parties)
    trust = parties.trust()
    _claim_another_count(parties, delivery, trust)
    with pytest.raises(Refusal) as caught:
        _read_through_duckdb(parties, pending(parties)[0])
    assert caught.value.exit is Exit.DELIVERY_INCOMPLETE


def _read_through_duckdb(parties: Parties, delivery: Delivery) -> None:
    with opening.open_delivery(parties.root, parties.study, delivery) as opened, duckdb.connect() as con:
        for _, reader in opened.tables():
            con.register("sealed", reader).execute("create or replace table landed as from sealed")


def _claim_another_count(parties: Parties, delivery: Delivery, trust: Trust) -> None:
    """Seal the data part with a manifest that counts one row less than there are."""
    recipient = trust.own(keys.RESEARCH, parties.root.path).opening
    with Package.verify(delivery.data, trust.signers) as package:
        heading = Heading.of(package)
        whole = package.open(recipient).read(1 << 20)
    delivery.data.unlink()
    signing = trust.own("persons", parties.root.authority("persons")).signing
    assert b'"rows":3' in whole
    with writing(delivery.data, heading.as_json(), signing, trust.party(keys.RESEARCH).sealing_key) as out:
        out.write(whole.replace(b'"rows":3', b'"rows":2', 1))
    folders.mark(delivery.data, out.digest)


def test_a_delivery_that_was_not_read_to_its_end_keeps_no_identities(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    with pytest.raises(Refusal) as caught, opening.open_delivery(parties.root, parties.study, delivery):
        pass
    assert caught.value.exit is Exit.DELIVERY_INCOMPLETE
    assert stored(parties.root) == 0


def test_a_failure_of_the_caller_keeps_no_identities(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    with pytest.raises(RuntimeError):
        _read_and_fail(parties, delivery)
    assert stored(parties.root) == 0
    assert len(parties.read(delivery)["persons"]) == 3


def _read_and_fail(parties: Parties, delivery: Delivery) -> None:
    with opening.open_delivery(parties.root, parties.study, delivery) as opened:
        for _, reader in opened.tables():
            reader.read_all()
        raise RuntimeError


def test_the_store_of_identities_is_encrypted(parties: Parties) -> None:
    rows = parties.read(parties.deliver("persons"))["persons"]
    content = parties.root.identities.read_bytes()
    assert b"fi.hetu" not in content
    assert not any(int(str(row["person_key"])).to_bytes(8, "little") in content for row in rows)


def test_refused_packages_are_kept_with_their_reason(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    refusal = Refusal(Exit.GATE_CLOSED, "a gate is closed.", "Look at it.", register="persons", row_no=3)
    folder = opening.refuse(parties.root, delivery, refusal)
    assert folder == parties.root.quarantine / "packages" / delivery.delivery_id
    assert {path.name for path in folder.iterdir()} == {
        "reason.json", f"{delivery.delivery_id}.data.hpkg", f"{delivery.delivery_id}.link.hpkg",
        f"{delivery.delivery_id}.data.hpkg.sha256", f"{delivery.delivery_id}.link.hpkg.sha256",
    }  # fmt: skip
    reason = json.loads((folder / "reason.json").read_text())
    assert (reason["exit_code"], reason["what"], reason["row_no"]) == (40, "a gate is closed.", 3)


def test_after_a_refused_delivery_the_next_one_is_taken(parties: Parties) -> None:
    opening.refuse(parties.root, parties.deliver("persons"), Refusal(Exit.GATE_CLOSED, "closed."))
    assert [entry.outcome for entry in Ledger(parties.root.ledger).entries()] == [REFUSED]
    accept(parties, parties.deliver("persons"))
    assert Ledger(parties.root.ledger).has("persons-20240701-0002")


def test_a_refused_delivery_can_be_tried_again(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    folder = opening.refuse(parties.root, delivery, Refusal(Exit.PACKAGE_WRONG_CONTRACT, "our contract was old."))
    for path in folder.glob("*.hpkg"):
        folders.move(path, parties.root.inbox)
    accept(parties, pending(parties)[0])
    assert Ledger(parties.root.ledger).has(delivery.delivery_id)


def test_what_is_still_being_copied_or_dated_ahead_is_held(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    genuine = delivery.data.read_bytes()
    delivery.data.write_bytes(genuine[:-1])
    assert exit_of(parties, pending(parties)[0]) is Exit.NOT_YET
    delivery.data.write_bytes(genuine)
    reseal(parties, delivery.data, "persons", lambda h: replace(h, created_at="2999-01-01T00:00:00+00:00"))
    assert exit_of(parties, pending(parties)[0]) is Exit.NOT_YET
    assert {Exit.NOT_YET, Exit.SEQUENCE_GAP} <= opening.HELD
    assert Ledger(parties.root.ledger).entries() == []
    delivery.data.write_bytes(genuine)
    folders.mark(delivery.data, digest_of(delivery.data))
    assert len(parties.read(pending(parties)[0])["persons"]) == 3


def test_the_ledger_keeps_the_ids_of_the_packages(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    with opening.open_delivery(parties.root, parties.study, delivery) as opened:
        ids = opened.delivery.package_ids
        for _, reader in opened.tables():
            reader.read_all()
    Ledger(parties.root.ledger).record(opened.delivery, {})
    (entry,) = Ledger(parties.root.ledger).entries()
    assert entry.package_ids == ids
    assert ids.keys() == {DATA, LINK}


def test_a_half_that_stays_alone_can_be_refused(parties: Parties) -> None:
    for _ in range(2):
        parties.send(parties.seal("persons"))
    parties.relay()
    (parties.root.inbox / "persons-20240701-0001.link.hpkg").unlink()
    first = opening.waiting(parties.root, parties.study)[0]
    opening.refuse(parties.root, first, Refusal(Exit.DELIVERY_INCOMPLETE, "the other half never came."))
    assert len(parties.read(pending(parties)[0])["persons"]) == 3


def test_a_forged_package_does_not_use_up_a_number(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    genuine = delivery.data.read_bytes()
    delivery.data.write_bytes(genuine[:-4000] + bytes(4000 - 8) + genuine[-8:])
    folders.mark(delivery.data, digest_of(delivery.data))
    (forged,) = pending(parties)
    assert exit_of(parties, forged) is Exit.PACKAGE_TAMPERED
    folder = opening.refuse(parties.root, forged, Refusal(Exit.PACKAGE_TAMPERED, "tampered."))
    assert Ledger(parties.root.ledger).entries() == []
    folders.move(folder / delivery.link.name, parties.root.inbox)
    delivery.data.write_bytes(genuine)
    folders.mark(delivery.data, digest_of(delivery.data))
    assert len(parties.read(pending(parties)[0])["persons"]) == 3


def test_a_contract_with_other_columns_is_refused(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    shorter = replace(PERSONS, columns=PERSONS.columns[:2])
    parties.study = small_study(contract("persons", shorter))
    assert exit_of(parties, delivery) is Exit.PACKAGE_WRONG_CONTRACT


def test_the_manifest_is_there_before_the_rows(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    with opening.open_delivery(parties.root, parties.study, delivery) as opened:
        columns = ("person_key", "birth_month", "language_code")
        assert opened.manifest.tables == (TableFacts("persons", 3, columns, {}, "0"),)
        for _, reader in opened.tables():
            assert reader.read_all().num_rows == 3
