"""Reads a table of text by its contract: typed columns, and for every row what breaks the contract.

Belongs here: what breaks a contract in a row. Does not belong here: how a cell is read (`cells`), where rows come from
and where they go. Nothing is guessed: a text that no rule of the contract reads is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from polku.contracts import cells
from polku.contracts.cells import SQL_TYPES
from polku.contracts.model import Code, Column, Contract, Table
from polku.sql_text import text, texts

PROVENANCE = {"delivery_id": "varchar", "row_no": "bigint", "recorded_on": "date"}
"""Columns that landing adds to every table: which delivery, which sealed row, and when it was extracted."""


def typed_query(contract: Contract, table: Table, source: str, absent: frozenset[str] = frozenset()) -> str:
    """SQL over `source` (row_no, identifiers, and text under our column names) that reads it by contract.

    Grain: one row per row of `source`. Columns: row_no, every column of the table typed (null where it
    is `absent` from the delivery or does not parse), `faults`, a list of `column:reason`, empty for a row
    that keeps the contract, and `flags`, a list of columns whose unknown or outdated code the contract lets pass.
    Reasons: missing, unreadable, too_small, too_large, unknown_code, code_not_valid_then,
    starts_after_end. A flagged code is null: what nobody knows could be anything, a name too. So is a day that by the
    contract only says that none is known.
    """
    format_ = contract.file_format
    present = [column for column in table.columns if column.name not in absent]
    told = ",\n  ".join(f"{cells.told(column, format_)} as {column.name}" for column in present)
    values = ",\n  ".join(f"{cells.value(column, format_)} as {column.name}" for column in present)
    originals = ",\n  ".join(f"{column.name} as {column.name}__text" for column in present)
    dated = [column.name for column in present if column.type in ("date", "month")] if format_.empty_dates else []
    known = f"replace ({', '.join(_known(name, format_.empty_dates) for name in dated)})" if dated else ""
    ordered = [
        _when(f"{first} > {second}", f"{first}:starts_after_end")
        for first, second in table.ordered
        if first not in absent and second not in absent
    ]
    landed = {c.name: _landed(c, c.name in absent, contract.codes, format_.open_ends) for c in table.columns}
    columns = ",\n  ".join(f"cast({landed[c.name]} as {SQL_TYPES[c.type]}) as {c.name}" for c in table.columns)
    flags = [_when(_not_known_then(column, contract.codes), column.name) for column in present if _is_flagged(column)]
    judged = _listed([*(_fault(column, contract.codes, format_.open_ends) for column in present), *ordered])
    return f"""
with texts as (select row_no, {told} from {source}),
typed as (select row_no, {values}, {originals} from texts),
known as (select * {known} from typed),
checked as (select *, {judged} as faults, {_listed(flags)} as flags from known)
select row_no, {columns}, faults, flags from checked"""


def _listed(texts: list[str]) -> str:
    """A list of those texts that are there. Most rows have none, and to filter a list is slow."""
    some = ",\n  ".join(["cast(null as varchar)", *texts])
    return (
        f"case when coalesce({some}) is null then cast([] as varchar[]) "
        f"else list_filter([{some}], lambda f: f is not null) end"
    )


def empty_columns(table: Table) -> dict[str, str]:
    """Names and SQL types of a landing table, provenance last."""
    return {column.name: SQL_TYPES[column.type] for column in table.columns} | PROVENANCE


def _landed(column: Column, absent: bool, codes: Mapping[str, tuple[Code, ...]], open_ends: tuple[date, ...]) -> str:
    """The value as it lands: sentinel dates that mean 'no end' and flagged codes become null, and only here."""
    if absent:
        return "null"
    if _is_flagged(column):
        return f"case when {_not_known_then(column, codes)} then null else {column.name} end"
    if column.type == "date" and open_ends:
        return f"case when {_is_sentinel(column, open_ends)} then null else {column.name} end"
    return column.name


def _known(name: str, empty_dates: tuple[date, ...]) -> str:
    """A day that says that none is known, and its text, are nothing at all."""
    empty = f"{name} in ({cells.dates(empty_dates)})"
    return ", ".join(f"case when {empty} then null else {each} end as {each}" for each in (name, f"{name}__text"))


def _is_sentinel(column: Column, open_ends: tuple[date, ...]) -> str:
    return f"{column.name} in ({cells.dates(open_ends)})"


def _fault(column: Column, codes: Mapping[str, tuple[Code, ...]], open_ends: tuple[date, ...]) -> str:
    """One expression: the first reason why this cell breaks the contract, else null."""
    name = column.name
    reasons: list[tuple[str, str]] = []
    if column.required:
        reasons.append((f"{name}__text is null", "missing"))
        if column.type == "date" and open_ends:
            reasons.append((_is_sentinel(column, open_ends), "missing"))
    if column.type not in ("identifier", "code", "text"):
        reasons.append((f"{name}__text is not null and {name} is null", "unreadable"))
    if column.minimum is not None:
        reasons.append((f"{name} < {column.minimum}", "too_small"))
    if column.maximum is not None:
        reasons.append((f"{name} > {column.maximum}", "too_large"))
    if column.codes is not None and column.unknown_code == "quarantine":
        reasons.append((_unknown(column, codes), "unknown_code"))
        if outdated := _outdated(column, codes):
            reasons.append((outdated, "code_not_valid_then"))
    elif column.width is not None and column.codes is None:
        reasons.append((f"not regexp_full_match({name}, '[0-9A-Za-z]{{{column.width}}}')", "unreadable"))
    if not reasons:
        return "cast(null as varchar)"
    cases = " ".join(f"when {condition} then '{name}:{reason}'" for condition, reason in reasons)
    return f"case {cases} end"


def _is_flagged(column: Column) -> bool:
    return column.codes is not None and column.unknown_code == "flag"


def _unknown(column: Column, codes: Mapping[str, tuple[Code, ...]]) -> str:
    return f"{column.name} not in ({texts(sorted({c.code for c in codes[str(column.codes)]}))})"


def _outdated(column: Column, codes: Mapping[str, tuple[Code, ...]]) -> str | None:
    """Condition: no code of the list on the day of the event; None where days do not matter."""
    known = codes[str(column.codes)]
    if not column.dated_by or not any(c.valid_from or c.valid_until for c in known):
        return None
    valid = " or ".join(_valid(column.name, column.dated_by, code) for code in known)
    return f"{column.dated_by} is not null and not ({valid})"


def _not_known_then(column: Column, codes: Mapping[str, tuple[Code, ...]]) -> str:
    outdated = _outdated(column, codes)
    return f"({_unknown(column, codes)} or ({outdated}))" if outdated else _unknown(column, codes)


def _valid(name: str, dated_by: str, code: Code) -> str:
    conditions = [f"{name} = {text(code.code)}"]
    if code.valid_from:
        conditions.append(f"{dated_by} >= date '{code.valid_from.isoformat()}'")
    if code.valid_until:
        conditions.append(f"{dated_by} <= date '{code.valid_until.isoformat()}'")
    return f"({' and '.join(conditions)})"


def _when(condition: str, text: str) -> str:
    return f"case when {condition} then '{text}' end"
