"""The two kinds of key pair a party has, each of a classical and a post-quantum half.

Belongs here: raw bytes to usable keys and back. Does not belong here: files, names and trust (`keys`).

Signatures are Ed25519 and ML-DSA-65 together (both must verify); sealing is HPKE with ML-KEM-768 and
X25519. A key id is the SHA-256 of the public bytes.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

SIGNATURE_BYTES = 64 + 3309
SIGNING_SECRET_BYTES = 32 + 32
OPENING_SECRET_BYTES = 64 + 32
WRAPPED_KEY_BYTES = 1088 + 32 + 32 + 16
"""ML-KEM ciphertext, X25519 share, a 32-byte key and its tag."""

_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_CONTEXT = b"hpkg/1"


class VerifyKey:
    """Public half of a signing key."""

    def __init__(self, public: bytes) -> None:
        self.public = public
        self.key_id = sha256(b"signing\0" + public).digest()
        self._classical = Ed25519PublicKey.from_public_bytes(public[:32])
        self._quantum = MLDSA65PublicKey.from_public_bytes(public[32:])

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Whether both signatures over `digest` are right."""
        try:
            self._classical.verify(signature[:64], _CONTEXT + digest)
            self._quantum.verify(signature[64:], digest, _CONTEXT)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """Secret half of a signing key: 32 bytes Ed25519 seed, 32 bytes ML-DSA-65 seed."""

    def __init__(self, secret: bytes) -> None:
        self._classical = Ed25519PrivateKey.from_private_bytes(secret[:32])
        self._quantum = MLDSA65PrivateKey.from_seed_bytes(secret[32:])
        self.verify_key = VerifyKey(
            self._classical.public_key().public_bytes_raw() + self._quantum.public_key().public_bytes_raw()
        )

    def sign(self, digest: bytes) -> bytes:
        """Both signatures, one after the other."""
        return self._classical.sign(_CONTEXT + digest) + self._quantum.sign(digest, _CONTEXT)


class SealingKey:
    """Public half of an opening key: what a sender wraps a package's data key for."""

    def __init__(self, public: bytes) -> None:
        self.public = public
        self.key_id = sha256(b"sealing\0" + public).digest()
        self._key = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:1184]),
            X25519PublicKey.from_public_bytes(public[1184:]),
        )

    def wrap(self, data_key: bytes, info: bytes) -> bytes:
        """`data_key` for the holder of the secret half, bound to `info`."""
        return _SUITE.encrypt(data_key, self._key, info)


class OpeningKey:
    """Secret half: 64 bytes ML-KEM-768 seed, 32 bytes X25519 key."""

    def __init__(self, secret: bytes) -> None:
        quantum = MLKEM768PrivateKey.from_seed_bytes(secret[:64])
        classical = X25519PrivateKey.from_private_bytes(secret[64:])
        self._key = hpke.MLKEM768X25519PrivateKey(quantum, classical)
        self.sealing_key = SealingKey(
            quantum.public_key().public_bytes_raw() + classical.public_key().public_bytes_raw()
        )

    def unwrap(self, wrapped: bytes, info: bytes) -> bytes | None:
        """The data key, or None: every failure looks the same."""
        try:
            return _SUITE.decrypt(wrapped, self._key, info)
        except (InvalidTag, ValueError):
            return None


def new_signing_secret() -> bytes:
    """A fresh secret of a signing key."""
    return secrets.token_bytes(SIGNING_SECRET_BYTES)


def new_opening_secret() -> bytes:
    """A fresh secret of an opening key."""
    return secrets.token_bytes(OPENING_SECRET_BYTES)
