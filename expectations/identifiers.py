"""SQL that finds texts which look like an identifier of a person, however they are spelled.

Belongs here: the patterns and the folding of spellings. Does not belong here: what happens when one is
found. The patterns err towards finding: a person hidden in a code is worse than a code asked about. They
are not the ones with which the authority has looked before sealing (`polku.authority.residuals`): a gate that shared
those would share their blind spots.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from polku.sql_text import text

CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
"""Check character of an identity code: its nine digits modulo 31 (Digital and Population Data Services
Agency; Government Decree 128/2010)."""

_DAY, _MONTH = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-2])"
# The signs of all centuries after the reform of 2023: + for the 1800s, - and U-Y for the 1900s, A-F for the 2000s.
_SIGNED = f"(^|[^0-9]){_DAY}[ .]?{_MONTH}[ .]?[0-9]{{2}} ?[-+A-FU-Y] ?[0-9]{{3}} ?[0-9A-Z]([^0-9]|$)"
# Any other separator, or none: then the check character has to agree, for ten plain digits are common.
_UNSIGNED = f"(?:^|[^0-9]){_DAY} *{_MONTH} *[0-9]{{2}} *[0-9]{{3}} *[{CHECK_CHARACTERS}](?: |$)"
_E_MAIL = r"[A-Z0-9._%+-]+ ?(@|[(\[]AT[)\]]) ?[A-Z0-9-]+(\.[A-Z0-9-]+)*\.[A-Z]{2,}"
_FINNISH_IBAN = "FI ?[0-9]{2}( ?[0-9]{4}){3} ?[0-9]{2}([^0-9]|$)"
_IBAN = "(?:^|[^0-9A-Z])[A-Z]{2}[0-9]{2} ?(?:[0-9A-Z]{4} ?){2,7}[0-9A-Z]{0,3}"
_PHONE = (
    r"(^|[^0-9A-Z])((\+|00)[1-9][0-9]{0,2}[ ()/-]*([0-9][ ()/-]*){6,12}"  # international
    r"|0(4[0-9]|50)[ -]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{1,3}"  # mobile
    r"|0[1-9][0-9]?[ -][0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{0,2})([^0-9]|$)"  # landline, written in groups
)
# Seven or eight digits alone could be anything: the Finnish Immigration Service's number needs its label.
_MIGRI = r"(MIGRI|\bUMA\b|ASIAKAS|CUSTOMER|CLIENT|KUND|KLIENT)[^0-9]{0,30}[0-9]{6,9}([^0-9]|$)"

_FINDS = {
    "an identity code": f"""regexp_matches(folded, '{_SIGNED}') or len(list_filter(
        list_transform(regexp_extract_all(spaced, '{_UNSIGNED}'), lambda m: regexp_replace(m, '[^0-9A-Z]', '', 'g')),
        lambda m: substr('{CHECK_CHARACTERS}', cast(left(right(m, 10), 9) as integer) % 31 + 1, 1) = right(m, 1)
    )) > 0""",
    "a Migri client number": f"regexp_matches(folded, '{_MIGRI}')",
    "an e-mail address": f"regexp_matches(folded, '{_E_MAIL}')",
    "a phone number": f"regexp_matches(folded, '{_PHONE}')",
    "a bank account": f"""regexp_matches(folded, '{_FINNISH_IBAN}') or len(list_filter(
        list_transform(regexp_extract_all(folded, '{_IBAN}'), lambda m: regexp_replace(m, '[^0-9A-Z]', '', 'g')),
        lambda m: length(m) >= 15 and list_reduce(
            list_transform(string_split(substr(m, 5) || left(m, 4), ''),
                lambda c: if(c <= '9', ascii(c) - 48, ascii(c) - 55)),
            lambda a, b: (a * if(b > 9, 100, 10) + b) % 97) = 1
    )) > 0""",
}
KINDS = tuple(_FINDS)


def leaks_query(texts: str) -> str:
    """SQL over `texts` (column_name, text): the rows that look like an identifier, without the text.

    Columns: column_name, kind (one of `KINDS`); a text that looks like two kinds counts under the first.
    """
    look, alike = _folding()
    fold = f"translate(text, {text(look)}, {text(alike)})"
    kinds = " ".join(f"when {found} then '{kind}'" for kind, found in _FINDS.items())
    return f"""
with folded as (
    select column_name, upper(if(regexp_matches(text, '[^ -~]'), {fold}, text)) as folded from {texts}
),
spaced as (select *, regexp_replace(folded, '[^0-9A-Z]+', '  ', 'g') as spaced from folded),
named as (select column_name, case {kinds} end as kind from spaced)
select column_name, kind from named where kind is not null"""


@cache
def _folding() -> tuple[str, str]:
    """Characters and what they pass for: digits of any script, dashes, spaces, and letters that look Latin.

    Characters without a width come last and have no partner, so that `translate` drops them.
    """
    cyrillic, greek = (
        "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425",
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    )
    passes_for = dict(zip(cyrillic + greek, "ABEKMHOPCTYX" + "ABEZHIKMNOPTYX", strict=True))
    dropped = []
    for character in map(chr, range(0x7F, 0x1FC00)):
        category = unicodedata.category(character)
        digit = unicodedata.decimal(character, None)
        plain = unicodedata.normalize("NFKC", character)
        if category in ("Cf", "Cc"):
            dropped.append(character)
        elif digit is not None:
            passes_for[character] = str(digit)
        elif category == "Pd" or character in "\N{MINUS SIGN}\N{HYPHEN BULLET}":
            passes_for[character] = "-"
        elif category == "Zs":
            passes_for[character] = " "
        elif len(plain) == 1 and " " <= plain <= "~":
            passes_for[character] = plain
    return "".join(passes_for) + "".join(dropped), "".join(passes_for.values())
