"""Reads contracts from TOML and names every fault of a file at once.

Belongs here: from text to `Contract`, and what makes a contract sound. Does not belong here: what a
contract is used for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from polku.contracts.faults import Faults, label_of, mapping_of, read_toml, tables_of
from polku.contracts.model import (
    EDGE_KINDS,
    REPLACES,
    Break,
    Code,
    Column,
    Contract,
    Edge,
    Feed,
    FileFormat,
    Table,
)
from polku.contracts.soundness import check_code_list, check_free_text, check_table
from polku.errors import Exit
from polku.exchange.identifiers import NATIONAL

TYPES = frozenset(("text", "code", "date", "month", "year", "integer", "decimal", "amount", "boolean", "identifier"))
TIMELINES = frozenset(
    (
        "activity",
        "benefit",
        "client",
        "degree",
        "earning",
        "exit",
        "income",
        "permit",
        "plan",
        "residence",
        "service",
    )
)
ENCODINGS = frozenset(("utf-8", "iso-8859-1", "windows-1252"))
LANDING_COLUMNS = frozenset(("row_no", "delivery_id", "recorded_on"))
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def load_contract(path: Path) -> Contract:
    """The contract in `path`. Refuses (CONTRACT_INVALID) with every fault of the file."""
    return parse_contract(read_toml(path, Exit.CONTRACT_INVALID), path.name, expected=path.stem)


def load_contracts(folder: Path) -> dict[str, Contract]:
    """All contracts of a folder by register, in the order of their names."""
    contracts = [load_contract(path) for path in sorted(folder.glob("*.toml"))]
    return {contract.register: contract for contract in contracts}


def parse_contract(data: Mapping[str, Any], file: str, expected: str | None = None) -> Contract:
    """A `Contract` from parsed TOML; `expected` is the register that the file's name promises."""
    faults = Faults()
    faults.take(data, "contract", _TOP)
    faults.need(
        data,
        "contract",
        *(key for key in _TOP if key not in _TOP_OPTIONAL),
    )
    if ("denied" in data) == bool(data.get("tables")):
        faults.add("contract", "a register has tables, or a reason in `denied` why no study may have it")
    register = data.get("register", "")
    if not isinstance(register, str) or not NAME.fullmatch(register):
        faults.add("contract", "`register` must be lower_snake_case")
    if expected is not None and register != expected:
        faults.add("contract", f"`register` must be `{expected}` as the file's name says")
    limit = data.get("bad_row_limit", 0.0)
    if isinstance(limit, float) and not 0 <= limit < 1:
        faults.add("contract", "`bad_row_limit` is a share from 0 to below 1")
    codes = {
        name: tuple(_code(entry, f"codes.{name}[{i}]", faults) for i, entry in enumerate(tables_of(entries)))
        for name, entries in mapping_of(data.get("codes")).items()
    }
    for name, entries in codes.items():
        check_code_list(name, entries, faults)
    tables = tuple(_table(name, entry, faults, register) for name, entry in mapping_of(data.get("tables")).items())
    for table in tables:
        check_table(table, codes, faults)
    names = {table.name for table in tables}
    timeline = {
        kind: _feed(kind, entry, faults, register, names) for kind, entry in mapping_of(data.get("timeline")).items()
    }
    contract_breaks = []
    for i, entry in enumerate(tables_of(data.get("breaks"))):
        faults.take(entry, f"breaks[{i}]", {"on": date, "what": str})
        if faults.need(entry, f"breaks[{i}]", "on", "what"):
            contract_breaks.append(Break(entry["on"], entry["what"]))
    file_format = file_format_of(mapping_of(data.get("file_format")), faults, "file_format")
    title = label_of(data.get("title"), "title", faults)
    authority = label_of(data.get("authority"), "authority", faults)
    faults.refuse(file, Exit.CONTRACT_INVALID, "contract")
    return Contract(
        register=register,
        version=data["version"],
        title=title,
        authority=authority,
        system=data["system"],
        legal_basis=tuple(data["legal_basis"]),
        cadence_days=data["cadence_days"],
        maturity_months=data["maturity_months"],
        covered_from=data["covered_from"],
        bad_row_limit=data["bad_row_limit"],
        assumed=data.get("assumed", False),
        file_format=file_format,
        tables=tables,
        codes=codes,
        breaks=tuple(contract_breaks),
        purge_after_months=data.get("purge_after_months"),
        timeline=timeline,
        denied=data.get("denied"),
        matures_yearly=data.get("matures_yearly", False),
        continues=data.get("continues"),
    )


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
    )


def file_format_of(data: Mapping[str, Any], faults: Faults, place: str) -> FileFormat:
    """The file format with its faults reported."""
    faults.take(data, place, _FILE_FORMAT)
    if data.get("encoding", "utf-8") not in ENCODINGS:
        faults.add(place, f"`encoding` must be one of {', '.join(sorted(ENCODINGS))}")
    if data.get("decimal_mark", ",") not in (",", "."):
        faults.add(place, "`decimal_mark` is a comma or a full stop")
    if len(str(data.get("delimiter", ";"))) != 1:
        faults.add(place, "`delimiter` is one character")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in _FILE_FORMAT
    }
    return FileFormat(**values)


