"""JSON of strangers: read only in its one spelling, in bounds, in the expected shape."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polku.exchange.documents import MAX_ITEMS, MAX_NUMBER, MAX_TEXT, canonical_json, parsed, shaped


@dataclass(frozen=True)
class Inner:
    name: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    period: tuple[date, date] | None
    number: int
    flag: bool
    note: str | None = None


GOOD: dict[str, Any] = {
    "inner": [{"name": "a", "counts": {"x": 1}}], "period": ["2024-01-01", "2024-06-30"], "number": 1, "flag": True,
    "note": None,
}  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_what_is_written_is_read(value: dict[str, Any]) -> None:
    assert parsed(canonical_json(value), 1 << 20) == value


@given(st.binary(max_size=200) | json_values.map(lambda v: str(v).encode("utf-8", "replace")))
def test_any_other_bytes_are_refused_in_one_way(text: bytes) -> None:
    try:
        value = parsed(text, 1 << 20)
    except ValueError:
        return
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b'{"a":NaN}', b'{"a":1e400}', b'{"a":1.0e0}',
        b'{"a":"\\u0061"}', b"[1]", b"1", b"null", b"", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_other_spellings_and_depths_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="canonical"):
        parsed(text, 1 << 20)


def test_a_text_above_its_limit_is_not_parsed() -> None:
    with pytest.raises(ValueError, match="limit"):
        parsed(b'{"a":1}', 6)


def test_a_shape_is_read() -> None:
    period = (date(2024, 1, 1), date(2024, 6, 30))
    assert shaped(Outer, GOOD) == Outer((Inner("a", {"x": 1}),), period, 1, True)
    assert shaped(Outer, {**GOOD, "period": None}).period is None


@pytest.mark.parametrize(
    "change",
    [
        {"number": True}, {"number": -1}, {"number": 1.0}, {"number": "1"}, {"number": MAX_NUMBER + 1}, {"flag": 1},
        {"note": 1}, {"note": "x" * (MAX_TEXT + 1)}, {"note": "\x1b[2J"}, {"note": "\ud800"}, {"note": "a\nb"},
        {"period": ["2024-01-01"]}, {"period": ["2024-01-01"] * 3}, {"period": ["20240101", "2024-01-01"]},
        {"period": "2024"}, {"inner": {}}, {"inner": [{}]}, {"inner": [[]]}, {"inner": None}, {"more": 1},
        {"inner": [{"name": "a", "counts": {"x": -1}}]}, {"inner": [{"name": "a", "counts": {"\0": 1}}]},
        {"inner": [GOOD["inner"][0]] * (MAX_ITEMS + 1)},
        {"inner": [{"name": "a", "counts": {str(n): n for n in range(MAX_ITEMS + 1)}}]},
    ],
)  # fmt: skip
def test_any_other_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"shape|date|shorter|longer|argument"):
        shaped(Outer, {**GOOD, **change})


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_field_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match="shape"):
        shaped(Outer, {name: value for name, value in GOOD.items() if name != missing})


@given(json_values)
def test_any_value_is_a_shape_or_refused(value: Any) -> None:
    for data in (value, {**GOOD, "inner": value}, {**GOOD, "period": value}):
        with suppress(ValueError):
            assert isinstance(shaped(Outer, data), Outer)
