"""What a register contract says, as plain data.

Belongs here: the shape of a contract. Does not belong here: reading TOML (`reading`), SQL (`sql`)
or dbt files (`dbt_files`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from polku.exchange.identifiers import HETU, MIGRI_CLIENT

LANGUAGES = ("en", "fi", "sv")

REPLACES = ("rows", "period", "all")
"""What a delivery of a table takes the place of: the rows that it repeats, all rows of the period that it speaks of,
or everything delivered before. A row that a later delivery should have repeated, and did not, was deleted at source."""

EDGE_KINDS = ("hetu_changed", "temporary_replaced", "number_of_person")
"""An identity code replaced by another permanent one, a temporary code by a permanent one, and a number (of
the Finnish Immigration Service, or a register's own) that belongs to a person with an identity code."""


@dataclass(frozen=True)
class Label:
    """A text for users in the three languages."""

    en: str
    fi: str
    sv: str


@dataclass(frozen=True)
class Code:
    """One code of a code list, valid for events from `valid_from` to `valid_until` (both inclusive, None = open).

    `state` is the main-activity state that the code gives (None: none), `group` a coarser class
    (benefit group, exit group), `channel` the service-use channel. `covered_from` is the first day from which the
    register is complete for it (None: as for its table), `household` says that what it counts belongs to a household
    and stands with one member of it.
    """

    code: str
    label: Label
    valid_from: date | None = None
    valid_until: date | None = None
    state: str | None = None
    group: str | None = None
    channel: str | None = None
    covered_from: date | None = None
    household: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `type` is one of text, code, date, month, year, integer, amount, boolean, identifier.
    An identifier column arrives as a token and lands as a random integer key called `name`; `domain` is
    `fi.hetu`, `fi.migri.client`, `fi.business` or `<register>.<kind>` (tokens of the last are scoped to their
    register: `client` is the register's own number of a person, `staff` an employee, others are cases).
    `about` is subject for the person whom the row is about, relative for a spouse, guardian or child of hers.
    `coarsen` (month, year) is done by the authority, before the value leaves it.
    `codes` names a code list of the contract, `dated_by` the column whose date decides its validity,
    `width` pads lost leading zeros. `unknown_code` is quarantine or flag.
    `also` are other headers under which extracts have had the column; `since` and `until` are the first and last day
    of extracts that have it (None: always).
    `free_text` belongs to a text: redact empties a cell in which an identifier is found, keep_after_scan stops the
    delivery, as one in any other column does.
    `covariate` marks a characteristic of the person from before the entry by which persons may be compared.
    """

    source: str
    name: str
    type: str
    why: str
    required: bool = False
    domain: str | None = None
    about: str = "subject"
    coarsen: str | None = None
    codes: str | None = None
    dated_by: str | None = None
    width: int | None = None
    unknown_code: str = "quarantine"
    free_text: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    description: str = ""
    also: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    covariate: bool = False

    @property
    def is_person(self) -> bool:
        """Whether the key stands for a person under an identifier that several registers know."""
        return self.domain in (HETU, MIGRI_CLIENT)

    @property
    def is_subject(self) -> bool:
        """Whether the key stands for the person whom the row is about, under whichever number."""
        own_number = self.domain is not None and self.domain.endswith(".client")
        return self.about == "subject" and (self.is_person or own_number)


@dataclass(frozen=True)
class Edge:
    """Two identifiers of one person in one row of a table.

    `kind` is one of EDGE_KINDS; `one` and `other` are identifier columns, the former or lesser first;
    `valid_from` a date column (None: not known), `withdrawn` a boolean column that takes the statement back.
    """

    kind: str
    one: str
    other: str
    valid_from: str | None = None
    withdrawn: str | None = None


@dataclass(frozen=True)
class Table:
    """One table of a register: one file of the extract.

    `ordered` are pairs of date columns of which the first may not be after the second.
    `never` are source columns that are dropped by name, with the reason why the study may not have them.
    `identifying` are those of them that name, reach or locate a person: the authority reads them only to find them
    again in cells that would leave.
    `gap_days` is how far two spells of one person and service may lie apart to count as one episode.
    `edge` says that a row names one person by two identifiers; the row that stands by natural key counts.
    `replaces` is one of REPLACES; `period_by` the date or month column that places a row in a delivery's period.
    `withdrawn` is a boolean column by which the source takes a row back, `filed_by` the column of the unit that filed
    the row (R16). `covered_from` and `maturity_months` stand before the register's. `purged_by` is the date column from
    which the register counts the time after which it deletes. The rows of an `anonymous` table name nobody: it has no
    identifier, and nothing of it is ever joined to a person.
    """

    name: str
    file: str
    title: Label
    grain: str
    natural_key: tuple[str, ...]
    columns: tuple[Column, ...]
    ordered: tuple[tuple[str, str], ...] = ()
    never: dict[str, str] = field(default_factory=dict)
    gap_days: int = 0
    edge: Edge | None = None
    identifying: tuple[str, ...] = ()
    replaces: str = "rows"
    period_by: str | None = None
    withdrawn: str | None = None
    filed_by: str | None = None
    covered_from: date | None = None
    maturity_months: int | None = None
    purged_by: str | None = None
    anonymous: bool = False

    def column(self, name: str) -> Column:
        """The column with our name `name`."""
        return next(c for c in self.columns if c.name == name)

    @property
    def identifiers(self) -> tuple[Column, ...]:
        """The columns that arrive as tokens and land as keys."""
        return tuple(c for c in self.columns if c.type == "identifier")


@dataclass(frozen=True)
class FileFormat:
    """How the authority's system writes files. Dates are strptime patterns, tried in order.

    `open_ends` are dates that mean "no end", `empty_dates` those that mean "not known". `excel_serials` lets a day be
    written as a spreadsheet's number of days since 1899-12-30. `thousands` and `currencies` may stand in amounts.
    `footers` are texts with which the first cell of a row begins that is no record; `title_rows` are lines before the
    header.
    """

    encoding: str = "utf-8"
    delimiter: str = ";"
    quote: str = '"'
    decimal_mark: str = ","
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    open_ends: tuple[date, ...] = ()
    null_texts: tuple[str, ...] = ("",)
    empty_dates: tuple[date, ...] = ()
    excel_serials: bool = False
    thousands: tuple[str, ...] = (" ", "\u00a0", "\u202f")
    currencies: tuple[str, ...] = ("€",)
    footers: tuple[str, ...] = ()
    title_rows: int = 0


@dataclass(frozen=True)
class Break:
    """A known break in a register's coverage or meaning."""

    on: date
    what: str


@dataclass(frozen=True)
class Feed:
    """How a register feeds a common timeline: by which staging model, out of which of its tables.

    A month is observed as far as the table was received.
    """

    table: str
    model: str


@dataclass(frozen=True)
class Contract:
    """Everything known about one register. `timeline` says how it feeds the common timelines (keys are
    `reading.TIMELINES`). `denied` is the reason why no study may have the register: it then has no tables, and days of
    deliveries say nothing.

    With `matures_yearly` nothing of a year is final before the year has ended and `maturity_months` have passed.
    `continues` names the register that this one follows or stands in for: what both tell of is observed when either
    covers the month. What the register records exists from `exists_from` to `exists_until` (inclusive; a service that
    opened, a trial that ended): outside of them there is nothing to record, and nothing can be missing.
    """

    register: str
    version: int
    title: Label
    authority: Label
    system: str
    legal_basis: tuple[str, ...]
    cadence_days: int
    maturity_months: int
    covered_from: date
    bad_row_limit: float
    assumed: bool
    file_format: FileFormat
    tables: tuple[Table, ...]
    codes: dict[str, tuple[Code, ...]]
    breaks: tuple[Break, ...] = ()
    purge_after_months: int | None = None
    timeline: dict[str, Feed] = field(default_factory=dict)
    denied: str | None = None
    matures_yearly: bool = False
    continues: str | None = None
    exists_from: date | None = None
    exists_until: date | None = None

    def table(self, name: str) -> Table:
        """The table `name`."""
        return next(t for t in self.tables if t.name == name)

    def all_codes(self) -> Iterator[tuple[str, Code]]:
        """Every code with the name of its list."""
        for name, codes in self.codes.items():
            for code in codes:
                yield name, code
