"""Who the invented persons are: origin, age, education, ground of residence, names and identity codes.

Belongs here: everything about a person that stays the same. Does not belong here: where a person lives
or what a person does in a month (`residence`, `activity`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from importlib import resources

import numpy as np

from polku.twin import identity_codes
from polku.twin.chance import Bools, Dates, Floats, Ints, Texts, in_month, pick, pick_rows, stream
from polku.twin.identity_codes import NEW_SEPARATOR_SHARE, TWIN_SIGN, CodeBook, separators

GROUNDS = ("work", "family", "protection", "study", "mobility")
"""Grounds of residence; `mobility` is the free movement of EU citizens."""

GROUND_WEIGHTS = (0.18, 0.34, 0.26, 0.06, 0.16)
FEMALE_SHARE = np.array([0.32, 0.64, 0.40, 0.45, 0.42])
AGE_AT_ARRIVAL = np.array([(32, 7), (31, 9), (30, 10), (24, 4), (34, 9)])
"""Mean and standard deviation in years, by ground."""

YOUNGEST, OLDEST = 16, 62
ISCED = (
    (0, 1, 4, 22, 4, 10, 32, 25, 2),
    (2, 10, 18, 30, 5, 8, 17, 9, 1),
    (9, 22, 26, 24, 3, 5, 8, 3, 0),
    (0, 0, 2, 45, 4, 10, 30, 9, 0),
    (0, 3, 12, 42, 8, 10, 14, 10, 1),
)
"""Weights of ISCED levels 0-8, by ground."""

BEFORE_WINDOW_SHARE = 0.16
"""Arrived up to eleven years before the window opens: left truncation is part of real registers."""

ARRIVALS_PER_YEAR = (5, 5, 6, 6, 6, 6, 7, 8, 7, 7, 7, 6, 7, 8, 7, 4)
"""Weights of the window's years, with the years 2015-2016 and 2022 a little higher."""

FIRST_OF_JANUARY_SHARE = np.array([0.0, 0.03, 0.12, 0.0, 0.0])
"""Unknown dates of birth are recorded as 1 January; by ground."""

FINNISH_BACKGROUND_SHARE = 0.01
"""Born abroad to parents born in Finland: in the extract by place of birth, outside the study by its rule."""

RENTS_ON_BENEFIT = np.array([0.25, 0.40, 0.70, 0.60, 0.35])
"""Apply for housing allowance when without work; by ground. One person of a household applies."""

TEMPORARY_SHARE = 0.12
"""Of persons under international protection, those who first appear under a temporary code."""

CHANGED_SHARE = 0.012
"""Persons whose permanent code was replaced by another: a birth date that was recorded wrongly, mostly."""

CHANGED_AFTER_DAYS = (200, 2500)
"""After the arrival."""

SECOND_SHARE, SECOND_DAYS, MERGED_SHARE = 0.004, (400, 2500), 0.6
"""Persons who were registered twice and stand under a second code for so many days from their arrival. For this share
of them the population register then says whose it was; for the others nobody ever does."""

ONE_SIGN_PAIRS = 3
"""Pairs of persons whose codes differ only in the separator, as is possible since 2023."""

STREETS = ("Mallikatu", "Esimerkkitie", "Näytepolku", "Kokeilukuja", "Harjoituskaari", "Luonnostie")


@dataclass(frozen=True)
class People:
    """One element per person in every array; amounts of time in months from the window's first month.

    `employability` is a standard normal trait that no register sees. `temporary_until` is the first day
    under a permanent code (NaT: never had a temporary one), `former_until` that under the present one (NaT: had
    no other). `second_code` is one that the person had beside the right one until `second_until` (NaT: none);
    `merged` tells for whom the population register has said so. `migri_number` is the client number of the Finnish
    Immigration Service.
    """

    female: Bools
    ground: Ints
    born_on: Dates
    arrived_on: Dates
    arrival_month: Ints
    isced: Ints
    country: Texts
    language: Texts
    origin: Texts
    marital_status: Texts
    has_children: Bools
    rents: Bools
    employability: Floats
    code: Texts
    temporary_code: Texts
    temporary_until: Dates
    former_code: Texts
    former_until: Dates
    second_code: Texts
    second_until: Dates
    merged: Bools
    migri_number: Texts
    surname: Texts
    first_names: Texts
    street_address: Texts

    def __len__(self) -> int:
        return len(self.female)

    def code_on(self, person: Ints, days: Dates) -> Texts:
        """The identity code by which an authority without a shared register knows the person on a day."""
        permanent = np.where(days < self.former_until[person], self.former_code[person], self.code[person])
        permanent = np.where(days < self.second_until[person], self.second_code[person], permanent)
        return np.where(days < self.temporary_until[person], self.temporary_code[person], permanent)


