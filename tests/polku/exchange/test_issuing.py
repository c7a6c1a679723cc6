"""The steward's trust files: each follows from the one before, and terms change only where nobody is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import keys
from polku.exchange.keyfiles import write_key
from polku.exchange.pins import pin_path
from polku.exchange.tokens import key_check
from tests.polku.parties import Parties

TODAY = datetime.now(UTC).date()


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return Parties(tmp_path)


def rotate(parties: Parties, party: str) -> keys.Card:
    folder = parties.root.party(party)
    return keys.rotate(party, folder, keys.read_card(keys.card_path(folder)).newest)


def exit_of_issue(parties: Parties, *cards: keys.Card, **terms: object) -> Exit:
    before = parties.root.trust.read_bytes()
    with pytest.raises(Refusal) as caught:
        parties.issue(*cards, **terms)
    assert parties.root.trust.read_bytes() == before
    return caught.value.exit


def test_a_trust_file_goes_on_from_the_one_before(parties: Parties, tmp_path: Path) -> None:
    first = parties.trust()
    taxes = keys.create_party("taxes", "small", tmp_path / "taxes")
    second = parties.issue(taxes)
    assert second.serial == first.serial + 1
    assert second.cards == first.cards | {"taxes": taxes}
    assert second.revoked == {}
    assert second.register_checks["1"].keys() == {"persons", "jobs", "taxes"}
    third = parties.issue(revoke={"taxes": "left"})
    fourth = parties.issue()
    assert (fourth.serial, fourth.cards, fourth.revoked) == (4, second.cards, third.revoked)
    assert {each.party for each in fourth.revoked.values()} == {"taxes"}
    assert len(fourth.revoked) == 2


def test_the_serial_goes_on_even_when_the_file_before_is_lost(parties: Parties) -> None:
    cards = list(parties.issue().cards.values())
    parties.root.trust.unlink()
    assert parties.issue(*cards).serial == 3


def test_cards_that_do_not_fit_together_make_no_trust_file(parties: Parties, tmp_path: Path) -> None:
    second = keys.create_party("jobs", "small", tmp_path / "second")
    third = keys.create_party("jobs", "small", tmp_path / "third")
    elsewhere = keys.create_party("taxes", "another", tmp_path / "fourth")
    assert exit_of_issue(parties, second, third) is Exit.KEY_UNUSABLE
    assert exit_of_issue(parties, elsewhere) is Exit.KEY_UNUSABLE


def test_who_is_not_the_steward_issues_nothing(parties: Parties) -> None:
    """The steward's own file before must be the one it has pinned."""
    other = keys.read_card(keys.card_path(parties.root.linkage)).verify_key.key_id.hex()
    pin = pin_path(parties.root.steward)
    steward = parties.trust().cards[keys.STEWARD].verify_key.key_id.hex()
    write_key(pin, pin.read_bytes().replace(steward.encode(), other.encode()), replace=True)
    assert exit_of_issue(parties) is Exit.KEY_UNUSABLE


@pytest.mark.parametrize("revoke", [{"taxes": "stolen"}, {"jobs": "whim"}, {"jobs": ""}])
def test_only_a_known_party_is_revoked_and_only_for_a_reason(parties: Parties, revoke: dict[str, str]) -> None:
    assert exit_of_issue(parties, revoke=revoke) is Exit.USAGE


def test_a_steward_does_not_sign_with_a_key_it_revokes(parties: Parties) -> None:
    with pytest.raises(Refusal, match="polku keys renew") as caught:
        parties.issue(revoke={keys.STEWARD: "stolen"})
    assert caught.value.exit is Exit.KEY_UNUSABLE


def test_a_trust_file_does_not_expire_before_it_is_issued(parties: Parties) -> None:
    assert exit_of_issue(parties, expires_on=TODAY - timedelta(days=1)) is Exit.USAGE


def test_the_steward_goes_on_without_its_root_while_no_register_joins(parties: Parties, tmp_path: Path) -> None:
    keys.root_path(parties.root.steward, "1").unlink()
    parties.issue(revoke={"jobs": "stolen"})
    parties.issue(keys.renew("jobs", parties.root.authority("jobs")))
    taxes = keys.create_party("taxes", "small", tmp_path / "taxes")
    assert exit_of_issue(parties, taxes) is Exit.KEY_UNUSABLE
    write_key(keys.root_path(parties.root.steward, "1"), bytes(32))
    assert exit_of_issue(parties, taxes) is Exit.KEY_UNUSABLE


def test_a_rotation_is_entered_and_finished_one_epoch_at_a_time(parties: Parties) -> None:
    first = parties.trust()
    rotate(parties, keys.STEWARD)
    # The linkage unit has not prepared its key of the new epoch.
    assert exit_of_issue(parties) is Exit.KEY_UNUSABLE
    entered = parties.issue(rotate(parties, keys.LINKAGE))
    assert (entered.epoch, entered.previous_epoch, entered.epochs) == ("2", "1", ["1", "2"])
    assert entered.previous_key_check == first.key_check != entered.key_check
    assert entered.register_checks["1"] == first.register_checks["1"]
    assert entered.register_checks["2"].keys() == {"persons", "jobs"}
    assert not set(entered.register_checks["2"].values()) & set(entered.register_checks["1"].values())
    assert parties.issue().previous_epoch == "1"

    rotate(parties, keys.STEWARD)
    third = rotate(parties, keys.LINKAGE)
    assert exit_of_issue(parties, third) is Exit.USAGE
    finished = parties.issue(third, finish_rotation=True)
    assert (finished.epoch, finished.previous_epoch) == ("3", "2")
    finished = parties.issue(finish_rotation=True)
    assert (finished.previous_epoch, finished.previous_key_check) == (None, None)
    assert finished.register_checks.keys() == {"3"}
    assert exit_of_issue(parties, finish_rotation=True) is Exit.USAGE


def test_an_epoch_is_never_left_backwards(parties: Parties) -> None:
    card = keys.card_path(parties.root.steward).read_bytes()
    rotate(parties, keys.STEWARD)
    parties.issue(rotate(parties, keys.LINKAGE))
    parties.issue(finish_rotation=True)
    keys.card_path(parties.root.steward).write_bytes(card)
    assert exit_of_issue(parties) is Exit.USAGE


def test_mode_and_stretching_hold_for_a_whole_epoch(parties: Parties) -> None:
    for other in ({"mode": "blinded"}, {"stretched": True}):
        assert exit_of_issue(parties, **other) is Exit.USAGE
    rotate(parties, keys.STEWARD)
    linkage = rotate(parties, keys.LINKAGE)
    assert exit_of_issue(parties, linkage, mode="weak") is Exit.KEY_UNUSABLE
    entered = parties.issue(linkage, mode="blinded", stretched=True)
    assert (entered.mode, entered.stretched) == ("blinded", True)
    again = parties.issue()
    assert (again.mode, again.stretched) == ("blinded", True)


def test_the_first_trust_file_may_choose_its_terms(parties: Parties) -> None:
    cards = list(parties.trust().cards.values())
    parties.root.trust.unlink()
    trust = parties.issue(*cards, mode="blinded", stretched=True)
    assert (trust.mode, trust.stretched) == ("blinded", True)


def test_register_checks_are_those_of_the_keys_that_are_granted(parties: Parties) -> None:
    from polku.exchange.grants import token_keys

    for register, check in parties.trust().register_checks["1"].items():
        assert key_check(token_keys(parties.root.authority(register), "1")[1]) == check
