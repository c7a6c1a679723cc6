"""How easily somebody is found in a table with one or more rows per person: k, l, t and small unique combinations.

Belongs here: measuring a relation by its quasi-identifiers and sensitive columns. Does not belong here: the numbers
that are asked for (`policy.toml`), dbt's tests of the marts (`dbt_project/macros/microdata.sql`, the same measures in
portable SQL), and tables of counts. Nothing here gives back a value of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import duckdb
import pandas as pd

from polku.disclosure.policy import MicrodataLimits
from polku.sql_text import quoted

ENTITY = "entity"
KEYS_TOGETHER = 3
"""Sizes of combinations searched for one person alone; what somebody can know of another by hand is not much more."""


@dataclass(frozen=True)
class Measures:
    """What a table gives away, over classes of persons who agree in every quasi-identifier (a null is a value).

    - `k`: persons in the smallest class (Sweeney 2002).
    - `l`: fewest different values of a sensitive column in a class (Machanavajjhala et al. 2007, distinct l-diversity).
    - `entropy_l`: e to the power of the smallest entropy of a sensitive column in a class, the number of equally
      frequent values that would hide as much (same source, entropy l-diversity).
    - `t`: largest distance between a sensitive column's distribution in a class and in the table (Li, Li and
      Venkatasubramanian 2007): half the sum of differences of shares for texts and booleans, the ordered earth mover's
      distance for numbers and dates. 0 to 1.
    - `unique_persons`: persons who are alone in some combination of at most three quasi-identifiers.
    - `minimal_uniques`: by number of keys, pairs of a person and a combination in which she is alone while she is so in
      no part of it (minimal sample uniques; Elliot, Manning and Ford 2002).

    `l`, `entropy_l` and `t` are None without sensitive columns, all but the counts for an empty table.
    """

    persons: int
    classes: int
    k: int | None
    l: int | None = None  # noqa: E741 - the measure's name
    entropy_l: float | None = None
    t: float | None = None
    unique_persons: int = 0
    minimal_uniques: dict[int, int] = field(default_factory=dict)

    def broken(self, limits: MicrodataLimits) -> tuple[str, ...]:
        """Which limits the table does not keep, in the order of the measures."""
        asked = {
            "k": self.k is not None and self.k < limits.k,
            "l": self.l is not None and self.l < limits.l,
            "entropy_l": self.entropy_l is not None and self.entropy_l < limits.entropy_l - ROUNDING,
            "t": self.t is not None and self.t > limits.t + ROUNDING,
            "unique_persons": self.unique_persons > 0,
        }
        return tuple(name for name, is_broken in asked.items() if is_broken)


ROUNDING = 1e-9
"""What sums of logarithms and shares may be off by; two equally frequent values are two."""


def measure(
    con: duckdb.DuckDBPyConnection,
    relation: str | pd.DataFrame,
    quasi_identifiers: Sequence[str],
    sensitive: Sequence[str] = (),
    *,
    entity: str | None = None,
    keys_together: int = KEYS_TOGETHER,
) -> Measures:
    """Measure a table; `relation` is a data frame, or what stands after `from` in SQL.

    `entity` is the column that tells persons apart; without it each row is a person. A person with several rows counts
    once in each class, and once for each sensitive value there. `keys_together` 0 leaves the combinations out.

    Raises ValueError for no quasi-identifier, or a column that is both or twice.
    """
    columns = [*quasi_identifiers, *sensitive]
    if not quasi_identifiers or len({*columns, entity}) <= len(columns):
        raise ValueError("name quasi-identifiers, sensitive columns and the entity apart from each other")
    if isinstance(relation, pd.DataFrame):
        con.register("measured_frame", relation)
    try:
        table = _Table(con, "measured_frame" if isinstance(relation, pd.DataFrame) else relation, quasi_identifiers)
        table.read(sensitive, entity)
        spreads = [table.spread(column) for column in sensitive]
        persons, classes, k = table.classes()
        uniques = table.uniques(keys_together)
    finally:
        for kept in ("classes", "values", "uniques"):
            con.execute(f"drop table if exists temp.measured_{kept}")
        if isinstance(relation, pd.DataFrame):
            con.unregister("measured_frame")
    known = [(least, effective, distance) for least, effective, distance in spreads if least is not None]
    return Measures(
        persons=persons,
        classes=classes,
        k=k,
        l=min((least for least, _, _ in known), default=None),
        entropy_l=min((effective for _, effective, _ in known), default=None),
        t=max((distance for _, _, distance in known), default=None),
        unique_persons=uniques[0],
        minimal_uniques=uniques[1],
    )


class _Table:
    """The statements over one relation. Columns are `q0`, `q1`, ... and `s`, so that no name can collide."""

    def __init__(self, con: duckdb.DuckDBPyConnection, relation: str, keys: Sequence[str]) -> None:
        self._con, self._relation = con, relation
        self._keys = [f"q{i}" for i in range(len(keys))]
        self._by = ", ".join(self._keys)
        self._selected = ", ".join(f"{quoted(key)} as q{i}" for i, key in enumerate(keys))
        self._entity: str | None = None

    def read(self, sensitive: Sequence[str], entity: str | None) -> None:
        """Take the classes down once; everything but the sensitive columns is measured from them."""
        self._entity = quoted(entity) if entity else None
        if self._entity:
            rows = f"select distinct {self._selected}, {self._entity} as {ENTITY} from {self._relation}"
            counted = f"select {self._by}, count(*) as persons, min({ENTITY}) as first, max({ENTITY}) as last"
        else:
            rows = f"select {self._selected} from {self._relation}"
            counted = f"select {self._by}, count(*) as persons"
        self._con.execute(
            f"create or replace temp table measured_classes as {counted} from ({rows}) group by {self._by}"
        )

    def classes(self) -> tuple[int, int, int | None]:
        """Persons, classes, and persons in the smallest class."""
        total = "sum(persons)" if not self._entity else f"(select count(distinct {self._entity}) from {self._relation})"
        found = self._one(f"select coalesce({total}, 0), count(*), min(persons) from measured_classes")
        return int(found[0]), int(found[1]), found[2]

    def spread(self, column: str) -> tuple[int | None, float, float]:
        """Of one sensitive column: fewest values, least effective number of values, and largest distance."""
        rows = (
            f"select {'distinct ' + self._entity + ',' if self._entity else ''} {self._selected}, {quoted(column)} as s"
        )
        self._con.execute(f"""
            create or replace temp table measured_values as
            select
                {self._by}, s, persons,
                sum(persons) over (partition by {self._by}) as in_class,
                sum(persons) over (partition by s) as with_value,
                sum(persons) over () as in_all
            from (select {self._by}, s, count(*) as persons from ({rows} from {self._relation}) group by {self._by}, s)
        """)
        least = self._one(f"""
            select min(l), exp(greatest(min(entropy), 0)), max(distance)
            from (
                select
                    count(*) as l,
                    ln(max(in_class)) - sum(persons * ln(persons)) / max(in_class) as entropy,
                    sum(greatest(persons / in_class - with_value / in_all, 0)) as distance
                from measured_values group by {self._by}
            )
        """)
        if least[0] is None or not self._is_ordered(column):
            return least[0], least[1], least[2]
        return least[0], least[1], self._ordered_distance()

    def uniques(self, keys_together: int) -> tuple[int, dict[int, int]]:
        """Persons alone in a combination, and minimal uniques by size.

        A combination has one person when its first and last are the same; a class stands for its only person.
        """
        sizes = range(1, min(keys_together, len(self._keys)) + 1)
        sets = [chosen for size in sizes for chosen in combinations(self._keys, size)]
        if not sets:
            return 0, {}
        names = "first, last" if self._entity else "persons, row_number() over () as first"
        alone = "min(first) = max(last)" if self._entity else "sum(persons) = 1"
        mask = " + ".join(f"(1 - grouping({key})) * {1 << i}" for i, key in enumerate(self._keys))
        grouped = ", ".join(f"({', '.join(chosen)})" for chosen in sets)
        self._con.execute(f"""
            create temp table measured_uniques as
            select min(first) as person, cast({mask} as bigint) as keys
            from (select {self._by}, {names} from measured_classes)
            group by grouping sets ({grouped})
            having {alone}
        """)
        (persons,) = self._one("select count(distinct person) from measured_uniques")
        found = self._con.execute("""
            select bit_count(keys), count(*)
            from (select distinct person, keys from measured_uniques) as u
            where not exists (
                select 1 from measured_uniques as part
                where part.person = u.person and part.keys <> u.keys and (part.keys & u.keys) = part.keys
            )
            group by all order by all
        """).fetchall()
        return int(persons), {size: dict(found).get(size, 0) for size in sizes}

    def _is_ordered(self, column: str) -> bool:
        """Numbers and times have an order; texts and booleans do not."""
        kind = str(self._one(f"describe select {quoted(column)} from {self._relation}")[1])
        return kind not in ("VARCHAR", "BOOLEAN") and not kind.startswith("ENUM")

    def _ordered_distance(self) -> float:
        """Largest sum of |P - Q| over all values of the table, divided by their number less one.

        P, the cumulative share in the class, is constant from one of its values to the next; Q, that of the table, only
        grows. So each stretch is split where Q reaches P, and prefix sums of Q give both parts: nothing is multiplied
        out to classes times values.
        """
        return float(
            self._one(f"""
            with of_all as (
                select *, sum(q) over (order by i) as below
                from (
                    select
                        s, row_number() over (order by s nulls last) as i,
                        sum(with_value) over (order by s nulls last) / in_all as q
                    from (
                        select s, max(with_value) as with_value, max(in_all) as in_all from measured_values group by s
                    )
                )
            ),
            stretches as (
                select
                    {self._by}, p, i as first,
                    coalesce(lead(i) over in_class, (select count(*) + 1 from of_all)) - 1 as last,
                    row_number() over in_class = 1 as is_first
                from (
                    select
                        {self._by}, i,
                        sum(persons) over (partition by {self._by} order by i) / in_class as p
                    from measured_values inner join of_all on measured_values.s is not distinct from of_all.s
                )
                window in_class as (partition by {self._by} order by i)
            ),
            split as (
                select stretches.*, least(greatest(coalesce(crossing.i, 0), first - 1), last) as middle
                from stretches asof left join of_all as crossing on stretches.p > crossing.q
            ),
            summed as (
                select
                    split.*,
                    coalesce(before.below, 0) as below_first, coalesce(until.below, 0) as below_middle,
                    after.below as below_last
                from split
                left join of_all as before on before.i = first - 1
                left join of_all as until on until.i = middle
                left join of_all as after on after.i = last
            )
            select coalesce(max(distance) / nullif((select count(*) - 1 from of_all), 0), 0)
            from (
                select
                    sum(
                        case when is_first then below_first else 0 end
                        + p * (middle - first + 1) - (below_middle - below_first)
                        + (below_last - below_middle) - p * (last - middle)
                    ) as distance
                from summed group by {self._by}
            )
            """)[0]
        )

    def _one(self, sql: str) -> tuple[Any, ...]:
        found = self._con.execute(sql).fetchone()
        assert found is not None
        return found
