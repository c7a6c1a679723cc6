"""The stretch: an identifier goes through Argon2id before its token is made (opt-in, unreviewed).

Belongs here: the function, its cost and its limit. Does not belong here: the token function (`tokens`) and
whether a study stretches (`keys`).

All identity codes of living people are 38 million: with every key stolen, HMAC alone is undone in 9 seconds
of one core. The stretch makes it 221 core-hours (2**25.17 codes at 21 ms). It does not protect one person whose
birth date is known: 898 codes are tried in 19 seconds. What protects is that no party holds all keys.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from polku.errors import Exit, Refusal

STRETCHED_AT_MOST = 100_000
"""Distinct identifiers of one extract; at 21 ms each that is 35 minutes of one core."""

_ITERATIONS, _MEMORY_KIB, _LANES = 2, 19 * 1024, 1
"""The first choice for passwords of OWASP's cheat sheet."""

COSTS = f"argon2id-{_ITERATIONS}-{_MEMORY_KIB}-{_LANES}"
"""Part of the mode that every heading names: tokens under other costs would link to nobody, without any error."""

_AT_ONCE = 500

log = logging.getLogger(__name__)


def stretch(key: bytes, domain: str, canonicals: Iterable[bytes]) -> Iterator[bytes]:
    """Argon2id of each canonical identifier, 32 bytes, in the order given; progress is logged every 500 of them.

    The salt is of the token key and the domain: nothing can be computed before the key is stolen. All cores
    are used, since Argon2id lets go of the interpreter while it works; each of them needs 19 MiB.
    """
    salt = HKDF(SHA256(), 16, salt=b"pseud/v1", info=b"stretch|" + domain.encode()).derive(key)

    def stretched(canonical: bytes) -> bytes:
        once = Argon2id(salt=salt, length=32, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB)
        return once.derive(canonical)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting, done = iter(canonicals), 0
        while some := list(islice(waiting, _AT_ONCE)):
            yield from pool.map(stretched, some)
            done += len(some)
            if len(some) == _AT_ONCE:
                log.info("%s: %s identifiers stretched", domain, done)


def refuse_above_limit(spellings: int, register: str) -> None:
    """Refuse (EXTRACT_BREAKS_CONTRACT) an extract of more distinct identifiers than can be stretched in good time."""
    if spellings > STRETCHED_AT_MOST:
        raise Refusal(
            Exit.EXTRACT_BREAKS_CONTRACT,
            f"the extract holds {spellings} distinct identifiers; this study stretches at most {STRETCHED_AT_MOST}.",
            "Narrow the extract to the study's population, or have the steward choose a mode without stretching.",
            register=register,
        )
