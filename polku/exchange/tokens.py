"""Keyed tokens: how keys are derived from a root and how an identifier becomes a token.

Belongs here: HKDF labels, the token function, the key check. Does not belong here: where keys are kept
(`keys`) or what a canonical identifier is (`identifiers`).

Each of the three parties applies a key of its own: authority t = HMAC(K_tok, identifier), linkage unit
u = HMAC(K_link, t), research platform rho = HMAC(K_research, u), level after level. One-wayness is worth seconds
against whoever holds the key (the code space is 25 bits); what protects is that no party holds two of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from polku.exchange.identifiers import CANARIES, canonical_hetu

TOKEN_BYTES = 16
"""128 bits: the chance of any collision among six million persons is about 5e-26."""


def derive(root: bytes, role: str, project: str, epoch: str, scope: str = "") -> bytes:
    """A 32-byte key for one role (`tok`, `src`, `link`, `research`), study, epoch (or level) and scope."""
    info = "|".join((role, project, epoch, scope))
    if info.count("|") != 3:
        raise ValueError("a label of a key holds the character that separates labels")
    return HKDF(SHA256(), 32, salt=b"pseud/v1", info=info.encode()).derive(root)


def tokens(key: bytes, domain: str, canonicals: Iterable[bytes]) -> list[bytes]:
    """HMAC-SHA256 of `v1 0 domain 0 canonical`, truncated to 16 bytes, in the order given.

    The domain is part of the message: a client number can never equal a case number. Canonicals are
    the UTF-8 of an identifier or, for the second and third party, the token before.
    """
    prepared = HMAC(key, SHA256())
    prepared.update(b"v1\0" + domain.encode() + b"\0")
    # Bound once: at a third of a microsecond for each call, looking names up is a tenth of the work.
    copy, out = prepared.copy, list[bytes]()
    add = out.append
    for value in canonicals:
        one = copy()
        one.update(value)
        add(one.finalize()[:TOKEN_BYTES])
    return out


def key_check(key: bytes) -> str:
    """Sixteen hex digits that are equal where key and canonicalisation are equal, and tell nothing else.

    A wrong key or a drifted spelling rule gives no error, only persons that do not link; comparing this
    value over all authorities turns it into a refusal.
    """
    check = HMAC(key, SHA256())
    check.update(b"kcv\0")
    for canary in CANARIES:
        check.update(str(canonical_hetu(canary, date(2026, 1, 1))).encode() + b"\0")
    return check.finalize()[:8].hex()
