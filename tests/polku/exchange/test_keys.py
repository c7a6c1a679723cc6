"""Keys, cards, trust and grants: who is believed, and what is refused."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import grants, keys
from polku.exchange.tokens import key_check
from tests.polku.parties import Parties, contract, small_study


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return Parties(tmp_path)


def exit_of(caught: pytest.ExceptionInfo[Refusal]) -> Exit:
    return caught.value.exit


def test_secret_keys_are_private_and_no_card_holds_one(parties: Parties) -> None:
    for path in parties.path.rglob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secret = path.read_bytes()
        for public in parties.path.rglob("*.json"):
            assert secret.hex() not in public.read_text()
            assert secret[:32].hex() not in public.read_text()


def test_keys_are_never_overwritten(parties: Parties) -> None:
    before = (parties.root.linkage / "keys" / "signing.key").read_bytes()
    with pytest.raises(Refusal) as caught:
        keys.create_party(keys.LINKAGE, "small", parties.root.linkage)
    assert exit_of(caught) is Exit.KEY_UNUSABLE
    assert (parties.root.linkage / "keys" / "signing.key").read_bytes() == before


def test_all_authorities_share_the_token_key_and_none_the_register_key(parties: Parties) -> None:
    (token, own), (other_token, other_own) = (
        grants.token_keys(parties.root.authority(register), keys.EPOCH) for register in ("persons", "jobs")
    )
    assert token == other_token
    assert len({token, own, other_own}) == 3
    assert key_check(token) == keys.Trust.read(parties.root.trust).key_check


def test_a_changed_card_is_refused(parties: Parties) -> None:
    trust = json.loads(parties.root.trust.read_text())
    trust["parties"][0]["signing_key"] = trust["parties"][1]["signing_key"]
    parties.root.trust.write_text(json.dumps(trust))
    with pytest.raises(Refusal) as caught:
        keys.Trust.read(parties.root.trust)
    assert exit_of(caught) is Exit.KEY_UNUSABLE


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"parties": [{}]}', '{"parties": []}'])
def test_a_damaged_trust_file_is_refused(parties: Parties, text: str) -> None:
    parties.root.trust.write_text(text)
    with pytest.raises(Refusal):
        keys.Trust.read(parties.root.trust)


def test_a_party_has_one_card_of_one_study(parties: Parties, tmp_path: Path) -> None:
    cards = list(keys.Trust.read(parties.root.trust).cards.values())
    second = keys.create_party("jobs", "small", tmp_path / "second")
    elsewhere = keys.create_party("taxes", "another", tmp_path / "third")
    for wrong in ([*cards, second], [*cards, elsewhere]):
        with pytest.raises(Refusal) as caught:
            keys.write_trust(tmp_path / "trust.json", wrong)
        assert exit_of(caught) is Exit.KEY_UNUSABLE
    assert not (tmp_path / "trust.json").exists()


def test_keys_that_the_trust_file_does_not_name_are_not_used(parties: Parties, tmp_path: Path) -> None:
    keys.create_party("jobs", "small", tmp_path / "second")
    with pytest.raises(Refusal) as caught:
        keys.Trust.read(parties.root.trust).own("jobs", tmp_path / "second")
    assert exit_of(caught) is Exit.KEY_UNUSABLE


def test_a_key_file_that_others_can_read_is_refused(parties: Parties) -> None:
    (parties.root.linkage / "keys" / "signing.key").chmod(0o640)
    with pytest.raises(Refusal) as caught:
        keys.Trust.read(parties.root.trust).own(keys.LINKAGE, parties.root.linkage)
    assert exit_of(caught) is Exit.KEY_UNUSABLE


def test_a_grant_is_for_one_authority_only(parties: Parties) -> None:
    package = grants.grant(parties.root.steward, parties.root.trust, "persons")
    with pytest.raises(Refusal) as caught:
        grants.accept(parties.root.authority("jobs"), parties.root.trust, "jobs", package)
    assert exit_of(caught) is Exit.PACKAGE_MISADDRESSED


def test_only_the_steward_grants(parties: Parties, tmp_path: Path) -> None:
    """The linkage unit makes keys of a steward for itself, but signs with its own."""
    forger = tmp_path / "forger"
    shutil.copytree(parties.root.linkage / "keys", forger / "keys")
    cards = keys.Trust.read(parties.root.trust).cards
    as_steward = replace(cards[keys.LINKAGE], party=keys.STEWARD, epoch=keys.EPOCH, key_check="00")
    keys.write_trust(tmp_path / "forged.json", [as_steward, cards["jobs"]])
    package = grants.grant(forger, tmp_path / "forged.json", "jobs")
    with pytest.raises(Refusal) as caught:
        grants.accept(parties.root.authority("jobs"), parties.root.trust, "jobs", package)
    assert exit_of(caught) is Exit.SENDER_UNKNOWN


def test_a_grant_of_another_study_is_refused(parties: Parties, tmp_path: Path) -> None:
    other = Parties(tmp_path / "other", small_study(contract("jobs"), code="other"))
    package = grants.grant(other.root.steward, other.root.trust, "jobs")
    with pytest.raises(Refusal) as caught:
        grants.accept(parties.root.authority("jobs"), parties.root.trust, "jobs", package)
    assert exit_of(caught) is Exit.SENDER_UNKNOWN


def test_keys_that_the_stewards_card_does_not_announce_are_refused(parties: Parties) -> None:
    """A wrong token key gives no error later, only persons that do not link: it is refused at once."""
    package = grants.grant(parties.root.steward, parties.root.trust, "jobs")
    cards = keys.Trust.read(parties.root.trust).cards
    changed = {**cards, keys.STEWARD: replace(cards[keys.STEWARD], key_check="0" * 16)}
    keys.write_trust(parties.root.trust, changed.values())
    with pytest.raises(Refusal) as caught:
        grants.accept(parties.root.authority("jobs"), parties.root.trust, "jobs", package)
    assert exit_of(caught) is Exit.KEY_UNUSABLE
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", "1;010190-999W;01.01.2019;"])
    with pytest.raises(Refusal) as caught:
        parties.seal("jobs")
    assert exit_of(caught) is Exit.KEY_UNUSABLE


@pytest.mark.parametrize(
    "text", ['{"parties": 1}', '{"parties": {"a": 1}}', "[]", "1", "[" * 100_000, '{"parties": [1]}']
)
def test_json_that_is_no_trust_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trust.json"
    path.write_text(text)
    for read in (keys.Trust.read, keys.read_card):
        with pytest.raises(Refusal):
            read(path)
