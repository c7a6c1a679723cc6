"""Pictures show what the released table shows, hidden figures as gaps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from polku.publication.manifest import Picture
from polku.publication.pictures import _draw_ranked_bars, draw
from tests.polku.publication.releases import context, study, tables

KINDS = [
    Picture("area", "month", "share", "state_code"),
    Picture("curves", "month", "share", "state_code"),
    Picture("curves", "month", "persons", "state_code", panel="status"),
    Picture("heat_map", "state_code", "share", "month"),
    Picture("bars", "state_code", "share", "month"),
    Picture("ranked_bars", "state_code", "share", "month"),
]


def drawn(folder: Path, picture: Picture, table: pd.DataFrame | None = None) -> dict[str, bytes]:
    folder.mkdir()
    words = replace(context().tables["shares"], picture=picture)
    files = draw(tables()["shares"] if table is None else table, words, study(), folder)
    return {file.suffix: file.read_bytes() for file in files}


@pytest.mark.parametrize("picture", KINDS, ids=lambda p: f"{p.kind}_{p.y}")
def test_every_kind_is_drawn_the_same_each_time(tmp_path: Path, picture: Picture) -> None:
    first = drawn(tmp_path / "a", picture)
    assert first == drawn(tmp_path / "b", picture)
    assert first[".png"].startswith(b"\x89PNG")
    assert b"<svg" in first[".svg"]


@pytest.mark.parametrize("picture", KINDS[1:], ids=lambda p: f"{p.kind}_{p.y}")
def test_a_hidden_figure_is_not_drawn(tmp_path: Path, picture: Picture) -> None:
    """Were a gap drawn as zero, a table with zeros in its place would look the same.

    (In a stacked area both leave their part of the whole to the hidden band.)
    """
    table = tables()["shares"]
    zeros = table.fillna({"persons": 0, "share": 0})
    assert drawn(tmp_path / "a", picture, table) != drawn(tmp_path / "b", picture, zeros)


def test_a_table_without_any_figure_can_be_drawn(tmp_path: Path) -> None:
    table = tables()["shares"].assign(share=pd.array([None] * 8, dtype="Float64"))
    for i, picture in enumerate(KINDS):
        assert drawn(tmp_path / str(i), picture, table)[".svg"]


def test_ranked_bars_have_the_longest_on_top_and_the_hidden_last() -> None:
    table = pd.DataFrame(
        [("a", "x", 0.2), ("a", "y", 0.3), ("b", "x", 0.9), ("b", "y", None), ("c", "x", None), ("c", "y", None)],
        columns=["state_code", "group_code", "share"],
    )
    axes = Figure().subplots()
    _draw_ranked_bars(axes, table, Picture("ranked_bars", "state_code", "share", "group_code"), study())
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a", "c"]
    assert axes.yaxis_inverted()
    assert [text.get_text().strip() for text in axes.texts] == ["0.90", "0.20", "hidden", "hidden", "0.30", "hidden"]
