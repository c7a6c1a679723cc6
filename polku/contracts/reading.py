"""Reads contracts from TOML and names every fault of a file at once.

Belongs here: from text to `Contract`, and what makes a contract sound. Does not belong here: what a
contract is used for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from polku.contracts.columns import NAME, parse_column
from polku.contracts.faults import Faults, label_of, mapping_of, read_toml, tables_of
from polku.contracts.file_formats import file_format_of
from polku.contracts.model import (
    EDGE_KINDS,
    REPLACES,
    Break,
    Code,
    Contract,
    Edge,
    Feed,
    Table,
)
from polku.contracts.soundness import check_code_list, check_table
from polku.errors import Exit

TIMELINES = frozenset(
    (
        "activity",
        "benefit",
        "client",
        "covariate",
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
    needless = _TOP_OPTIONAL | (_OF_DELIVERIES if "denied" in data else frozenset())
    faults.need(data, "contract", *(key for key in _TOP if key not in needless))
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
    timeline = {
        kind: _feed(kind, entry, faults, register, tables) for kind, entry in mapping_of(data.get("timeline")).items()
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
        cadence_days=data.get("cadence_days", 0),
        maturity_months=data.get("maturity_months", 0),
        covered_from=data.get("covered_from", date.max),
        bad_row_limit=data.get("bad_row_limit", 0.0),
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
        exists_from=data.get("exists_from"),
        exists_until=data.get("exists_until"),
    )


def _feed(kind: str, data: Any, faults: Faults, register: str, tables: Iterable[Table]) -> Feed:
    place, data = f"timeline.{kind}", mapping_of(data)
    faults.take(data, place, {"table": str, "model": str})
    faults.need(data, place, "table", "model")
    feed = Feed(str(data.get("table", "")), str(data.get("model", "")))
    if kind not in TIMELINES:
        faults.add(place, f"unknown timeline; known are {', '.join(sorted(TIMELINES))}")
    named = {table.name: table for table in tables}
    if feed.table not in named:
        faults.add(place, f"no table `{feed.table}`")
    elif named[feed.table].anonymous:
        faults.add(place, f"`{feed.table}` is anonymous: a timeline is of persons")
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
    "exists_from": date,
    "exists_until": date,
}
_OF_DELIVERIES = frozenset(("cadence_days", "maturity_months", "covered_from", "bad_row_limit", "file_format"))
"""What there is to say of a register only when a study may have it."""
_TOP_OPTIONAL = frozenset(
    (
        *("assumed", "breaks", "purge_after_months", "timeline", "codes", "denied", "tables"),
        *("matures_yearly", "continues", "exists_from", "exists_until"),
    )
)
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
