"""Reading tables and their declarations."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from polku.disclosure import ReleaseSpec, Status, spec_of
from polku.disclosure.cells import Line, code_of, lines_of, read_cells
from polku.errors import Exit, Refusal

SPEC = ReleaseSpec("t", ("year", "sex"), "persons", structural_zeros=({"year": 2020}, {"sex": "m"}))


def table(**columns: object) -> pd.DataFrame:
    given = {"year": [2020, None], "sex": ["f", "m"], "persons": [1, 0]}
    return pd.DataFrame(given | columns)


def test_codes_are_plain_whatever_pandas_made_of_them() -> None:
    assert list(read_cells(table(), SPEC)) == [(2020, "f"), (None, "m")]
    assert code_of(pd.Timestamp("2020-01-01")) == date(2020, 1, 1)


def test_only_a_zero_can_be_structural() -> None:
    cells = read_cells(table(), SPEC)
    assert [cell.structural for cell in cells.values()] == [False, True]
    other = read_cells(table(year=[2021, None], persons=[0, 0]), SPEC)
    assert [cell.structural for cell in other.values()] == [False, True]


def test_a_null_count_has_no_figure() -> None:
    assert read_cells(table(persons=[None, 3]), SPEC)[2020, "f"].figures["persons"] is None


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"persons": ["", 2]}, "written as text"),
        ({"persons": ["<5", 2]}, "written as text"),
        ({"year": [2020, 2020], "sex": ["f", "f"]}, "the same codes"),
        ({"status": ["ok", "lost"]}, "no known status"),
    ],
)
def test_an_unreadable_table_closes_the_gate(columns: dict[str, object], fault: str) -> None:
    with pytest.raises(Refusal, match=fault) as refused:
        read_cells(table(**columns), SPEC)
    assert refused.value.exit is Exit.GATE_CLOSED


def test_a_missing_column_closes_the_gate() -> None:
    with pytest.raises(Refusal, match="lacks a column"):
        read_cells(table().drop(columns="persons"), SPEC)


def test_lines_have_their_total_row_or_none() -> None:
    keys = [("f", 2020), ("f", None), ("f", 2021), ("m", 2020)]
    assert lines_of(keys, ("sex", "year"), ("year", "sex"), {"year": None}) == [
        Line("year", (("f", 2020), ("f", 2021)), ("f", None)),
        Line("year", (("m", 2020),), None),
        Line("sex", (("f", 2020), ("m", 2020)), None),
        Line("sex", (("f", 2021),), None),
        Line("sex", (("f", None),), None),
    ]


def test_a_declaration_is_read_whole() -> None:
    spec = spec_of(
        "exits",
        {
            "dimensions": ["year", "outcome_code"],
            "count": "persons_with_outcome",
            "base": "persons_in_base",
            "base_by": ["year"],
            "measures": ["share", "weighted_share", "mean_amount_eur"],
            "additive": ["year"],
            "total_code": {"year": None},
        },
    )
    assert spec.with_cell == ("persons_with_outcome", "share", "weighted_share", "mean_amount_eur")
    assert (spec.share, spec.adding, spec.base_key((2020, "employed"))) == ("share", "persons_with_outcome", (2020,))


def test_all_faults_of_a_declaration_are_named_at_once() -> None:
    meta = {"dimensions": ["sex"], "base": "n", "additive": ["age"], "total_code": {"sex": "all"}, "zeros": 1}
    meta["structural_zeros"] = [{"region": "x"}]
    with pytest.raises(Refusal) as refused:
        spec_of("t", meta)
    assert refused.value.exit is Exit.CONTRACT_INVALID
    for fault in ("`count` is missing", "`age`", "`base_by`", "`sex`, which is not additive", "`zeros`", "`region`"):
        assert fault in str(refused.value)


def test_hidden_means_taken_out() -> None:
    assert [status for status in Status if status.hidden] == [Status.PRIMARY, Status.SECONDARY, Status.HIDDEN]
