"""Columns that no mart makes use of are found by following their names through the models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from polku.cli import main
from polku.contracts.unused import MACROS, MODELS, unused_columns
from polku.layout import CHECKOUT

PLANTED = """
[[tables.annual_incomes.columns]]
source = "{name}"
name = "{name}"
type = "amount"
unit = "eur"
why = "None: it is planted."
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of contracts, models and their macros."""
    shutil.copytree(CHECKOUT / "contracts", tmp_path / "contracts")
    shutil.copytree(CHECKOUT / MODELS, tmp_path / MODELS)
    shutil.copytree(CHECKOUT / MACROS, tmp_path / MACROS)
    return tmp_path


def plant(checkout: Path, name: str, **lines: str) -> bool:
    """Add a column to the annual incomes and a line after a known one of models; whether it counts as unused."""
    contract = checkout / "contracts" / "vero.toml"
    head, marker, tail = contract.read_text(encoding="utf-8").partition("[[tables.annual_incomes.columns]]")
    contract.write_text(head + PLANTED.format(name=name) + marker + tail, encoding="utf-8")
    for model, line in lines.items():
        [file] = (checkout / MODELS).rglob(f"{model}.sql")
        after = {"stg_vero__incomes": "wages_eur,", "int_union_incomes": "'income_year': 'integer',"}[model]
        text = file.read_text(encoding="utf-8")
        assert after in text
        file.write_text(text.replace(after, f"{after}\n{line}"), encoding="utf-8")
    return f"vero.annual_incomes.{name}" in unused_columns(checkout)


def test_a_column_that_no_model_names_is_unused(checkout: Path) -> None:
    assert plant(checkout, "planted_eur")


def test_a_column_that_stops_on_the_way_is_unused(checkout: Path) -> None:
    assert plant(checkout, "planted_eur", stg_vero__incomes="planted_eur,")


def test_so_is_one_that_stops_under_another_name(checkout: Path) -> None:
    assert plant(checkout, "planted_eur", stg_vero__incomes="latest.planted_eur as other_eur,")


def test_and_one_that_stops_after_the_union_of_registers(checkout: Path) -> None:
    assert plant(
        checkout,
        "planted_eur",
        stg_vero__incomes="planted_eur,",
        int_union_incomes="'planted_eur': 'decimal(14, 2)',",
    )


def test_a_column_that_a_model_computes_with_is_used(checkout: Path) -> None:
    assert not plant(checkout, "planted_eur", stg_vero__incomes="planted_eur + wages_eur as all_eur,")


def test_a_column_that_reaches_a_mart_is_used(checkout: Path) -> None:
    """It is handed on by the union under a new name, and named by a mart that reads the union."""
    assert not plant(
        checkout,
        "planted_eur",
        stg_vero__incomes="planted_eur as employed_strictly,",
        int_union_incomes="'employed_strictly': 'decimal(14, 2)',",
    )


def test_wages_are_used_and_the_command_lists_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "--unused"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert "vero.annual_incomes.wages_eur" not in listed
    assert listed == unused_columns(CHECKOUT)
    assert listed, "an empty list would say that every column of every register is needed"
