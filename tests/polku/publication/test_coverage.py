"""The coverage of the registers, as a picture and in words."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from polku.publication.coverage import STATUSES, Span, draw, spans_of, text
from tests.polku.publication.releases import coverage, study


def test_months_of_one_status_are_one_span() -> None:
    table = coverage(dvv="not_covered")
    table.loc[(table.register == "dvv") & (table.month == "2020-03-01"), "status_code"] = "observed"
    assert spans_of(table.sample(frac=1, random_state=1)) == [
        Span("dvv", "persons", "2020-01", "2020-02", "not_covered"),
        Span("dvv", "persons", "2020-03", "2020-03", "observed"),
        Span("osaamiskeskus", "clients", "2020-01", "2020-03", "observed"),
    ]


def test_the_text_has_a_column_for_each_status_and_one_for_breaks() -> None:
    rows = [line.strip("| ").split(" | ") for line in text(coverage(dvv="immature"), study()).splitlines()]
    assert len(rows[0]) == len(STATUSES) + 3
    assert rows[2][1:] == ["Persons", "-", "-", "-", "2020-01 to 2020-03", "-", "-", "2020-02"]
    assert rows[3][2:4] == ["2020-01 to 2020-03", "-"]


def drawn(folder: Path, table: pd.DataFrame) -> dict[str, bytes]:
    folder.mkdir()
    return {file.suffix: file.read_bytes() for file in draw(table, study(), folder)}


def test_it_is_drawn_the_same_each_time_with_a_legend_in_three_languages(tmp_path: Path) -> None:
    first = drawn(tmp_path / "a", coverage(dvv="immature"))
    assert first == drawn(tmp_path / "b", coverage(dvv="immature"))
    assert first != drawn(tmp_path / "c", coverage(dvv="purged"))
    assert first[".png"].startswith(b"\x89PNG")
    for label in STATUSES.values():
        assert f"{label.en} / {label.fi} / {label.sv}".encode() in first[".svg"]
    assert b"TEST DATA" in first[".svg"]


def test_a_register_of_which_nothing_has_come_is_drawn_too(tmp_path: Path) -> None:
    table = coverage(dvv="not_received", osaamiskeskus="not_covered").assign(is_break=False)
    assert drawn(tmp_path / "a", table)[".md"].count(b"2020-01 to 2020-03") == 2
