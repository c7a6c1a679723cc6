"""What a report is made from: released tables, their words and the manifest, cut into panels.

Belongs here: finding the rows that a chart or table of the report shows. Does not belong here: drawing them
(`charts`), saying anything about them (`sections`), and any figure that the released tables do not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from polku.disclosure.cells import STATUS, Status, code_of, sort_key
from polku.publication.manifest import Context, Described, Picture
from polku.publication.pictures import drawn_rows
from polku.studies import Study


@dataclass(frozen=True)
class Row:
    """One row of a released table: its figures by column (None where the table shows none) and its status."""

    figures: Mapping[str, float | None]
    status: Status

    @property
    def gap(self) -> str | None:
        """Why there are no figures: hidden or not_observed; None when there are."""
        if self.status.hidden:
            return "hidden"
        return "not_observed" if self.status is Status.NOT_OBSERVED else None


@dataclass(frozen=True)
class Panel:
    """Rows of a released table that are read together: a series of `picture.y` for each code, at each `x`.

    `code` is the code of the dimension that sets the panel apart (None: there is but one panel).
    """

    table: Described
    picture: Picture
    code: Any
    x: list[Any]
    series: list[Any]
    rows: Mapping[tuple[Any, Any], Row]

    @property
    def key(self) -> str:
        """A name that no other panel of a page has."""
        return "-".join(str(part) for part in (self.table.spec.name, self.picture.y, self.code) if part is not None)

    def value(self, x: Any, series: Any) -> float | None:
        """The figure that is drawn, None where the table shows none."""
        row = self.rows.get((x, series))
        return None if row is None or row.gap else row.figures[self.picture.y]

    def gaps(self, series: Any, kind: str) -> list[Any]:
        """Where a series has no figure because it is hidden, or was not observed."""
        return [x for x in self.x if (row := self.rows.get((x, series))) and row.gap == kind]

    @property
    def any_figure(self) -> bool:
        """Whether anything of it was released."""
        return any(self.value(x, series) is not None for x in self.x for series in self.series)


@dataclass(frozen=True)
class Release:
    """A release on its way to be published. `entries` is its manifest without the digests of the files."""

    study: Study
    tables: Mapping[str, pd.DataFrame]
    context: Context
    entries: Mapping[str, Any]
    pictures: dict[str, str] = field(default_factory=dict)
    """Charts by the key of their panel: one is drawn once and serves all languages."""
    cut: dict[tuple[str, Picture], list[Panel]] = field(default_factory=dict)
    """Panels by table and picture, as `panels` gives them."""

    def panels(self, name: str, **changes: str | None) -> list[Panel]:
        """The panels of a released table as its declaration draws it, with `changes` of its picture.

        None are given when the table is not released. Dimensions that are not drawn are taken at their total.
        """
        if name not in self.tables:
            return []
        picture = replace(self.context.tables[name].picture, **changes)  # type: ignore[arg-type]
        if (name, picture) not in self.cut:
            self.cut[name, picture] = _panels(self.tables[name], self.context.tables[name], picture)
        return self.cut[name, picture]

    def cells(self, name: str) -> Counter[Status]:
        """How many cells of a table have which status."""
        return Counter(Status(status) for status in self.tables[name][STATUS])


def _panels(released: pd.DataFrame, described: Described, picture: Picture) -> list[Panel]:
    spec = described.spec
    table = drawn_rows(released, spec, picture)
    figures = [column for column in (spec.base, *spec.with_cell) if column]
    drawn = [column for column in (picture.x, picture.by, picture.panel) if column]
    codes = {column: [code_of(value) for value in table[column]] for column in drawn}
    numbers = {column: [None if pd.isna(value) else float(value) for value in table[column]] for column in figures}
    found: dict[Any, dict[tuple[Any, Any], Row]] = {}
    for i, status in enumerate(table[STATUS]):
        panel = codes[picture.panel][i] if picture.panel else None
        row = Row({column: values[i] for column, values in numbers.items()}, Status(status))
        found.setdefault(panel, {})[codes[picture.x][i], codes[picture.by][i]] = row
    return [
        Panel(described, picture, panel, _ordered({x for x, _ in rows}), _ordered({by for _, by in rows}), rows)
        for panel, rows in sorted(found.items(), key=lambda item: sort_key((item[0],)))
    ]


def _ordered(codes: set[Any]) -> list[Any]:
    return [key[0] for key in sorted({(code,) for code in codes}, key=sort_key)]
