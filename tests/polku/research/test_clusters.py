"""The rule by which links join identifiers, against sets in plain Python and against what it promises."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.research.clusters import MOST_IDENTIFIERS, TOO_MANY, TWO_PERSONS, UNSTATED, cluster

HETU, MIGRI, TEMPORARY = "fi.hetu", "fi.migri.client", "fi.hetu.temporary/kela"
Link = tuple[int, int, bool]

types = st.lists(st.sampled_from([HETU, HETU, MIGRI, TEMPORARY]), min_size=2, max_size=14)


@st.composite
def registers(draw: st.DrawFn) -> tuple[list[str], list[Link]]:
    """Identifiers by their types, and links between them."""
    kinds = draw(types)
    ends = st.integers(0, len(kinds) - 1)
    return kinds, draw(st.lists(st.tuples(ends, ends, st.booleans()), max_size=20))


def clusters(
    kinds: list[str], links: Iterable[Link], order: list[int] | None = None
) -> tuple[dict[int, int], dict[int, set[str]]]:
    """Person by entity, and kinds of conflict by entity; entity i has the key 1000 + i and arrives as `order` says."""
    order = order or list(range(len(kinds)))
    with duckdb.connect() as con:
        rows = [{"entity_key": 1000 + i, "id_type": kinds[i], "no": no} for no, i in enumerate(order)]
        con.register("entity", pa.Table.from_pylist(rows))
        ends = [{"one": 1000 + a, "other": 1000 + b, "states_change": change} for a, b, change in links]
        schema = pa.schema([("one", pa.int64()), ("other", pa.int64()), ("states_change", pa.bool_())])
        con.register("link", pa.Table.from_pylist(ends, schema))
        cluster(con)
        found = dict(con.execute("select entity_key - 1000, person_key - 1000 from clustered").fetchall())
        conflicts: dict[int, set[str]] = {}
        for key, kind in con.execute("select entity_key - 1000, kind from conflict").fetchall():
            conflicts.setdefault(key, set()).add(kind)
    return {i: found.get(i, i) for i in range(len(kinds))}, conflicts


def partition(persons: dict[int, int]) -> set[frozenset[int]]:
    return {frozenset(i for i in persons if persons[i] == key) for key in persons.values()}


def components(nodes: set[int], pairs: Iterable[tuple[int, int]]) -> list[set[int]]:
    parts = [{node} for node in nodes]
    for a, b in pairs:
        one = next(part for part in parts if a in part)
        other = next(part for part in parts if b in part)
        if one is not other:
            parts.remove(other)
            one |= other
    return parts


def by_the_rule(kinds: list[str], links: list[Link]) -> set[frozenset[int]]:
    """The module's three sentences, with sets."""
    permanent = {i for i, kind in enumerate(kinds) if kind == HETU}
    others = set(range(len(kinds))) - permanent
    persons = components(permanent, [(a, b) for a, b, change in links if change and {a, b} <= permanent])
    persons = [one for part in persons for one in (split(part) if len(part) > MOST_IDENTIFIERS else [part])]
    numbers = components(others, [(a, b) for a, b, _ in links if {a, b} <= others])
    wanted: list[tuple[set[int], set[int]]] = []
    alone: list[set[int]] = []
    for part in numbers:
        touched = [p for p in persons if any((a in part and b in p) or (b in part and a in p) for a, b, _ in links)]
        if len(touched) > 1 or len(part) > MOST_IDENTIFIERS:
            alone += split(part)
        elif touched:
            wanted.append((touched[0], part))
        else:
            alone.append(part)
    joined = []
    for person in persons:
        parts = [part for whom, part in wanted if whom is person]
        if len(person) + sum(map(len, parts)) > MOST_IDENTIFIERS:
            alone += [one for part in parts for one in split(part)]
            joined.append(person)
        else:
            joined.append(person.union(*parts))
    return {frozenset(part) for part in joined + alone}


def split(part: set[int]) -> list[set[int]]:
    return [{i} for i in part]


@settings(max_examples=150, deadline=None)
@given(registers())
def test_clusters_are_what_the_rule_says(world: tuple[list[str], list[Link]]) -> None:
    assert partition(clusters(*world)[0]) == by_the_rule(*world)


