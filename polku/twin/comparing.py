"""How the invented world compares with what is published of the real one: three pictures and a table in words.

Belongs here: drawing them for docs/twin.md. Does not belong here: the figures themselves (`shape`) and the model.
matplotlib is imported when something is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Floats
from polku.twin.services import KINDS
from polku.twin.shape import published, shape
from polku.twin.world import World

COLOURS = ("#332288", "#88ccee", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499", "#dddddd")
"""Told apart by colour-blind readers."""

STYLES = ("-", "--", "-.", ":")
NAMES = {kind: kind.replace("_", " ").capitalize() for kind in KINDS}


def write_comparison(world: World, folder: Path) -> list[Path]:
    """Write `published.svg`, `effects.svg`, `states.svg` and `published.md` into `folder`; the same world gives the
    same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "published.md"
    table.write_text(words(world), encoding="utf-8")
    drawn = {"published.svg": _draw_published, "effects.svg": _draw_effects, "states.svg": _draw_states}
    return [table, *(_save(world, draw, folder / name) for name, draw in drawn.items())]


def words(world: World) -> str:
    """A Markdown table: figure, published value, the twin's, and where the former is from."""
    figures = shape(world)
    lines = ["| figure | published | twin | set to meet it | source |", "|---|---|---|---|---|"]
    for row in published():
        values = f"{float(row['published']):.0%} | {figures[row['figure']]:.0%} | {row['calibrated']}"
        lines.append(f"| {row['what']} | {values} | {row['source']} |")
    return "\n".join(lines) + "\n"


def naive_difference(world: World) -> Floats:
    """What a raw comparison would say of the Skills Centre, by months since entry: share employed of clients less that
    of job seekers in the study's municipality in the month of entry who never become clients."""
    act, present = world.activity, world.residence.present
    seeking = np.isin(act.state, (a.UNEMPLOYED, a.IN_SERVICE)) & (world.residence.place == world.study_area)
    after = np.arange(world.study.months_after + 1)
    differences = np.zeros((len(after), 2))
    for t in np.unique(act.entry[act.is_client]).tolist():
        clients, others = act.entry == t, seeking[t] & ~act.is_client
        for k in after[after + t < len(world.months)].tolist():
            works, here = act.state[t + k] == a.EMPLOYED, present[t + k]
            inside, outside = clients & here, others & here
            if inside.any() and outside.any():
                differences[k] += (works[inside].mean() - works[outside].mean()) * inside.sum(), inside.sum()
    raw: Floats = differences[:, 0] / np.maximum(differences[:, 1], 1)
    return raw


def _save(world: World, draw: Any, path: Path) -> Path:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "polku", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(7.2, 4.0), layout="constrained")
        draw(world, figure.subplots())
        figure.savefig(path, metadata={"Date": None})
    return path


def _draw_published(world: World, axes: Any) -> None:
    figures, rows = shape(world), published()[::-1]
    place = np.arange(len(rows))
    real, twin = [float(row["published"]) for row in rows], [figures[row["figure"]] for row in rows]
    axes.hlines(place, real, twin, color="#bbbbbb")
    axes.plot(real, place, "o", color=COLOURS[0], label="published")
    axes.plot(twin, place, "D", color=COLOURS[5], markerfacecolor="none", label="twin")
    axes.set_yticks(place, [row["what"] + ("" if row["calibrated"] == "yes" else " *") for row in rows])
    axes.set(xlim=(0, 1), xlabel="share (*: not aimed at)")
    axes.legend(loc="lower right")


def _draw_effects(world: World, axes: Any) -> None:
    for service, style, colour in zip(KINDS, STYLES, COLOURS, strict=False):
        axes.plot(world.employment_effect(service) * 100, style, color=colour, label=NAMES[service])
    axes.plot(
        naive_difference(world) * 100, "x", color=COLOURS[5], markersize=4, label="Skills centre, compared naively"
    )
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set(xlabel="months since entry", ylabel="effect on employment, percentage points")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _draw_states(world: World, axes: Any) -> None:
    living = np.array([(world.activity.state == state).sum(axis=1) for state in a.LIVING])
    shares = living / living.sum(axis=0)
    labels = [a.STATES[state].replace("_", " ") for state in a.LIVING]
    axes.stackplot(world.months.astype(object), shares, labels=labels, colors=COLOURS)
    axes.set(ylim=(0, 1), ylabel="share of persons living in Finland")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
