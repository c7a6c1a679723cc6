"""Reads a table of text by its contract: typed columns, and for every row what breaks the contract.

Belongs here: the SQL expressions that parse and check one row. Does not belong here: where rows come
from and where they go. Nothing is guessed: a text that no rule of the contract reads is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from polku.contracts.model import Code, Column, Contract, FileFormat, Table
from polku.sql_text import text, texts

ISO_DATE = ("%Y-%m-%d",)
TRUE_TEXTS = ("1", "true", "yes", "y", "kyllä", "k", "ja", "j")
FALSE_TEXTS = ("0", "false", "no", "n", "ei", "e", "nej")
SQL_TYPES = {
    "code": "varchar",
    "text": "varchar",
    "date": "date",
    "month": "date",
    "year": "integer",
    "integer": "bigint",
    "decimal": "decimal(14,4)",
    "amount": "decimal(14,2)",
    "boolean": "boolean",
    "identifier": "bigint",
}
PROVENANCE = {"delivery_id": "varchar", "row_no": "bigint", "recorded_on": "date"}
"""Columns that landing adds to every table: which delivery, which sealed row, and when it was extracted."""


def typed_query(contract: Contract, table: Table, source: str, absent: frozenset[str] = frozenset()) -> str:
    """SQL over `source` (row_no, identifiers, and text under our column names) that reads it by contract.

    Grain: one row per row of `source`. Columns: row_no, every column of the table typed (null where it
    is `absent` from the delivery or does not parse), `faults`, a list of `column:reason`, empty for a row
    that keeps the contract, and `flags`, a list of columns whose unknown code the contract lets pass.
    Reasons: missing, unreadable, too_small, too_large, unknown_code, code_not_valid_then,
    starts_after_end. A flagged code is null: what nobody knows could be anything, a name too.
    """
    present = [column for column in table.columns if column.name not in absent]
    texts = ",\n  ".join(f"{_text(column, contract.file_format)} as {column.name}" for column in present)
    values = ",\n  ".join(f"{_value(column, contract.file_format)} as {column.name}" for column in present)
    originals = ",\n  ".join(f"{column.name} as {column.name}__text" for column in present)
    open_ends = contract.file_format.open_ends
    faults = ",\n  ".join(_fault(column, contract.codes, open_ends) for column in present)
    ordered = [
        _when(f"{first} > {second}", f"{first}:starts_after_end")
        for first, second in table.ordered
        if first not in absent and second not in absent
    ]
    landed = {c.name: _landed(c, c.name in absent, contract.codes, open_ends) for c in table.columns}
    columns = ",\n  ".join(f"cast({landed[c.name]} as {SQL_TYPES[c.type]}) as {c.name}" for c in table.columns)
    flags = [_when(_unknown(column, contract.codes), column.name) for column in present if _is_flagged(column)]
    return f"""
with texts as (select row_no, {texts} from {source}),
typed as (select row_no, {values}, {originals} from texts),
checked as (select *, list_filter([{", ".join([faults, *ordered])}], lambda f: f is not null) as faults,
  list_filter(cast([{", ".join(flags)}] as varchar[]), lambda f: f is not null) as flags from typed)
select row_no, {columns}, faults, flags from checked"""


def empty_columns(table: Table) -> dict[str, str]:
    """Names and SQL types of a landing table, provenance last."""
    return {column.name: SQL_TYPES[column.type] for column in table.columns} | PROVENANCE


def _text(column: Column, file_format: FileFormat) -> str:
    """The cell without surrounding white space; the contract's null texts become null."""
    if column.type == "identifier":
        return column.name
    trimmed = f"trim({column.name}, {text(' ' + chr(0xA0) + chr(0x202F) + chr(9))})"
    return f"case when {trimmed} in ({texts(('', *file_format.null_texts))}) then null else {trimmed} end"


