"""Which entities are one person: the rule by which stated links join identifiers into clusters.

Belongs here: the rule, as SQL over two temporary tables. Does not belong here: where links come from and
where clusters go (`crosswalk`).

The result depends on the set of links alone, never on the order in which they arrived:

1. Permanent identity codes are one person only through links that state a change of code.
2. Other identifiers (temporary codes, numbers of the Finnish Immigration Service, a register's own client
   numbers) that are linked to each other belong to the one person whose permanent code they are linked to.
   Linked to the codes of two persons they belong to nobody until a person has decided: a conflict.
3. A cluster of more than MOST_IDENTIFIERS identifiers is no person but a mistake: a conflict.

What is in conflict stays apart. A person's key is that of the entity that arrived first.
"""

from __future__ import annotations

import duckdb

MOST_IDENTIFIERS = 8
"""A person may have a permanent code, a former one, a temporary one in some registers and a few client numbers;
more than this has only been seen where a placeholder was taken for an identifier."""

TWO_PERSONS, TOO_MANY, UNSTATED = "two_persons", "too_many_identifiers", "change_not_stated"
"""Kinds of conflict: an identifier linked to two persons; too many identifiers of one; two permanent codes
linked by something that does not state a change of code."""

IN_WORDS = {
    TWO_PERSONS: "an identifier is linked to the permanent codes of two persons",
    TOO_MANY: "more identifiers than one person can have",
    UNSTATED: "two permanent codes are linked, but no register states a change of code",
}

PERMANENT = "fi.hetu"


def cluster(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables `clustered` (entity_key, person_key) and `conflict` (entity_key, kind, conflict_no).

    Reads `entity` (entity_key, id_type, no) and `link` (one, other: entity keys; states_change: boolean).
    Grain of `clustered`: entities that stand in any link. `conflict` has a row for every entity that a conflict
    concerns; entities of one conflict share its number.
    """
    con.execute(f"""
        create or replace temp table node as
        select no, entity_key, id_type = '{PERMANENT}' as permanent from entity
        semi join (select one as entity_key from link union select other from link) using (entity_key)""")
    con.execute("""
        create or replace temp table pair as
        select a.no as one, b.no as other, a.permanent as one_permanent, b.permanent as other_permanent, states_change
        from link join node a on a.entity_key = link.one join node b on b.entity_key = link.other
        where link.one <> link.other""")
    _components(con, "person", "permanent", "one_permanent and other_permanent and states_change")
    _components(con, "other", "not permanent", "not one_permanent and not other_permanent")
    con.execute(f"""
        create or replace temp table code_of as
        select no, if(count(*) over (partition by label) > {MOST_IDENTIFIERS}, no, label) as label,
          count(*) over (partition by label) > {MOST_IDENTIFIERS} as too_many
        from person""")
    con.execute("""
        create or replace temp table joined as
        with touching as (
          select distinct o.label as other, c.label as code from other o
          join (select one as no, other as code from pair where not one_permanent and other_permanent
                union all select other, one from pair where one_permanent and not other_permanent) p using (no)
          join code_of c on c.no = p.code),
        sized as (select label, count(*) as size from other group by label),
        single as (
          select other, count(*) as persons, min(code) as code from touching group by other)
        select s.label, s.size, coalesce(persons, 0) as persons, code from sized s left join single on other = label""")
    con.execute(f"""
        create or replace temp table fate as
        with codes as (select label, count(*) as size from code_of group by label),
        whole as (
          select code, sum(j.size) + min(codes.size) as size from joined j join codes on codes.label = j.code
          where persons = 1 group by code)
        select j.label, j.code, case
            when j.persons > 1 then '{TWO_PERSONS}'
            when j.size > {MOST_IDENTIFIERS} or (j.persons = 1 and whole.size > {MOST_IDENTIFIERS}) then '{TOO_MANY}'
          end as conflict
        from joined j left join whole on whole.code = j.code""")
    con.execute("""
        create or replace temp table clustered as
        with labelled as (
          select no, label from code_of
          union all
          select o.no, if(fate.conflict is null, coalesce(fate.code, o.label), o.no)
          from other o join fate on fate.label = o.label),
        named as (select *, min(no) over (partition by label) as first_no from labelled)
        select node.entity_key, first.entity_key as person_key
        from named join node using (no) join node first on first.no = named.first_no""")
    con.execute(f"""
        create or replace temp table conflict as
        with found as (
          select o.no, fate.conflict as kind, o.label as first_no
          from other o join fate on fate.label = o.label where conflict is not null
          union
          select c.no, fate.conflict, fate.label from fate join code_of c on c.label = fate.code
          where conflict = '{TOO_MANY}'
          union
          select c.no, '{TOO_MANY}', person.label from code_of c join person using (no) where too_many
          union
          select unnest([p.one, p.other]), '{UNSTATED}', least(p.one, p.other) from pair p
          join code_of a on a.no = p.one join code_of b on b.no = p.other
          where p.one_permanent and p.other_permanent and not p.states_change and a.label <> b.label)
        select entity_key, kind, first_no as conflict_no from found join node using (no)""")


def _components(con: duckdb.DuckDBPyConnection, name: str, nodes: str, pairs: str) -> None:
    """Table `name` (no, label): nodes that hang together have the same label, the smallest number among them.

    Every round takes the smallest label of the neighbours and then the label of that label, so that a chain of
    n nodes takes about log n rounds and not n.
    """
    con.execute(f"create or replace temp table {name} as select no, no as label from node where {nodes}")
    con.execute(f"""
        create or replace temp table step as
        select one as a, other as b from pair where {pairs} union select other, one from pair where {pairs}""")
    while True:
        con.execute(f"""
            create or replace temp table next as
            with nearest as (
              select t.no, least(t.label, coalesce(min(n.label), t.label)) as label
              from {name} t left join step on a = t.no left join {name} n on n.no = b group by t.no, t.label)
            select x.no, y.label from nearest x join nearest y on y.no = x.label""")
        changed = con.execute(f"select count(*) from next join {name} using (no) where next.label <> {name}.label")
        if changed.fetchall() == [(0,)]:
            return
        con.execute(f"create or replace temp table {name} as from next")
