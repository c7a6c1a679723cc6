"""Reads from TOML how a register's files are written, and what makes that unambiguous.

Belongs here: the words of `[file_format]` and their rules. Does not belong here: reading files (`polku.authority`) and
cells (`cells`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polku.contracts.faults import Faults
from polku.contracts.model import FileFormat

ENCODINGS = frozenset(("utf-8", "utf-16", "iso-8859-1", "windows-1252"))


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
