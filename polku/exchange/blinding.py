"""The blinded relay: how the linkage unit re-keys tokens that it cannot recognise (opt-in, unreviewed).

Belongs here: the group arithmetic of the three parties. Does not belong here: who calls it (`authority`,
`linkage`, `research`), which mode a study uses (`keys`) and how tokens are made (`tokens`).

The authority multiplies the point H of each token by a scalar r, fresh for each delivery: X = r H. The
linkage unit multiplies by its key k: Y = k X. The research platform, and nobody else, is told 1/r: u = Y / r
= k H, the same for a person in every delivery. Points of NIST P-256 travel as their x coordinate alone (an
element, 32 bytes): -P has the x of P, so multiplication is well defined on elements. The order of the group
is prime and its cofactor 1: every x on the curve is an element, and the identity has no x.

In the manner of RFC 9497 (OPRF), but not compatible with it: try-and-increment instead of its hash to the curve,
x coordinates instead of points, and no proof that the linkage unit used the right key.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from polku.errors import Exit, Refusal

ELEMENT_BYTES = 32
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Number of points of P-256 (FIPS 186, SEC 2); prime."""

UNBLINDING = "unblinding"
"""Key of 1/r in the manifest of the data part; whoever has it and the id part can compare deliveries."""

_CURVE = SECP256R1()
_EVEN_Y = b"\x02"


def new_blinding() -> int:
    """A scalar r, uniform in 1 .. n-1, to be used for one delivery and forgotten."""
    return 1 + secrets.randbelow(ORDER - 1)


def unblinding(blinding: int) -> dict[str, str]:
    """What the manifest of the data part says beside the rows: 1/r modulo n, as 64 hex digits."""
    return {UNBLINDING: f"{pow(blinding, -1, ORDER):064x}"}


def read_unblinding(manifest: Mapping[str, Any], file: str) -> int:
    """1/r from a manifest. Refuses (DELIVERY_INCOMPLETE) what is no scalar in 1 .. n-1."""
    text = manifest.get(UNBLINDING)
    try:
        scalar = int.from_bytes(bytes.fromhex(text)) if isinstance(text, str) and len(text) == 64 else 0
    except ValueError:
        scalar = 0
    if not 0 < scalar < ORDER:
        raise _no_element(file)
    return scalar


def link_scalar(link_key: bytes) -> int:
    """The linkage unit's k in 1 .. n-1 from its key of the study and epoch.

    384 bits are reduced, so that no k is likelier than another by more than 2**-128.
    """
    wide = HKDF(SHA256(), 48, salt=b"pseud/v1", info=b"blinded relay, P-256").derive(link_key)
    return 1 + int.from_bytes(wide) % (ORDER - 1)


def blind(id_types: Iterable[str], tokens: Iterable[bytes], blinding: int) -> list[bytes]:
    """X = r H(id_type, token) for each row, as elements."""
    return _times(blinding, (_point(*row) for row in zip(id_types, tokens, strict=True)))


def multiply(elements: Iterable[bytes | None], scalar: int, file: str) -> list[bytes]:
    """Each element of a received part times a scalar.

    Refuses (DELIVERY_INCOMPLETE) the part when any is not an element: of another length, not below the
    field's prime, not on the curve. It is not said which, nor why.
    """
    try:
        return _times(scalar, (_decoded(element or b"") for element in elements))
    except ValueError:
        pass
    raise _no_element(file)


def _times(scalar: int, points: Iterator[EllipticCurvePublicKey]) -> list[bytes]:
    # Diffie-Hellman is multiplication: its shared secret is the x coordinate of scalar times point.
    key, multiplied = derive_private_key(scalar, _CURVE), ECDH()
    return [key.exchange(multiplied, point) for point in points]


def _decoded(element: bytes) -> EllipticCurvePublicKey:
    return EllipticCurvePublicKey.from_encoded_point(_CURVE, _EVEN_Y + element)


def _point(id_type: str, token: bytes) -> EllipticCurvePublicKey:
    """H: the first of SHA-256(label, id_type, token, 0), (.., 1), .. that is an element; two tries on average.

    How many it takes depends on the token alone, which whoever could measure it here already has.
    """
    label = sha256(b"polku blinded v1\0" + id_type.encode() + b"\0" + token)
    for number in count():
        tried = label.copy()
        tried.update(number.to_bytes(4))
        try:
            return _decoded(tried.digest())
        except ValueError:
            continue
    raise AssertionError  # half of all x are on the curve


def _no_element(file: str) -> Refusal:
    return Refusal(
        Exit.DELIVERY_INCOMPLETE,
        "what the part holds for the blinded relay is damaged.",
        "Nothing of it was used. Ask the authority to seal the extract again.",
        file=file,
    )
