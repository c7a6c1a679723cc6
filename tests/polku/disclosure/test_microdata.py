"""k, l, t and uniques: published figures, another program's figures, cases by hand, and the definitions."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.disclosure import load_policy
from polku.disclosure.microdata import Measures, measure
from polku.disclosure.policy import MicrodataLimits
from polku.layout import CHECKOUT

FOLDER = CHECKOUT / "tests" / "data" / "microdata"
CENSUS = ("age", "education", "occupation", "relationship", "sex", "native-country")


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def table(file: Path) -> str:
    return f"read_csv('{file}', all_varchar = true, header = true)"


@pytest.mark.parametrize(
    ("published_k", "classes", "t"),
    [(3, 2837, 0.7135636982914904), (10, 462, 0.634944543338354), (20, 89, 0.6684514003294892)],
)
def test_published_k_of_the_census_and_the_measures_of_another_program(
    con: duckdb.DuckDBPyConnection, published_k: int, classes: int, t: float
) -> None:
    file = FOLDER / f"adult_anonymized_{published_k}.csv.gz"
    measures = measure(con, table(file), CENSUS, ["salary-class"])
    assert (measures.k, measures.l, measures.entropy_l, measures.classes) == (published_k, 1, 1, classes)
    assert measures.t == pytest.approx(t, abs=1e-12)
    assert measures.unique_persons == 0


def test_a_census_that_nobody_has_changed_has_k_1(con: duckdb.DuckDBPyConnection) -> None:
    """Some are alone by three keys, and all who are so by fewer are counted at their fewest."""
    rows = pd.read_csv(FOLDER / "adult_first_2000.csv.gz")
    measures = measure(con, rows, CENSUS, ["salary-class"])
    assert measures.k == 1
    assert 0 < measures.unique_persons < measures.persons == 2000


@pytest.mark.parametrize(("salaries", "expected"), [((3, 4, 5), 0.375), ((6, 8, 11), 1 / 6)])
def test_a_number_is_compared_in_its_order(
    con: duckdb.DuckDBPyConnection, salaries: tuple[int, ...], expected: float
) -> None:
    """The printed example of Li, Li and Venkatasubramanian (2007): nine salaries of 3 to 11 thousand.

    The six others lie on the other side of everybody's distribution, at half the distance.
    """
    rows = pd.DataFrame({"salary": range(3, 12)})
    rows["group"] = ["asked" if salary in salaries else "others" for salary in rows["salary"]]
    assert measure(con, rows, ["group"], ["salary"]).t == pytest.approx(expected)


def test_minimal_uniques_by_hand(con: duckdb.DuckDBPyConnection) -> None:
    """The last is alone by town, so her pairs are no finding of their own; Ann is alone by sex and year together."""
    rows = pd.DataFrame(
        [("f", 1980, "A"), ("f", 1990, "A"), ("m", 1980, "A"), ("m", 1980, "A"), ("f", 1990, "A"), ("f", 1990, "B")],
        columns=["sex", "year", "town"],
    )
    measures = measure(con, rows, ["sex", "year", "town"])
    assert measures.minimal_uniques == {1: 1, 2: 1, 3: 0}
    assert measures.unique_persons == 2


def test_a_person_with_several_rows_counts_once(con: duckdb.DuckDBPyConnection) -> None:
    rows = pd.DataFrame({"who": [1, 1, 1, 2, 2], "town": [*"AAABB"], "state": [*"xxyxx"]})
    measures = measure(con, rows, ["town"], ["state"], entity="who")
    assert (measures.persons, measures.k, measures.l, measures.unique_persons) == (2, 1, 1, 2)
    assert measure(con, rows, ["town"], ["state"]).k == 2


def test_a_null_is_a_value(con: duckdb.DuckDBPyConnection) -> None:
    rows = pd.DataFrame({"town": ["A", "A", None], "state": ["x", None, None]})
    assert measure(con, rows, ["town"], ["state"]).k == 1
    assert measure(con, rows.head(2), ["town"], ["state"]).l == 2


def test_an_empty_table_measures_nothing(con: duckdb.DuckDBPyConnection) -> None:
    rows = pd.DataFrame({"town": pd.Series([], dtype=str), "state": pd.Series([], dtype=str)})
    measures = measure(con, rows, ["town"], ["state"])
    assert measures == Measures(persons=0, classes=0, k=None, minimal_uniques={1: 0})
    assert measures.broken(MicrodataLimits(10, 2, 1.5, 0.3)) == ()


def test_nothing_of_the_rows_is_left_in_the_connection(con: duckdb.DuckDBPyConnection) -> None:
    measure(con, pd.DataFrame({"town": ["A"], "state": ["x"]}), ["town"], ["state"])
    assert con.execute("show all tables").fetchall() == []


@pytest.mark.parametrize(("keys", "sensitive", "entity"), [([], ["a"], None), (["a"], ["a"], None), (["a"], [], "a")])
def test_a_column_in_two_roles_is_refused(
    con: duckdb.DuckDBPyConnection, keys: list[str], sensitive: list[str], entity: str | None
) -> None:
    with pytest.raises(ValueError, match="apart from each other"):
        measure(con, pd.DataFrame({"a": [1]}), keys, sensitive, entity=entity)


def test_limits_are_kept_at_their_edge() -> None:
    """Two equally frequent values are two, whatever logarithms make of them."""
    limits = load_policy("fi_study_v1").microdata
    assert limits.k == load_policy("fi_study_v1").threshold
    edge = Measures(100, 5, limits.k, limits.l, limits.entropy_l - 1e-12, limits.t + 1e-12)
    assert edge.broken(limits) == ()
    beyond = Measures(100, 5, limits.k - 1, limits.l - 1, limits.entropy_l - 0.01, limits.t + 0.01, unique_persons=1)
    assert beyond.broken(limits) == ("k", "l", "entropy_l", "t", "unique_persons")


Row = tuple[int, str | None, str | None, str | None, int]
codes = st.sampled_from(["a", "b", "c", None])
rows_of_persons = st.lists(
    st.tuples(st.integers(1, 6), codes, codes, codes, st.integers(0, 6)), min_size=1, max_size=30
)


@settings(max_examples=50)
@given(rows_of_persons)
def test_measures_are_those_of_the_definitions(
    found: list[Row],
) -> None:
    rows = pd.DataFrame(found, columns=["who", "q0", "q1", "q2", "amount"])
    keys = ["q0", "q1", "q2"]
    measures = measure(duckdb.connect(), rows, keys, ["amount"], entity="who")
    classes: dict[tuple[str | None, ...], set[tuple[int, int]]] = {}
    for who, *codes_of_row, amount in found:
        classes.setdefault(tuple(codes_of_row), set()).add((who, amount))  # type: ignore[arg-type]
    everybody = [amount for members in classes.values() for _, amount in members]
    values = sorted(set(everybody))

    def below(amounts: list[int], value: int) -> float:
        return sum(amount <= value for amount in amounts) / len(amounts)

    distances = [
        sum(abs(below([a for _, a in members], v) - below(everybody, v)) for v in values) / max(len(values) - 1, 1)
        for members in classes.values()
    ]
    assert measures.k == min(len({who for who, _ in members}) for members in classes.values())
    assert measures.l == min(len({amount for _, amount in members}) for members in classes.values())
    assert measures.t == pytest.approx(max(distances), abs=1e-9)

    alone: dict[int, list[set[int]]] = {}
    for size in (1, 2, 3):
        for chosen in combinations(range(3), size):
            of_code: dict[tuple[str | None, ...], set[int]] = {}
            for row in found:
                of_code.setdefault(tuple(row[1 + i] for i in chosen), set()).add(row[0])  # type: ignore[misc]
            for persons in of_code.values():
                if len(persons) == 1 and set(chosen) not in alone.setdefault(min(persons), []):
                    alone[min(persons)].append(set(chosen))
    minimal = Counter(len(s) for sets in alone.values() for s in sets if not any(part < s for part in sets))
    assert measures.unique_persons == sum(bool(sets) for sets in alone.values())
    assert measures.minimal_uniques == {size: minimal[size] for size in (1, 2, 3)}
