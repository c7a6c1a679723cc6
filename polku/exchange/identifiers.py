"""Canonical identifiers: the one spelling of a Finnish identity code or of a register's own number.

Belongs here: what an identifier is, how its spelling is repaired and why it is refused. Does not belong
here: tokens and keys (`tokens`), or where refused rows go (`sealing`).

Two computers that canonicalise differently give one person two tokens, without any error. So every
change of a rule here needs a new CANON_VERSION, and CANARIES (odd spellings) go into the key check.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

CANON_VERSION = 1

HETU = "fi.hetu"
MIGRI_CLIENT = "fi.migri.client"
BUSINESS_ID = "fi.business"
NATIONAL = (HETU, MIGRI_CLIENT, BUSINESS_ID)
"""Domains of identifiers that mean the same in every register; all others are scoped to theirs."""

LAST_INDIVIDUAL_NUMBER = 999

_CENTURIES = {"+": 1800, **dict.fromkeys("-YXWVU", 1900), **dict.fromkeys("ABCDEF", 2000)}
_CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_HETU = re.compile(r"([0-9]{6})([-+A-FU-Y])([0-9]{3})([0-9A-FHJ-NPR-Y])")
_CANONICAL_NUMBER = r"\A[!-`{-~](?:[ -`{-~]*[!-`{-~])?\z"
_LOOKS_LIKE_HETU = re.compile(r"[0-9]{6}(.)[0-9]{3}[0-9A-Z]")
_LACKS_SEPARATOR = re.compile(r"[0-9]{9}[0-9A-Z]")
_BUSINESS_ID = re.compile(r"([0-9]{6,7})-([0-9])")
_BUSINESS_WEIGHTS = (7, 9, 10, 5, 8, 4, 2)

# U+2010-2015 hyphens and dashes, U+2212 minus, U+FE63 small hyphen: NFKC leaves most of them as they are.
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE63], "-")
_ASCII_UPPER = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}
_LAST_DAYS = np.array((0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31))
_YEARS = np.array([_CENTURIES.get(chr(sign), 0) for sign in range(128)])
_CHECK_CODES = np.frombuffer(_CHECK_CHARACTERS.encode(), np.uint8)
_INVISIBLE = frozenset(("Cf", "Cc"))
_BLANK = frozenset(("Cf", "Cc", "Zs"))


class Identifier(NamedTuple):
    """A usable identifier; `id_type` is the domain of its token, `repaired` tells that it was respelled."""

    id_type: str
    canonical: str
    repaired: bool


class Refused(NamedTuple):
    """A text that is no identifier; `reason` is a code such as `hetu_check_character`, never the text."""

    reason: str


def canonical(text: str, domain: str, register: str, born_until: date, permanent_until: int) -> Identifier | Refused:
    """The identifier that `text` spells in a column of `domain` (one of NATIONAL or `<register>.<kind>`).

    `born_until` is the date of the extract: nobody in it was born later. Individual numbers up to
    `permanent_until` (899 outside test studies) are permanent. A temporary code is only unique within its
    register, hence its own domain (Act on the Population Information System 661/2009; DVV).
    """
    if domain == BUSINESS_ID:
        return _canonical_business_id(text)
    if domain != HETU:
        return _canonical_number(domain, text)
    code = canonical_hetu(text, born_until)
    if isinstance(code, Refused):
        return code
    id_type = HETU if int(code[7:10]) <= permanent_until else temporary_domain(register)
    return Identifier(id_type, code, code != text)


def already_canonical(texts: pa.StringArray, domain: str, born_until: date) -> npt.NDArray[np.bool_]:
    """Which texts `canonical` accepts as they are: nearly all of an extract, so they are judged as a column.

    Employers are few: all their numbers are looked at one by one.
    """
    if domain == BUSINESS_ID:
        return np.zeros(len(texts), dtype=np.bool_)
    form = rf"\A{_HETU.pattern}\z" if domain == HETU else _CANONICAL_NUMBER
    canonical = np.asarray(pc.match_substring_regex(texts, form))
    if domain == HETU:
        canonical[canonical] = _are_valid(texts.filter(pa.array(canonical)), born_until)
    return canonical


def temporary_domain(register: str) -> str:
    """Domain of the temporary identity codes (individual number 900-999) that `register` issued or holds."""
    return f"{HETU}.temporary/{register}"


def canonical_hetu(text: str, born_until: date) -> str | Refused:
    """The eleven characters of an identity code, or why it is none.

    NFKC, invisible characters and blanks deleted, dashes to `-`, ASCII upper case; then the form, a real
    date in the sign's century that is not after `born_until`, individual number 002-999 and the check
    character. The separator is kept: since 2023 it tells persons apart (dvv.fi/hetu-uudistus).
    """
    code, form = text, _HETU.fullmatch(text)
    if form is None:
        code = _without(unicodedata.normalize("NFKC", text), _BLANK).translate(_DASHES).translate(_ASCII_UPPER)
        form = _HETU.fullmatch(code)
    if form is None:
        return Refused(_why_malformed(code))
    day, separator, number, check = form.groups()
    born_on = _born_on(day, separator)
    if born_on is None:
        return Refused("hetu_date")
    if born_on > born_until:
        return Refused("hetu_born_after_extract")
    if number < "002":
        return Refused("hetu_individual_number")
    if _CHECK_CHARACTERS[int(day + number) % 31] != check:
        return Refused("hetu_check_character")
    return code


def _are_valid(codes: pa.StringArray, born_until: date) -> npt.NDArray[np.bool_]:
    """The judgement of `canonical_hetu` on date, individual number and check character, for codes of its form."""
    characters = np.frombuffer(codes.cast(pa.binary()).cast(pa.binary(11)).buffers()[1], np.uint8, len(codes) * 11)
    characters = characters.reshape(-1, 11)
    digits = characters[:, [0, 1, 2, 3, 4, 5, 7, 8, 9]] - np.int64(ord("0"))
    day, month, year = (digits[:, [0, 2, 4]] * 10 + digits[:, [1, 3, 5]]).T
    year = year + _YEARS[characters[:, 6]]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last_day = np.where(month <= 12, _LAST_DAYS[np.minimum(month, 12)], 0) + ((month == 2) & leap)
    until = (born_until.year * 100 + born_until.month) * 100 + born_until.day
    number = digits @ 10 ** np.arange(8, -1, -1)
    valid: npt.NDArray[np.bool_] = (
        (day >= 1)
        & (day <= last_day)
        & ((year * 100 + month) * 100 + day <= until)
        & (number % 1000 >= 2)
        & (_CHECK_CODES[number % 31] == characters[:, 10])
    )
    return valid


def _canonical_number(domain: str, text: str) -> Identifier | Refused:
    """A register's own number stays text (leading zeros count): NFKC, invisible characters out, trimmed, upper."""
    visible = unicodedata.normalize("NFKC", _without(text, _INVISIBLE))
    number = visible.strip().translate(_ASCII_UPPER)
    if not number:
        return Refused("id_empty")
    # Outside ASCII, look-alike letters and unstable upper-casing would have to be guessed about.
    if not (number.isascii() and number.isprintable()):
        return Refused("id_form")
    return Identifier(domain, number, number != text)


