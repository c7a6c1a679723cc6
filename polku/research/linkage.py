"""How well registers link, and who would have stood in both study groups: counts for the crosswalk's report.

Belongs here: rates and counts over what has landed. Does not belong here: the crosswalk itself. A person links
when the population register knows her under any of her identifiers. Rates tell of linkage bias: years under a
client number alone, or groups whose codes are often missing, look as if nothing had happened in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from polku.contracts.model import Column, Contract, Table
from polku.layout import DataRoot
from polku.research import landed
from polku.research.crosswalk import clustered
from polku.research.identities import identities
from polku.sql_text import texts
from polku.studies import Study

FEWEST_ROWS = 100
"""Rates over fewer rows are left out: a share of a small number gives the number away."""

GROUND, UNKNOWN_GROUND = "ground_code", "unknown"


@dataclass(frozen=True)
class Rate:
    """The share of a register's rows of one year, about persons with one ground of residence, that link."""

    register: str
    year: int
    ground: str
    rows: int
    share: float


@dataclass(frozen=True)
class BothGroups:
    """Persons who are clients under one identifier and in the population register under another: `joined` by the
    crosswalk, so that they are clients and nothing else, or still `disputed`, so that they may stand in both groups."""

    joined: int
    disputed: int


def report(root: DataRoot, study: Study) -> tuple[dict[str, float], list[Rate], BothGroups]:
    """Share of rows that link by register, the same by register, year and ground, and persons in both groups."""
    with identities(root) as store:
        con = store.con
        clustered(con, root, study)
        _known(con, root, study)
        _grounds(con, root, study)
        con.execute(
            "create or replace temp table subject "
            "(register varchar, year integer, person bigint, links boolean, rows bigint)"
        )
        for contract in study.contracts.values():
            for table in _facts(contract):
                if query := _rows(root, contract, table):
                    con.execute(f"insert into subject {query}")
        linked = "coalesce(sum(rows) filter (where links), 0) / sum(rows)"
        overall = con.execute(f"select register, {linked} from subject group by 1 order by 1").fetchall()
        rates = con.execute(f"""
            select register, year, coalesce(ground, '{UNKNOWN_GROUND}'), cast(sum(rows) as bigint),
              round({linked}, 2)
            from subject left join ground on ground.person = subject.person
            where year is not null group by all having sum(rows) >= {FEWEST_ROWS} order by all""").fetchall()
        both = _both_groups(con, root, study)
    return {str(r): round(float(share), 4) for r, share in overall}, [Rate(*row) for row in rates], both


def _known(con: duckdb.DuckDBPyConnection, root: DataRoot, study: Study) -> None:
    """`resolved` (entity_key, person) for every entity, and `known`: persons of the population register."""
    con.execute("""
        create or replace temp table resolved as
        select entity_key, coalesce(person_key, entity_key) as person
        from entity left join clustered using (entity_key)""")
    registers = [contract for contract in study.contracts.values() if "residence" in contract.timeline]
    keys = [query for contract in registers for query in _keys(root, contract, _facts(contract))]
    union = " union ".join(keys) or "select null::bigint as entity_key"
    con.execute(f"create or replace temp table registered as {union}")
    con.execute(
        "create or replace temp table known as select distinct person from registered join resolved using (entity_key)"
    )


def _grounds(con: duckdb.DuckDBPyConnection, root: DataRoot, study: Study) -> None:
    """`ground` (person, ground): the group of the first ground that a register of permits tells of, in any table."""
    con.execute("create or replace temp table stated (person bigint, ground varchar, since date)")
    for contract in (c for c in study.contracts.values() if "permit" in c.timeline):
        for table in contract.tables:
            rows = landed.standing(root, contract.register, table)
            for column in (c for c in table.columns if rows and c.name == GROUND and c.dated_by):
                codes = contract.codes[column.codes or ""]
                groups = " ".join(f"when {texts([c.code])} then {texts([c.group or UNKNOWN_GROUND])}" for c in codes)
                con.execute(f"""
                    insert into stated
                    select person, case {GROUND} {groups} end, {column.dated_by}
                    from {rows} join resolved on entity_key = person_key""")
    con.execute("""
        create or replace temp table ground as
        select person, arg_min(ground, (since, ground)) as ground
        from stated where since is not null group by person""")


def _rows(root: DataRoot, contract: Contract, table: Table) -> str | None:
    """Rows of a table by their year, whom they are about, and whether that person links."""
    rows = landed.standing(root, contract.register, table)
    dated = [c for c in table.columns if c.type in ("date", "month", "year")]
    subjects = [c for c in table.columns if c.is_subject]
    if not rows or not dated or not subjects:
        return None
    persons, names = [f"r{i}.person" for i in range(len(subjects))], ", ".join(c.name for c in subjects)
    return f"""
        select '{contract.register}', year, coalesce({", ".join(persons)}),
          {" or ".join(f"{person} in (from known)" for person in persons)}, rows
        from (select {_year(dated[0])} as year, {names}, count(*) as rows from {rows} group by all) t
        {" ".join(f"left join resolved r{i} on r{i}.entity_key = t.{c.name}" for i, c in enumerate(subjects))}"""


def _year(column: Column) -> str:
    return column.name if column.type == "year" else f"year({column.name})"


def _both_groups(con: duckdb.DuckDBPyConnection, root: DataRoot, study: Study) -> BothGroups:
    contract = study.contracts[study.client_register]
    keys = _keys(root, contract, [contract.table(contract.timeline["client"].table)])
    con.execute(f"create or replace temp table client as {' union '.join(keys) or 'select null::bigint as entity_key'}")
    con.execute("create or replace temp table unregistered as from client anti join registered using (entity_key)")
    [(joined, disputed)] = con.execute("""
        select
          (select count(distinct person_key) from unregistered join clustered using (entity_key)
            semi join (from clustered semi join registered using (entity_key)) using (person_key)),
          (select count(distinct conflict_no) from unregistered join conflict using (entity_key)
            semi join (
              select conflict_no from conflict join link on entity_key in (one, other)
              join registered r on r.entity_key in (one, other)) using (conflict_no))""").fetchall()
    return BothGroups(int(joined), int(disputed))


def _facts(contract: Contract) -> list[Table]:
    """Tables that tell more than that two identifiers are one person's."""
    fed = {feed.table for feed in contract.timeline.values()}
    return [table for table in contract.tables if table.edge is None or table.name in fed]


def _keys(root: DataRoot, contract: Contract, tables: Iterable[Table]) -> list[str]:
    """Queries of the entities that tables are about under an identifier that several registers know."""
    return [
        f"select distinct {column.name} as entity_key from {rows} where {column.name} is not null"
        for table in tables
        for column in table.columns
        if column.is_subject and column.is_person and (rows := landed.standing(root, contract.register, table))
    ]