@settings(max_examples=60, deadline=None)
@given(registers(), st.data())
def test_neither_the_order_of_links_nor_of_identifiers_matters(
    world: tuple[list[str], list[Link]], data: st.DataObject
) -> None:
    kinds, links = world
    turned = [(b, a, change) for a, b, change in data.draw(st.permutations(links))]
    order = data.draw(st.permutations(range(len(kinds))))
    here, there = clusters(kinds, links), clusters(kinds, turned, order)
    assert partition(here[0]) == partition(there[0])
    assert here[1] == there[1]


@settings(max_examples=60, deadline=None)
@given(registers())
def test_two_permanent_codes_are_one_person_only_by_a_stated_change(world: tuple[list[str], list[Link]]) -> None:
    kinds, links = world
    persons, _ = clusters(kinds, links)
    permanent = {i for i, kind in enumerate(kinds) if kind == HETU}
    stated = components(permanent, [(a, b) for a, b, change in links if change and {a, b} <= permanent])
    together = {frozenset(pair) for part in stated for pair in combinations(sorted(part), 2)}
    assert {frozenset(p) for p in combinations(sorted(permanent), 2) if persons[p[0]] == persons[p[1]]} <= together
    assert max(len(part) for part in partition(persons)) <= MOST_IDENTIFIERS


@settings(max_examples=60, deadline=None)
@given(registers(), st.data())
def test_a_persons_key_is_that_of_the_identifier_that_came_first(
    world: tuple[list[str], list[Link]], data: st.DataObject
) -> None:
    """So a key never changes but when a person turns out to be one who has been known for longer."""
    kinds, links = world
    order = data.draw(st.permutations(range(len(kinds))))
    persons, _ = clusters(kinds, links, order)
    for part in partition(persons):
        assert persons[next(iter(part))] == min(part, key=order.index)


def test_a_number_of_two_persons_belongs_to_neither_and_both_stay_whole() -> None:
    kinds = [HETU, HETU, MIGRI, TEMPORARY]
    persons, conflicts = clusters(kinds, [(2, 0, False), (2, 1, False), (3, 0, False)])
    assert partition(persons) == {frozenset({0, 3}), frozenset({1}), frozenset({2})}
    assert conflicts == {2: {TWO_PERSONS}}


def test_the_same_number_is_no_conflict_when_the_change_of_code_is_stated() -> None:
    persons, conflicts = clusters([HETU, HETU, MIGRI], [(2, 0, False), (2, 1, False), (0, 1, True)])
    assert partition(persons) == {frozenset({0, 1, 2})}
    assert conflicts == {}


def test_permanent_codes_linked_by_anything_else_stay_apart() -> None:
    persons, conflicts = clusters([HETU, HETU], [(0, 1, False)])
    assert partition(persons) == {frozenset({0}), frozenset({1})}
    assert conflicts == {0: {UNSTATED}, 1: {UNSTATED}}


def test_a_chain_of_changes_is_one_person_and_a_long_one_is_a_mistake() -> None:
    chain = [(i, i + 1, True) for i in range(MOST_IDENTIFIERS - 1)]
    assert set(clusters([HETU] * MOST_IDENTIFIERS, chain)[0].values()) == {0}
    longer = [*chain, (MOST_IDENTIFIERS - 1, MOST_IDENTIFIERS, True)]
    persons, conflicts = clusters([HETU] * (MOST_IDENTIFIERS + 1), longer)
    assert len(partition(persons)) == MOST_IDENTIFIERS + 1
    assert set(conflicts) == set(persons)
    assert conflicts[0] == {TOO_MANY}


@pytest.mark.parametrize("spare", [0, 1])
def test_the_size_counts_all_identifiers_of_a_person(spare: int) -> None:
    numbers = MOST_IDENTIFIERS - 1 + spare
    persons, conflicts = clusters([HETU, *[MIGRI] * numbers], [(i, 0, False) for i in range(1, numbers + 1)])
    assert len(partition(persons)) == (1 if spare == 0 else numbers + 1)
    assert bool(conflicts) == bool(spare)
