"""The trust file: believed as the pinned steward signed it, and not a word more, not a day longer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange import grants, keys
from polku.exchange.delivery import Heading
from polku.exchange.keyfiles import write_key
from polku.exchange.package import Package
from polku.exchange.pins import pin, pin_path, read_pin
from polku.exchange.trust import Trust
from polku.linkage.relaying import relay
from polku.research import opening
from tests.polku.parties import Parties

LINES = ["hetu;syntymapaiva;kieli", "010190-999W;01.01.1990;fi"]
TODAY = datetime.now(UTC).date()


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    made = Parties(tmp_path)
    made.write("persons", "persons.csv", LINES)
    return made


def refused(what: Callable[..., object], *arguments: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        what(*arguments)
    return caught.value


def rewrite(parties: Parties, change: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads(parties.root.trust.read_text())
    change(data)
    parties.root.trust.write_text(json.dumps(data))


def card_of(parties: Parties, party: str) -> keys.Card:
    return keys.read_card(keys.card_path(parties.root.party(party)))


def test_every_party_believes_the_steward_it_has_pinned(parties: Parties) -> None:
    for party in (keys.STEWARD, keys.LINKAGE, keys.RESEARCH, "persons", "jobs"):
        trust = parties.trust(party)
        assert (trust.study, trust.test, trust.serial, trust.epoch, trust.previous_epoch) == (
            "small", True, 1, "1", None,
        )  # fmt: skip
        assert (trust.mode, trust.stretched, trust.previous_key_check) == ("relay", False, None)
        assert trust.own(party, parties.root.party(party)).party == party
        assert read_pin(parties.root.party(party)).serial == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["terms"].update(test=False),
        lambda data: data["terms"].update(serial=2),
        lambda data: data["terms"].update(expires_on="2999-01-01"),
        lambda data: data["terms"].update(mode="blinded"),
        lambda data: data["terms"].update(stretched=True),
        lambda data: data["terms"]["parties"].pop(0),
        lambda data: data["terms"]["parties"][0].update(key_checks={"1": "0" * 16}),
        lambda data: data["terms"]["parties"].append(data["terms"]["parties"][0]),
        lambda data: data["terms"]["register_checks"]["1"].update(jobs="0" * 16),
        lambda data: data["terms"].update(more=1),
        lambda data: data["terms"].pop("revoked"),
        lambda data: data.update(signature="00" * (64 + 3309)),
        lambda data: data.update(signature="0"),
        lambda data: data.update(signature=None),
        lambda data: data.update(terms=[]),
        lambda data: data.pop("signature"),
    ],
)
def test_a_changed_trust_file_is_refused(parties: Parties, change: Callable[[dict[str, Any]], object]) -> None:
    rewrite(parties, change)
    assert refused(parties.trust).exit is Exit.KEY_UNUSABLE


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"terms": {}, "signature": ""}', "[" * 100_000, " " * (1 << 22), "\0"]
)
def test_a_damaged_trust_file_is_refused(parties: Parties, text: str) -> None:
    parties.root.trust.write_text(text)
    assert refused(parties.trust).exit is Exit.KEY_UNUSABLE


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return Parties(tmp_path_factory.mktemp("world"))


@given(st.data())
def test_no_changed_byte_changes_what_is_believed(small_world: Parties, data: st.DataObject) -> None:
    """Whoever changes the file can at most change the blanks in it."""
    path = small_world.root.trust
    genuine, terms = path.read_bytes(), small_world.trust().terms
    at, flip = data.draw(st.integers(0, len(genuine) - 1)), data.draw(st.integers(1, 255))
    path.write_bytes(genuine[:at] + bytes([genuine[at] ^ flip]) + genuine[at + 1 :])
    try:
        believed: object = small_world.trust().terms
    except Refusal as refusal:
        believed = refusal.exit
    finally:
        path.write_bytes(genuine)
    assert believed in (terms, Exit.KEY_UNUSABLE)


def test_nothing_is_trusted_on_first_use(parties: Parties) -> None:
    pin_path(parties.root.linkage).unlink()
    refusal = refused(relay, parties.root.linkage, parties.root.trust)
    assert refusal.exit is Exit.KEY_UNUSABLE
    assert "polku keys pin" in refusal.advice


def test_another_steward_is_not_believed(parties: Parties, tmp_path: Path) -> None:
    """Somebody makes a steward of his own, puts everybody's cards into his trust file and hands it round."""
    forger = Parties(tmp_path / "forger")
    forger.root.trust.unlink()
    forger.issue(*(card_of(parties, party) for party in (keys.LINKAGE, keys.RESEARCH, "persons", "jobs")))
    shutil.copy(forger.root.trust, parties.root.trust)
    for what in (
        lambda: parties.seal("persons"),
        lambda: relay(parties.root.linkage, parties.root.trust),
        lambda: Trust.read(parties.root.trust, parties.root.path),
    ):
        refusal = refused(what)
        assert refusal.exit is Exit.KEY_UNUSABLE
        assert "pinned" in refusal.what


