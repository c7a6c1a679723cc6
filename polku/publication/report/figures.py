"""Charts and tables of released panels, in one language.

Belongs here: titles, legends, text alternatives and cells of what a panel shows; hidden figures are words, never zeros.
Does not belong here: drawing (`charts`), and which panels a section shows (`sections`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from polku.disclosure.cells import is_share
from polku.outcomes.definitions import outcomes_of
from polku.publication.pictures import HIDDEN
from polku.publication.report import charts
from polku.publication.report.blocks import Block, Cell, Figure, Figures, Legend, Table, Text
from polku.publication.report.release import Panel, Release
from polku.publication.report.words import Words

SHADES = (0.005, 0.02, 0.1, 0.5)
"""From which shares on a cell of a matrix is shaded by one step more."""


def drawn(release: Release, words: Words, panels: Sequence[Panel]) -> list[Block]:
    """Panels as charts of one scale under one legend, or as tables where a chart would not do.

    Panels of which nothing is released are named in a sentence instead.
    """
    shown = [panel for panel in panels if panel.any_figure]
    blocks: list[Block] = []
    scale = charts.top_of(shown), charts.bottom_of(shown)
    lines = [panel for panel in shown if _chart_of(panel) == "curves"]
    if lines:
        blocks.append(_legend(words, lines[0]))
        blocks.append(Figures([_curves(release, words, panel, scale) for panel in lines]))
    for panel in shown:
        if _chart_of(panel) == "area":
            blocks += [_bands(words, panel), Figures([_area(release, words, panel)])]
        elif _chart_of(panel) is None:
            blocks.append(matrix(words, panel, title_of(words, panel), quiet=panel.code is None))
    if unpublished := [title_of(words, panel) for panel in panels if not panel.any_figure]:
        blocks.append(Text(words.say("happened.unpublished", names=words.listed(unpublished))))
    return blocks


def _chart_of(panel: Panel) -> str | None:
    """curves or area, along numbers or months; None for what is read better as a table."""
    along = all(isinstance(x, int | date) for x in panel.x)
    return panel.picture.kind if along and panel.picture.kind in ("curves", "area") else None


def ranked(panels: Sequence[Panel]) -> list[Panel]:
    """Panels of ranked bars with a row for each bar, the highest first; others as they are."""
    return [_ranked(panel) if panel.picture.kind == "ranked_bars" else panel for panel in panels]


def _ranked(panel: Panel) -> Panel:
    turned = replace(panel.picture, x=panel.picture.by, by=panel.picture.x)
    highest = {x: max((panel.value(x, series) or 0 for series in panel.series), default=0) for x in panel.x}
    rows = {(series, x): row for (x, series), row in panel.rows.items()}
    bars = sorted(panel.x, key=lambda x: -highest[x])
    return replace(panel, picture=turned, x=panel.series, series=bars, rows=rows)


def title_of(words: Words, panel: Panel) -> str:
    """What a panel is about: its own code, or else the title of its table."""
    return words.label(panel.table.title) if panel.code is None else words.code(panel.code)


def matrix(words: Words, panel: Panel, caption: str, *, quiet: bool = False) -> Table:
    """A table with the panel's series as rows and its `x` as columns, the base before them where there is one."""
    picture, base = panel.picture, panel.table.spec.base
    based = base is not None and picture.x not in panel.table.spec.base_by
    corner = words.column(picture.by)
    if len(panel.x) > 1:
        corner = words.say("figure.rows", rows=corner, columns=words.column(picture.x))
    head = [Cell(corner, "col"), *([Cell(words.column(base or ""), "col")] if based else [])]
    rows = []
    for series in panel.series:
        cells = [Cell(words.code(series), "row")]
        if based and base:
            known = (panel.rows[x, series].figures[base] for x in panel.x if (x, series) in panel.rows)
            cells.append(Cell(words.count(next((n for n in known if n is not None), 0.0))))
        rows.append([*cells, *(_cell(words, panel, x, series, shaded=True) for x in panel.x)])
    columns = [words.code(x) for x in panel.x] if len(panel.x) > 1 else [words.column(picture.y)]
    return Table(caption, [[*head, *(Cell(column, "col") for column in columns)]], rows, quiet=quiet)


