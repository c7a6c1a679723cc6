"""Key pairs: both halves of a signature count, and a wrapped key opens only where and for what it was meant."""

from __future__ import annotations

import pytest

from polku.exchange.keypairs import (
    WRAPPED_KEY_BYTES,
    OpeningKey,
    SigningKey,
    new_opening_secret,
    new_signing_secret,
)

DIGEST, DATA_KEY = b"d" * 32, b"k" * 32


@pytest.mark.parametrize("half", [slice(0, 64), slice(64, None)], ids=["classical", "post-quantum"])
def test_either_half_of_a_signature_alone_is_not_enough(half: slice) -> None:
    secret, other = new_signing_secret(), new_signing_secret()
    good, forged = SigningKey(secret).sign(DIGEST), bytearray(SigningKey(secret).sign(DIGEST))
    forged[half] = SigningKey(other).sign(DIGEST)[half]
    assert SigningKey(secret).verify_key.verifies(good, DIGEST)
    assert not SigningKey(secret).verify_key.verifies(bytes(forged), DIGEST)
    assert not SigningKey(secret).verify_key.verifies(good, b"e" * 32)


def test_a_wrapped_key_opens_for_its_recipient_and_purpose_only() -> None:
    recipient, other = OpeningKey(new_opening_secret()), OpeningKey(new_opening_secret())
    wrapped = recipient.sealing_key.wrap(DATA_KEY, b"purpose")
    assert len(wrapped) == WRAPPED_KEY_BYTES
    assert recipient.unwrap(wrapped, b"purpose") == DATA_KEY
    assert recipient.unwrap(wrapped, b"another") is None
    assert other.unwrap(wrapped, b"purpose") is None
    assert recipient.unwrap(wrapped[:-1], b"purpose") is None


def test_keys_come_back_from_their_secret() -> None:
    signing, opening = new_signing_secret(), new_opening_secret()
    assert SigningKey(signing).verify_key.key_id == SigningKey(signing).verify_key.key_id
    assert OpeningKey(opening).sealing_key.public == OpeningKey(opening).sealing_key.public
    assert SigningKey(new_signing_secret()).verify_key.key_id != SigningKey(signing).verify_key.key_id
