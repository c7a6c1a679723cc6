"""Charts of the report: pictures without words, so that one serves all languages.

Belongs here: drawing curves and stacked areas as SVG, with numbers on the axes alone. Does not belong here: titles,
legends and text alternatives, which are words of the page (`sections`). matplotlib is imported when one is drawn.
"""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from polku.disclosure.cells import is_share
from polku.publication.pictures import COLOURS, HIDDEN
from polku.publication.report.release import Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = (("#0b5394", "solid"), ("#b45309", "dashed"), ("#117733", "dotted"), ("#882255", "dashdot"))
"""Colour and line style of curves: 4.5 to 1 on white, and told apart without colour."""
_DECIMALS = re.compile(rb"(\d\.\d\d)\d+")
"""Digits of coordinates beyond a hundredth of a point, which nobody sees and every reader would load."""
_INK, _GRID = "#333333", "#dddddd"
_HATCH = "////"


def curves(panel: Panel, top: float, bottom: float = 0.0) -> str:
    """One curve per series, from `bottom` (nought or below) to `top`; a hidden figure is a cross below, not a point."""
    from matplotlib.ticker import MaxNLocator

    with _canvas(3.7, 2.1) as (axes, address):
        places = [_place(x) for x in panel.x]
        for i, series in enumerate(panel.series):
            colour, style = LINES[i % len(LINES)]
            values = [math.nan if (v := panel.value(x, series)) is None else v for x in panel.x]
            alone = [n for n in range(len(values)) if all(map(math.isnan, _beside(values, n)))]
            axes.plot(places, values, color=colour, linestyle=style, linewidth=1.8, marker=".", markevery=alone)
            hidden = [_place(x) for x in panel.gaps(series, "hidden")]
            depth = bottom - (0.05 + 0.06 * i) * (top - bottom)
            axes.plot(hidden, [depth] * len(hidden), "x", color=colour, markersize=4, clip_on=False)
        axes.set_ylim(bottom - 0.06 * (len(panel.series) + 0.5) * (top - bottom), top + 0.02 * (top - bottom))
        ticks = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(bottom, top)
        axes.set_yticks([tick for tick in ticks if bottom <= tick <= top])
        _axes(axes, panel)
        if panel.picture.x.startswith("months_since"):
            axes.axvline(0, color=_INK, linewidth=0.8)
        return address()


def area(panel: Panel) -> str:
    """Shares of a whole over time, stacked; what is hidden fills up to the whole and is hatched."""
    with _canvas(7.4, 3.4) as (axes, address):
        rows = [[panel.value(x, series) or 0.0 for x in panel.x] for series in panel.series]
        hidden = [max(0.0, 1 - sum(column)) for column in zip(*rows, strict=True)]
        places = [_place(x) for x in panel.x]
        bands = axes.stackplot(
            places, *rows, hidden, colors=[*area_colours(panel), HIDDEN], edgecolor="white", linewidth=0.3
        )
        bands[-1].set_hatch(_HATCH)
        bands[-1].set_edgecolor("#888888")
        axes.margins(0)
        axes.set_ylim(0, 1)
        _axes(axes, panel)
        return address()


def area_colours(panel: Panel) -> list[str]:
    """The colours of the bands, by series."""
    return [COLOURS[i % len(COLOURS)] for i in range(len(panel.series))]


def top_of(panels: Sequence[Panel]) -> float:
    """A round number that no figure of the panels exceeds: charts that stand together have one scale."""
    return _round_above(max(_values(panels), default=0.0)) or 1.0


def bottom_of(panels: Sequence[Panel]) -> float:
    """Nought, or where some figure is below it a round number that none exceeds to that side."""
    return -_round_above(-min(_values(panels), default=0.0))


def _values(panels: Sequence[Panel]) -> list[float]:
    return [v for p in panels for s in p.series for x in p.x if (v := p.value(x, s)) is not None]


def _round_above(number: float) -> float:
    if number <= 0:
        return 0.0
    step = 10.0 ** math.floor(math.log10(number))
    return next(step * n for n in (1, 2, 4, 5, 6, 8, 10) if step * n >= number)


@contextmanager
def _canvas(width: float, height: float) -> Iterator[tuple[Axes, Callable[[], str]]]:
    """A pair of axes (inches), and what gives the finished picture as an address that holds it.

    It is SVG with its text as text, and without a date or a program's name, so that equal figures give equal bytes.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(
        {
            "svg.hashsalt": "polku",
            "svg.fonttype": "none",
            "font.size": 9,
            "font.sans-serif": ["DejaVu Sans", "Arial"],
            "hatch.linewidth": 0.5,
        }
    ):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0.5 / width, 0.3 / height, 1 - 0.65 / width, 1 - 0.42 / height))

        def address() -> str:
            file = io.BytesIO()
            figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
            svg = _DECIMALS.sub(rb"\1", file.getvalue())
            return "data:image/svg+xml;base64," + base64.b64encode(svg[svg.index(b"<svg") :]).decode()

        yield axes, address


def _axes(axes: Axes, panel: Panel) -> None:
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelcolor=_INK)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.axhline(0, color="#888888", linewidth=0.8)
    if is_share(panel.picture.y):
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
    else:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ticks = _ticks(panel)
    axes.set_xticks([_place(x) for x in ticks], [str(x.year if isinstance(x, date) else x) for x in ticks])


def _ticks(panel: Panel) -> list[Any]:
    """Which codes are written below: whole years, of a long window every second or third, or all of a few codes."""
    if panel.picture.x == "month":
        years = [x for x in panel.x if x.month == 1] or panel.x[:1]
        return years[:: math.ceil(len(years) / 9)]
    return [x for x in panel.x if x % 12 == 0] if panel.picture.x.startswith("months_since") else panel.x


def _beside(values: Sequence[float], n: int) -> list[float]:
    """The neighbours of a point: a line joins it to nothing when there is none."""
    return [values[i] for i in (n - 1, n + 1) if 0 <= i < len(values)]


def _place(x: Any) -> float:
    """Where a code stands on the axis: a month is counted from the year 0."""
    return float(x.year * 12 + x.month - 1) if isinstance(x, date) else float(x)
