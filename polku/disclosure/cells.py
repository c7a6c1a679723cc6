"""What a released table consists of: cells, their figures, and the lines along which cells add up.

Belongs here: reading a table and its declaration (`meta.release` of the dbt model) without judging
it. Does not belong here: any rule about which figure is too small or must be hidden. It is the one
module that protection and attack share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from polku.contracts.faults import Faults
from polku.errors import Exit, Refusal

if TYPE_CHECKING:
    import pandas as pd

STATUS = "status"

Code = str | int | bool | date | None
Key = tuple[Code, ...]


class Status(StrEnum):
    """Why a cell shows its figures, or does not. What is published says HIDDEN of primary and secondary gaps alike."""

    OK = "ok"
    PRIMARY = "primary"
    SECONDARY = "secondary"
    HIDDEN = "hidden"
    STRUCTURAL_ZERO = "structural_zero"
    NOT_OBSERVED = "not_observed"
    HELD_BACK = "held_back"

    @property
    def hidden(self) -> bool:
        """Whether the figures were taken out."""
        return self in (Status.PRIMARY, Status.SECONDARY, Status.HIDDEN)


@dataclass(frozen=True)
class ReleaseSpec:
    """The columns of a released table; its grain is one row per combination of `dimensions`.

    - `count`: persons in the cell.
    - `base`: persons of whom `count` are a part (the others, base - count, are a cell too), or None;
      it is the same for all rows that agree in `base_by`, a subset of the dimensions.
    - `counts`: counts of events of these persons. Where a table has them, it is they that add up:
      a person may be in several of its cells.
    - `measures`: figures that fall with the cell. Units are in the names: `..._eur` is an amount,
      `...share` and `...rate` are parts of one.
    - `additive`: dimensions along which cells add up to a total. The total is the row whose code is
      in `total_code`; without such a row it counts as known to everybody, because it follows from
      the figures (n / share), from another table, or from the size of the study. Shares and rates are
      of the total along the first of them.
    - `structural_zeros`: combinations of codes that nobody can be in, each with the codes that decide it
      (`{"base_code": "leavers", "outcome_code": "no_exit"}`). Their zeros say nothing about anybody.
    - `population`: whom the table counts. Tables of one population share their cells where the counted column has the
      same name: a dimension that one of them lacks is at its total there. Without it a table stands alone.
    - `members`: the intermediate model that lists who is in each cell: the dimensions, `person_key` and, where it lists
      the whole base, `is_counted` (whether the person is among `count`). None where figures are estimates: nobody in
      particular is in such a cell.
    - `amounts`: of measures that are means or sums of amounts, the column of `members` with each person's amount. They
      are judged by the rules of amounts; where one breaks a rule, it alone is left out of the row. So a table that has
      them has nothing along which cells add up.

    A null count says that the cell was not observed.
    """

    name: str
    dimensions: tuple[str, ...]
    count: str
    base: str | None = None
    base_by: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    additive: tuple[str, ...] = ()
    total_code: Mapping[str, Code] = field(default_factory=dict)
    structural_zeros: tuple[Mapping[str, Code], ...] = ()
    population: str | None = None
    members: str | None = None
    amounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def adding(self) -> str:
        """The count that adds up along additive dimensions."""
        return self.counts[0] if self.counts else self.count

    @property
    def with_cell(self) -> tuple[str, ...]:
        """Every column that falls with a hidden cell; a base stays as long as it is large enough itself."""
        return (self.count, *self.counts, *self.measures)

    @property
    def share(self) -> str | None:
        """The unweighted share or rate, of which the denominator follows."""
        parts = (m for m in self.measures if is_share(m) and not m.startswith("weighted_"))
        return next(parts, None)

    def is_impossible(self, key: Key) -> bool:
        """Whether nobody can be in the cell."""
        codes = dict(zip(self.dimensions, key, strict=True))
        return any(combination.items() <= codes.items() for combination in self.structural_zeros)

    def base_key(self, key: Key) -> Key:
        """The codes that a cell shares with the other cells of its base."""
        return tuple(code for name, code in zip(self.dimensions, key, strict=True) if name in self.base_by)


@dataclass(frozen=True)
class Cell:
    """One row: its figures by column (None where the table shows none), and what the table says of it.

    `structural` is true only of a zero: a person in a cell that should be empty is a person.
    """

    key: Key
    figures: dict[str, float | int | None]
    structural: bool
    status: Status | None


@dataclass(frozen=True)
class Line:
    """Cells that add up: the parts to the cell `total`, or to a total that has no row (None)."""

    along: str
    parts: tuple[Key, ...]
    total: Key | None


@dataclass(frozen=True)
class Finding:
    """Something an outsider should not see: which cell and column, and how it shows. Holds no figure."""

    cell: str
    column: str
    why: str
    table: str = ""

    def __str__(self) -> str:
        return f"{self.column} at {self.cell}: {self.why}"


def is_share(column: str) -> bool:
    """Whether the column's name says that it is a part of one."""
    return column.endswith(("share", "rate"))


def is_amount(column: str) -> bool:
    """Whether the column's name says that it is an amount in euro."""
    return column.endswith("_eur")


