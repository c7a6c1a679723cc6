"""Two small protected tables with their words, and a study that releases them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pandas as pd
import yaml

from polku.disclosure import load_policy, protect
from polku.layout import CHECKOUT
from polku.publication import Context, described
from polku.publication.manifest import content
from polku.publication.report import Release
from polku.publication.tables import as_published
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


def node(mart: str) -> dict[str, Any]:
    """What dbt's manifest would say of a mart of the project."""
    file = CHECKOUT / "dbt_project" / "models" / "marts" / f"{mart}.yml"
    (model,) = yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
    return {**model, "columns": {column["name"]: column for column in model["columns"]}}


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


@cache
def espoo(*, test: bool = True) -> Study:
    return replace(load_study("espoo_skills_centre"), test=test)


@cache
def espoo_tables(at_work: int = 400) -> dict[str, pd.DataFrame]:
    """All tables that the first study releases, in small (nobody changes them).

    `at_work` of 1,000 clients are in work 24 months after entry. Hidden are the clients' work in the month of entry and
    everybody's pension; studies are not observed before 0.
    """
    outcomes = [
        (group, month, outcome, *_outcome(group, month, outcome, at_work))
        for group in ("client", "never_client")
        for month in (-12, 0, 12, 24)
        for outcome in ("employed", "earnings", "studying", "service_social_work", "benefit_pension", "benefit_housing")
    ]
    states = [
        (date(2020, month, 1), state, persons, persons / 1000)
        for month in (1, 2, 3)
        for state, persons in (("employed", 600), ("unemployed", 397), ("pension", 3))
    ]
    moves = [
        (a, b, 500 if a == b else 20, 900 if a == b else 100, 0.9 if a == b else 0.1)
        for a in ("employed", "unemployed")
        for b in ("employed", "unemployed")
    ]
    exits = [
        (base, year, outcome, 200, persons, persons / 200)
        for base in ("entrants", "leavers")
        for year in (2020, 2021, None)
        for outcome, persons in (("employed", 120), ("in_education", 80))
    ]
    groups, paths = ("client", "never_client"), ("employed", "rarer_sequences", "unemployed-employed")
    frames = {
        "outcome_by_months_since_entry": (
            outcomes,
            ["persons_observed", "persons_with_outcome", "share", "mean_amount_eur"],
        ),
        "state_share_by_month": (states, ["persons", "share"]),
        "state_transition_rate": (moves, ["persons", "transitions", "rate"]),
        "exit_outcome": (exits, ["persons_in_base", "persons_with_outcome", "share"]),
        "sequence_mean_time": (
            [(group, state, 500, 9000, 18.5, 0.4) for group in groups for state in ("employed", "unemployed")],
            ["persons_at_least", "months", "mean_months", "standard_error_months"],
        ),
        "sequence_entropy": (
            [(group, month, 1000, 300, 0.25) for group in groups for month in (0, 1)],
            ["persons", "persons_elsewhere", "entropy"],
        ),
        "sequence_complexity": (
            [(group, 2000, 1000, 2.4715, 0.05, 0.39) for group in groups],
            ["cohort_persons", "persons", "mean_transitions", "standard_error_transitions", "mean_entropy"],
        ),
        "sequence_frequency": (
            [(group, path, 500, 0.25 if path == "rarer_sequences" else 0.75) for group in groups for path in paths],
            ["persons", "share"],
        ),
    }
    policy, described_ = load_policy("fi_study_v1"), espoo_context().tables
    made = {}
    for name, (rows, figures) in frames.items():
        spec = described_[name].spec
        table = pd.DataFrame(rows, columns=[*spec.dimensions, *figures])
        weighted = {m: table[m.removeprefix("weighted_")] for m in spec.measures if m.startswith("weighted_")}
        made[name] = protect(table.assign(**weighted, rule_set_code="statfin_v1"), spec, policy)
    return made


def _outcome(group: str, month: int, outcome: str, at_work: int) -> tuple[int, int | None, float | None, float | None]:
    """Persons observed, those with the outcome, their share and the mean amount."""
    if outcome == "studying" and month < 0:
        return 0, None, None, None
    persons = {"benefit_pension": 2, "employed": at_work}.get(outcome, 250)
    if group == "client" and outcome == "employed" and month == 0:
        persons = 1
    amount = 1234.0 if outcome == "earnings" or outcome.startswith("benefit_") else None
    return 1000, persons, persons / 1000, amount


def espoo_context(**changes: Any) -> Context:
    tables = {name: described(name, node(name)) for name in espoo().release_tables}
    covered = pd.DataFrame(
        [
            ("tulorekisteri", "wage_reports", pd.Timestamp(year, 1, 1), status, year == 2019)
            for year, status in ((2018, "not_covered"), (2019, "observed"), (2020, "immature"))
        ]
        + [
            ("dvv", table, pd.Timestamp(y, 1, 1), "observed", False)
            for table in ("moves", "persons")
            for y in (2018, 2019, 2020)
        ],
        columns=["register", "table_name", "month", "status_code", "is_break"],
    )
    return context(tables=tables, coverage=covered, **changes)


def release(
    of: Study | None = None, shown: Mapping[str, pd.DataFrame] | None = None, about: Context | None = None
) -> Release:
    """A release on its way, of the first study unless another is given."""
    of, shown, about = of or espoo(), espoo_tables() if shown is None else shown, about or espoo_context()
    entries = {
        **content(of, about, dict.fromkeys(shown, "00")),
        "fingerprint": "ab" * 32,
        "inputs": dict(about.inputs),
        "code_version": about.code_version,
        "created_at": about.created_at.isoformat(),
    }
    return Release(of, {name: as_published(table) for name, table in shown.items()}, about, entries)
