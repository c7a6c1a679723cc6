"""What is too small is seen in the table as it would leave."""

from __future__ import annotations

import pandas as pd
import pytest

from polku.disclosure import STATUS, ReleaseSpec, smallest_cells
from tests.polku.disclosure import known
from tests.polku.disclosure.strategies import policy

RULE = policy(10)
SPEC = ReleaseSpec(
    "t",
    ("region", "sex"),
    "persons",
    base="all_persons",
    base_by=("region", "sex"),
    structural_zeros=({"region": "b", "sex": "f"},),
)
Row = tuple[str, str, int | None, int | None, str]
SOUND: tuple[Row, ...] = (
    ("a", "f", 50, 20, "ok"),
    ("a", "m", 50, None, "primary"),
    ("b", "f", 50, 0, "structural_zero"),
    ("b", "m", None, None, "not_observed"),
)


def whys(rows: tuple[Row, ...]) -> list[str]:
    columns = ["region", "sex", "all_persons", "persons", STATUS]
    table = pd.DataFrame(rows, columns=columns).astype({"persons": "Int64", "all_persons": "Int64"})
    return [finding.why for finding in smallest_cells(table, SPEC, RULE)]


def test_a_sound_table_has_no_finding() -> None:
    assert whys(SOUND) == []


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (("a", "f", 50, 9, "ok"), "the cell is below the threshold"),
        (("a", "f", 50, 0, "ok"), "the cell is below the threshold"),
        (("a", "f", 50, 45, "ok"), "the others of its base are below the threshold"),
        (("a", "f", 50, 50, "ok"), "the others of its base are below the threshold"),
        (("a", "f", 9, None, "primary"), "the base is below the threshold"),
        (("a", "f", 50, None, "ok"), "the status says ok but there is no figure"),
        (("a", "f", 50, 20, "not_observed"), "the status says not observed but there is a figure"),
        (("a", "f", 50, 0, "structural_zero"), "the status says structural zero but it may be a person"),
        (("a", "f", 50, 3, "structural_zero"), "the status says structural zero but it may be a person"),
        (("c", "f", 50, 20, "ok"), "the row is left out, which says zero"),
    ],
)
def test_each_fault_is_found(first: Row, why: str) -> None:
    assert why in whys((first, *SOUND[1:]))


def test_gaps_that_are_few_persons_together_are_found() -> None:
    findings = smallest_cells(known.seen("textbook_primary_only"), known.GRID, policy(5))
    assert {finding.why for finding in findings} == {"the hidden cells of the line are together below the threshold"}
    assert smallest_cells(known.seen("textbook_safe"), known.GRID, policy(5)) == []


def test_gaps_whose_others_are_few_together_are_found() -> None:
    spec = ReleaseSpec(
        "e", ("year",), "persons", base="leavers", base_by=("year",), additive=("year",), total_code={"year": None}
    )
    table = pd.DataFrame(
        {
            "year": [2020, 2021, 2022, None],
            "leavers": [20, 30, 60, 110],
            "persons": [None, None, 20, 66],
            STATUS: ["primary", "primary", "ok", "ok"],
        }
    )
    (finding,) = smallest_cells(table, spec, RULE)
    assert finding.why == "the others of the hidden cells are below the threshold"
