"""Writes landing tables for tests of the models, as the landing assets would.

Belongs here: typed rows into encrypted Parquet parts. Does not belong here: any expectation.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from polku.layout import CHECKOUT, DataRoot
from polku.research import storage

PROJECT = CHECKOUT / "dbt_project"
RECORDED_ON = date(2025, 1, 31)


def columns_of(table: str) -> dict[str, str]:
    """Column names and SQL types of one table of the source `landing`."""
    sources = yaml.safe_load((PROJECT / "models/staging/_sources.yml").read_text(encoding="utf-8"))
    tables = sources["sources"][0]["tables"]
    found = next(t for t in tables if t["name"] == table)
    return {column["name"]: column["data_type"] for column in found["columns"]}


def land(root: DataRoot, table: str, rows: pd.DataFrame | list[dict[str, Any]], delivery: str = "d1") -> Path:
    """Write one part of `table`; columns that `rows` lacks are absent from the part, as a delivery's may be."""
    frame = pd.DataFrame(rows, dtype=object)
    if not table.startswith("reference__"):
        frame = frame.assign(
            delivery_id=delivery,
            row_no=range(1, len(frame) + 1),
            recorded_on=frame.get("recorded_on", RECORDED_ON),
        )
    kinds = columns_of(table)
    casts = ", ".join(f"cast({column} as {kinds[column]}) as {column}" for column in frame.columns)
    register, name = table.split("__")
    file = root.landing / register / name / f"{delivery}.parquet"
    with storage.connect(root) as con:
        con.register("frame", frame)
        storage.write_parquet(con, f"select {casts} from frame", file)
    return file
