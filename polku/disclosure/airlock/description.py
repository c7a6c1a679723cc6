"""What an analyst says of a table that is to leave: a TOML file.

Belongs here: the form of that file and its faults. Does not belong here: the table itself (`table_file`) and whether it
may leave (`judging`). The form is described for people in docs/airlock.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polku.contracts.columns import NAME
from polku.contracts.faults import Faults, mapping_of, tables_of
from polku.disclosure.dimensions import Dimension, read_dimensions
from polku.errors import Exit, Refusal

PERSON = "person_key"
RESERVED = (PERSON, "record_key", "is_counted", "count", "certificate", "step", "status", "entity", "persons_in_base")
"""No dimension has these names: columns of what is worked out are called so."""

KINDS = ("mean", "sum", "share")


@dataclass(frozen=True)
class Measure:
    """A figure beside the count: the mean or sum of the column `value` of `members_sql` over the cell's rows, or the
    share of rows in which it is true."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True)
class Description:
    """A described output.

    - `sql` makes the table from the marts; `members_sql` lists who is counted: a row for each person and combination
      of codes without parts, with the columns of measures.
    - `dimensions` have the codes of the table, the total among them; those without a tree are flat.
    - `base_by`: dimensions that decide the persons of whom a cell's are a part (None: of nobody in particular).
    - `profile`: of the policy; None for the study's own.
    - `structural_zeros`: combinations of codes that nobody can be in.
    - `text`: the file as it was written.
    """

    title: str
    purpose: str
    analyst: str
    sql: str
    members_sql: str
    dimensions: Mapping[str, Dimension]
    count: str
    measures: tuple[Measure, ...]
    base_by: tuple[str, ...] | None
    profile: str | None
    structural_zeros: tuple[Mapping[str, str], ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return tuple(self.dimensions)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the table."""
        return (*self.dimensions, self.count, *(measure.name for measure in self.measures))

    @property
    def values(self) -> tuple[str, ...]:
        """Columns of `members_sql` that measures are made of, each once."""
        return tuple(dict.fromkeys(measure.value for measure in self.measures))


def parse_description(text: str, file: str) -> Description:
    """A description from TOML. Refuses (USAGE) with every fault of the file."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refusal(Exit.USAGE, f"is not valid TOML: {error}.", file=file) from None
    faults = Faults()
    faults.take(data, "description", _KEYS)
    faults.need(data, "description", *(key for key in _KEYS if key not in _OPTIONAL))
    for key in ("title", "purpose", "analyst", "sql", "members_sql"):
        if isinstance(data.get(key), str) and not data[key].strip():
            faults.add("description", f"`{key}` is empty")
    dimensions = read_dimensions(mapping_of(data.get("dimensions")), "dimensions", faults)
    if not dimensions and isinstance(data.get("dimensions"), dict):
        faults.add("dimensions", "there is no dimension")
    measures = _measures(mapping_of(data.get("measures")), faults)
    count = str(data.get("count", ""))
    _names(dimensions, count, measures, faults)
    base_by = _base_by(data.get("base_by"), dimensions, faults)
    zeros = _zeros(data.get("structural_zeros"), dimensions, faults)
    faults.refuse(file, Exit.USAGE, "description")
    return Description(
        title=data["title"].strip(),
        purpose=data["purpose"].strip(),
        analyst=data["analyst"].strip(),
        sql=data["sql"],
        members_sql=data["members_sql"],
        dimensions=dimensions,
        count=count,
        measures=measures,
        base_by=base_by,
        profile=data.get("profile"),
        structural_zeros=zeros,
        text=text,
    )


def _measures(entries: Mapping[str, Any], faults: Faults) -> tuple[Measure, ...]:
    found = []
    for name, entry in entries.items():
        place = f"measures.{name}"
        entry = mapping_of(entry)
        faults.take(entry, place, {"kind": str, "value": str})
        if faults.need(entry, place, "kind", "value"):
            if entry["kind"] not in KINDS:
                faults.add(place, f"`kind` is one of {', '.join(KINDS)}; nothing else falls with the cell")
            found.append(Measure(name, str(entry["kind"]), str(entry["value"])))
    return tuple(found)


def _names(dimensions: Mapping[str, Dimension], count: str, measures: tuple[Measure, ...], faults: Faults) -> None:
    named = [
        *((f"dimensions.{name}", name) for name in dimensions),
        *([("count", count)] if count else []),
        *((f"measures.{m.name}", m.name) for m in measures),
    ]
    values = [(f"measures.{m.name}.value", m.value) for m in measures]
    for place, name in [*named, *values]:
        if not NAME.fullmatch(name):
            faults.add(place, f"`{name}` is no name of a column (lower-case letters, digits, underscores)")
    for place, name in [*((f"dimensions.{name}", name) for name in dimensions), *values]:
        if name in RESERVED:
            faults.add(place, f"`{name}` is a name that checks use themselves: rename it")
    columns = [name for _, name in named]
    for name in sorted({name for name in columns if columns.count(name) > 1}):
        faults.add("description", f"two columns are called `{name}`")
    for place, value in values:
        if value in dimensions:
            faults.add(place, f"`{value}` is a dimension")


def _base_by(named: Any, dimensions: Mapping[str, Dimension], faults: Faults) -> tuple[str, ...] | None:
    if not isinstance(named, list):
        return None
    for stranger in [name for name in named if name not in dimensions]:
        faults.add("base_by", f"`{stranger}` is not a dimension")
    return tuple(name for name in dimensions if name in named)


def _zeros(entries: Any, dimensions: Mapping[str, Dimension], faults: Faults) -> tuple[Mapping[str, str], ...]:
    found = []
    for entry in tables_of(entries):
        for stranger in [name for name in entry if name not in dimensions]:
            faults.add("structural_zeros", f"`{stranger}` is not a dimension")
        found.append({name: str(code) for name, code in entry.items()})
    if any(not entry for entry in found):
        faults.add("structural_zeros", "a combination names no code")
    return tuple(found)


_KEYS: dict[str, type | tuple[type, ...]] = {
    "title": str,
    "purpose": str,
    "analyst": str,
    "sql": str,
    "members_sql": str,
    "dimensions": dict,
    "count": str,
    "measures": dict,
    "base_by": list,
    "profile": str,
    "structural_zeros": list,
}
_OPTIONAL = ("measures", "base_by", "profile", "structural_zeros")
