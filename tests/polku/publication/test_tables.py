"""Files of released tables: a hidden figure is missing in every format, and never a zero or a blank."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from polku.layout import DataRoot
from polku.publication import read_release, write_release
from polku.publication.tables import as_published, write_table
from tests.polku.publication.releases import context, tables


def written(folder: Path, name: str, *, test: bool = False) -> tuple[Path, Path]:
    csv, parquet = write_table(as_published(tables()[name]), context().tables[name].spec, folder, test=test)
    return csv, parquet


def test_csv_writes_na_for_a_hidden_figure(tmp_path: Path) -> None:
    csv, _ = written(tmp_path, "shares")
    lines = csv.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == [
        "month,state_code,persons,share,status",
        "2020-01-01,employed,60,0.3797,ok",
        "2020-01-01,other,NA,NA,hidden",
    ]
    assert pd.read_csv(csv)["persons"].isna().sum() == 4


def test_a_total_has_a_blank_code_and_whole_years_stay_whole(tmp_path: Path) -> None:
    csv, _ = written(tmp_path, "exits")
    assert csv.read_text(encoding="utf-8").splitlines()[1:] == [
        "2020,employed,60,20,0.3333,ok",
        "2021,employed,70,30,0.4286,ok",
        ",employed,130,50,0.3846,ok",
    ]


def test_parquet_has_nulls_and_types(tmp_path: Path) -> None:
    _, parquet = written(tmp_path, "shares")
    types = duckdb.sql(f"select column_name, column_type from (describe from '{parquet}')").fetchall()
    assert dict(types) == {
        "month": "DATE",
        "state_code": "VARCHAR",
        "persons": "BIGINT",
        "share": "DOUBLE",
        "status": "VARCHAR",
    }
    hidden = duckdb.sql(f"select count(*) from '{parquet}' where status <> 'ok' and persons is null").fetchone()
    assert hidden == (4,)


def test_every_row_of_a_test_study_says_so(tmp_path: Path) -> None:
    csv, parquet = written(tmp_path, "shares", test=True)
    assert pd.read_csv(csv)["test_data"].all()
    assert duckdb.sql(f"select bool_and(test_data) from '{parquet}'").fetchone() == (True,)


def test_a_table_that_passed_the_gate_is_kept_as_it_was(tmp_path: Path) -> None:
    root = DataRoot("small", tmp_path)
    for name, table in tables().items():
        file = write_release(root, name, table)
        assert file.parent == root.release
        kept = read_release(root, name)
        pd.testing.assert_frame_equal(kept.astype(object), table.astype(object), check_column_type=False)
    assert sorted(path.name for path in root.release.iterdir()) == ["exits.parquet", "shares.parquet"]
