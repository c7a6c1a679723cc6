"""What a section of the report consists of, in one language, as plain data for the template.

Belongs here: the kinds of blocks. Does not belong here: how they look (`page.html`, `style.css`), and what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Text:
    """A paragraph. `look` is plain, lead (the finding) or warning (what must not be overlooked)."""

    kind: ClassVar[str] = "text"
    text: str
    look: str = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclass(frozen=True)
class Terms:
    """Names, each with what belongs to it."""

    kind: ClassVar[str] = "terms"
    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Title:
    """The title of a part of a section."""

    kind: ClassVar[str] = "title"
    text: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table: `scope` makes it a heading (col, colgroup, row), `look` is a class of the style sheet."""

    text: str
    scope: str | None = None
    span: int = 1
    look: str = ""


@dataclass(frozen=True)
class Bar:
    """A cell with a line of time: parts of its length in per cent, each with a colour."""

    spans: Sequence[tuple[float, str]]
    scope: ClassVar[None] = None


@dataclass(frozen=True)
class Table:
    """A table with its caption. Long ones are `dense`: small, and in columns where printed."""

    kind: ClassVar[str] = "table"
    caption: str
    head: Sequence[Sequence[Cell]]
    rows: Sequence[Sequence[Cell | Bar]]
    dense: bool = False
    quiet: bool = False
    """The caption repeats the title above: it is there for those who hear the page."""


@dataclass(frozen=True)
class Legend:
    """What marks mean: (look, colour, text); the look is a line style, cross, gap or band."""

    kind: ClassVar[str] = "legend"
    items: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Figure:
    """A chart with its title (`quiet` as a table's), the text instead of it, what its axes show, and its figures.

    `definition` says what the figures count, where the text above the chart does not.
    """

    kind: ClassVar[str] = "figure"
    title: str
    picture: str
    instead: str
    axes: str
    summary: str
    definition: str
    data: Table
    wide: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Figures:
    """Charts side by side."""

    kind: ClassVar[str] = "figures"
    items: Sequence[Figure]


@dataclass(frozen=True)
class Details:
    """Blocks that are read on demand. `language` is given where it is not the article's."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: Sequence[Block]
    language: str | None = None


Block = Text | Bullets | Terms | Title | Table | Legend | Figures | Details


@dataclass(frozen=True)
class Section:
    """A section of the report; `name` is its anchor, after the language."""

    name: str
    title: str
    blocks: Sequence[Block]
