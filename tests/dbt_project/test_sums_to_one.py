"""The data test by which shares of one whole sum to one: of few shares and of thousands."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import duckdb
import pytest

from tests.dbt_project.conftest import Built

Check = Callable[[list[int], int], bool]
"""Whether shares made of numbers of persons, of which the first is so many hundred-millionths too great, pass."""


@pytest.fixture(scope="module")
def passes(built: Built) -> Check:
    sql = built.compiled_test("shares_of_sequences_sum_to_one")

    def check(persons: list[int], too_great: int) -> bool:
        units = [round(Fraction(each, sum(persons)) * 10**8) for each in persons]
        units[0] += too_great
        with duckdb.connect() as con:
            con.execute("attach ':memory:' as warehouse; create schema warehouse.marts")
            con.execute(
                "create table warehouse.marts.sequence_frequency as select 'client' as group_code,"
                " cast(unnest($1) / 1e8 as decimal(9, 8)) as share",
                [units],
            )
            return con.execute(sql).fetchall() == []

    return check


@pytest.mark.parametrize("persons", [[1], [1, 2], [1] * 3, [7] * 3000, [*range(1, 1900)]])
def test_shares_of_a_whole_pass_however_many_they_are(passes: Check, persons: list[int]) -> None:
    """The rounding of two thousand once came to more than a millionth, and a night of a million persons failed."""
    assert passes(persons, 0)


@pytest.mark.parametrize(("persons", "too_great"), [([1], 1), ([1, 1], 2), ([1] * 14, 10), ([7] * 3000, 2600)])
def test_a_share_that_is_wrong_by_more_than_rounding_does_not(
    passes: Check, persons: list[int], too_great: int
) -> None:
    assert not passes(persons, too_great)
