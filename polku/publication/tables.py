"""Files of released tables: Parquet between the gate and publication, CSV and Parquet in a release.

Belongs here: how a released table is written. Does not belong here: which figures it shows. The files
are not encrypted: what is in them has passed the disclosure gate.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from polku.disclosure import STATUS, ReleaseSpec, Status
from polku.layout import DataRoot

MISSING = "NA"
"""A missing figure in CSV. A blank would count as zero in a spreadsheet; R and pandas read NA as missing."""

TEST_COLUMN = "test_data"
"""A column that tables of a test study carry, true in every row, so that a copied extract still says so."""


def as_published(table: pd.DataFrame) -> pd.DataFrame:
    """A protected table with one mark for every hidden figure.

    Which gaps are small and which protect others stays inside: told apart, the marks alone would give figures away
    (on a benchmark of 1,554 cells up to 325 of 472 small ones, by patterns that are safe without them).
    """
    hidden = table[STATUS].isin([Status.PRIMARY, Status.SECONDARY])
    return table.assign(**{STATUS: table[STATUS].mask(hidden, str(Status.HIDDEN))})


def write_release(root: DataRoot, name: str, table: pd.DataFrame) -> Path:
    """Keep a protected table that has passed the gate; it replaces the former one whole."""
    root.release.mkdir(parents=True, exist_ok=True)
    file = root.release / f"{name}.parquet"
    part = file.with_name(f".{file.name}.part")
    _write_parquet(table, part)
    part.replace(file)
    return file


def read_release(root: DataRoot, name: str) -> pd.DataFrame:
    """The protected table that last passed the gate."""
    columns = pq.read_table(root.release / f"{name}.parquet")
    frame: pd.DataFrame = columns.to_pandas(types_mapper=_NULLABLE.get, date_as_object=True)
    return frame


def write_table(table: pd.DataFrame, spec: ReleaseSpec, folder: Path, *, test: bool) -> list[Path]:
    """Write one released table as `<name>.csv` and `<name>.parquet` (UTF-8, dates as YYYY-MM-DD)."""
    marked = table.assign(**{TEST_COLUMN: True}) if test else table
    csv, parquet = folder / f"{spec.name}.csv", folder / f"{spec.name}.parquet"
    text = marked.astype(object)
    text[list(spec.dimensions)] = text[list(spec.dimensions)].where(text[list(spec.dimensions)].notna(), "")
    text.to_csv(csv, index=False, na_rep=MISSING, lineterminator="\n")
    _write_parquet(marked, parquet)
    return [csv, parquet]


def _write_parquet(table: pd.DataFrame, file: Path) -> None:
    columns = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(columns.replace_schema_metadata(None), file, compression="zstd")


_NULLABLE = {
    pa.int32(): pd.Int64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
