"""Protects the tables of a release: from marts to the form in which they may leave.

Belongs here: the order of the steps and the released form (the mart's columns and `status`). Does not belong here:
which sums link cells (`sums`), the search (`search`), and the gate that judges the result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from polku.disclosure.cells import (
    STATUS,
    Cell,
    Key,
    Line,
    ReleaseSpec,
    Status,
    code_of,
    is_amount,
    is_share,
    lines_of,
    read_cells,
    sort_key,
    words,
)
from polku.disclosure.policy import Policy
from polku.disclosure.primary import small_bases, small_cells
from polku.disclosure.protection.sums import Figures, hide_more

if TYPE_CHECKING:
    import pandas as pd


def protect(
    table: pd.DataFrame, spec: ReleaseSpec, policy: Policy, forced: Collection[Key] = (), kept: Collection[Key] = ()
) -> pd.DataFrame:
    """The released form of one mart that no other is linked to: see `protect_release`."""
    name = spec.name
    return protect_release({name: (table, spec)}, policy, {name: forced}, {name: kept}).tables[name]


@dataclass(frozen=True)
class ProtectedRelease:
    """Released forms of tables by name, and their proof.

    `certificates`: one row per table, certificate and cell that it changes (`table`, `certificate`, `cell` in words,
    `step` in persons or events); not for publication. A cell of linked tables has a row for each.
    """

    tables: dict[str, pd.DataFrame]
    certificates: pd.DataFrame


def protect_release(
    tables: Mapping[str, tuple[pd.DataFrame, ReleaseSpec]],
    policy: Policy,
    forced: Mapping[str, Collection[Key]] | None = None,
    kept: Mapping[str, Collection[Key]] | None = None,
) -> ProtectedRelease:
    """The released forms of marts by name: their columns and `status`, one row per cell, ordered by codes.

    Tables of one population are one system: a cell that two of them show is hidden in both or in none. A hidden cell
    loses every figure that could give it back (nulls, never 0 or a blank); its base stays while it is large enough
    itself. Where zeros are protected, a combination of codes that a mart leaves out is added as a hidden cell: its
    absence would publish a zero. Counts are never changed; shares and amounts are rounded as the policy says. `forced`
    are by table the keys (codes in the order of `spec.dimensions`) to hide in any case; `kept` are keys that are not
    hidden to protect others, because an earlier release shows them.

    Raises ValueError for a table that has a status already: a release is made from marts.
    """
    import pandas as pd

    forced, kept = forced or {}, kept or {}
    made = {name: _table(name, *tables[name], policy, forced.get(name, ())) for name in tables}
    groups: dict[str, list[_Table]] = defaultdict(list)
    for own in made.values():
        groups[own.spec.population or f"table {own.name}"].append(own)
    released: dict[str, pd.DataFrame] = {}
    proofs: list[tuple[str, int, str, int]] = []
    number = 0
    for group in groups.values():
        places = {own.name: own.places(together=len(group) > 1) for own in group}
        small = {places[own.name][key] for own in group for key in own.small}
        others = {places[own.name][key] for own in group for key in own.others}
        known = {at for own in group for key in kept.get(own.name, ()) if (at := places[own.name].get(key))}
        others |= {own.base_place(key) for own in group for key in own.hidden_bases}
        known |= {own.base_place(key) for own in group for key in own.bases.keys() - own.hidden_bases}
        hidden = hide_more(_figures(group, places), small, others, policy, known)
        for own in group:
            place_of = places[own.name]
            status = {key: _status(place_of.get(key), cell, small, hidden.cells) for key, cell in own.cells.items()}
            released[own.name] = released_form(own.rows, own.spec, policy, status, own.hidden_bases)
            words_of = {place: words(key, own.spec.dimensions) for key, place in place_of.items()}
            proofs += [
                (own.name, number + i, words_of[place], step)
                for i, proof in enumerate(hidden.certificates)
                for place, step in proof.items()
                if place in words_of
            ]
        number += len(hidden.certificates)
    certificates = pd.DataFrame(proofs, columns=["table", "certificate", "cell", "step"])
    return ProtectedRelease({name: released[name] for name in tables}, certificates)


@dataclass(frozen=True)
class _Table:
    """A mart on its way: every observed cell, those to hide for their own sake (`small`) and for another reason."""

    name: str
    rows: pd.DataFrame
    spec: ReleaseSpec
    cells: Mapping[Key, Cell]
    hidden_bases: set[Key]
    small: set[Key]
    others: set[Key]

    def places(self, *, together: bool) -> dict[Key, Key]:
        """Of every cell that may be hidden its name among the linked tables: what is counted, and of whom."""
        return {key: self.place(key) if together else key for key, cell in self.cells.items() if not cell.structural}

    def place(self, key: Key, without: str | None = None) -> Key:
        """The column and the codes that are no totals; the same in every table of the population."""
        total = self.spec.total_code
        codes = [
            f"{name}={code}"
            for name, code in zip(self.spec.dimensions, key, strict=True)
            if name != without and not (name in total and code == total[name])
        ]
        return (self.spec.adding, *sorted(codes))

    def base_place(self, base: Key) -> Key:
        """The name of a base among the cells."""
        return (f"{self.spec.base} of {self.name}", *map(str, base))

    @property
    def bases(self) -> dict[Key, int]:
        """The bases of which some are hidden: then they are cells as well. Empty where none is."""
        cells = self.cells.values() if self.hidden_bases else ()
        return {self.spec.base_key(cell.key): int(cell.figures[self.spec.base or ""] or 0) for cell in cells}

    def lines_of_bases(self) -> Iterator[Line]:
        """The lines along which bases add up, as lines of cells."""
        dimensions = tuple(d for d in self.spec.dimensions if d in self.spec.base_by)
        additive = [d for d in self.spec.additive if d in self.spec.base_by]
        for line in lines_of(self.bases, dimensions, additive, self.spec.total_code):
            parts = tuple(self.base_place(key) for key in line.parts)
            yield Line(line.along, parts, self.base_place(line.total) if line.total else None)

    def lines(self, places: Mapping[Key, Key], *, together: bool) -> Iterator[Line]:
        """The lines among the linked tables; a total without a row here may be a cell of another table."""
        for line in lines_of(places, self.spec.dimensions, self.spec.additive, self.spec.total_code):
            parts = tuple(places[key] for key in line.parts)
            total = places[line.total] if line.total else None
            base = self.spec.base_key(line.parts[0]) if line.parts else ()
            if self.spec.base and line.along not in self.spec.base_by and base in self.hidden_bases:
                total = self.base_place(base)
            elif total is None and together and line.parts:
                total = self.place(line.parts[0], without=line.along)
            yield Line(line.along, parts, total)


def _table(name: str, table: pd.DataFrame, spec: ReleaseSpec, policy: Policy, forced: Collection[Key]) -> _Table:
    if STATUS in table:
        raise ValueError("the table is a released form already")
    rows = with_every_cell(table, spec) if policy.protect_zeros else table
    cells = {k: cell for k, cell in read_cells(rows, spec).items() if cell.figures[spec.count] is not None}
    countable = {key: cell for key, cell in cells.items() if not cell.structural}
    bases = _hidden_bases(cells, spec, policy)
    small = small_cells(countable.values(), spec, policy)
    others = {key for key in countable if key in forced or spec.base_key(key) in bases}
    return _Table(name, rows, spec, cells, bases, small, others)


def _status(place: Key | None, cell: Cell, small: set[Key], hidden: set[Key]) -> Status:
    if cell.structural or place is None:
        return Status.STRUCTURAL_ZERO
    if place in small:
        return Status.PRIMARY
    return Status.SECONDARY if place in hidden else Status.OK


def _hidden_bases(cells: Mapping[Key, Cell], spec: ReleaseSpec, policy: Policy) -> set[Key]:
    """Bases that are too small, and those that would give a small one back."""
    if spec.base is None:
        return set()
    bases = {spec.base_key(key): int(cell.figures[spec.base] or 0) for key, cell in cells.items()}
    dimensions = tuple(d for d in spec.dimensions if d in spec.base_by)
    lines = lines_of(bases, dimensions, [d for d in spec.additive if d in spec.base_by], spec.total_code)
    return hide_more(Figures(bases, bases, lines), small_bases(bases, policy), set(), policy).cells


def _figures(group: list[_Table], places: Mapping[str, Mapping[Key, Key]]) -> Figures:
    values: dict[Key, int] = {}
    persons: dict[Key, int] = {}
    bases: dict[Key, int] = {}
    shown: set[Key] = set()
    lines: list[Line] = []
    for own in group:
        spec = own.spec
        for key, place in places[own.name].items():
            figures = own.cells[key].figures
            values[place], persons[place] = int(figures[spec.adding] or 0), int(figures[spec.count] or 0)
            if spec.base:
                bases[place] = int(figures[spec.base] or 0)
                if spec.base_key(key) not in own.hidden_bases:
                    shown.add(place)
        for key, persons_in_base in own.bases.items():
            values[own.base_place(key)] = persons[own.base_place(key)] = persons_in_base
        lines += [*own.lines(places[own.name], together=len(group) > 1), *own.lines_of_bases()]
    overlapping = any(own.spec.counts for own in group)
    return Figures(values, persons, lines, overlapping, bases, frozenset(shown))


def with_every_cell(table: pd.DataFrame, spec: ReleaseSpec) -> pd.DataFrame:
    """The table and a row with count 0 for every combination of its codes that it leaves out."""
    import pandas as pd  # only where tables are made: `polku audit` reads this package and does not wait for pandas

    present = set(keys_in(table, spec))
    codes = [dict.fromkeys(key[i] for key in sorted(present, key=sort_key)) for i in range(len(spec.dimensions))]
    missing = [key for key in product(*codes) if key not in present and not spec.is_impossible(key)]
    if not missing:
        return table
    added = pd.DataFrame(missing, columns=list(spec.dimensions))
    added[[spec.count, *spec.counts]] = 0
    if spec.base:
        known = {
            spec.base_key(key): cell.figures[spec.base]
            for key, cell in read_cells(table, spec).items()
            if cell.figures[spec.base] is not None
        }
        added[spec.base] = [known.get(spec.base_key(key), 0) for key in missing]
    added = added.reindex(columns=table.columns).astype(object)
    return pd.concat([table.astype(object), added], ignore_index=True)


def released_form(
    rows: pd.DataFrame,
    spec: ReleaseSpec,
    policy: Policy,
    status: Mapping[Key, Status],
    hidden_bases: set[Key],
) -> pd.DataFrame:
    """Rows in the order of their codes, figures of hidden cells set to null, the status beside them."""
    import pandas as pd  # only where tables are made: `polku audit` reads this package and does not wait for pandas

    keys = keys_in(rows, spec)
    released = rows.copy()
    for column in (spec.count, *spec.counts, *([spec.base] if spec.base else [])):
        released[column] = released[column].astype("Int64")
    for column in spec.measures:
        released[column] = released[column].astype("Float64")
        if is_share(column) or is_amount(column):
            decimals = policy.share_decimals if is_share(column) else policy.amount_decimals
            released[column] = released[column].round(decimals)
    for i, dimension in enumerate(spec.dimensions):
        released[dimension] = pd.array([key[i] for key in keys])
    shown = [status.get(key, Status.NOT_OBSERVED) for key in keys]
    released[STATUS] = [str(s) for s in shown]
    released.loc[[s.hidden or s is Status.NOT_OBSERVED for s in shown], list(spec.with_cell)] = pd.NA
    if spec.base:
        closed = [spec.base_key(key) in hidden_bases or key not in status for key in keys]
        released.loc[closed, spec.base] = pd.NA
    order = sorted(range(len(keys)), key=lambda i: sort_key(keys[i]))
    return released.iloc[order].reset_index(drop=True)


def keys_in(table: pd.DataFrame, spec: ReleaseSpec) -> list[Key]:
    """The key of each row."""
    rows = table[list(spec.dimensions)].itertuples(index=False)
    return [tuple(code_of(value) for value in row) for row in rows]
