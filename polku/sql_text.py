"""Texts and names as they stand in SQL.

Belongs here: quoting. Does not belong here: any statement. Values of rows never come here: they are
columns of a relation or bound parameters.
"""

from __future__ import annotations

from collections.abc import Iterable


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """Text literals, separated by commas."""
    return ", ".join(map(text, values))


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'
