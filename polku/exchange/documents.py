"""JSON that travels between parties: one spelling when written, strict limits and shapes when read.

Belongs here: headers, manifests and cards as bytes and as dataclasses. Does not belong here: what they say.

A signed sender may still be hostile or broken: nothing is believed about size, depth, spelling or type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

MAX_TEXT = 1_000
"""Characters of one text in a header or manifest."""
MAX_ITEMS = 1_000
"""Items of one list or table: more than any register has tables, columns or reasons."""
MAX_NUMBER = (1 << 53) - 1
"""The largest integer that every JSON reader can hold."""

_Shape = TypeVar("_Shape")


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """One spelling for equal values: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def parsed(text: bytes, max_bytes: int) -> dict[str, Any]:
    """The JSON object in `text`; raises ValueError when it is longer, none, or not spelled canonically.

    The one spelling shuts out what readers disagree about: repeated keys, NaN, blanks, escapes.
    """
    if len(text) > max_bytes:
        raise ValueError("longer than its limit")
    try:
        value = json.loads(text)
        if isinstance(value, dict) and canonical_json(value) == text:
            return value
    except (ValueError, RecursionError):
        pass
    raise ValueError("not a canonical JSON object")


def shaped(kind: type[_Shape], data: object) -> _Shape:
    """`data` (parsed JSON) as the dataclass `kind`; raises ValueError when it has any other shape.

    Exactly its fields; text is printable (it ends up on terminals) and short, integers are counts.
    """
    return cast(_Shape, _value(kind, data))


def _value(kind: Any, data: Any) -> Any:
    origin, of = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints = _hints(cast(type, kind))
        _demand(isinstance(data, dict) and data.keys() == hints.keys())
        return cast(type, kind)(**{name: _value(hint, data[name]) for name, hint in hints.items()})
    if origin is UnionType:
        return None if data is None else _value(of[0], data)
    if origin is tuple:
        _demand(isinstance(data, list) and len(data) <= MAX_ITEMS)
        kinds = [of[0]] * len(data) if of[-1] is Ellipsis else of
        return tuple(_value(each, item) for each, item in zip(kinds, data, strict=True))
    if origin is dict:
        _demand(isinstance(data, dict) and len(data) <= MAX_ITEMS)
        return {_value(of[0], name): _value(of[1], item) for name, item in data.items()}
    if kind is date:
        day = date.fromisoformat(_value(str, data))
        _demand(day.isoformat() == data)
        return day
    _demand(type(data) is kind)
    if kind is str:
        _demand(len(data) <= MAX_TEXT and data.isprintable())
    if kind is int:
        _demand(0 <= data <= MAX_NUMBER)
    return data


def _demand(holds: bool) -> None:
    if not holds:
        raise ValueError("not of the expected shape")


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
