"""A small picture of each released table, as SVG and PNG.

Belongs here: drawing what the table shows, hidden figures as gaps. Does not belong here: figures that
are not in the released table. matplotlib is imported when something is drawn: it takes a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from polku.disclosure.cells import ReleaseSpec, code_of, is_share, sort_key
from polku.publication.manifest import Described, Picture
from polku.studies import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by colour-blind readers too (the "safe" qualitative scheme of CARTO, without its grey).
COLOURS = (
    "#332288",
    "#88ccee",
    "#117733",
    "#ddcc77",
    "#cc6677",
    "#44aa99",
    "#aa4499",
    "#999933",
    "#882255",
    "#661100",
    "#6699cc",
)
HIDDEN = "#dddddd"
PANELS_ABREAST = 3
RANKED_AT_MOST = 15
"""Bars of a ranking that a page can hold with their names; a longer table's others are in its CSV."""


def draw(table: pd.DataFrame, described: Described, study: Study, folder: Path) -> list[Path]:
    """Draw one released table as `<name>.svg` and `<name>.png` (the same bytes for the same table)."""
    import matplotlib
    from matplotlib.figure import Figure

    picture, spec = described.picture, described.spec
    shown = drawn_rows(table, spec, picture)
    panels = _codes(shown, picture.panel) if picture.panel else [None]
    rows = max(1, math.ceil(len(panels) / PANELS_ABREAST))
    abreast = min(len(panels), PANELS_ABREAST) or 1
    size = (3.2 * abreast + 1.5, 2.4 * rows + 1.2) if picture.panel else (7.5, 4.5)
    with matplotlib.rc_context({"svg.hashsalt": "polku", "font.size": 8}):
        figure = Figure(figsize=size)
        grid = figure.subplots(rows, abreast, squeeze=False, sharex=True).flatten()
        for axes, panel in zip(grid, panels, strict=False):
            part = shown if panel is None else shown[[c == panel for c in _column(shown, picture.panel)]]
            _DRAWERS[picture.kind](axes, part, picture, study)
            if panel is not None:
                axes.set_title(_words(panel), fontsize=8)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for lowest in grid[: len(panels)][-abreast:]:
            lowest.tick_params(labelbottom=True)
        _label(figure, grid[0], described, study)
        return save(figure, folder / spec.name)


