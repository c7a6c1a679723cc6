"""An outcome is known from those tables of registers that its definition names, and from no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polku.outcomes import evidence_of, load_catalogue
from polku.studies import load_study
from tests.dbt_project.conftest import STUDY, Built
from tests.dbt_project.sql_of_models import Warehouse

MONTH = 2020 * 12
MODEL = "intermediate.int_list_observed_months"
ESPOO = load_study(STUDY)
FEEDING = sorted({(c.register, feed.table) for c in ESPOO.contracts.values() for feed in c.timeline.values()})
KINDS = {
    "employed": "work",
    "employed_strictly": "earnings",
    "earnings": "earnings",
    "studying": "studies",
    "degree_started": "studies",
    "degree_completed": "degree",
    "any_service": "service",
}
"""Outcomes by the kind of event of which the model says whether it is observed; benefits go by their own names."""
CHANNELS = [code for code in load_catalogue() if code.startswith("service_")]


@pytest.fixture(scope="module")
def warehouse(built: Built) -> Iterator[Warehouse]:
    made = Warehouse(built, [MODEL])
    study = {"first_month_index": "integer", "last_month_index": "integer", "client_register": "varchar"}
    made.table("staging.stg_reference__study", study, [(MONTH, MONTH, ESPOO.client_register)])
    codes = dict.fromkeys(("register", "state_code", "channel_code", "group_code"), "varchar")
    rows = built.query(f"select {', '.join(codes)}, null from warehouse.staging.stg_reference__codes")
    made.table("staging.stg_reference__codes", codes | {"covered_from_on": "date"}, rows)
    for seed in ("states", "service_channels"):
        made.seed(seed)
    cover(made)
    made.make()
    yield made
    made.close()


def cover(warehouse: Warehouse, *, but: tuple[str, str] | None = None) -> None:
    """All tables cover the month, each on its own, but for one."""
    columns = dict.fromkeys(("register", "table_name", "chain_code", "status_code"), "varchar")
    rows = [
        (register, table, f"{register}.{table}", "not_covered" if (register, table) == but else "observed", True, MONTH)
        for register, table in FEEDING
    ]
    columns |= {"is_received": "boolean", "month_index": "integer"}
    warehouse.table("intermediate.int_list_coverage_months", columns, rows)


def is_known(warehouse: Warehouse, code: str) -> bool:
    if code in CHANNELS:
        [(bits,)] = warehouse.query(f"select observed_service_bits from warehouse.{MODEL}")
        return bool(bits & 2 ** CHANNELS.index(code))
    [(status,)] = warehouse.query(f"select {KINDS.get(code, code)}_status_code from warehouse.{MODEL}")
    return bool(status == "observed")


@pytest.mark.parametrize("code", [code for code in ESPOO.outcomes if code != "exit"])
def test_an_outcome_is_known_where_the_registers_that_its_definition_names_are(warehouse: Warehouse, code: str) -> None:
    needed = set()
    for table in FEEDING:
        cover(warehouse, but=table)
        if not is_known(warehouse, code):
            needed.add(table)
    assert needed == {(e.register, e.table) for e in evidence_of(ESPOO.outcomes[code], ESPOO.contracts)}
