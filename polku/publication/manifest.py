"""What a release says of itself: definitions in words, policy, inputs, code and checksums.

Belongs here: the content of `manifest.json` and of the definitions beside each table. Does not belong here: writing
tables and pictures, or swapping releases (`publishing`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from polku.contracts.faults import Faults, label_of
from polku.contracts.model import Label
from polku.disclosure import STATUS, Policy, ReleaseSpec, Status, spec_of
from polku.disclosure.cells import Code
from polku.disclosure.inexact.protections import guarantee
from polku.disclosure.ledger.conclusion import FIGURE_AS_OF
from polku.errors import Exit
from polku.outcomes import definitions
from polku.publication import coverage
from polku.publication.tables import MISSING, TEST_COLUMN
from polku.studies import Study

STATUS_WORDS = {
    Status.OK: "the figures are published",
    Status.HIDDEN: "about too few persons or too few others, or such a figure could be worked out from it",
    Status.STRUCTURAL_ZERO: "a zero that could not be otherwise",
    Status.NOT_OBSERVED: "no register delivered what would be needed; this is not a zero",
    Status.HELD_BACK: "the figure of an earlier day stands: since then nobody, or too few persons to tell of, "
    "entered or left the cell",
}


WITHOUT_AMOUNT = "Missing also where few persons make up most of it, or all who have an amount have the same."


@dataclass(frozen=True)
class Picture:
    """How a table is drawn: `kind` is area, curves, heat_map, bars or ranked_bars; the rest are column names.

    `x` is the horizontal axis (of ranked_bars, which lie, the vertical one), `y` the figure, `by` what tells series (or
    rows of a heat map) apart, `panel` a dimension with a panel for each code. `at` fixes other dimensions, as
    pairs of column and code. Dimensions that are not named are drawn at their total.
    """

    kind: str
    x: str
    y: str
    by: str
    panel: str | None = None
    at: tuple[tuple[str, Code], ...] = ()


@dataclass(frozen=True)
class Described:
    """A released table with its words: title, definition, and one sentence per column."""

    spec: ReleaseSpec
    title: Label
    definition: str
    columns: Mapping[str, str]
    picture: Picture


@dataclass(frozen=True)
class Context:
    """What a release is made from.

    `inputs` are the digests of the accepted deliveries (delivery id -> sha256 hex), `code_version` is
    the commit that ran, where it is known. `coverage` are the statuses of the mart coverage. `ledger` is the head of
    the release ledger (number and chain of its last entry) that has the tables; None where there is no ledger.
    """

    policy: Policy
    tables: Mapping[str, Described]
    coverage: pd.DataFrame
    inputs: Mapping[str, str]
    code_version: str | None
    created_at: datetime
    ledger: tuple[int, str] | None = None


def described(name: str, node: Mapping[str, Any]) -> Described:
    """A released table from its node in dbt's manifest (description, columns, `config.meta.release`).

    Refuses (CONTRACT_INVALID) a declaration without a title in three languages or without a picture.
    """
    meta = node["config"]["meta"]["release"]
    spec = spec_of(name, meta)
    faults = Faults()
    title = label_of(meta.get("title"), "config.meta.release.title", faults)
    picture = meta.get("picture") or {}
    place = "config.meta.release.picture"
    faults.take(picture, place, {**dict.fromkeys(("kind", "x", "y", "by", "panel"), str), "at": dict})
    at = picture.get("at") or {}
    for stranger in set(at) - set(spec.dimensions):
        faults.add(place, f"`at` names `{stranger}`, which is not a dimension")
    if faults.need(picture, place, "kind", "x", "y", "by") and picture["kind"] not in PICTURE_KINDS:
        faults.add(place, f"`kind` must be one of {', '.join(PICTURE_KINDS)}")
    faults.refuse(f"{name}.yml", Exit.CONTRACT_INVALID, "release declaration")
    columns = {column: entry.get("description", "") for column, entry in node.get("columns", {}).items()}
    return Described(
        spec,
        title,
        " ".join(node.get("description", "").split()),
        columns,
        Picture(**{**picture, "at": tuple(at.items())}),
    )


def content(study: Study, context: Context, csv_digests: Mapping[str, str]) -> dict[str, Any]:
    """Everything that makes a release what it is: two releases with the same content are one release.

    `csv_digests` are the sha256 of the tables' CSV files by table.
    """
    return {
        "study": study.code,
        "title": asdict(study.title),
        "test": study.test,
        "policy": asdict(context.policy),
        "missing_figure_in_csv": MISSING,
        "tables": {
            name: {
                "title": asdict(context.tables[name].title),
                "definition": context.tables[name].definition,
                "columns": _columns(study, context.tables[name]),
                "protection": str(study.protection_of(name)),
                "guarantee": asdict(guarantee(study.protection_of(name), context.policy)),
                "outcomes": definitions.content(name, study.outcomes, study.contracts),
                "dimensions": list(context.tables[name].spec.dimensions),
                "csv_sha256": digest,
            }
            for name, digest in sorted(csv_digests.items())
        },
        "coverage": coverage.content(context.coverage),
    }


def definition(study: Study, table: Described, policy: Policy) -> str:
    """What a table shows, in Markdown: its rows, what its protection promises, its columns and its outcomes."""
    outcomes = definitions.outcomes_of(table.spec.name, study.outcomes)
    columns = "\n".join(f"- `{column}`: {' '.join(text.split())}" for column, text in _columns(study, table).items())
    title = f"# {table.title.en} / {table.title.fi} / {table.title.sv}"
    told = ["## Outcomes", definitions.text(outcomes, study.contracts)] if outcomes else []
    promised = guarantee(study.protection_of(table.spec.name), policy)
    protection = ["## Protection / Suojaus / Skydd", promised.en, promised.fi, promised.sv]
    return "\n\n".join([title, table.definition, *protection, "## Columns", columns, *told]).rstrip() + "\n"


def _columns(study: Study, table: Described) -> dict[str, str]:
    """One sentence per column, also of those that a release adds."""
    words = {
        STATUS: "; ".join(f"{status}: {text}" for status, text in STATUS_WORDS.items()),
        FIGURE_AS_OF: "day of the release that first had the figures of the row; missing where it has none",
    }
    if study.test:
        words[TEST_COLUMN] = "true: made from test data, no result about anybody"
    amounts = {
        measure: f"{table.columns.get(measure, '').rstrip()} {WITHOUT_AMOUNT}".lstrip()
        for measure in table.spec.amounts
    }
    return {**table.columns, **amounts, **words}


def fingerprint(entries: Mapping[str, Any]) -> str:
    """The sha256 of the content, by which a release is known."""
    return hashlib.sha256(json.dumps(entries, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def digest_of(file: Path) -> str:
    """The sha256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


PICTURE_KINDS = ("area", "curves", "heat_map", "bars", "ranked_bars")