def save(figure: Figure, path: Path) -> list[Path]:
    """Write `<path>.svg` and `<path>.png` of a figure without a layout engine, which is laid out here, once.

    No date and no program's name are in them.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # An engine of the figure's own would draw it once more for each file, and show nothing.
    ConstrainedLayoutEngine().execute(figure)
    files = [path.with_suffix(".svg"), path.with_suffix(".png")]
    figure.savefig(files[0], metadata={"Date": None, "Creator": None})
    figure.savefig(files[1], dpi=120, metadata={"Software": None})
    return files


def drawn_rows(table: pd.DataFrame, spec: ReleaseSpec, picture: Picture) -> pd.DataFrame:
    """Rows of the fixed codes, without totals of the drawn dimensions, and with nothing but totals of the others."""
    drawn = {picture.x, picture.by, picture.panel}
    keep = pd.Series(True, index=table.index)
    for dimension, fixed in picture.at:
        keep &= pd.Series([code == fixed for code in _column(table, dimension)], index=table.index)
    for dimension, total in spec.total_code.items():
        is_total = pd.Series([code == total for code in _column(table, dimension)], index=table.index)
        keep &= ~is_total if dimension in drawn else is_total
    return table[keep]


def _draw_area(axes: Axes, table: pd.DataFrame, picture: Picture, study: Study) -> None:
    """Shares over time, stacked; what is hidden fills up to one."""
    x, series = _codes(table, picture.x), _codes(table, picture.by)
    values = [_values(table, picture, x, code) for code in series]
    stacked = [[0.0 if math.isnan(v) else v for v in row] for row in values]
    hidden = [max(0.0, 1 - sum(column)) for column in zip(*stacked, strict=True)]
    colours = [*_colours(len(series)), HIDDEN]
    labels = [*(_words(code) for code in series), "hidden"]
    axes.stackplot(x, *stacked, hidden, labels=labels, colors=colours, step="mid", linewidth=0)
    axes.margins(0)
    axes.set_ylim(0, 1)


def _draw_curves(axes: Axes, table: pd.DataFrame, picture: Picture, study: Study) -> None:
    """One curve per code, broken where the figure is hidden."""
    x = _codes(table, picture.x)
    series = _codes(table, picture.by)
    for code, colour in zip(series, _colours(len(series)), strict=True):
        label = study.groups[str(code)].en if str(code) in study.groups else _words(code)
        axes.plot(x, _values(table, picture, x, code), color=colour, marker=".", markersize=3, label=label)
    if is_share(picture.y):
        axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)


def _draw_heat_map(axes: Axes, table: pd.DataFrame, picture: Picture, study: Study) -> None:
    """A matrix with its figures written in; hidden ones are grey and say so."""
    import matplotlib

    x, series = _codes(table, picture.x), _codes(table, picture.by)
    values = [_values(table, picture, x, code) for code in series]
    colours = matplotlib.colormaps["cividis"].with_extremes(bad=HIDDEN)
    axes.imshow(values, cmap=colours, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(x)), [_words(code) for code in x], rotation=30, ha="right")
    axes.set_yticks(range(len(series)), [_words(code) for code in series])
    for row, figures in enumerate(values):
        for column, figure in enumerate(figures):
            text = "hidden" if math.isnan(figure) else f"{figure:.3f}"
            dark = not math.isnan(figure) and figure < 0.5
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")


def _draw_bars(axes: Axes, table: pd.DataFrame, picture: Picture, study: Study) -> None:
    """Bars side by side; a hidden figure has no bar but the word."""
    x, series = _codes(table, picture.x), _codes(table, picture.by)
    width = 0.8 / max(1, len(series))
    for i, (code, colour) in enumerate(zip(series, _colours(len(series)), strict=True)):
        places = [j + (i - (len(series) - 1) / 2) * width for j in range(len(x))]
        values = _values(table, picture, x, code)
        axes.bar(places, [0 if math.isnan(v) else v for v in values], width, color=colour, label=_words(code))
        for place, value in zip(places, values, strict=True):
            text = "hidden" if math.isnan(value) else f"{value:.2f}"
            axes.annotate(text, (place, 0 if math.isnan(value) else value), ha="center", va="bottom", fontsize=7)
    axes.set_xticks(range(len(x)), [_words(code) for code in x])
    if is_share(picture.y):
        axes.set_ylim(0, 1)


def _draw_ranked_bars(axes: Axes, table: pd.DataFrame, picture: Picture, study: Study) -> None:
    """Horizontal bars, the longest on top; a hidden figure has no bar but the word, and comes last."""
    codes, series = _codes(table, picture.x), _codes(table, picture.by)
    largest = [max((v for v in row if not math.isnan(v)), default=-1.0) for row in _by_code(table, picture, codes)]
    ranked = [code for _, code in sorted(zip(largest, codes, strict=True), key=lambda pair: -pair[0])][:RANKED_AT_MOST]
    height = 0.8 / max(1, len(series))
    for i, (code, colour) in enumerate(zip(series, _colours(len(series)), strict=True)):
        values = _values(table, picture, ranked, code)
        places = [j + (i - (len(series) - 1) / 2) * height for j in range(len(ranked))]
        label = study.groups[str(code)].en if str(code) in study.groups else _words(code)
        axes.barh(places, [0 if math.isnan(v) else v for v in values], height, color=colour, label=label)
        for place, value in zip(places, values, strict=True):
            text = " hidden" if math.isnan(value) else f" {value:.2f}"
            axes.annotate(text, (0 if math.isnan(value) else value, place), ha="left", va="center", fontsize=7)
    axes.set_yticks(range(len(ranked)), [_words(code) for code in ranked])
    axes.invert_yaxis()
    axes.margins(x=0.1)


def _label(figure: Figure, first: Axes, described: Described, study: Study) -> None:
    """Title, names of the axes and of the series. A legend of few series stands below a picture without panels: beside
    it the groups' long names would take half of the width.
    """
    picture = described.picture
    handles, labels = first.get_legend_handles_labels()
    below = picture.panel is None and len(labels) <= len(study.groups)
    if handles and below:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    elif handles:
        figure.legend(handles, labels, loc="outside right upper", frameon=False)
    stamp = "TEST DATA - " if study.test else ""
    figure.suptitle(f"{stamp}{described.title.en}", fontsize=10)
    across, up = {
        "heat_map": (picture.x, picture.by),
        "ranked_bars": (picture.y, picture.x),
    }.get(picture.kind, (picture.x, picture.y))
    if below:
        first.set_xlabel(_words(across), fontsize=8)
        first.set_ylabel(_words(up), fontsize=8)
    else:
        figure.supxlabel(_words(across), fontsize=8)
        figure.supylabel(_words(up), fontsize=8)


def _by_code(table: pd.DataFrame, picture: Picture, codes: list[Any]) -> list[tuple[float, ...]]:
    """The figures of all series for each code of `x`."""
    series = [_values(table, picture, codes, code) for code in _codes(table, picture.by)]
    return list(zip(*series, strict=True))


def _values(table: pd.DataFrame, picture: Picture, x: list[Any], code: Any) -> list[float]:
    """The figures of one series at every x; NaN where there is none."""
    rows = zip(_column(table, picture.x), _column(table, picture.by), table[picture.y], strict=True)
    found = {at: float(value) for at, by, value in rows if by == code and pd.notna(value)}
    return [found.get(at, math.nan) for at in x]


def _codes(table: pd.DataFrame, column: str) -> list[Any]:
    return [key[0] for key in sorted({(code,) for code in _column(table, column)}, key=sort_key)]


def _column(table: pd.DataFrame, column: str | None) -> list[Any]:
    return [code_of(value) for value in table[column]]


def _colours(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _words(code: Any) -> str:
    return str(code).replace("_", " ")


_DRAWERS: dict[str, Callable[[Axes, pd.DataFrame, Picture, Study], None]] = {
    "area": _draw_area,
    "curves": _draw_curves,
    "heat_map": _draw_heat_map,
    "bars": _draw_bars,
    "ranked_bars": _draw_ranked_bars,
}
