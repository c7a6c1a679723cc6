"""Pictures of a comparison: the Love plot of the balance, and how far the scores of both groups overlap.

Belongs here: drawing what was estimated. Does not belong here: any estimate. Pictures stay on the platform; still no
bar stands for fewer persons than a release would show. matplotlib is imported when something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from polku.effects.balance import MOST_DIFFERENCE
from polku.effects.comparing import Compared
from polku.effects.design import Floats
from polku.publication.pictures import COLOURS, save
from polku.studies import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GRID = np.linspace(0, 1, 41)
"""Where bins of scores may begin and end."""


def love_plot(balance: pd.DataFrame, study: Study, path: Path) -> list[Path]:
    """Absolute standardised differences before and after matching as `<path>.svg` and `<path>.png`.

    By covariate and level, the greatest before matching on top, with a line where groups stop counting as alike. What
    has no standardised difference has no dot.
    """
    levels = balance.assign(
        name=balance.covariate_code + balance.level_code.map(lambda level: f" = {level}" if pd.notna(level) else ""),
        size=balance.standardised_difference.astype(float).abs(),
    )
    by_stage = levels.pivot(index="name", columns="stage_code", values="size").sort_values("unmatched")

    def draw(axes: Axes) -> None:
        for stage, colour, marker in (("unmatched", COLOURS[4], "o"), ("matched", COLOURS[0], "D")):
            axes.plot(by_stage[stage], range(len(by_stage)), marker, color=colour, markersize=5, label=stage)
        axes.axvline(MOST_DIFFERENCE, color="black", linestyle="--", linewidth=0.8, label=f"{MOST_DIFFERENCE}")
        axes.set_yticks(range(len(by_stage)), [name.replace("_", " ") for name in by_stage.index])
        axes.set_xlabel("absolute standardised difference")
        axes.set_xlim(left=0)
        axes.grid(axis="y", alpha=0.3)

    return _drawn(draw, study, "Differences between clients and others", 1.6 + 0.24 * len(by_stage), path)


def overlap_plot(compared: Compared, study: Study, threshold: int, path: Path) -> list[Path]:
    """Density of the propensity score of both groups as `<path>.svg` and `<path>.png`; nothing where there is none.

    Every bin holds at least `threshold` persons of its group.
    """
    score, treated = compared.score, compared.design.treated
    if np.isnan(score).all():
        return []

    def draw(axes: Axes) -> None:
        for group, members, colour in (("client", treated, COLOURS[0]), ("never_client", ~treated, COLOURS[4])):
            scores = score[members & ~np.isnan(score)]
            edges = coarse_bins(scores, threshold)
            if len(edges):
                density = np.histogram(scores, edges)[0] / (len(scores) * np.diff(edges))
                axes.stairs(density, edges, color=colour, fill=True, alpha=0.45, label=study.groups[group].en)
        axes.set_xlabel(f"propensity score, in bins of at least {threshold} persons")
        axes.set_ylabel("density")
        axes.set_xlim(0, 1)

    return _drawn(draw, study, "Propensity scores within the common support", 3.6, path)


def coarse_bins(scores: Floats, threshold: int) -> Floats:
    """Edges of bins on a fixed grid, each the narrowest one from the left with `threshold` scores; what is left over at
    the end belongs to the last bin. No edges where there are fewer scores.
    """
    cumulated = np.histogram(scores, _GRID)[0].cumsum()
    edges, seen = [0.0], 0
    for edge, until in zip(_GRID[1:].tolist(), cumulated.tolist(), strict=True):
        if until - seen >= threshold:
            edges.append(edge)
            seen = until
    if len(edges) > 1:
        edges[-1] = 1.0
    return np.array(edges if len(edges) > 1 else [])


def _drawn(draw: Callable[[Axes], None], study: Study, title: str, height: float, path: Path) -> list[Path]:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "polku", "font.size": 8}):
        figure = Figure(figsize=(7.5, height))
        draw(figure.subplots())
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        figure.suptitle(f"{'TEST DATA - ' if study.test else ''}{title}", fontsize=10)
        path.parent.mkdir(parents=True, exist_ok=True)
        return save(figure, path)
