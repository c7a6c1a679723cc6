"""The described table once more, from the persons who are in it: every cell of every code, with its true figures.

Belongs here: rolling members up along the hierarchies, counting, the primary rules over them, and their sketches. Does
not belong here: what the file says (`comparing`) and what is refused (`judging`). What is found here never leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, compress

import duckdb
import numpy as np
import pandas as pd

from polku.disclosure.airlock.description import PERSON, Description
from polku.disclosure.cells import ReleaseSpec
from polku.disclosure.dimensions import Dimension
from polku.disclosure.ledger.sketch import Sketches, sketch
from polku.disclosure.policy import Policy
from polku.disclosure.primary.assess import PRIMARY, CellTable, assess
from polku.errors import Exit, Refusal
from polku.sql_text import quoted, text

Shape = tuple[str, ...]
"""The dimensions by which cells are broken down; the others are at their total."""
Codes = tuple[str, ...]
"""The codes of a cell, in the order of dimensions."""

PERSONS = "persons_counted"
PERSONS_IN_BASE = "persons_in_base"
MEMBERS, ROLLED = "airlock_members", "airlock_rolled"


@dataclass(frozen=True)
class Truth:
    """Every cell that anybody is in: `cells` has the dimensions, `persons_counted`, each measure, and for each
    share `<name>__yes` and `<name>__no`, persons with and without.

    - `dimensions`: with every code of members and file.
    - `apart`: dimensions along which persons do not add up, since one person is in several codes (months).
    """

    description: Description
    dimensions: dict[str, Dimension]
    cells: pd.DataFrame
    apart: frozenset[str]

    @cached_property
    def codes(self) -> list[Codes]:
        """The codes of every cell, in the order of `cells`."""
        return list(self.cells[list(self.description.names)].itertuples(index=False, name=None))

    @cached_property
    def places(self) -> dict[Codes, int]:
        """Where each cell stands in `cells`; nobody is in a cell without a place."""
        return {codes: place for place, codes in enumerate(self.codes)}

    @property
    def persons(self) -> pd.Series[int]:
        """Persons by cell."""
        return self.cells[PERSONS]

    def of(self, cells: Iterable[Codes], column: str = PERSONS) -> np.ndarray:
        """A column for some cells; 0 for those that nobody is in."""
        at = np.array([self.places.get(codes, -1) for codes in cells], dtype=np.int64)
        figures = np.append(self.cells[column].fillna(0).to_numpy(np.float64), 0.0)
        return np.asarray(figures[at])

    def shape(self, codes: Codes) -> Shape:
        """By what a cell is broken down."""
        return tuple(
            name
            for (name, dimension), code in zip(self.dimensions.items(), codes, strict=True)
            if code != dimension.total
        )


def recompute(con: duckdb.DuckDBPyConnection, description: Description, codes: dict[str, list[str]]) -> Truth:
    """Count the members, which lie in the relation `airlock_members` as `members_sql` gave them; leaves
    `airlock_rolled` behind. `codes` are those of the file by dimension.

    Refuses (USAGE) members without the columns of the description, without a code or person, with a code that has parts
    or is in no hierarchy, or with a person twice in a cell, and persons in two parts of a hierarchy.
    """
    columns = {str(name): str(kind) for name, kind, *_ in con.execute(f"describe {MEMBERS}").fetchall()}
    for column in (*description.names, PERSON, *description.values):
        if column not in columns:
            raise _fault("`members_sql` lacks a column.", column)
    words_of_sql = con.execute(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    ).fetchall()
    dimensions = {}
    for name, own in description.dimensions.items():
        if (name,) in words_of_sql:
            raise _fault("a dimension is called by a word of SQL: rename it.", name)
        found = con.execute(f"select distinct cast({quoted(name)} as varchar) from {MEMBERS} order by 1").fetchall()
        if (None,) in found:
            raise _fault("a member has no code: give those without one a code of their own.", name)
        whole = own.flattened([*codes[name], *(code for (code,) in found)])
        for (code,) in found:
            if code not in whole.codes:
                raise _fault(f"`members_sql` has the code `{code}`, which is outside the hierarchy.", name)
            if code not in whole.leaves:
                raise _fault(f"`members_sql` has the code `{code}`, which has parts: members have codes without.", name)
        dimensions[name] = whole
    by = ", ".join(map(quoted, description.names))
    [(rows, persons, distinct)] = con.execute(
        f"select count(*), count({PERSON}), (select count(*) from (select distinct {by}, {PERSON} from {MEMBERS})) "
        f"from {MEMBERS}"
    ).fetchall()
    if persons < rows:
        raise _fault("a member has no key.", PERSON)
    if distinct < rows:
        raise _fault("`members_sql` lists a person twice in a cell: one row for each person and cell.", PERSON)
    apart = _apart(con, description)
    _roll_up(con, description, dimensions)
    return Truth(description, dimensions, _counted(con, description), apart)


def broken_rules(
    con: duckdb.DuckDBPyConnection, truth: Truth, shapes: Iterable[Shape], policy: Policy
) -> dict[str, set[Codes]]:
    """The cells of these shapes that break each primary rule, zeros left out."""
    found: dict[str, set[Codes]] = {}
    for shape in shapes:
        for value in truth.description.values or (None,):
            for rule, cells in _assessed(con, truth, shape, value, policy).items():
                found.setdefault(rule, set()).update(cells)
    return found


def sketches_of(
    con: duckdb.DuckDBPyConnection, truth: Truth, records: str, shapes: Iterable[Shape]
) -> tuple[np.ndarray, Sketches, Sketches]:
    """(keys, members, complements) of the cells of these shapes that anybody is in; complements where there is a base.

    `records` is SQL of a relation (person_key, record_key). Refuses (GATE_CLOSED) a member without a record key.
    """
    description = truth.description
    spec = ReleaseSpec(
        description.title,
        description.names,
        description.count,
        base=PERSONS_IN_BASE if description.base_by is not None else None,
        base_by=description.base_by or (),
    )
    wanted = " or ".join(f"({_of_shape(truth, shape)})" for shape in shapes)
    con.execute(
        f"create or replace temp table airlock_sketched as select distinct {', '.join(description.names)}, {PERSON} "
        f"from {ROLLED} where {wanted}"
    )
    return sketch(con, spec, "airlock_sketched", records)


def _apart(con: duckdb.DuckDBPyConnection, description: Description) -> frozenset[str]:
    """The fewest flat dimensions without which nobody is in two cells.

    Refuses (USAGE) a hierarchy of which persons are in two parts: its sums would not hold.
    """
    flat = [name for name, own in description.dimensions.items() if not own.breakdowns]
    for size in range(len(flat) + 1):
        for chosen in combinations(flat, size):
            by = ", ".join(map(quoted, (*chosen, PERSON)))
            [(twice,)] = con.execute(
                f"select count(*) from (select 1 from {MEMBERS} group by {by} having count(*) > 1)"
            ).fetchall()
            if not twice:
                return frozenset(chosen)
    trees = ", ".join(name for name in description.names if name not in flat)
    raise _fault("persons are in two parts of a hierarchy, so that its sums do not hold.", trees)


def _roll_up(con: duckdb.DuckDBPyConnection, description: Description, dimensions: dict[str, Dimension]) -> None:
    """`airlock_rolled`: every member under each code that she is in."""
    columns, joins = [], []
    for i, (name, dimension) in enumerate(dimensions.items()):
        pairs = [(leaf, code) for leaf, codes in dimension.above.items() for code in codes]
        above = pd.DataFrame(pairs, columns=["leaf", "code"], dtype=str)
        con.register(f"airlock_above_{i}", above)
        columns.append(f"a{i}.code as {quoted(name)}")
        joins.append(f"join airlock_above_{i} a{i} on cast(m.{quoted(name)} as varchar) = a{i}.leaf")
    values = [f"cast(m.{quoted(value)} as double) as {quoted(value)}" for value in description.values]
    try:
        con.execute(
            f"create or replace temp table {ROLLED} as select {', '.join([*columns, f'm.{PERSON}', *values])} "
            f"from {MEMBERS} m {' '.join(joins)}"
        )
    except duckdb.ConversionException:
        raise _fault("a measure is made of what is no number.", "measures") from None
    for i in range(len(dimensions)):
        con.unregister(f"airlock_above_{i}")


def _counted(con: duckdb.DuckDBPyConnection, description: Description) -> pd.DataFrame:
    figures = [f"count(distinct {PERSON}) as {PERSONS}"]
    for measure in description.measures:
        value, name = quoted(measure.value), measure.name
        how = "sum" if measure.kind == "sum" else "avg"
        figures.append(f"{how}({value}) as {quoted(name)}")
        if measure.kind == "share":
            figures.append(f"count(distinct {PERSON}) filter ({value} <> 0) as {quoted(f'{name}__yes')}")
            figures.append(f"count(distinct {PERSON}) filter ({value} = 0) as {quoted(f'{name}__no')}")
    by = ", ".join(map(quoted, description.names))
    return con.execute(f"select {by}, {', '.join(figures)} from {ROLLED} group by {by} order by {by}").df()


def _of_shape(truth: Truth, shape: Shape) -> str:
    """The rows of a shape, as a condition."""
    return " and ".join(
        f"{quoted(name)} {'<>' if name in shape else '='} {text(own.total)}" for name, own in truth.dimensions.items()
    )


def _assessed(
    con: duckdb.DuckDBPyConnection, truth: Truth, shape: Shape, value: str | None, policy: Policy
) -> dict[str, set[Codes]]:
    everybody = "everybody"
    dimensions = shape or (everybody,)
    base_by = truth.description.base_by
    zeros = tuple(zero for zero in truth.description.structural_zeros if set(zero) <= set(shape))
    table = CellTable(
        relation=f"(select *, 'all' as {everybody} from {ROLLED} where {_of_shape(truth, shape)})",
        entity=PERSON,
        dimensions=dimensions,
        grouping_sets=(dimensions,),
        base_by=None if base_by is None or not shape else tuple(name for name in shape if name in base_by),
        value=value,
        structural_zeros=zeros,
    )
    found = assess(con, table, policy).drop(columns=[PRIMARY, "zero"])
    for name, own in truth.dimensions.items():
        if name not in shape:
            found[name] = own.total
    codes = list(found[list(truth.description.names)].astype(str).itertuples(index=False, name=None))
    rules = [rule for rule in found.columns if rule not in (*truth.description.names, everybody)]
    return {rule: set(compress(codes, found[rule].astype(bool))) for rule in rules}


def _fault(what: str, column: str) -> Refusal:
    return Refusal(Exit.USAGE, what, "Correct the description.", column=column)
