"""Reference tables: what the models must know of the study, its codes and its registers' coverage.

Belongs here: turning a study and its contracts into small tables without persons. Does not belong
here: registers' own rows. Settings reach dbt as data, so that one parsed project serves every study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pandas as pd

from polku.disclosure.policy import load_policy
from polku.layout import DataRoot
from polku.research import storage
from polku.research.coverage import Extract, chain_of, days_of
from polku.studies import Study


@dataclass(frozen=True)
class ReferenceTable:
    """Grain and columns (name, SQL type) of a reference table."""

    grain: str
    columns: dict[str, str]


REFERENCE_TABLES = {
    "study": ReferenceTable(
        "The settings of the study; exactly one row.",
        {
            "study_code": "varchar",
            "is_test": "boolean",
            "window_start_on": "date",
            "window_end_on": "date",
            "municipality_code": "varchar",
            "foreign_background": "boolean",
            "min_age_years": "integer",
            "max_age_years": "integer",
            "risk_set_states": "varchar",
            "client_register": "varchar",
            "months_before": "integer",
            "months_after": "integer",
            "rule_set_code": "varchar",
            "month_rule_code": "varchar",
            "employed_min_eur_per_month": "decimal(14,2)",
            "microdata_k": "integer",
            "microdata_l": "integer",
            "microdata_entropy_l": "decimal(6,3)",
            "microdata_t": "decimal(6,3)",
        },
    ),
    "outcomes": ReferenceTable(
        "The outcomes that the study uses; one row per outcome.",
        {"outcome_code": "varchar", "definition_version": "integer", "table_name": "varchar"},
    ),
    "subgroups": ReferenceTable(
        "The strata for which effects are estimated too; one row per stratum of one characteristic or two.",
        {"stratum_code": "varchar", "first_code": "varchar", "second_code": "varchar"},
    ),
    "codes": ReferenceTable(
        "Code lists of the contracts; one row per register, list, code and validity period (inclusive).",
        {
            "register": "varchar",
            "list_name": "varchar",
            "code": "varchar",
            "valid_from_on": "date",
            "valid_until_on": "date",
            "label_en": "varchar",
            "label_fi": "varchar",
            "label_sv": "varchar",
            "state_code": "varchar",
            "group_code": "varchar",
            "channel_code": "varchar",
            "covered_from_on": "date",
            "is_household": "boolean",
        },
    ),
    "coverage": ReferenceTable(
        "Which days each table of the study can speak of (inclusive; null received days: nothing has come); one row "
        "per register and table.",
        {
            "register": "varchar",
            "table_name": "varchar",
            "chain_code": "varchar",
            "exists_from_on": "date",
            "exists_until_on": "date",
            "observed_from_on": "date",
            "received_from_on": "date",
            "received_until_on": "date",
            "observed_until_on": "date",
            "purged_before_on": "date",
            "gap_days": "integer",
        },
    ),
    "breaks": ReferenceTable(
        "Known breaks in a register's coverage or meaning; one row per register and break.",
        {"register": "varchar", "broke_on": "date", "what": "varchar"},
    ),
}


def write_reference(
    root: DataRoot, study: Study, received: Mapping[tuple[str, str], Sequence[Extract]]
) -> dict[str, int]:
    """Write the reference tables; `received` are the landed extracts by (register, table).

    Returns the number of rows of each table.
    """
    rows = {
        "study": [_study(study)],
        "outcomes": _outcomes(study),
        "subgroups": _subgroups(study),
        "codes": _codes(study),
        "coverage": _coverage(study, received),
        "breaks": _breaks(study),
    }
    written = {}
    with storage.connect(root) as con:
        for name, table in REFERENCE_TABLES.items():
            frame = pd.DataFrame(rows[name], columns=list(table.columns), dtype=object)
            con.register("frame", frame)
            casts = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in table.columns.items())
            written[name] = storage.write_parquet(con, f"select {casts} from frame", root.reference(name))
    return written


def digest(root: DataRoot) -> str:
    """One digest of what the reference tables say (not of how their files are encrypted)."""
    said = sha256()
    with storage.connect(root) as con:
        for name in REFERENCE_TABLES:
            rows = con.execute(f"from {storage.parquet(root.reference(name))} order by all").fetchall()
            said.update(repr((name, rows)).encode())
    return said.hexdigest()


def _study(study: Study) -> dict[str, Any]:
    limits = load_policy(study.release_profile).microdata
    return {
        "study_code": study.code,
        "is_test": study.test,
        "window_start_on": study.window_from,
        "window_end_on": study.window_until,
        "municipality_code": study.municipality_code,
        "foreign_background": study.foreign_background,
        "min_age_years": study.min_age_years,
        "max_age_years": study.max_age_years,
        "risk_set_states": " ".join(study.risk_set_states) or None,
        "client_register": study.client_register,
        "months_before": study.months_before,
        "months_after": study.months_after,
        "rule_set_code": study.rule_set,
        "month_rule_code": study.month_rule,
        "employed_min_eur_per_month": study.employed_min_eur_per_month,
        "microdata_k": limits.k,
        "microdata_l": limits.l,
        "microdata_entropy_l": str(limits.entropy_l),
        "microdata_t": str(limits.t),
    }


def _outcomes(study: Study) -> list[dict[str, Any]]:
    return [
        {"outcome_code": code, "definition_version": outcome.version, "table_name": outcome.table}
        for code, outcome in study.outcomes.items()
    ]


def _subgroups(study: Study) -> list[dict[str, Any]]:
    return [
        {"stratum_code": "-".join(names), "first_code": names[0], "second_code": names[1] if names[1:] else None}
        for names in study.subgroups
    ]


def _codes(study: Study) -> list[dict[str, Any]]:
    return [
        {
            "register": contract.register,
            "list_name": name,
            "code": code.code,
            "valid_from_on": code.valid_from,
            "valid_until_on": code.valid_until,
            "label_en": code.label.en,
            "label_fi": code.label.fi,
            "label_sv": code.label.sv,
            "state_code": code.state,
            "group_code": code.group,
            "channel_code": code.channel,
            "covered_from_on": code.covered_from,
            "is_household": code.household,
        }
        for contract in study.contracts.values()
        for name, code in contract.all_codes()
    ]


def _coverage(study: Study, received: Mapping[tuple[str, str], Sequence[Extract]]) -> list[dict[str, Any]]:
    rows = []
    for contract in study.contracts.values():
        for table in contract.tables:
            days = days_of(study, contract, table, received.get((contract.register, table.name), ()))
            rows.append(
                {
                    "register": contract.register,
                    "table_name": table.name,
                    "chain_code": chain_of(study, contract.register),
                    "exists_from_on": contract.exists_from,
                    "exists_until_on": contract.exists_until,
                    "observed_from_on": days.observed_from,
                    "received_from_on": days.received_from,
                    "received_until_on": days.received_until,
                    "observed_until_on": days.observed_until,
                    "purged_before_on": days.purged_before,
                    "gap_days": table.gap_days,
                }
            )
    return rows


def _breaks(study: Study) -> list[dict[str, Any]]:
    return [
        {"register": contract.register, "broke_on": found.on, "what": found.what}
        for contract in study.contracts.values()
        for found in contract.breaks
    ]
