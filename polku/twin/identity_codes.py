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

FIRST_BIRTH, DAYS = np.datetime64("1900-01-01", "D"), 45_000
TWIN_SIGN = 5
"""Position of the separator that is given to nobody but persons whose code differs from another's in it alone."""


class CodeBook:
    """Which codes have been given: no two alike over all blocks of persons.

    Of every birth day and sex it counts the codes with the usual separator and with others; memory does not grow with
    the number of persons.
    """

    def __init__(self, numbers: tuple[int, int]) -> None:
        self._lowest = numbers[0]
        self._choices = (numbers[1] - numbers[0] + 1) // 2
        self._given = np.zeros((2, 2 * DAYS), dtype=np.int16)

    def take(
        self, born_on: Dates, female: npt.NDArray[np.bool_], usual: npt.NDArray[np.bool_]
    ) -> tuple[Texts, Dates, npt.NDArray[np.bool_]]:
        """One code per person; the individual number is even for women, odd for men. `usual` asks for the separator in
        general use.

        Where all such codes of a birth day are given, it is another separator, and where all are, the person is born a
        day later. Returns codes, births, and who has the usual separator.
        """
        born_on, usual = born_on.copy(), usual.copy()
        slot = np.full(len(born_on), -1)
        todo = np.arange(len(born_on))
        while len(todo):
            for kind, room in ((0, self._choices), (1, self._choices * (TWIN_SIGN - 1))):
                asked = todo[usual[todo] == (kind == 0)]
                cell = self._cell(born_on[asked], female[asked])
                place = self._given[kind, cell] + _rank(cell)
                fits = place < room
                slot[asked[fits]] = place[fits]
                np.add.at(self._given[kind], cell[fits], 1)
                usual[asked[~fits]] = False
            todo = todo[slot[todo] < 0]
            born_on[todo] += 1
        # A stride that shares no factor with any count of choices, and a start of its own for every day.
        individual = (self._cell(born_on, female) * 17 + slot * 7) % self._choices
        individual = self._lowest + 2 * individual
        individual += (individual % 2 == 0) != female
        sign = np.where(usual, 0, 1 + slot // self._choices)
        return assemble(born_on, separators(born_on, sign), individual), born_on, usual

    def _cell(self, born_on: Dates, female: npt.NDArray[np.bool_]) -> Ints:
        cell: Ints = (born_on - FIRST_BIRTH).astype(int) * 2 + female
        return cell


def _rank(cells: Ints) -> Ints:
    """How many elements before each are equal to it."""
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    rank = np.empty(len(cells), dtype=np.int64)
    rank[order] = np.arange(len(cells)) - np.searchsorted(ordered, ordered)
    return rank


def separators(born_on: Dates, positions: Ints) -> Texts:
    """The separators at `positions` (0 the usual one) of the century of birth."""
    century = (born_on.astype("datetime64[Y]").astype(int) + 1970 >= 2000).astype(int)
    signs: Texts = SEPARATORS[century, positions]
    return signs


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


def with_wrong_check(code: str) -> str:
    """The code with the next check character, as a typing error leaves it."""
    signs: list[str] = CHECK_CHARACTERS.tolist()
    return code[:-1] + signs[(signs.index(code[-1]) + 1) % len(signs)]
