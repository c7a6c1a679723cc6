"""Reads one column of a contract or study from TOML, with its faults.

Belongs here: what a column may say. Does not belong here: the table that it stands in (`reading`, `soundness`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from polku.contracts.faults import Faults
from polku.contracts.model import Column
from polku.contracts.soundness import check_free_text
from polku.exchange.identifiers import NATIONAL

TYPES = frozenset(("text", "code", "date", "month", "year", "integer", "decimal", "amount", "boolean", "identifier"))
LANDING_COLUMNS = frozenset(("row_no", "delivery_id", "recorded_on"))
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def parse_column(data: Mapping[str, Any], place: str, faults: Faults, register: str) -> Column:
    """One column; its faults go to `faults`."""
    faults.take(data, place, _COLUMN)
    faults.need(data, place, "source", "name", "type", "why")
    name, kind = str(data.get("name", "")), str(data.get("type", ""))
    if not NAME.fullmatch(name):
        faults.add(place, "`name` must be lower_snake_case")
    if name in LANDING_COLUMNS:
        faults.add(place, f"`{name}` is a column that landing adds itself")
    if kind not in TYPES:
        faults.add(place, f"`type` must be one of {', '.join(sorted(TYPES))}")
    endings = _ENDINGS.get(kind)
    if endings and not name.endswith(endings):
        faults.add(place, f"a column of type {kind} must be named with the ending {' or '.join(endings)}")
    domain = data.get("domain")
    if (kind == "identifier") != (domain is not None):
        faults.add(place, "`domain` belongs to columns of type identifier, and each of them needs it")
    if domain is not None and domain not in NATIONAL and not str(domain).startswith(f"{register}."):
        scoped = f"scoped to its register: {register}.<kind>"
        faults.add(place, f"`domain` must be {', '.join(NATIONAL)}, or {scoped}")
    if data.get("about", "subject") not in ("subject", "relative"):
        faults.add(place, "`about` is subject or relative")
    if data.get("coarsen") not in (None, "month", "year") or (data.get("coarsen") and kind != data["coarsen"]):
        faults.add(place, "`coarsen` is month or year and equals the column's type")
    if data.get("unknown_code", "quarantine") not in ("quarantine", "flag"):
        faults.add(place, "`unknown_code` is quarantine or flag")
    check_free_text(data, kind, place, faults)
    return Column(
        source=str(data.get("source", "")),
        name=name,
        type=kind,
        why=str(data.get("why", "")),
        required=bool(data.get("required", False)),
        domain=domain,
        about=data.get("about", "subject"),
        coarsen=data.get("coarsen"),
        codes=data.get("codes"),
        dated_by=data.get("dated_by"),
        width=data.get("width"),
        unknown_code=data.get("unknown_code", "quarantine"),
        free_text=data.get("free_text"),
        minimum=data.get("minimum"),
        maximum=data.get("maximum"),
        unit=data.get("unit"),
        description=data.get("description", ""),
        also=tuple(map(str, data.get("also", ()))),
        since=data.get("since"),
        until=data.get("until"),
        covariate=data.get("covariate", False),
    )


_ENDINGS = {
    "identifier": ("_key",),
    "date": ("_on",),
    "month": ("_month",),
    "year": ("_year",),
    "code": ("_code",),
    "amount": ("_eur", "hours_attended", "hours_planned"),
}
_COLUMN: dict[str, type | tuple[type, ...]] = {
    "source": str,
    "name": str,
    "type": str,
    "why": str,
    "required": bool,
    "domain": str,
    "about": str,
    "coarsen": str,
    "codes": str,
    "dated_by": str,
    "width": int,
    "unknown_code": str,
    "free_text": str,
    "minimum": (int, float),
    "maximum": (int, float),
    "unit": str,
    "description": str,
    "also": list,
    "since": date,
    "until": date,
    "covariate": bool,
}
