"""Cells of the same persons in several tables: hidden in all of them, or shown in all."""

from __future__ import annotations

from collections.abc import Mapping, Set

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.disclosure import ReleaseSpec, load_policy, protect_alike, protect_release
from polku.disclosure.attack.alike import recover_alike
from tests.polku.disclosure.ledger.cells import record_keys, sketched

POLICY = load_policy("threshold_5")
RECORDS = record_keys(400)
MAY, JUNE = (ReleaseSpec(month, ("area",), "persons", additive=("area",)) for month in ("may", "june"))

Areas = Mapping[str, Set[int]]


def marts(may: Areas, june: Areas) -> tuple[dict, dict]:
    """The tables of two months, and the sketches of their cells."""
    months = {"may": (MAY, may), "june": (JUNE, june)}
    tables = {
        name: (pd.DataFrame({"area": list(areas), "persons": [len(who) for who in areas.values()]}), spec)
        for name, (spec, areas) in months.items()
    }
    return tables, {name: sketched(areas, RECORDS, spec) for name, (spec, areas) in months.items()}


def told(tables: dict, protected: Mapping[str, pd.DataFrame]) -> dict:
    return {name: (table, tables[name][1]) for name, table in protected.items()}


ALIKE = set(range(100, 109))
FIRST = {"a": {1, 2, 3}, "b": ALIKE, "c": set(range(200, 240)), "d": set(range(250, 290))}
SECOND = {"a": set(range(1, 20)), "b": ALIKE, "c": set(range(200, 260)), "d": set(range(260, 300))}


def test_a_cell_that_is_hidden_in_one_table_is_hidden_in_the_other() -> None:
    tables, who = marts(FIRST, SECOND)
    alone = protect_release(tables, POLICY)
    (finding,) = recover_alike(told(tables, alone.tables), who)
    assert (finding.table, finding.cell) == ("may", "area=b")
    assert "june: area=b, which is shown" in finding.why
    made = protect_alike(tables, who, POLICY, {}, {})
    assert recover_alike(told(tables, made.tables), who) == []
    hidden = made.tables["june"].set_index("area")["status"].isin(["primary", "secondary"])
    assert hidden["b"]
    assert hidden.sum() >= 2
    assert made.tables["may"].equals(alone.tables["may"])
    of_months = made.certificates.groupby("table")["certificate"].unique()
    assert set(of_months["may"]).isdisjoint(of_months["june"])


def test_a_cell_that_was_public_before_stays_and_gives_nothing_new_away() -> None:
    tables, who = marts(FIRST, SECOND)
    kept = {"june": {("b",)}}
    made = protect_alike(tables, who, POLICY, {}, kept)
    assert made.tables["june"].set_index("area").loc["b", "status"] == "ok"
    assert recover_alike(told(tables, made.tables), who, kept) == []
    assert len(recover_alike(told(tables, made.tables), who)) == 1


def test_the_rest_of_a_base_is_looked_at() -> None:
    """All but the three of `a` are told by the other table in one cell."""
    everybody = set().union(*FIRST.values())
    tables, who = marts(FIRST, {"rest": everybody - FIRST["a"], "others": set(range(300, 340))})
    alone = protect_release(tables, POLICY)
    (finding,) = recover_alike(told(tables, alone.tables), who)
    assert (finding.table, finding.cell) == ("may", "area=a")
    made = protect_alike(tables, who, POLICY, {}, {})
    assert recover_alike(told(tables, made.tables), who) == []


areas = st.dictionaries(
    st.sampled_from("abcdef"),
    st.sampled_from(
        [{1, 2, 3}, {4, 5}, ALIKE, ALIKE | {1}, set(range(20, 60)), set(range(60, 90)), set(range(90, 99))]
    ),
    min_size=2,
)


@settings(max_examples=20)
@given(areas, areas)
def test_no_figure_is_shown_of_persons_whose_figure_is_hidden(may: Areas, june: Areas) -> None:
    tables, who = marts(may, june)
    assert recover_alike(told(tables, protect_alike(tables, who, POLICY, {}, {}).tables), who) == []