def _curves(release: Release, words: Words, panel: Panel, scale: tuple[float, float]) -> Figure:
    if panel.key not in release.pictures:
        release.pictures[panel.key] = charts.curves(panel, *scale)
    return _figure(release, words, panel, "figure.alt", wide=False)


def _area(release: Release, words: Words, panel: Panel) -> Figure:
    if panel.key not in release.pictures:
        release.pictures[panel.key] = charts.area(panel)
    return _figure(release, words, panel, "figure.alt_area", wide=True)


def _figure(release: Release, words: Words, panel: Panel, instead: str, *, wide: bool) -> Figure:
    title = title_of(words, panel)
    series = ". ".join(_in_words(words, panel, code) for code in panel.series)
    y = words.column(panel.picture.y)
    outcome = outcomes_of(panel.table.spec.name, words.study.outcomes).get(str(panel.code))
    return Figure(
        title,
        release.pictures[panel.key],
        words.say(instead, title=title, series=series),
        words.say(
            "figure.axes",
            y=f"{y}, %" if is_share(panel.picture.y) else y,
            x=words.column(panel.picture.x),
        ),
        words.say("figure.data"),
        words.rule(outcome) if outcome else "",
        _data(words, panel, words.say("figure.table", title=title)),
        wide,
        quiet=panel.code is None,
    )


def _in_words(words: Words, panel: Panel, series: Any) -> str:
    """The course of a series in half a sentence: first, last and highest figure."""
    known = [(x, v) for x in panel.x if (v := panel.value(x, series)) is not None]
    if not known:
        return words.say("figure.alt_nothing", series=words.code(series))
    (first_x, first), (last_x, last) = known[0], known[-1]
    top_x, top = max(known, key=lambda point: point[1])
    y = panel.picture.y
    return words.say(
        "figure.alt_series",
        series=words.code(series),
        first=words.figure(y, first),
        last=words.figure(y, last),
        top=words.figure(y, top),
        at=words.code(top_x),
        **{"from": words.code(first_x), "until": words.code(last_x)},
    )


def _data(words: Words, panel: Panel, caption: str) -> Table:
    """The figures of a chart: a row for each `x`, for each series its base (where there is one) and its figure."""
    columns = [c for c in (panel.table.spec.base, panel.picture.y) if c]
    head = [[Cell(words.column(panel.picture.x), "col"), *(Cell(words.code(s), "col") for s in panel.series)]]
    if len(columns) > 1:
        head = [
            [Cell("", None), *(Cell(words.code(s), "colgroup", len(columns)) for s in panel.series)],
            [
                Cell(words.column(panel.picture.x), "col"),
                *(Cell(words.column(c), "col") for _ in panel.series for c in columns),
            ],
        ]
    rows = [
        [
            Cell(words.code(x), "row"),
            *(_cell(words, panel, x, s, column=c) for s in panel.series for c in columns),
        ]
        for x in panel.x
    ]
    return Table(caption, head, rows, dense=True)


def _cell(words: Words, panel: Panel, x: Any, series: Any, *, column: str = "", shaded: bool = False) -> Cell:
    row, y = panel.rows.get((x, series)), panel.picture.y
    column = column or y
    if row is None:
        return Cell(words.say("figure.none"))
    value = row.figures[column]
    if value is None:
        gap = row.gap or "not_observed"
        return Cell(words.say(f"figure.{gap}"), look=gap)
    shade = f"shade{sum(value >= step for step in SHADES)}" if shaded and is_share(column) else ""
    return Cell(words.figure(column, value), look=shade)


def _legend(words: Words, panel: Panel) -> Legend:
    lines = [(charts.LINES[i % len(charts.LINES)], code) for i, code in enumerate(panel.series)]
    return Legend(
        [
            *((style, colour, words.code(code)) for (colour, style), code in lines),
            ("cross", "#333333", words.say("figure.hidden_mark")),
            ("gap", "#333333", words.say("figure.gap")),
        ]
    )


def _bands(words: Words, panel: Panel) -> Legend:
    """From the top band of the picture to the lowest."""
    bands = [
        ("band", colour, words.code(code))
        for colour, code in zip(charts.area_colours(panel), panel.series, strict=True)
    ]
    return Legend([("hatched", HIDDEN, words.say("figure.hidden_area")), *reversed(bands)])
