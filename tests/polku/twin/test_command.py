from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from polku.cli import twin
from polku.studies import load_study
from polku.twin.deliveries import schedule


def test_command_writes_into_the_given_folder_and_counts_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    twin.add_arguments(parser)
    assert twin.run(parser.parse_args(["--persons", "120", "--seed", "2", "--out", str(tmp_path)])) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "120 invented persons" in said.err
    assert (tmp_path / "authorities" / "_truth" / "truth.json").is_file()
    study = load_study("espoo_skills_centre")
    files = sum(len(schedule(study, contract)) * len(contract.tables) for contract in study.contracts.values())
    assert len(list(tmp_path.glob("authorities/*/extract/*/*.csv"))) == files > 120
