"""Makes many persons of fewer: every landed row again under other keys, as often as asked.

Belongs here: a shorter road to many landed rows than the twin, sealing and the relay, for measuring what comes after
landing. Does not belong here: measuring (`scale`). What is made cannot be told from landing but by its persons, who are
alike in so many copies; ledger and packages stay those of the fewer.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import duckdb

from polku.contracts.model import Table
from polku.layout import DataRoot
from polku.progress import stepped
from polku.research import landed, storage
from polku.research.identities import identities
from polku.studies import Study

BORN = "birth_month"
LEFT_BEHIND = ("authorities", "linkage", "dagster", "dbt", "built", "published", "release*", "*.duckdb.wal")
"""What the night makes anew, or has no use for."""


def multiply(few: DataRoot, many: DataRoot, study: Study, times: int) -> None:
    """Make a study of so many persons for each one of `few`: landing and the store of identities of a night to come."""
    made = DataRoot(few.study, many.path.with_name("unfinished"))
    shutil.rmtree(made.path, ignore_errors=True)
    left_behind = shutil.ignore_patterns(*LEFT_BEHIND, few.warehouse.name, few.marts.name)
    shutil.copytree(few.path, made.path, ignore=left_behind)
    masks = [0, *masks_of(times - 1)]
    parts = [
        (table, part)
        for contract in study.contracts.values()
        for table in contract.tables
        for part in landed.parts(made, contract.register, table.name)
    ]
    with storage.connect(made) as con:
        for table, part in stepped(parts, "parts of landing"):
            _multiply(con, table, part, masks)
    with identities(made) as store:
        [(arrived,)] = store.con.execute("select max(no) from identities.entity").fetchall()
        store.con.execute("create temp table fewer as from identities.entity")
        for no, mask in enumerate(masks[1:], start=1):
            store.con.execute(
                f"insert into identities.entity select xor(entity_key, {mask}), id_type, no + {no * arrived} from fewer"
            )
    made.path.rename(many.path)


def masks_of(copies: int) -> list[int]:
    """A bit mask of the keys for each copy: different keys stay different, and positive."""
    draw = Random(copies)
    return [draw.getrandbits(62) for _ in range(copies)]


def _multiply(con: duckdb.DuckDBPyConnection, table: Table, part: Path, masks: list[int]) -> None:
    keys = [column.name for column in table.identifiers]
    is_born = any(column.name == BORN for column in table.columns)
    con.execute(f"create or replace temp table copies as from {storage.parquet(part)} limit 0")
    for no, mask in enumerate(masks):
        other = [
            f"row_no * {len(masks)} + {no} as row_no",
            *(f"xor({key}, {mask}) as {key}" for key in keys),
            *([f"cast({BORN} + interval {no % 24} month as date) as {BORN}"] if is_born else []),
        ]
        con.execute(f"insert into copies select * replace ({', '.join(other)}) from {storage.parquet(part)}")
    order = ", ".join([*(f"{key} nulls last" for key in keys), "row_no"])
    storage.write_parquet(con, f"from copies order by {order}", part)