@pytest.mark.parametrize("text", [b"", b"{}", b'{"signing_key_id": "00", "serial": 1, "digest": ""}', b"\xff"])
def test_a_damaged_pin_is_refused(parties: Parties, text: bytes) -> None:
    write_key(pin_path(parties.root.linkage), text, replace=True)
    assert refused(parties.trust, keys.LINKAGE).exit is Exit.KEY_UNUSABLE


def test_a_pin_that_others_could_change_is_refused(parties: Parties) -> None:
    pin_path(parties.root.linkage).chmod(0o622)
    assert refused(parties.trust, keys.LINKAGE).exit is Exit.KEY_UNUSABLE


def test_an_expired_trust_file_stops_everybody_and_spoils_nothing(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    parties.issue(today=TODAY - timedelta(days=30), expires_on=TODAY)
    assert parties.trust().serial == 2
    refusal = refused(lambda: parties.issue(today=date(2020, 1, 1), expires_on=date(2020, 12, 31)))
    assert refusal.exit is Exit.TRUST_EXPIRED
    for what in (
        lambda: parties.seal("persons"),
        lambda: relay(parties.root.linkage, parties.root.trust),
        lambda: parties.read(delivery),
        lambda: grants.grant(parties.root.steward, parties.root.trust, "jobs"),
    ):
        assert refused(what).exit is Exit.TRUST_EXPIRED
    assert Exit.TRUST_EXPIRED in opening.HELD
    assert parties.issue().serial == 4
    parties.read(delivery)


def test_an_older_trust_file_is_refused_by_who_has_seen_a_newer_one(parties: Parties) -> None:
    old = parties.root.trust.read_bytes()
    parties.issue(revoke={"jobs": "stolen"})
    new = parties.root.trust.read_bytes()
    parties.trust(keys.LINKAGE)
    parties.root.trust.write_bytes(old)
    assert refused(parties.trust, keys.LINKAGE).exit is Exit.KEY_UNUSABLE
    assert parties.trust("persons").serial == 1  # it has not heard of the newer one
    parties.root.trust.write_bytes(new)
    assert parties.trust(keys.LINKAGE).serial == parties.trust("persons").serial == 2


def test_two_trust_files_of_one_serial_are_an_alarm(parties: Parties, tmp_path: Path) -> None:
    shutil.copytree(parties.root.steward, tmp_path / "twin")
    once = parties.root.trust.read_bytes()
    parties.issue()
    parties.trust(keys.LINKAGE)
    parties.root.trust.write_bytes(once)
    shutil.rmtree(parties.root.steward)
    shutil.copytree(tmp_path / "twin", parties.root.steward)
    assert parties.issue(revoke={"jobs": "lost"}).serial == 2
    assert refused(parties.trust, keys.LINKAGE).exit is Exit.KEY_UNUSABLE


def test_pinning_again_the_same_key_forgets_nothing(parties: Parties) -> None:
    key_id = parties.trust(keys.LINKAGE).cards[keys.STEWARD].verify_key.key_id.hex()
    before = read_pin(parties.root.linkage)
    assert before.serial == 1
    pin(parties.root.linkage, f" {key_id[:32].upper()} {key_id[32:]} ")
    assert read_pin(parties.root.linkage) == before
    assert refused(pin, parties.root.linkage, key_id[1:]).exit is Exit.USAGE


def test_a_stolen_steward_key_is_left_behind_by_pinning_the_new_one(parties: Parties) -> None:
    """The thief issues trust files with high serials; they count for nothing under the new key."""
    thief = parties.path / "thief"
    shutil.copytree(parties.root.steward, thief)
    genuine = parties.root.trust.read_bytes()
    write_key(
        pin_path(thief), json.dumps({**json.loads(pin_path(thief).read_text()), "serial": 0}).encode(), replace=True
    )
    for _ in range(3):
        parties.issue()
    assert parties.trust(keys.LINKAGE).serial == 4
    parties.root.trust.write_bytes(genuine)
    write_key(pin_path(parties.root.steward), pin_path(thief).read_bytes(), replace=True)
    card = keys.renew(keys.STEWARD, parties.root.steward)
    trust = parties.issue(revoke={keys.STEWARD: "stolen"})
    assert {each.reason for each in trust.revoked.values()} == {"stolen"}
    assert refused(parties.trust, keys.LINKAGE).exit is Exit.KEY_UNUSABLE
    pin(parties.root.linkage, card.verify_key.key_id.hex())
    assert parties.trust(keys.LINKAGE).serial == trust.serial == 2


def test_a_revoked_key_is_not_believed_as_a_sender(parties: Parties) -> None:
    parties.send(parties.seal("persons"))
    parties.issue(revoke={"persons": "stolen"})
    (refusal,) = parties.relay().refused
    assert refusal.exit is Exit.KEY_REVOKED
    assert not list((parties.root.linkage / "outbox").glob("*.hpkg"))
    assert refused(parties.seal, "persons").exit is Exit.KEY_UNUSABLE


def test_a_replaced_card_revokes_the_keys_before(parties: Parties) -> None:
    parties.send(parties.seal("persons"))
    before = card_of(parties, "persons")
    trust = parties.issue(keys.renew("persons", parties.root.authority("persons")))
    assert {(each.key_id, each.use, each.reason) for each in trust.revoked.values()} == {
        (before.verify_key.key_id.hex(), "signing", "replaced"),
        (before.sealing_key.key_id.hex(), "sealing", "replaced"),
    }
    (refusal,) = parties.relay().refused
    assert refusal.exit is Exit.KEY_REVOKED
    parties.send(parties.seal("persons"))  # with the new key


@pytest.mark.parametrize("party", [keys.LINKAGE, keys.RESEARCH])
def test_nothing_is_sealed_for_a_revoked_recipient(parties: Parties, party: str) -> None:
    parties.issue(revoke={party: "stolen"})
    refusal = refused(parties.seal, "persons")
    assert refusal.exit is Exit.KEY_REVOKED
    assert party in refusal.what
    assert not list(parties.root.authority("persons").glob("sealed/*.hpkg"))


def test_a_revoked_recipient_is_no_fault_of_what_waits(parties: Parties) -> None:
    parties.send(parties.seal("persons"))
    parties.issue(revoke={keys.RESEARCH: "lost"})
    assert refused(parties.relay).exit is Exit.KEY_REVOKED
    assert len(list((parties.root.linkage / "inbox").glob("*.hpkg"))) == 1
    parties.issue(keys.renew(keys.RESEARCH, parties.root.path))
    assert len(parties.relay().relayed) == 1


def test_own_revoked_keys_keep_packages_waiting(parties: Parties) -> None:
    delivery = parties.deliver("persons")
    parties.issue(revoke={keys.RESEARCH: "stolen"})
    assert refused(parties.read, delivery).exit in opening.HELD


def test_a_package_of_a_revoked_key_is_refused_whoever_asks(parties: Parties) -> None:
    report = parties.seal("persons")
    parties.issue(revoke={"persons": "left"})
    assert refused(Package.verify, report.data_part, parties.trust().signers).exit is Exit.KEY_REVOKED


def test_a_party_that_the_file_does_not_name_is_nobody(parties: Parties) -> None:
    assert refused(parties.trust().party, "taxes").exit is Exit.SENDER_UNKNOWN


def test_keys_that_the_trust_file_does_not_name_are_not_used(parties: Parties, tmp_path: Path) -> None:
    keys.create_party("jobs", "small", tmp_path / "second")
    assert refused(parties.trust().own, "jobs", tmp_path / "second").exit is Exit.KEY_UNUSABLE


@pytest.mark.parametrize("party", [keys.LINKAGE, keys.RESEARCH])
def test_a_wrong_root_stops_its_party_instead_of_linking_nobody(parties: Parties, party: str) -> None:
    delivery = parties.deliver("persons")
    write_key(keys.root_path(parties.root.party(party), "1"), bytes(32), replace=True)
    what = parties.relay if party == keys.LINKAGE else lambda: parties.read(delivery)
    refusal = refused(what)
    assert refusal.exit is Exit.KEY_UNUSABLE
    assert "announces" in refusal.what


def test_the_linkage_unit_compares_its_keys_of_both_epochs(parties: Parties) -> None:
    parties.rotate_token_keys(new_root=True)
    trust = parties.trust(keys.LINKAGE)
    trust.own(keys.LINKAGE, parties.root.linkage)
    for number in ("1", "2"):
        path = keys.root_path(parties.root.linkage, number)
        root = path.read_bytes()
        write_key(path, bytes(32), replace=True)
        assert refused(trust.own, keys.LINKAGE, parties.root.linkage).exit is Exit.KEY_UNUSABLE
        write_key(path, root, replace=True)


def test_a_machine_with_keys_of_two_roles_is_refused_unless_the_study_is_a_test(parties: Parties) -> None:
    trust = parties.issue_real()
    for party in (keys.STEWARD, keys.LINKAGE, keys.RESEARCH, "persons"):
        refusal = refused(trust.own, party, parties.root.party(party))
        assert refusal.exit is Exit.KEY_UNUSABLE
        assert "this machine" in refusal.what
    for what in (
        parties.relay,
        lambda: parties.issue(test=False),
        lambda: grants.grant(parties.root.steward, parties.root.trust, "jobs"),
    ):
        refusal = refused(what)
        assert refusal.exit is Exit.KEY_UNUSABLE
        assert "this machine" in refusal.what


def test_one_authority_may_hold_several_registers_on_one_machine(parties: Parties) -> None:
    trust = parties.issue_real()
    for folder in (parties.root.steward, parties.root.linkage, parties.root.path / "keys"):
        shutil.rmtree(folder)
    for register in ("persons", "jobs"):
        trust.own(register, parties.root.authority(register))
    # A key that was copied without its card is somebody's all the same.
    write_key(parties.root.linkage / "keys" / "root.key", bytes(32))
    assert refused(trust.own, "jobs", parties.root.authority("jobs")).exit is Exit.KEY_UNUSABLE


def test_study_and_trust_file_agree_on_whether_it_is_a_test(parties: Parties) -> None:
    real = replace(parties.study, test=False)
    assert refused(parties.seal, "persons", real).exit is Exit.KEY_UNUSABLE


def test_the_linkage_unit_refuses_a_package_with_another_test_mark(parties: Parties) -> None:
    """Only its signer could have marked it otherwise; the mark decides what may be widened."""
    report = parties.seal("persons")
    with Package.verify(report.id_part, parties.trust().signers) as package:
        heading = Heading.of(package)
        other = replace(heading, test=False)
        assert refused(other.check_origin, package, parties.trust(), "id", "persons").exit is Exit.PACKAGE_MISADDRESSED
