"""Two small protected tables with their words, and a study that releases them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from polku.disclosure import load_policy, protect
from polku.publication import Context, described
from polku.studies import Study, load_study

TITLE = {"en": "Main activity", "fi": "Pääasiallinen toiminta", "sv": "Huvudsaklig verksamhet"}
NODES: dict[str, dict[str, Any]] = {
    "shares": {
        "description": "One row per month\nand state.",
        "columns": {"persons": {"description": "Persons in the state."}},
        "config": {
            "meta": {
                "release": {
                    "title": TITLE,
                    "dimensions": ["month", "state_code"],
                    "count": "persons",
                    "measures": ["share"],
                    "additive": ["state_code"],
                    "picture": {"kind": "area", "x": "month", "y": "share", "by": "state_code"},
                }
            }
        },
    },
    "exits": {
        "description": "One row per year and outcome; a row without a year is for all years.",
        "columns": {},
        "config": {
            "meta": {
                "release": {
                    "title": TITLE,
                    "dimensions": ["year", "outcome_code"],
                    "count": "persons",
                    "base": "leavers",
                    "base_by": ["year"],
                    "measures": ["share"],
                    "additive": ["year"],
                    "total_code": {"year": None},
                    "picture": {"kind": "bars", "x": "outcome_code", "y": "share", "by": "outcome_code"},
                }
            }
        },
    },
}


def study(*, test: bool = True) -> Study:
    return replace(load_study("mvad"), code="small", test=test)


def coverage(**statuses: str) -> pd.DataFrame:
    """Of clients and persons in three months of 2020; `statuses` by register, else observed."""
    rows = [
        (register, table, pd.Timestamp(2020, month, 1), statuses.get(register, "observed"), month == 2)
        for register, table in (("osaamiskeskus", "clients"), ("dvv", "persons"))
        for month in (1, 2, 3)
    ]
    return pd.DataFrame(rows, columns=["register", "table_name", "month", "status_code", "is_break"])


def context(**changes: Any) -> Context:
    tables = {name: described(name, node) for name, node in NODES.items()}
    made = Context(
        load_policy("fi_study_v1"),
        tables,
        coverage(),
        {"dvv-1": "ab" * 32},
        "c0ffee",
        datetime(2025, 1, 2, 3, tzinfo=UTC),
    )
    return replace(made, **changes)


def tables(employed: int = 60) -> dict[str, pd.DataFrame]:
    months = [date(2020, 1, 1), date(2020, 2, 1)]
    counts = {"employed": employed, "other": 3, "pension": 40, "student": 55}
    shares = pd.DataFrame(
        [(month, state, n, n / sum(counts.values())) for month in months for state, n in counts.items()],
        columns=["month", "state_code", "persons", "share"],
    )
    exits = pd.DataFrame(
        [(2020, "employed", 60, 20), (2021, "employed", 70, 30), (None, "employed", 130, 50)],
        columns=["year", "outcome_code", "leavers", "persons"],
    ).assign(share=lambda t: t["persons"] / t["leavers"])
    rule = load_policy("fi_study_v1")
    made = context().tables
    return {
        "shares": protect(shares, made["shares"].spec, rule),
        "exits": protect(exits, made["exits"].spec, rule),
    }
