"""Keys of a party: made once, derived by role, renewed and rotated without losing what is still needed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange import keys
from polku.exchange.tokens import derive, key_check, tokens
from tests.polku.parties import Parties


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return Parties(tmp_path)


def test_secret_keys_are_private_and_no_card_holds_one(parties: Parties) -> None:
    secrets = list(parties.path.rglob("*.key"))
    assert len(secrets) == 3 * 3 + 2 * 3
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secret = path.read_bytes()
        for public in parties.path.rglob("*.json"):
            assert secret.hex() not in public.read_text()
            assert secret[:32].hex() not in public.read_text()


def test_keys_are_never_overwritten(parties: Parties) -> None:
    before = (parties.root.linkage / "keys" / "signing.key").read_bytes()
    with pytest.raises(Refusal) as caught:
        keys.create_party(keys.LINKAGE, "small", parties.root.linkage)
    assert caught.value.exit is Exit.KEY_UNUSABLE
    assert (parties.root.linkage / "keys" / "signing.key").read_bytes() == before


def test_the_three_roots_are_independent_and_their_cards_tell_the_check_of_the_derived_key(parties: Parties) -> None:
    derived = {}
    for party, label in keys.LABELS.items():
        root = keys.root_key(parties.root.party(party), "1")
        derived[party] = derive(root, label, "small", "1")
        assert keys.derived_key(parties.root.party(party), party, "small", "1") == derived[party]
        card = keys.read_card(keys.card_path(parties.root.party(party)))
        assert card.key_checks == {"1": key_check(derived[party])}
    assert len(set(derived.values())) == 3
    assert keys.read_card(keys.card_path(parties.root.authority("jobs"))).key_checks == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signing_key_id", "00" * 32),
        ("sealing_key", "00" * 1216),
        ("party", "../jobs"),
        ("party", "jobs"),
        ("key_checks", {}),
        ("key_checks", {"0": "0" * 16}),
        ("key_checks", {"1": "secret"}),
        ("key_checks", None),
    ],
)
def test_a_card_that_does_not_hold_together_is_refused(parties: Parties, field: str, value: object) -> None:
    card = keys.read_card(keys.card_path(parties.root.linkage)).as_json()
    assert keys.Card.from_json(card, "card.json").as_json() == card
    with pytest.raises(Refusal) as caught:
        keys.Card.from_json({**card, field: value}, "card.json")
    assert caught.value.exit is Exit.KEY_UNUSABLE


def test_renewing_changes_signing_and_opening_keys_alone_and_keeps_the_old_opening_key(parties: Parties) -> None:
    folder = parties.root.linkage
    before, root = keys.own_keys(keys.LINKAGE, folder), keys.root_key(folder, "1")
    card = keys.renew(keys.LINKAGE, folder)
    after = keys.own_keys(keys.LINKAGE, folder)
    assert after.signing.verify_key.public != before.signing.verify_key.public
    assert (after.signing.verify_key.public, after.opening.sealing_key.public) == (card.signing, card.sealing)
    assert keys.read_card(keys.card_path(folder)) == card
    assert keys.root_key(folder, "1") == root
    (kept,) = folder.glob("keys/opening-*.key")
    assert kept.stem == f"opening-{before.opening.sealing_key.key_id.hex()[:16]}"
    assert keys.OpeningKey(kept.read_bytes()).sealing_key.public == before.opening.sealing_key.public


@pytest.mark.parametrize("party", [keys.STEWARD, keys.LINKAGE])
def test_an_epoch_comes_from_the_same_root_or_from_a_fresh_one(parties: Parties, party: str) -> None:
    folder = parties.root.party(party)
    first = keys.derived_key(folder, party, "small", "1")
    second = keys.rotate(party, folder, "1")
    assert second.key_checks["2"] == key_check(derive(keys.root_key(folder, "1"), keys.LABELS[party], "small", "2"))
    third = keys.rotate(party, folder, "2", new_root=True)
    assert keys.root_key(folder, "3") != keys.root_key(folder, "2") == keys.root_key(folder, "1")
    fourth = keys.rotate(party, folder, "3")
    assert keys.root_key(folder, "4") == keys.root_key(folder, "3")
    assert keys.derived_key(folder, party, "small", "1") == first
    for card in (second, third, fourth):
        checks = {number: key_check(keys.derived_key(folder, party, "small", number)) for number in card.key_checks}
        assert card.key_checks == checks
    assert fourth.newest == "4"
    assert len(set(fourth.key_checks.values())) == 4


def test_a_level_of_research_has_a_root_of_its_own_and_does_not_depend_on_the_token_epoch(parties: Parties) -> None:
    folder = parties.root.path
    (first,) = keys.research_keys(folder, "small")
    assert first == derive(keys.root_key(folder, "1"), "research", "small", "1")
    card = keys.rotate(keys.RESEARCH, folder, "1")
    levels = keys.research_keys(folder, "small")
    assert levels[0] == first
    assert [key_check(key) for key in levels] == list(card.key_checks.values())
    assert keys.research_keys(folder, "small", levels=1) == [first]
    assert keys.root_path(folder, "2").read_bytes() != keys.root_path(folder, "1").read_bytes()


def test_a_missing_level_of_research_is_refused_rather_than_left_out(parties: Parties) -> None:
    folder = parties.root.path
    keys.rotate(keys.RESEARCH, folder, "1")
    keys.rotate(keys.RESEARCH, folder, "2")
    keys.root_path(folder, "2").unlink()
    for levels in (None, 2, 3, 4):
        with pytest.raises(Refusal) as caught:
            keys.research_keys(folder, "small", levels)
        assert caught.value.exit is Exit.KEY_UNUSABLE
    assert len(keys.research_keys(folder, "small", 1)) == 1


def test_nothing_is_rotated_twice_before_the_trust_file_knows(parties: Parties) -> None:
    keys.rotate(keys.STEWARD, parties.root.steward, "1")
    with pytest.raises(Refusal) as caught:
        keys.rotate(keys.STEWARD, parties.root.steward, "1")
    assert caught.value.exit is Exit.USAGE


def test_a_rotation_killed_between_root_and_card_goes_on_with_that_root(parties: Parties) -> None:
    left = keys.root_path(parties.root.path, "2")
    keys.write_key(left, bytes(32))
    card = keys.rotate(keys.RESEARCH, parties.root.path, "1")
    assert left.read_bytes() == bytes(32)
    assert card.key_checks["2"] == key_check(derive(bytes(32), "research", "small", "2"))


@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(min_size=16, max_size=16), unique=True, max_size=20))
def test_a_further_level_parts_nobody_and_joins_nobody(key: bytes, linked: list[bytes]) -> None:
    assert len(set(tokens(key, "fi.hetu", linked))) == len(linked)


@pytest.mark.parametrize("text", ["[]", "1", "[" * 100_000, '{"party": [1]}', ""])
def test_json_that_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(Refusal):
        keys.read_card(path)
