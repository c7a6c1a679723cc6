"""Personal identity codes of invented persons: the range 900-999 that no real person carries.

Belongs here: making unique test codes. Does not belong here: reading or judging codes. Form of the code
and the separators in force since 1 January 2023: Digital and Population Data Services Agency.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from polku.twin.chance import Dates, Ints, Texts

CHECK_CHARACTERS = np.array(list("0123456789ABCDEFHJKLMNPRSTUVWXY"), dtype=object)
SEPARATORS = np.array([list("-YXWVU"), list("ABCDEF")], dtype=object)
"""By century of birth (1900s, 2000s); the first of each is the one in general use."""

PERMANENT = (900, 989)
"""Individual numbers that stand for permanent codes in a test study."""

TEMPORARY = (990, 999)
"""Individual numbers that stand for temporary codes, which each authority gives by itself."""

NEW_SEPARATOR_SHARE = 0.04
"""Codes with a separator of 2023: rare in the registers, so the twin has enough of them to meet."""


def unique_codes(
    rng: np.random.Generator, born_on: Dates, female: npt.NDArray[np.bool_], numbers: tuple[int, int]
) -> Texts:
    """One code per person, no two alike; the individual number is even for women, odd for men."""
    lowest, highest = numbers
    century = (born_on.astype("datetime64[Y]").astype(int) + 1970 >= 2000).astype(int)
    choices = (highest - lowest + 1) // 2
    codes = np.empty(len(born_on), dtype=object)
    todo = np.arange(len(born_on))
    while len(todo):
        individual = lowest + 2 * rng.integers(0, choices, len(todo))
        individual += (individual % 2 == 0) != female[todo]
        new = (rng.random(len(todo)) < NEW_SEPARATOR_SHARE) | (len(todo) < len(born_on))
        separator = SEPARATORS[century[todo], np.where(new, rng.integers(0, 6, len(todo)), 0)]
        codes[todo] = assemble(born_on[todo], separator, individual)
        _, first = np.unique(codes.astype(str), return_index=True)
        todo = np.setdiff1d(np.arange(len(codes)), first)
    return codes


def assemble(born_on: Dates, separators: Texts, individual: Ints) -> Texts:
    """Codes from their parts, with the check character: the number DDMMYYZZZ modulo 31."""
    years = born_on.astype("datetime64[Y]").astype(int) + 1970
    months = born_on.astype("datetime64[M]").astype(int) % 12 + 1
    days = (born_on - born_on.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    dates = days * 10_000 + months * 100 + years % 100
    checks = CHECK_CHARACTERS[(dates * 1000 + individual) % 31]
    return np.array(
        [
            f"{d:06d}{s}{n:03d}{c}"
            for d, s, n, c in zip(dates.tolist(), separators, individual.tolist(), checks, strict=True)
        ],
        dtype=object,
    )


def with_other_separator(code: str) -> str:
    """The code of another person that differs in the separator only: another sign of the same century."""
    century: list[str] = next(signs for signs in SEPARATORS.tolist() if code[6] in signs)
    return code[:6] + century[(century.index(code[6]) + 1) % len(century)] + code[7:]


def with_wrong_check(code: str) -> str:
    """The code with the next check character, as a typing error leaves it."""
    signs: list[str] = CHECK_CHARACTERS.tolist()
    return code[:-1] + signs[(signs.index(code[-1]) + 1) % len(signs)]
