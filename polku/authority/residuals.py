"""Finding what looks like an identifier in a text where none may be.

Belongs here: the patterns, one function per kind. Does not belong here: which cells are looked at and what
happens then (`sealing`, and the gates of the research platform).

The patterns err on the side of finding: a false alarm is looked at by a person, a miss is a leak.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from polku.exchange.identifiers import Refused, canonical_hetu
from polku.sql_text import text

_ALONE = r"(?<![0-9A-Z]){}(?![0-9A-Z])"
_GAP = r"[\W_]{0,3}"
# A lookahead, so that a candidate that fails its check cannot hide one that begins inside it.
_HETU = re.compile(rf"(?<![0-9])(?=([0-9]{{6}}){_GAP}([+A-FU-Y]?){_GAP}([0-9]{{3}})\s?([0-9A-FHJ-NPR-Y])(?![0-9]))")
# A date written in groups is one only before a sign: without, any date and number would be read as a code.
_GROUPED_HETU = re.compile(
    r"(?<![0-9])(?=([0-9]{2})[ .]?([0-9]{2})[ .]?([0-9]{2}) ?([+A-FU-Y]|[^\w\s.,:;/]) ?"
    r"([0-9]{3}) ?([0-9A-FHJ-NPR-Y])(?![0-9]))"
)
# Bounded repeats: a pattern that may start anywhere and run on takes hours on one long cell.
_EMAIL = re.compile(r"[^\s@;,<>]{1,64} ?(?:@|[(\[]AT[)\]]) ?[^\s@;,<>]{1,255}\.[A-Z]{2,}")
_PHONE = re.compile(
    r"(?<![0-9A-Z.,])(?:(?:\+|00)(?:[ ()-]{0,2}[0-9]){8,14}|0(?:4[0-9]|50|[235689]|1[3-9])\)?(?:[ -]?[0-9]){5,8})"
    r"(?![0-9A-Z.,]|-[0-9])"
)
_IBAN = re.compile(_ALONE.format(r"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30}"))
_CLIENT_NUMBER = re.compile(_ALONE.format(r"[0-9]{7,8}"))


def kinds_of(text: str, *, client_numbers: bool = False) -> tuple[str, ...]:
    """The kinds of identifier that `text` seems to hold: hetu, email, phone, iban, client_number.

    A hetu is found in every spelling: any dash or none, any case, digits of any script, blanks and dots inside; date
    and check character must fit. Finnish Immigration Service client numbers (7 or 8 digits, nothing to
    check them by) are looked for only on demand.
    """
    plain = (text if text.isascii() else _folded(text)).upper()
    found = {
        "hetu": any(_is_hetu(*match.groups()) for match in _HETU.finditer(plain))
        or any(_is_hetu(d + m + y, s, *rest) for d, m, y, s, *rest in _GROUPED_HETU.findall(plain)),
        "email": _EMAIL.search(plain) is not None,
        "phone": _PHONE.search(plain) is not None,
        "iban": any(_is_iban(match[0]) for match in _IBAN.finditer(plain)),
        "client_number": client_numbers and _CLIENT_NUMBER.search(plain) is not None,
    }
    return tuple(kind for kind, is_there in found.items() if is_there)


def may_hold(cell: str) -> str:
    """SQL condition, cheap, that is true for every text in which `kinds_of` finds something.

    What `kinds_of` folds is passed on unseen; letters of Western Europe and quotation marks fold to no digit or sign.
    """
    return f"regexp_matches({cell}, {text(_SUSPECT)})"


_SUSPECT = "|".join(
    (
        "@|[(\\[][Aa][Tt][)\\]]",
        "[^\\x00-\\x7f\u00c0-\u00d6\u00d8-\u00de\u00e0-\u00f6\u00f8-\u00fe\u2018-\u201f\u2022\u20ac]",
        "[0-9]{6}",
        "[0-9]{2}[ .]?[0-9]{2}[ .]?[0-9]{2} ?[^0-9 .,:;/] ?[0-9]{3}",
        "[0-9](?:[ ()-]{0,2}[0-9]){6}",
        "[A-Za-z]{2}[0-9]{2}(?: ?[0-9A-Za-z]){11}",
    )
)


def _folded(text: str) -> str:
    """Compatible characters made plain, digits of any script made digits, characters without a width left out."""
    visible = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(str(unicodedata.decimal(c, c)) for c in visible)


def _is_hetu(day: str, sign: str, number: str, check: str) -> bool:
    # A sign that was lost or replaced could have been of either century: 29 February tells them apart.
    signs = sign if sign == "+" or sign.isalpha() else "-A"
    return any(not isinstance(canonical_hetu(day + s + number + check, date.max), Refused) for s in signs)


def _is_iban(text: str) -> bool:
    """ISO 13616: the country code and check digits moved to the end, letters as 10-35, remainder 1 by 97."""
    digits = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in digits[4:] + digits[:4])) % 97 == 1
