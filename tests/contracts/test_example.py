"""The example `mvad` keeps the contracts and holds nobody's real identity code.

Belongs here: the files of `examples/mvad`. Does not belong here: what the pipeline makes of them (`tests/pipeline`).
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb
import pytest

from polku.contracts.sql import typed_query
from polku.layout import CHECKOUT
from polku.studies import load_study

EXAMPLES = CHECKOUT / "examples" / "mvad"


def test_the_example_is_observed_in_every_month_of_its_window() -> None:
    study = load_study("mvad")
    for contract in study.contracts.values():
        assert contract.covered_from <= study.window_from, contract.register
        assert contract.maturity_months == 0, contract.register


@pytest.mark.parametrize("register", load_study("mvad").contracts)
def test_every_row_of_the_example_keeps_its_contract(register: str) -> None:
    study = load_study("mvad")
    contract = study.contracts[register]
    (table,) = contract.tables
    columns = study.delivered(register, table.name)
    path = EXAMPLES / table.file
    with path.open(encoding=contract.file_format.encoding) as file:
        header = next(csv.reader(file, delimiter=contract.file_format.delimiter))
    assert set(header) == {column.source for column in columns}
    selected = ", ".join(
        f"{f'hash({column.source}) >> 1' if column.type == 'identifier' else column.source} as {column.name}"
        for column in columns
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"create table extract as select row_number() over () as row_no, {selected} "
            "from read_csv(?, all_varchar = true, delim = ';', header = true)",
            [str(path)],
        )
        query = typed_query(contract, table, "extract", study.omitted[register, table.name])
        faults = [row[0] for row in connection.execute(f"select faults from ({query})").fetchall()]
    assert len(faults) >= 712
    assert [fault for row in faults for fault in row] == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*_*.csv")), ids=lambda path: path.stem)
def test_the_example_has_identity_codes_of_the_test_range_only(path: Path) -> None:
    numbers = re.findall(r"\b\d{6}[-+A-FU-Y](\d{3})[0-9A-Y]\b", path.read_text(encoding="utf-8"))
    assert len(numbers) >= 712
    assert all(number.startswith("9") for number in numbers)


def test_the_published_figures_of_the_example_are_complete() -> None:
    with (EXAMPLES / "expected.csv").open(encoding="utf-8") as file:
        metrics = [row["metric"] for row in csv.DictReader(file)]
    assert sum(metric.startswith("weighted_state_share") for metric in metrics) == 48
    assert sum(metric.startswith("transition_rate") for metric in metrics) == 36
