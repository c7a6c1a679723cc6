"""Grants: token keys reach the authority they are for, and are the announced ones or none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import grants, keys
from polku.exchange.keyfiles import write_key
from polku.exchange.pins import pin
from polku.exchange.tokens import key_check
from tests.polku.parties import Parties, contract, small_study


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    made = Parties(tmp_path)
    made.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", "1;010190-999W;01.01.2019;"])
    return made


def refused(what: Callable[..., object], *arguments: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        what(*arguments)
    return caught.value


def test_all_authorities_share_the_token_key_and_none_the_register_key(parties: Parties) -> None:
    (token, own), (other_token, other_own) = (
        grants.token_keys(parties.root.authority(register), keys.EPOCH) for register in ("persons", "jobs")
    )
    assert token == other_token
    assert len({token, own, other_own}) == 3
    trust = parties.trust()
    assert key_check(token) == trust.key_check
    assert trust.register_checks == {"1": {"persons": key_check(own), "jobs": key_check(other_own)}}


def test_a_grant_is_for_one_authority_only(parties: Parties) -> None:
    package = grants.grant(parties.root.steward, parties.root.trust, "persons")
    refusal = refused(grants.accept, parties.root.authority("jobs"), parties.root.trust, "jobs", package)
    assert refusal.exit is Exit.PACKAGE_MISADDRESSED


def test_only_the_steward_grants(parties: Parties, tmp_path: Path) -> None:
    """The linkage unit makes itself a steward with a trust file of its own, and seals a grant under it."""
    forger = Parties(tmp_path / "forger")
    for name in ("signing.key", "opening.key"):
        shutil.copy(parties.root.linkage / "keys" / name, forger.root.steward / "keys" / name)
    linkage = keys.read_card(keys.card_path(parties.root.linkage))
    steward = keys.read_card(keys.card_path(forger.root.steward))
    forged = replace(linkage, party=keys.STEWARD, key_checks=steward.key_checks)
    keys.write_json(keys.card_path(forger.root.steward), forged.as_json())
    forger.root.trust.unlink()
    jobs = keys.read_card(keys.card_path(parties.root.authority("jobs")))
    forger.issue(jobs)
    package = grants.grant(forger.root.steward, forger.root.trust, "jobs")
    refusal = refused(grants.accept, parties.root.authority("jobs"), parties.root.trust, "jobs", package)
    assert refusal.exit is Exit.SENDER_UNKNOWN


def test_a_grant_of_another_study_is_refused(parties: Parties, tmp_path: Path) -> None:
    other = Parties(tmp_path / "other", small_study(contract("jobs"), code="other"))
    package = grants.grant(other.root.steward, other.root.trust, "jobs")
    refusal = refused(grants.accept, parties.root.authority("jobs"), parties.root.trust, "jobs", package)
    assert refusal.exit is Exit.SENDER_UNKNOWN


def test_a_wrong_root_grants_nothing(parties: Parties) -> None:
    write_key(keys.root_path(parties.root.steward, "1"), bytes(32), replace=True)
    refusal = refused(grants.grant, parties.root.steward, parties.root.trust, "jobs")
    assert refusal.exit is Exit.KEY_UNUSABLE
    assert "announce" in refusal.what


@pytest.mark.parametrize("half", [slice(0, 32), slice(32, 64)], ids=["the study's key", "the register's own"])
def test_a_wrong_token_key_seals_nothing(parties: Parties, half: slice) -> None:
    """A wrong token key gives no error later, only persons that do not link: it is refused at once."""
    path = keys.token_key_path(parties.root.authority("jobs"), "1")
    both = bytearray(path.read_bytes())
    both[half] = bytes(32)
    write_key(path, bytes(both), replace=True)
    assert refused(parties.seal, "jobs").exit is Exit.KEY_UNUSABLE
    assert not list(parties.root.authority("jobs").glob("sealed/*.hpkg"))


def test_keys_that_the_trust_file_does_not_announce_are_not_accepted(parties: Parties, tmp_path: Path) -> None:
    """The authority's trust file is of another steward's root than the grant."""
    package = grants.grant(parties.root.steward, parties.root.trust, "jobs")
    jobs = parties.root.authority("jobs")
    keys.token_key_path(jobs, "1").unlink()
    steward = keys.read_card(keys.card_path(parties.root.steward))
    write_key(keys.root_path(parties.root.steward, "1"), bytes(32), replace=True)
    check = key_check(keys.derived_key(parties.root.steward, keys.STEWARD, "small", "1"))
    keys.write_json(keys.card_path(parties.root.steward), replace(steward, key_checks={"1": check}).as_json())
    parties.issue()
    refusal = refused(grants.accept, jobs, parties.root.trust, "jobs", package)
    assert refusal.exit is Exit.KEY_UNUSABLE
    assert not keys.token_key_path(jobs, "1").exists()


def test_after_a_rotation_an_authority_holds_the_keys_of_both_epochs(parties: Parties) -> None:
    trust = parties.rotate_token_keys(new_root=True)
    assert (trust.epoch, trust.previous_epoch) == ("2", "1")
    jobs = parties.root.authority("jobs")
    old, new = (grants.granted_keys(jobs, trust, "jobs", epoch) for epoch in ("1", "2"))
    assert not set(old) & set(new)
    assert (key_check(old[0]), key_check(new[0])) == (trust.previous_key_check, trust.key_check)


def test_the_terms_of_a_grant_are_those_of_the_trust_file(parties: Parties) -> None:
    """A grant of an epoch that is over is refused: its keys would link to nobody."""
    old = grants.grant(parties.root.steward, parties.root.trust, "jobs")
    old = old.rename(old.with_name("old.hpkg"))
    parties.rotate_token_keys()
    refusal = refused(grants.accept, parties.root.authority("jobs"), parties.root.trust, "jobs", old)
    assert refusal.exit is Exit.PACKAGE_MISADDRESSED


def test_a_pin_of_somebody_else_accepts_nothing(parties: Parties) -> None:
    jobs = parties.root.authority("jobs")
    pin(jobs, json.loads(keys.card_path(parties.root.linkage).read_text())["signing_key_id"])
    package = grants.grant(parties.root.steward, parties.root.trust, "jobs")
    assert refused(grants.accept, jobs, parties.root.trust, "jobs", package).exit is Exit.KEY_UNUSABLE