def _canonical_business_id(text: str) -> Identifier | Refused:
    """Seven digits, a hyphen and a check digit (Finnish Patent and Registration Office and Tax Administration:
    weights 7 9 10 5 8 4 2, remainder by 11, of which 1 is never given out). Older numbers have six digits and stand
    for seven with a leading zero. A VAT number (FI12345678) is another identifier and is refused, not taken apart."""
    code = _without(unicodedata.normalize("NFKC", text), _BLANK).translate(_DASHES)
    form = _BUSINESS_ID.fullmatch(code)
    if form is None or not code.isascii():
        return Refused("business_form")
    digits = form[1].zfill(7)
    rest = sum(weight * int(digit) for weight, digit in zip(_BUSINESS_WEIGHTS, digits, strict=True)) % 11
    if rest == 1 or (11 - rest) % 11 != int(form[2]):
        return Refused("business_check_digit")
    number = f"{digits}-{form[2]}"
    return Identifier(BUSINESS_ID, number, number != text)


def _why_malformed(code: str) -> str:
    if _LACKS_SEPARATOR.fullmatch(code):
        return "hetu_no_separator"
    shape = _LOOKS_LIKE_HETU.fullmatch(code)
    if shape is None:
        return "hetu_form"
    return "hetu_check_character" if shape[1] in _CENTURIES else "hetu_separator"


@lru_cache(maxsize=100_000)
def _born_on(day: str, separator: str) -> date | None:
    try:
        return date(_CENTURIES[separator] + int(day[4:6]), int(day[2:4]), int(day[:2]))
    except ValueError:
        return None


def _without(text: str, categories: frozenset[str]) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in categories)


CANARIES = (
    "010190-999W", "010190Y999W", "131052-900W", "290200A901C", "290296-9026", "311299X903B",
    "010185W9501", "150605b987m", "241278U964C", "070799+905W", "010123F998K", " 010185-9501 ",
    "010190\u2013999W", "\ufeff131052\u2212900w", "\uff10\uff11\uff10\uff11\uff19\uff10-999W", "2902\u00ad00A901C",
)  # fmt: skip
"""Sixteen identity codes of the test range in odd spellings, every sign class among them."""
