from __future__ import annotations

from datetime import date
from random import Random

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.disclosure import ReleaseSpec
from polku.disclosure.ledger.sketch import Sketches, complement_by, flow_at_least, keys_of, sketch
from polku.errors import Exit, Refusal
from tests.polku.disclosure.ledger.cells import record_keys, sketched

PERSONS = 400
RECORDS = record_keys(PERSONS)
SETS = st.sets(st.integers(0, PERSONS - 1), max_size=120)


def of(persons: set[int]) -> Sketches:
    """The sketch of one set, by its definition."""
    made = Sketches.empty(1)
    for person in persons:
        bucket = int(RECORDS[person]) % 64
        made.sums[:, bucket] += RECORDS[person]
        made.counts[0, bucket] += 1
    return made


@given(SETS, SETS)
def test_a_flow_is_never_told_greater_than_it_is(before: set[int], after: set[int]) -> None:
    (told,) = flow_at_least(of(before), of(after))
    assert bool(told > 0) is (before != after)
    assert told <= len(before ^ after)


@given(SETS, st.randoms(use_true_random=False))
def test_one_in_and_one_out_is_a_flow(persons: set[int], random: Random) -> None:
    gone, come = random.sample(range(PERSONS), 2)
    assert flow_at_least(of(persons - {come} | {gone}), of(persons - {gone} | {come}))[0] >= 1


@given(SETS, st.integers(1, 9), st.randoms(use_true_random=False))
def test_equal_sets_have_equal_sketches_in_whichever_order_and_shards(
    persons: set[int], shards: int, random: Random
) -> None:
    rows = sorted(persons)
    random.shuffle(rows)
    united = Sketches.empty(1)
    for shard in range(shards):
        part = of(set(rows[shard::shards]))
        united = Sketches(united.sums + part.sums, united.counts + part.counts)
    assert (united.sums == of(persons).sums).all()
    assert (united.counts == of(persons).counts).all()


@given(st.dictionaries(st.sampled_from("abcd"), SETS.filter(bool), min_size=1))
def test_duckdb_sums_by_the_definition_and_the_complement_is_the_rest_of_the_line(cells: dict[str, set[int]]) -> None:
    keys, members, complements = sketched(cells, RECORDS)
    everybody = set().union(*cells.values())
    assert sorted(keys) == [f'["{area}"]' for area in sorted(cells)]
    for i, key in enumerate(keys):
        persons = cells[key[2]]
        assert (members.sums[i] == of(persons).sums[0]).all()
        assert members.persons[i] == len(persons)
        assert (complements.sums[i] == of(everybody - persons).sums[0]).all()
        assert complements.persons[i] == len(everybody - persons)


def test_sums_of_many_keys_are_taken_modulo_two_to_the_64() -> None:
    great = np.full(3, 2**64 - 64, dtype=np.uint64)
    _, members, _ = sketched({"a": {0, 1, 2}}, great)
    assert members.sums[0, 0] == (3 * (2**64 - 64)) % 2**64
    assert members.counts[0, 0] == 3


def test_where_the_base_is_listed_only_those_counted_are_members() -> None:
    spec = ReleaseSpec("t", ("month",), "n", base="observed", base_by=("month",), members="m")
    rows = pd.DataFrame({"month": [1, 1, 1, 2], "person_key": [0, 1, 2, 0], "is_counted": [True, False, False, False]})
    with duckdb.connect() as con:
        con.register("members", rows)
        con.register("records", pd.DataFrame({"person_key": range(PERSONS), "record_key": RECORDS}))
        keys, members, complements = sketch(con, spec, "members", "records")
    order = np.argsort(keys)
    assert keys[order].tolist() == ["[1]", "[2]"]
    assert members.persons[order].tolist() == [1, 0]
    assert complements.persons[order].tolist() == [2, 1]


def test_who_has_no_record_key_closes_the_gate() -> None:
    with pytest.raises(Refusal) as refused:
        sketched({"a": {0, PERSONS}}, RECORDS)
    assert refused.value.exit is Exit.GATE_CLOSED


@pytest.mark.parametrize(
    ("spec", "by"),
    [
        (ReleaseSpec("t", ("a", "b"), "n", base="m", base_by=("b",)), ("b",)),
        (ReleaseSpec("t", ("a", "b"), "n", additive=("b", "a")), ("a",)),
        (ReleaseSpec("t", ("a", "b"), "n"), None),
    ],
)
def test_the_complement_is_of_the_base_or_of_the_first_line(spec: ReleaseSpec, by: tuple[str, ...] | None) -> None:
    assert complement_by(spec) == by


def test_keys_are_the_same_whatever_pandas_made_of_the_columns() -> None:
    days = [date(2026, 1, 1), date(2026, 2, 1), None]
    one = pd.DataFrame(
        {"month": days, "year": [2020, 2021, None], "code": ["ä", "b,]", None], "flag": [True, False, True]}
    )
    other = one.assign(
        month=pd.to_datetime(one["month"]),
        year=pd.array([2020, 2021, None], dtype="Int64"),
        code=one["code"].astype("category"),
    )
    keys = keys_of(one, list(one))
    assert keys.tolist() == ['["2026-01-01",2020,"ä",true]', '["2026-02-01",2021,"b,]",false]', "[null,null,null,true]"]
    assert keys_of(other, list(one)).tolist() == keys.tolist()
    assert keys_of(one.head(0), list(one)).tolist() == []