def _feed(kind: str, data: Any, faults: Faults, register: str, tables: set[str]) -> Feed:
    place, data = f"timeline.{kind}", mapping_of(data)
    faults.take(data, place, {"table": str, "model": str})
    faults.need(data, place, "table", "model")
    feed = Feed(str(data.get("table", "")), str(data.get("model", "")))
    if kind not in TIMELINES:
        faults.add(place, f"unknown timeline; known are {', '.join(sorted(TIMELINES))}")
    if feed.table not in tables:
        faults.add(place, f"no table `{feed.table}`")
    if not feed.model.startswith(f"stg_{register}__"):
        faults.add(place, f"`model` must be called stg_{register}__<what its rows are>")
    return feed


def _table(name: str, data: Any, faults: Faults, register: str) -> Table:
    place = f"tables.{name}"
    data = mapping_of(data)
    faults.take(data, place, _TABLE)
    faults.need(data, place, "file", "title", "grain", "natural_key", "columns")
    if not NAME.fullmatch(name):
        faults.add(place, "the table's name must be lower_snake_case")
    if data.get("replaces", "rows") not in REPLACES:
        faults.add(place, f"`replaces` must be one of {', '.join(REPLACES)}")
    return Table(
        name=name,
        file=str(data.get("file", "")),
        title=label_of(data.get("title"), f"{place}.title", faults),
        grain=str(data.get("grain", "")),
        natural_key=tuple(data.get("natural_key", ())),
        columns=tuple(
            parse_column(entry, f"{place}.columns[{entry.get('name', i)}]", faults, register)
            for i, entry in enumerate(tables_of(data.get("columns")))
        ),
        ordered=tuple((str(first), str(second)) for first, second in data.get("ordered", ())),
        never=dict(mapping_of(data.get("never"))),
        gap_days=int(data.get("gap_days", 0)),
        edge=_edge(mapping_of(data["edge"]), f"{place}.edge", faults) if "edge" in data else None,
        identifying=tuple(map(str, data.get("identifying", ()))),
        **{key: data[key] for key in _TABLE_OPTIONS if key in data},
    )


def _edge(data: Mapping[str, Any], place: str, faults: Faults) -> Edge:
    faults.take(data, place, {key: str for key in ("kind", "one", "other", "valid_from", "withdrawn")})
    faults.need(data, place, "kind", "one", "other")
    if data.get("kind") not in EDGE_KINDS:
        faults.add(place, f"`kind` must be one of {', '.join(EDGE_KINDS)}")
    names = {key: str(data.get(key, "")) for key in ("kind", "one", "other")}
    return Edge(**names, valid_from=data.get("valid_from"), withdrawn=data.get("withdrawn"))


def _code(data: Mapping[str, Any], place: str, faults: Faults) -> Code:
    faults.take(data, place, _CODE)
    faults.need(data, place, "code", "label")
    return Code(
        code=str(data.get("code", "")),
        label=label_of(data.get("label"), place, faults),
        valid_from=data.get("valid_from"),
        valid_until=data.get("valid_until"),
        state=data.get("state"),
        group=data.get("group"),
        channel=data.get("channel"),
        covered_from=data.get("covered_from"),
        household=bool(data.get("household", False)),
    )


_ENDINGS = {
    "identifier": ("_key",),
    "date": ("_on",),
    "month": ("_month",),
    "year": ("_year",),
    "code": ("_code",),
    "amount": ("_eur", "hours_attended", "hours_planned"),
}
_TOP: dict[str, type | tuple[type, ...]] = {
    "register": str,
    "version": int,
    "assumed": bool,
    "system": str,
    "legal_basis": list,
    "cadence_days": int,
    "maturity_months": int,
    "covered_from": date,
    "bad_row_limit": float,
    "purge_after_months": int,
    "title": dict,
    "authority": dict,
    "breaks": list,
    "file_format": dict,
    "timeline": dict,
    "tables": dict,
    "codes": dict,
    "denied": str,
    "matures_yearly": bool,
    "continues": str,
}
_TOP_OPTIONAL = frozenset(
    (
        *("assumed", "breaks", "purge_after_months", "timeline", "codes", "denied", "tables"),
        *("matures_yearly", "continues"),
    )
)
_FILE_FORMAT: dict[str, type | tuple[type, ...]] = {
    "encoding": str,
    "delimiter": str,
    "quote": str,
    "decimal_mark": str,
    "date_formats": list,
    "open_ends": list,
    "null_texts": list,
    "empty_dates": list,
    "excel_serials": bool,
    "thousands": list,
    "currencies": list,
    "footers": list,
    "title_rows": int,
}
_TABLE_OPTIONS: dict[str, type | tuple[type, ...]] = {
    "replaces": str,
    "period_by": str,
    "withdrawn": str,
    "filed_by": str,
    "covered_from": date,
    "maturity_months": int,
    "purged_by": str,
    "anonymous": bool,
}
_TABLE: dict[str, type | tuple[type, ...]] = {
    "file": str,
    "title": dict,
    "grain": str,
    "natural_key": list,
    "ordered": list,
    "never": dict,
    "gap_days": int,
    "edge": dict,
    "identifying": list,
    "columns": list,
    **_TABLE_OPTIONS,
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
}
_CODE: dict[str, type | tuple[type, ...]] = {
    "code": str,
    "label": dict,
    "valid_from": date,
    "valid_until": date,
    "state": str,
    "group": str,
    "channel": str,
    "covered_from": date,
    "household": bool,
}
