"""Descriptions, files and roles that have faults: each is named, with the place."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from polku.disclosure.airlock.description import parse_description
from polku.disclosure.airlock.roles import read_roles, refuse_unless_checker
from polku.disclosure.airlock.table_file import as_csv, read_offered
from polku.errors import Exit, Refusal
from tests.polku.disclosure.airlock.judged import HEAD, described, judged, members

FLAT = "[dimensions.area]\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title = ", "TOML"),
        (HEAD, "`dimensions` is missing"),
        (HEAD.replace('analyst = "a"', ""), "`analyst` is missing"),
        (HEAD.replace('purpose = "p"', 'purpose = " "') + FLAT, "`purpose` is empty"),
        (HEAD + "threshold = 1\n" + FLAT, "unknown key `threshold`"),
        (HEAD + '[dimensions.area]\ntree = {Total = ["a", "a"]}\n', "stands twice"),
        (HEAD + "[dimensions.person_key]\n", "person_key"),
        (HEAD + '[dimensions."Area x"]\n', "no name of a column"),
        (HEAD + "[dimensions.n]\n", "two columns are called `n`"),
        (HEAD + 'base_by = ["sex"]\n' + FLAT, "`sex` is not a dimension"),
        (HEAD + "structural_zeros = [{}]\n" + FLAT, "names no code"),
        (HEAD + FLAT + '[measures.m]\nkind = "median"\nvalue = "v"\n', "mean, sum, share"),
        (HEAD + FLAT + '[measures.m]\nkind = "mean"\n', "`value` is missing"),
        (HEAD + FLAT + '[measures.m]\nkind = "mean"\nvalue = "area"\n', "is a dimension"),
    ],
)
def test_every_fault_of_a_description_is_named(text: str, word: str) -> None:
    with pytest.raises(Refusal, match=word) as refused:
        parse_description(text, "table.toml")
    assert refused.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("content", "column", "row_no"),
    [
        ("area\na\n", "n", None),
        ("area,n,secret\na,7,1\n", "secret", None),
        ("area,n\n", None, None),
        ("area,n\na,7\n,8\n", "area", 3),
        ("area,n\na,7\na,8\n", None, 3),
        ("area,n\na,seven\n", "n", 2),
        ("area,n\na,7.5\n", "n", 2),
        ("area,n\na,-7\n", "n", 2),
        ("area,n\na,7,8\n", None, None),
    ],
)
def test_every_fault_of_a_file_is_named(tmp_path: Path, content: str, column: str | None, row_no: int | None) -> None:
    file = tmp_path / "table.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        read_offered(file, described(dimensions=FLAT))
    assert (refused.value.exit, refused.value.column, refused.value.row_no) == (Exit.USAGE, column, row_no)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "table.xlsx"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_offered(tmp_path / name, described(dimensions=FLAT))
    assert refused.value.exit is Exit.USAGE


def test_csv_and_parquet_are_read_alike(tmp_path: Path) -> None:
    frame = pd.DataFrame({"area": [1, 2], "n": pd.array([7, None], dtype="Int64")})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    read = [as_csv(read_offered(tmp_path / f"t.{kind}", described(dimensions=FLAT))) for kind in ("csv", "parquet")]
    assert read[0] == read[1] == "area,n\n1,7\n2,\n"


def test_a_code_outside_the_hierarchy_is_named(tmp_path: Path) -> None:
    tree = '[dimensions.area]\ntree = {Total = ["a", "b"]}\n'
    file = tmp_path / "table.csv"
    file.write_text("area,n\nz,7\n", encoding="utf-8")
    with pytest.raises(Refusal, match="`z`"):
        read_offered(file, described(dimensions=tree))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"area": "z"}, "`z`, which is outside"),
        ({"area": "north"}, "`north`, which has parts"),
        ({"area": None}, "has no code"),
        ({"person_key": None}, "has no key"),
    ],
)
def test_faults_of_the_members_are_named(tmp_path: Path, change: dict[str, str | None], word: str) -> None:
    tree = '[dimensions.area]\ntree = {Total = ["north"], north = ["a", "b"]}\n'
    people = members({("a",): 9, ("b",): 9}, ["area"]).astype(object)
    for column, value in change.items():
        people.loc[0, column] = value
    people["person_key"] = people["person_key"].astype("Int64")
    with pytest.raises(Refusal, match=word) as refused:
        judged(tmp_path, described(dimensions=tree), people, "area,n\nnorth,18\n")
    assert refused.value.exit is Exit.USAGE


def test_a_person_in_two_parts_or_twice_in_a_cell_is_a_fault(tmp_path: Path) -> None:
    tree = '[dimensions.area]\ntree = {Total = ["a", "b"]}\n'
    people = members({("a",): 9, ("b",): 9}, ["area"])
    for added, word in ((people[:1].assign(area="b"), "two parts"), (people[:1], "twice in a cell")):
        with pytest.raises(Refusal, match=word):
            judged(tmp_path, described(dimensions=tree), pd.concat([people, added]), "area,n\na,9\nb,9\n")


# -------------------------------------------------------------------------------------------------------------- roles
@pytest.mark.parametrize(
    "text",
    [
        "",
        "people = 1",
        '[people]\n"A" = ["king"]',
        '[people]\n"A" = "output_checker"',
        '[people]\n"A b" = []\n"a B" = []',
    ],
)
def test_faults_of_the_roles_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "roles.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        read_roles(file)
    assert refused.value.exit is Exit.USAGE


def test_a_name_is_known_however_it_is_spelled(tmp_path: Path) -> None:
    file = tmp_path / "roles.toml"
    file.write_text('[people]\n"Åsa Öberg" = ["output_checker"]\n', encoding="utf-8")
    refuse_unless_checker(read_roles(file), " A\u030asa  ÖBERG")
    with pytest.raises(Refusal):
        refuse_unless_checker(read_roles(file), "Asa Oberg")
