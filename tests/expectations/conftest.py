from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from polku.contracts.model import Code, Column, Contract, FileFormat, Label, Table
from polku.exchange.delivery import Delivery
from polku.layout import DataRoot
from polku.research import storage
from polku.research.landing import Staged, StagedTable

LABEL = Label("x", "x", "x")

SPELLS = Table(
    name="spells",
    file="spells.csv",
    title=LABEL,
    grain="one row per spell",
    natural_key=("person_key", "started_on"),
    ordered=(("started_on", "ended_on"),),
    columns=(
        Column("hetu", "person_key", "identifier", "links", required=True, domain="fi.hetu"),
        Column("alku", "started_on", "date", "timeline", required=True),
        Column("loppu", "ended_on", "date", "timeline"),
        Column("kk", "benefit_month", "month", "timeline"),
        Column("tila", "state_code", "code", "state", codes="states", dated_by="started_on"),
        Column("toimipiste", "office_code", "code", "place"),
        Column("maara", "amount_eur", "amount", "outcome", minimum=-100, maximum=1000),
        Column("huomio", "remark", "text", "none", free_text="redact"),
    ),
)
CONTRACT = Contract(
    register="ura",
    version=1,
    title=LABEL,
    authority=LABEL,
    system="URA",
    legal_basis=("assumed",),
    cadence_days=30,
    maturity_months=1,
    covered_from=date(2009, 1, 1),
    bad_row_limit=0.02,
    assumed=True,
    file_format=FileFormat(),
    tables=(SPELLS,),
    codes={"states": (Code("1", LABEL), Code("9", LABEL, valid_until=date(2019, 12, 31)))},
)
GOOD_ROWS = """
    select i as row_no, 1000 + i as person_key, date '2020-01-01' + cast(i as integer) as started_on,
      if(i % 2 = 0, null, date '2020-06-01' + cast(i as integer)) as ended_on, date '2020-03-01' as benefit_month,
      '1' as state_code, 'A' || i % 7 as office_code, cast(i as decimal(14,2)) as amount_eur,
      'kielikurssi sujui, A' || i % 3 as remark,
      'ura-1' as delivery_id, date '2024-12-31' as recorded_on
    from range(1, 101) as t (i)
"""


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot("test", tmp_path / "data")


@pytest.fixture
def staged(root: DataRoot) -> Callable[..., Staged]:
    """A staged delivery of a hundred good rows, some of its columns replaced by other SQL expressions."""

    def stage(rows: int = 100, **replaced: str) -> Staged:
        file = root.incoming / "ura-1" / "spells.parquet"
        expressions = ", ".join(f"{sql} as {column}" for column, sql in replaced.items())
        changed = f"select * replace ({expressions}) from ({GOOD_ROWS})" if replaced else GOOD_ROWS
        with storage.connect(root) as con:
            storage.write_parquet(con, changed, file)
        delivery = Delivery("ura-1", "ura", 1, {}, {})
        part = StagedTable(SPELLS, file, rows, quarantined=0, flagged=0, linked=rows, erased=0, faults={})
        return Staged(delivery, CONTRACT, "1", archived=True, period=None, filed_by="", tables=(part,))

    return stage
