"""The stretch: the function that it is, bound to key, domain and cost, and refused where it would take hours."""

from __future__ import annotations

import hmac
import logging
from hashlib import sha256

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import stretching
from polku.exchange.stretching import STRETCHED_AT_MOST, refuse_above_limit, stretch
from polku.exchange.tokens import tokens

KEY = bytes(range(32))
CODE = b"131052-900W"
# Made once with argon2-cffi 25.1 (the reference implementation in C) and a salt by plain HMAC.
KNOWN = "72f6d2ac57062cf1e0380bec31d8275eae7dacaeda9923c0db1916af5d563b10"


def test_it_is_argon2id_as_the_reference_implementation_computes_it() -> None:
    assert [made.hex() for made in stretch(KEY, "fi.hetu", [CODE])] == [KNOWN]


def test_a_stretched_token_is_the_hmac_of_the_stretched_identifier() -> None:
    expected = hmac.digest(KEY, b"v1\0fi.hetu\0" + bytes.fromhex(KNOWN), "sha256")[:16]
    assert tokens(KEY, "fi.hetu", stretch(KEY, "fi.hetu", [CODE])) == [expected]


def test_key_domain_and_identifier_each_change_it() -> None:
    """The salt is of key and domain, so no table serves two of either, and none can be made without the key."""
    made = set()
    for key in (KEY, sha256(KEY).digest()):
        for domain in ("fi.hetu", "jobs.case"):
            made |= set(stretch(key, domain, [CODE, b"010190-999W"]))
    assert len(made) == 8


def test_other_costs_give_other_values_and_another_name_of_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a receiver refuses what it could not link; the name is of the costs that are used."""
    usual = list(stretch(KEY, "kcv", [b"code"]))
    assert stretching.COSTS == "argon2id-2-19456-1"
    for cost, other in (("_ITERATIONS", 3), ("_MEMORY_KIB", 1024), ("_LANES", 2)):
        with monkeypatch.context() as patched:
            patched.setattr(stretching, cost, other)
            assert list(stretch(KEY, "kcv", [b"code"])) != usual


def test_the_order_is_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads finish as they like, and a batch ends in the middle."""
    monkeypatch.setattr(stretching, "_AT_ONCE", 3)
    codes = [b"%d" % n for n in range(8)]
    alone = [made for code in codes for made in stretch(KEY, "jobs.case", [code])]
    assert list(stretch(KEY, "jobs.case", codes)) == alone


def test_progress_is_said_in_counts(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(stretching, "_AT_ONCE", 2)
    with caplog.at_level(logging.INFO):
        list(stretch(KEY, "fi.hetu", [CODE] * 5))
    assert caplog.messages == ["fi.hetu: 2 identifiers stretched", "fi.hetu: 4 identifiers stretched"]


def test_too_many_are_refused_before_the_first_is_stretched() -> None:
    refuse_above_limit(STRETCHED_AT_MOST, "jobs")
    with pytest.raises(Refusal) as caught:
        refuse_above_limit(STRETCHED_AT_MOST + 1, "jobs")
    assert (caught.value.exit, caught.value.register) == (Exit.EXTRACT_BREAKS_CONTRACT, "jobs")
    assert caught.value.advice