def _value(column: Column, file_format: FileFormat) -> str:
    name = column.name
    match column.type:
        case "identifier" | "text":
            return name
        case "code":
            return _padded(column) if column.width else name
        case "boolean":
            return (
                f"case when lower({name}) in ({texts(TRUE_TEXTS)}) then true "
                f"when lower({name}) in ({texts(FALSE_TEXTS)}) then false end"
            )
        case "date":
            return _date(name, _formats(file_format, days=True), file_format.open_ends)
        case "month":
            formats = ISO_DATE if column.coarsen else _formats(file_format, days=False)
            return f"cast(date_trunc('month', {_date(name, formats)}) as date)"
        case "year":
            text = f"left({name}, 4)" if column.coarsen else name
            return f"case when regexp_full_match({text}, '[0-9]{{4}}') then cast({text} as integer) end"
        case "integer":
            return f"case when regexp_full_match({name}, '[-+]?[0-9]{{1,18}}') then cast({name} as bigint) end"
        case "amount" | "decimal":
            return _number(column, file_format.decimal_mark)
    raise AssertionError(f"no rule reads a column of type {column.type}")


def _padded(column: Column) -> str:
    """Leading zeros that a spreadsheet lost are put back; other texts stay as they are."""
    digits = f"regexp_full_match({column.name}, '[0-9]{{1,{column.width}}}')"
    return f"case when {digits} then lpad({column.name}, {column.width}, '0') else {column.name} end"


def _formats(file_format: FileFormat, *, days: bool) -> tuple[str, ...]:
    """The register's formats of days, or of months (those without %d): a month is never read as a day."""
    return tuple(f for f in file_format.date_formats if ("%d" in f) == days)


def _date(name: str, formats: tuple[str, ...], sentinels: tuple[date, ...] = ()) -> str:
    """A date of a register; a two-digit year would be read as a year of antiquity and is not read at all."""
    parsed = f"cast(try_strptime({name}, [{texts(formats)}]) as date)"
    days = "".join(f", date '{day.isoformat()}'" for day in sentinels)
    return f"case when {parsed} >= date '1800-01-01' or {parsed} in (null{days}) then {parsed} end"


def _landed(column: Column, absent: bool, codes: Mapping[str, tuple[Code, ...]], open_ends: tuple[date, ...]) -> str:
    """The value as it lands: sentinel dates that mean 'no end' and flagged codes become null, and only here."""
    if absent:
        return "null"
    if _is_flagged(column):
        return f"case when {_unknown(column, codes)} then null else {column.name} end"
    if column.type == "date" and open_ends:
        return f"case when {_is_sentinel(column, open_ends)} then null else {column.name} end"
    return column.name


def _is_sentinel(column: Column, open_ends: tuple[date, ...]) -> str:
    days = ", ".join(f"date '{day.isoformat()}'" for day in open_ends)
    return f"{column.name} in ({days})"


def _number(column: Column, decimal_mark: str) -> str:
    """Thousands spaces (also no-break ones) and a trailing euro sign are read, two marks are not."""
    spaces = f"[ {chr(0xA0)}{chr(0x202F)}]"
    plain = f"regexp_replace({column.name}, '{spaces}|€$', '', 'g')"
    mark = "\\" + decimal_mark
    cast = f"cast(replace({plain}, '{decimal_mark}', '.') as {SQL_TYPES[column.type]})"
    return f"case when regexp_full_match({plain}, '[-+]?[0-9]{{1,10}}({mark}[0-9]+)?') then {cast} end"


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
        known = codes[column.codes]
        reasons.append((_unknown(column, codes), "unknown_code"))
        if column.dated_by and any(c.valid_from or c.valid_until for c in known):
            valid = " or ".join(_valid(name, column.dated_by, code) for code in known)
            reasons.append((f"{column.dated_by} is not null and not ({valid})", "code_not_valid_then"))
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


def _valid(name: str, dated_by: str, code: Code) -> str:
    conditions = [f"{name} = {text(code.code)}"]
    if code.valid_from:
        conditions.append(f"{dated_by} >= date '{code.valid_from.isoformat()}'")
    if code.valid_until:
        conditions.append(f"{dated_by} <= date '{code.valid_until.isoformat()}'")
    return f"({' and '.join(conditions)})"


def _when(condition: str, text: str) -> str:
    return f"case when {condition} then '{text}' end"