def spec_of(name: str, meta: Mapping[str, Any]) -> ReleaseSpec:
    """The declaration of a released table from its dbt model's `config.meta.release`.

    Keys that are about presentation (`title`, `picture`) are not read here. Refuses
    (CONTRACT_INVALID) with every fault of the declaration.
    """
    faults = Faults()
    place = "config.meta.release"
    faults.take(meta, place, _KEYS)
    faults.need(meta, place, "dimensions", "count")
    dimensions = tuple(meta.get("dimensions", ()))
    for key in ("base_by", "additive", "total_code"):
        for stranger in [d for d in meta.get(key) or () if d not in dimensions]:
            faults.add(place, f"`{key}` names `{stranger}`, which is not a dimension")
    for combination in meta.get("structural_zeros", ()):
        for stranger in [d for d in combination if d not in dimensions]:
            faults.add(place, f"`structural_zeros` names `{stranger}`, which is not a dimension")
    for column in set(meta.get("total_code") or ()) - set(meta.get("additive") or ()):
        faults.add(place, f"`total_code` names `{column}`, which is not additive")
    if bool(meta.get("base")) != bool(meta.get("base_by")):
        faults.add(place, "`base` needs `base_by`, the dimensions that decide it, and the other way round")
    if meta.get("base") and meta.get("counts"):
        faults.add(place, "a table has `base` or `counts`, not both")
    amounts = meta.get("amounts") or {}
    for measure in set(amounts) - set(meta.get("measures") or ()):
        faults.add(place, f"`amounts` names `{measure}`, which is not a measure")
    if amounts and (meta.get("additive") or not meta.get("members")):
        faults.add(place, "`amounts` needs `members`, and a table without `additive`: else a sum gives an amount back")
    faults.refuse(f"{name}.yml", Exit.CONTRACT_INVALID, "release declaration")
    return ReleaseSpec(
        name=name,
        dimensions=dimensions,
        count=meta["count"],
        base=meta.get("base"),
        base_by=tuple(meta.get("base_by") or ()),
        counts=tuple(meta.get("counts") or ()),
        measures=tuple(meta.get("measures") or ()),
        additive=tuple(meta.get("additive") or ()),
        total_code=dict(meta.get("total_code") or {}),
        structural_zeros=tuple(dict(combination) for combination in meta.get("structural_zeros", ())),
        population=meta.get("population"),
        members=meta.get("members"),
        amounts=dict(amounts),
    )


def read_cells(table: pd.DataFrame, spec: ReleaseSpec) -> dict[Key, Cell]:
    """The cells of a table by key, in the order of their codes.

    Refuses (GATE_CLOSED) a table that lacks a declared column, has a key twice, or has text where a
    figure belongs (a blank or a mark for a hidden figure is a null and a status, never a text).
    """
    figures = [*spec.with_cell, *([spec.base] if spec.base else [])]
    marks = [STATUS] if STATUS in table else []
    for column in (*spec.dimensions, *figures):
        if column not in table:
            raise _unreadable(spec, column, "the table lacks a column that its declaration names.")
    cells: dict[Key, Cell] = {}
    for row in table[[*spec.dimensions, *figures, *marks]].to_dict("records"):
        key = tuple(code_of(row[d]) for d in spec.dimensions)
        if key in cells:
            raise _unreadable(spec, spec.dimensions[0], "two rows have the same codes.")
        read = {column: _figure(row[column], spec, column) for column in figures}
        cells[key] = Cell(
            key,
            read,
            structural=read[spec.count] == 0 and spec.is_impossible(key),
            status=_status(row[STATUS], spec) if marks else None,
        )
    return {key: cells[key] for key in sorted(cells, key=sort_key)}


def lines_of(
    keys: Iterable[Key],
    dimensions: tuple[str, ...],
    additive: Iterable[str],
    total_code: Mapping[str, Code],
) -> list[Line]:
    """Every line along every additive dimension, in the order of dimensions and codes."""
    keys = sorted(keys, key=sort_key)
    lines = []
    for along in additive:
        at = dimensions.index(along)
        groups: dict[Key, list[Key]] = defaultdict(list)
        for key in keys:
            groups[key[:at] + key[at + 1 :]].append(key)
        for group in groups.values():
            totals = [key for key in group if along in total_code and key[at] == total_code[along]]
            parts = tuple(key for key in group if key not in totals)
            lines.append(Line(along, parts, totals[0] if totals else None))
    return lines


def words(key: Key, dimensions: Iterable[str]) -> str:
    """A cell's codes for people."""
    return ", ".join(f"{name}={code}" for name, code in zip(dimensions, key, strict=True))


def sort_key(key: Key) -> tuple[tuple[bool, str, Any], ...]:
    """Orders keys by their codes, whatever the types; a null code comes last."""
    return tuple((code is None, type(code).__name__, code if code is not None else 0) for code in key)


def code_of(value: Any) -> Code:
    """A code as plain Python, whatever pandas made of its column (a null makes integers floats)."""
    if _is_null(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (str, int, date)) else str(value)


def _is_null(value: Any) -> bool:
    import pandas as pd  # only where there are tables: who reads a status does not wait for it

    return bool(pd.isna(value))


def _figure(value: Any, spec: ReleaseSpec, column: str) -> float | int | None:
    if _is_null(value):
        return None
    if isinstance(value, str):
        raise _unreadable(spec, column, "a figure is written as text.")
    counted = column in (spec.count, spec.base, *spec.counts)
    return int(value) if counted else float(value)


def _status(value: Any, spec: ReleaseSpec) -> Status:
    try:
        return Status(value)
    except ValueError:
        raise _unreadable(spec, STATUS, "a row has no known status.") from None


def _unreadable(spec: ReleaseSpec, column: str, what: str) -> Refusal:
    advice = "Mend the mart or its `config.meta.release`."
    return Refusal(Exit.GATE_CLOSED, what, advice, file=spec.name, column=column)


_KEYS: dict[str, type | tuple[type, ...]] = {
    "dimensions": list,
    "count": str,
    "base": (str, type(None)),
    "base_by": list,
    "counts": list,
    "measures": list,
    "additive": list,
    "total_code": dict,
    "structural_zeros": list,
    "population": str,
    "members": str,
    "amounts": dict,
    "title": dict,
    "picture": dict,
}
