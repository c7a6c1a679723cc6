"""Tokens: equal where they must be, different where they must be."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.exchange import identifiers, tokens

KEY = bytes(range(32))
keys = st.binary(min_size=32, max_size=32)
domains = st.sampled_from(["fi.hetu", "fi.hetu.temporary/jobs", "jobs.case", "jobs.client"])


@given(keys, domains, st.lists(st.binary(max_size=40)))
def test_a_token_is_the_truncated_hmac_of_version_domain_and_identifier(
    key: bytes, domain: str, values: list[bytes]
) -> None:
    expected = [hmac.digest(key, b"v1\0" + domain.encode() + b"\0" + v, "sha256")[:16] for v in values]
    assert tokens.tokens(key, domain, values) == expected


@given(keys, st.binary(max_size=40))
def test_the_same_number_in_two_domains_has_two_tokens(key: bytes, value: bytes) -> None:
    made = {tokens.tokens(key, domain, [value])[0] for domain in ("fi.hetu", "jobs.case", "jobs.client")}
    assert len(made) == 3


@given(keys, keys, domains, st.binary(max_size=40))
def test_another_key_gives_another_token(one: bytes, other: bytes, domain: str, value: bytes) -> None:
    same = tokens.tokens(one, domain, [value]) == tokens.tokens(other, domain, [value])
    assert same == (one == other)


def test_derived_keys_differ_by_every_part_of_their_label() -> None:
    labels = [
        ("tok", "s", "1", ""),
        ("src", "s", "1", ""),
        ("tok", "t", "1", ""),
        ("tok", "s", "2", ""),
        ("tok", "s", "1", "jobs"),
    ]
    assert len({tokens.derive(KEY, *label) for label in labels}) == len(labels)
    assert tokens.derive(KEY, *labels[0]) == tokens.derive(KEY, *labels[0])


def test_a_label_cannot_be_split_elsewhere() -> None:
    with pytest.raises(ValueError, match="separates"):
        tokens.derive(KEY, "tok", "a|b", "1")


def test_key_check_tells_keys_and_spelling_rules_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tokens.key_check(KEY)
    assert before != tokens.key_check(sha256(KEY).digest())
    # A version that forgets a dash: one canary is refused, and the check is another.
    monkeypatch.setattr(identifiers, "_DASHES", {})
    assert tokens.key_check(KEY) != before
