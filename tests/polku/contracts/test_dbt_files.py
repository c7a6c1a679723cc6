"""What dbt knows of the contracts is generated, and never stale."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from polku.cli import main
from polku.contracts.dbt_files import DEFINITIONS, OUTCOMES, REGISTERS, SOURCES, dbt_files
from polku.layout import CHECKOUT


@pytest.mark.parametrize("path", [SOURCES, REGISTERS, OUTCOMES, DEFINITIONS])
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert (CHECKOUT / path).read_text(encoding="utf-8") == dbt_files(CHECKOUT)[path]


def test_columns_that_a_study_adds_are_sources_too() -> None:
    assert "name: weight" in dbt_files(CHECKOUT)[SOURCES]


def test_a_seventh_register_appears_from_its_contract_alone(checkout: Path) -> None:
    text = (checkout / "contracts" / "vero.toml").read_text(encoding="utf-8")
    (checkout / "contracts" / "etk.toml").write_text(
        text.replace('register = "vero"', 'register = "etk"').replace("stg_vero", "stg_etk"), encoding="utf-8"
    )
    assert main(["contracts", "--checkout", str(checkout)]) != 0
    assert main(["contracts", "--write", "--checkout", str(checkout)]) == 0
    assert "etk__annual_incomes" in (checkout / SOURCES).read_text(encoding="utf-8")
    assert "stg_etk__incomes" in (checkout / REGISTERS).read_text(encoding="utf-8")
    assert main(["contracts", "--checkout", str(checkout)]) == 0


def test_a_denied_register_is_listed_with_its_reason(checkout: Path) -> None:
    label = '{ en = "Guardians", fi = "Edunvalvojat", sv = "Intressebevakare" }'
    (checkout / "contracts" / "guardians.toml").write_text(
        f'register = "guardians"\nversion = 1\nsystem = "Holhousasioiden rekisteri"\nlegal_basis = ["Act 442/1999"]\n'
        f'title = {label}\nauthority = {label}\ndenied = "The law forbids it."\n',
        encoding="utf-8",
    )
    assert main(["contracts", "--write", "--checkout", str(checkout)]) == 0
    said = (checkout / SOURCES).read_text(encoding="utf-8")
    assert "Denied to every study: Guardians (guardians). The law forbids it." in said
    assert main(["contracts", "--checkout", str(checkout)]) == 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the generator reads and writes."""
    for folder in ("contracts", "studies"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    for path in (SOURCES, REGISTERS, OUTCOMES, DEFINITIONS):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHECKOUT / path, tmp_path / path)
    return tmp_path
