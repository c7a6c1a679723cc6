"""What real extracts also hold and the study may not have: names, addresses, notes, third persons.

Belongs here: values of the columns that contracts list under `never`; the sealer must drop them. Does not
belong here: columns that the study uses. All of it is invented; e-mail addresses are of a reserved domain.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from polku.twin.chance import stream
from polku.twin.people import People


def personal_details(people: People, seed: int) -> dict[str, pa.Array]:
    """By source name of a column: one text per person."""
    rng = stream(seed, "personal details")
    numbers = rng.integers(1_000_000, 9_999_999, len(people)).tolist()
    name = people.surname + " " + people.first_names
    phone = np.array([f"+358 50 {number}" for number in numbers], dtype=object)
    account = np.array([_iban(number) for number in numbers], dtype=object)
    note = np.array(
        [
            f'Asiakas {who} soitti numerosta {tel};\nhetu {code}, "kiireellinen"'
            for who, tel, code in zip(name, phone, people.code, strict=True)
        ],
        dtype=object,
    )
    email = np.array([f"{who.replace(' ', '.').lower()}@example.com" for who in name], dtype=object)
    spouse, child = np.roll(people.code, 1), np.roll(people.code, 2)
    details = {
        "sukunimi": people.surname,
        "etunimet": people.first_names,
        "postinumero": np.array([f"02{number % 100:02d}0" for number in numbers], dtype=object),
        "puhelin": phone,
        "sahkoposti": email,
        "tilinumero": account,
        "puolison_hetu": spouse,
        **dict.fromkeys(("nimi", "maksunsaaja"), name),
        **dict.fromkeys(("katuosoite", "osoite", "lahtoosoite", "tuloosoite"), people.street_address),
        **dict.fromkeys(("lasten_hetut", "lapsen_hetu"), child),
        **dict.fromkeys(("muistiinpanot", "lisatiedot", "lisatieto", "perustelut"), note),
    }
    return {source: pa.array(values, pa.string()) for source, values in details.items()}


def _iban(number: int) -> str:
    """A Finnish account number with correct check digits (ISO 7064, modulo 97)."""
    account = f"500015{number:08d}"
    check = 98 - int(f"{account}151800") % 97
    return f"FI{check:02d}{account}"