@dataclass(frozen=True)
class CodeBooks:
    """The identity codes that have been given to all persons so far."""

    permanent: CodeBook = field(default_factory=lambda: CodeBook(identity_codes.PERMANENT))
    temporary: CodeBook = field(default_factory=lambda: CodeBook(identity_codes.TEMPORARY))


def make_people(persons: int, months: Dates, seed: int, first_person: int, books: CodeBooks) -> People:
    """`persons` invented persons, numbered from `first_person`; `months` are the months of the study's window."""
    rng = stream(seed, "people")
    ground = pick(rng, GROUND_WEIGHTS, persons)
    female = rng.random(persons) < FEMALE_SHARE[ground]
    arrival_month = _arrival_months(rng, persons, len(months))
    arrived_on = in_month(months[0] + arrival_month, rng.integers(0, 28, persons))
    alike = np.arange(0, 2 * min(ONE_SIGN_PAIRS, persons // 2), 2)
    arrived_on[alike + 1], arrival_month[alike + 1] = arrived_on[alike], arrival_month[alike]
    born_on = _births(rng, ground, arrived_on)
    born_on[alike + 1], female[alike + 1] = born_on[alike], female[alike]
    origins = _read("origins.csv")
    origin = pick_rows(rng, [[float(row[g]) for row in origins] for g in GROUNDS], ground)
    age = (arrived_on - born_on).astype(float) / 365.25
    temporary = (ground == GROUNDS.index("protection")) & (rng.random(persons) < TEMPORARY_SHARE)
    code, born_on = _codes(rng, born_on, female, alike, books.permanent)
    temporary_code = _codes_of(temporary, born_on, female, books.temporary)
    former_code, former_until = _former_codes(
        stream(seed, "former codes"), born_on, female, arrived_on, months[-1], books.permanent
    )
    single = ~temporary & np.isnat(former_until)
    second_code, second_until, merged = _second_codes(
        stream(seed, "second codes"), born_on, female, arrived_on, single, months[-1], books.permanent
    )
    surname, first_names = _names(rng, female)
    return People(
        female=female,
        ground=ground,
        born_on=born_on,
        arrived_on=arrived_on,
        arrival_month=arrival_month,
        isced=pick_rows(rng, ISCED, ground),
        country=np.array([row["country_code"] for row in origins], dtype=object)[origin],
        language=np.array([row["language_code"] for row in origins], dtype=object)[origin],
        origin=np.where(rng.random(persons) < FINNISH_BACKGROUND_SHARE, "12", "22").astype(object),
        marital_status=np.array(list("1245"), dtype=object)[
            pick_rows(rng, [(8, 2, 0.1, 0), (2, 6, 1.7, 0.3)], (age > 28).astype(int))
        ],
        has_children=rng.random(persons) < np.where(age > 27, 0.5, 0.2),
        rents=rng.random(persons) < RENTS_ON_BENEFIT[ground],
        employability=rng.standard_normal(persons),
        code=code,
        temporary_code=temporary_code,
        temporary_until=np.where(temporary, arrived_on + rng.integers(180, 450, persons), np.datetime64("NaT")),
        former_code=former_code,
        former_until=former_until,
        second_code=second_code,
        second_until=second_until,
        merged=merged,
        migri_number=_migri_numbers(stream(seed, "migri numbers"), persons, first_person),
        surname=surname,
        first_names=first_names,
        street_address=_street_addresses(rng, persons),
    )


def municipality_codes() -> list[str]:
    """The numbers of Finland's municipalities, three digits."""
    return [row["municipality_code"] for row in _read("municipalities.csv")]


def _arrival_months(rng: np.random.Generator, persons: int, window: int) -> Ints:
    earlier = rng.integers(-132, 0, persons)
    weights = np.interp(np.arange(window), np.arange(0, 12 * len(ARRIVALS_PER_YEAR), 12), ARRIVALS_PER_YEAR)
    within = pick(rng, weights, persons)
    return np.where(rng.random(persons) < BEFORE_WINDOW_SHARE, earlier, within)


def _births(rng: np.random.Generator, ground: Ints, arrived_on: Dates) -> Dates:
    mean, deviation = AGE_AT_ARRIVAL[ground].T
    age = np.clip(rng.normal(mean, deviation), YOUNGEST, OLDEST)
    born_on: Dates = arrived_on - (age * 365.25).astype("timedelta64[D]")
    unknown = rng.random(len(ground)) < FIRST_OF_JANUARY_SHARE[ground]
    return np.where(unknown, born_on.astype("datetime64[Y]").astype("datetime64[D]"), born_on)


def _codes(rng: np.random.Generator, born_on: Dates, female: Bools, alike: Ints, book: CodeBook) -> tuple[Texts, Dates]:
    """Present codes and births; the second of each pair of `alike` gets the first's code with another separator."""
    usual = rng.random(len(born_on)) >= NEW_SEPARATOR_SHARE
    usual[alike] = True
    code, born_on, usual = book.take(born_on, female, usual)
    for first in alike[usual[alike]].tolist():
        born_on[first + 1] = born_on[first]
        [sign] = separators(born_on[first : first + 1], np.array([TWIN_SIGN]))
        code[first + 1] = f"{code[first][:6]}{sign}{code[first][7:]}"
    return code, born_on


def _codes_of(some: Bools, born_on: Dates, female: Bools, book: CodeBook) -> Texts:
    """A code for each person of `some`, '' for the others."""
    codes = np.full(len(some), "", dtype=object)
    codes[some], _, _ = book.take(born_on[some], female[some], np.ones(int(some.sum()), dtype=bool))
    return codes


def _former_codes(
    rng: np.random.Generator, born_on: Dates, female: Bools, arrived_on: Dates, last: Dates, book: CodeBook
) -> tuple[Texts, Dates]:
    """Codes of another birth date that some had before, and the first day of the present code (not after `last`)."""
    until = arrived_on + rng.integers(*CHANGED_AFTER_DAYS, len(born_on))
    changed = (rng.random(len(born_on)) < CHANGED_SHARE) & (until <= last)
    wrong = born_on - rng.integers(1, 400, len(born_on))
    return _codes_of(changed, wrong, female, book), np.where(changed, until, np.datetime64("NaT"))


def _second_codes(
    rng: np.random.Generator,
    born_on: Dates,
    female: Bools,
    arrived_on: Dates,
    single: Bools,
    last: Dates,
    book: CodeBook,
) -> tuple[Texts, Dates, Bools]:
    """Codes of persons who were registered twice, the first day without them (not after `last`), and who is merged."""
    until = arrived_on + rng.integers(*SECOND_DAYS, len(born_on))
    second = single & (rng.random(len(born_on)) < SECOND_SHARE) & (until <= last)
    merged = second & (rng.random(len(born_on)) < MERGED_SHARE)
    return _codes_of(second, born_on, female, book), np.where(second, until, np.datetime64("NaT")), merged


def _migri_numbers(rng: np.random.Generator, persons: int, first_person: int) -> Texts:
    """Eight digits, some with leading zeros, from a range of its own for every block; the form is assumed."""
    numbers = (20 * first_person + rng.choice(20 * persons, persons, replace=False)) * 4 + 1_000
    return np.array([f"{number:08d}" for number in numbers.tolist()], dtype=object)


def _names(rng: np.random.Generator, female: Bools) -> tuple[Texts, Texts]:
    surnames = _read("surnames.csv")
    chosen = pick(rng, [int(row["bearers"]) for row in surnames], len(female))
    surname = np.array([row["surname"] for row in surnames], dtype=object)[chosen]
    first_names = np.empty(len(female), dtype=object)
    for sex, mask in (("F", female), ("M", ~female)):
        rows = [row for row in _read("first_names.csv") if row["sex"] == sex]
        names = np.array([row["first_name"] for row in rows], dtype=object)
        weights = [int(row["bearers"]) for row in rows]
        count = int(mask.sum())
        first_names[mask] = names[pick(rng, weights, count)] + " " + names[pick(rng, weights, count)]
    return surname, first_names


def _street_addresses(rng: np.random.Generator, persons: int) -> Texts:
    street = rng.integers(0, len(STREETS), persons).tolist()
    house, flat = rng.integers(1, 90, (2, persons)).tolist()
    return np.array([f"{STREETS[s]} {h} A {f}" for s, h, f in zip(street, house, flat, strict=True)], dtype=object)


def _read(name: str) -> list[dict[str, str]]:
    text = resources.files("polku.twin").joinpath("lists", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
