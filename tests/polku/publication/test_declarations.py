"""Every table that a study releases is declared and described in its dbt model."""

from __future__ import annotations

import pytest

from polku.errors import Exit, Refusal
from polku.layout import CHECKOUT
from polku.publication import described
from polku.studies import load_study
from tests.polku.publication.releases import NODES, node

STUDIES = sorted(path.stem for path in (CHECKOUT / "studies").glob("*.toml"))


@pytest.mark.parametrize("study", STUDIES)
def test_the_declaration_names_columns_of_the_mart(study: str) -> None:
    for mart in load_study(study).release_tables:
        table = described(mart, node(mart))
        spec, picture = table.spec, table.picture
        used = {*spec.dimensions, *spec.with_cell, picture.x, picture.y, picture.by}
        used |= {column for column in (spec.base, picture.panel) if column}
        assert used <= set(table.columns)
        assert picture.y in spec.with_cell
        # Else rows of one picture would stand for each other.
        assert set(spec.dimensions) <= {picture.x, picture.by, picture.panel, *dict(picture.at), *spec.total_code}
        assert all(table.columns[column] for column in used)


@pytest.mark.parametrize("missing", ["title", "picture"])
def test_a_table_without_words_or_picture_is_refused(missing: str) -> None:
    meta = {k: v for k, v in NODES["shares"]["config"]["meta"]["release"].items() if k != missing}
    with pytest.raises(Refusal) as refused:
        described("shares", {**NODES["shares"], "config": {"meta": {"release": meta}}})
    assert refused.value.exit is Exit.CONTRACT_INVALID


def test_a_picture_fixes_dimensions_alone() -> None:
    release = NODES["shares"]["config"]["meta"]["release"]
    meta = release | {"picture": release["picture"] | {"at": {"share": 1}}}
    with pytest.raises(Refusal, match="`at` names `share`, which is not a dimension") as refused:
        described("shares", {**NODES["shares"], "config": {"meta": {"release": meta}}})
    assert refused.value.exit is Exit.CONTRACT_INVALID
