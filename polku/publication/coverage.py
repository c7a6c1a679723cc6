"""What the figures rest on: which register can say what of which months, as a picture and in words.

Belongs here: drawing and telling the statuses of the mart `coverage`. Does not belong here: how many persons or rows a
month has, which is not read here, and the rules (`dbt_project`). matplotlib is imported when something is drawn.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from polku.contracts.model import Label
from polku.publication.pictures import save
from polku.studies import Study

COLUMNS = ("register", "table_name", "month", "status_code", "is_break")
"""What is read of the mart; one row per register, table and month."""

STATUSES = {
    "observed": Label("observed", "havaittu", "observerad"),
    "nothing_to_record": Label("nothing to record", "ei kirjattavaa", "inget att registrera"),
    "purged": Label("partly deleted at source", "lähteestä osin poistettu", "delvis raderad i källan"),
    "immature": Label("not final yet", "ei vielä lopullinen", "inte slutlig ännu"),
    "not_covered": Label("register not complete", "rekisteri ei kattava", "registret inte heltäckande"),
    "not_received": Label("not delivered", "ei toimitettu", "inte levererad"),
}
BREAK = Label("break in the register", "katkos rekisterissä", "brott i registret")
_TITLE = Label(
    "What the registers can say, by month", "Mitä rekisterit kertovat kuukausittain", "Vad registren kan säga per månad"
)
COLOURS = ("#117733", "#bfdcc6", "#88ccee", "#ddcc77", "#cc6677", "#dddddd")
"""Of the statuses in their order; told apart by colour-blind readers and, by lightness, in print."""


@dataclass(frozen=True)
class Span:
    """Months (YYYY-MM, inclusive) that follow each other in which a table has one status."""

    register: str
    table: str
    first: str
    last: str
    status: str


def spans_of(coverage: pd.DataFrame) -> list[Span]:
    """All tables and months, in their order."""
    ordered = coverage.sort_values(["register", "table_name", "month"])
    keys = [ordered[column].tolist() for column in ("register", "table_name", "status_code", "month")]
    found = []
    for (register, table, status), rows in groupby(zip(*keys, strict=True), key=lambda row: row[:3]):
        months = [f"{row[3]:%Y-%m}" for row in rows]
        found.append(Span(register, table, months[0], months[-1], status))
    return found


def content(coverage: pd.DataFrame) -> dict[str, Any]:
    """The same for machines, with the words for the statuses."""
    return {
        "statuses": {status: asdict(label) for status, label in STATUSES.items()},
        "spans": [asdict(span) for span in spans_of(coverage)],
    }


def text(coverage: pd.DataFrame, study: Study) -> str:
    """The picture in words: a Markdown table with one row per register and table."""
    lines = ["| register | table | " + " | ".join(label.en for label in STATUSES.values()) + " | breaks |"]
    lines.append("|---" * (len(STATUSES) + 3) + "|")
    for (register, table), of_table in groupby(spans_of(coverage), key=lambda span: (span.register, span.table)):
        spans = list(of_table)
        cells = []
        for status in STATUSES:
            cells.append(", ".join(f"{s.first} to {s.last}" for s in spans if s.status == status) or "-")
        rows = coverage[(coverage.register == register) & (coverage.table_name == table) & coverage.is_break]
        breaks = ", ".join(sorted(f"{month:%Y-%m}" for month in rows.month)) or "-"
        title, of = study.contracts[register].title.en, study.contracts[register].table(table).title.en
        lines.append(f"| {title} | {of} | {' | '.join(cells)} | {breaks} |")
    return "\n".join(lines) + "\n"


def draw(coverage: pd.DataFrame, study: Study, folder: Path) -> list[Path]:
    """Write `coverage.svg`, `coverage.png` and, for those who do not see them, `coverage.md`."""
    import matplotlib
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grid = coverage.pivot(index=["register", "table_name"], columns="month", values="status_code").sort_index()
    numbers = [[list(STATUSES).index(status) for status in row] for row in grid.to_numpy()]
    months: list[Any] = list(grid.columns)
    with matplotlib.rc_context({"svg.hashsalt": "polku", "font.size": 7}):
        figure = Figure(figsize=(11, 1.6 + 0.17 * len(grid)))
        axes = figure.subplots()
        colours = ListedColormap(COLOURS)
        axes.imshow(numbers, cmap=colours, vmin=0, vmax=len(STATUSES) - 1, aspect="auto", interpolation="nearest")
        broken = coverage[coverage.is_break]
        at = [list(grid.index).index(key) for key in zip(broken.register, broken.table_name, strict=True)]
        axes.plot([months.index(month) for month in broken.month], at, "k|", markersize=7, linestyle="none")
        januaries = [i for i, month in enumerate(months) if month.month == 1]
        axes.set_xticks(januaries, [str(months[i].year) for i in januaries])
        axes.set_yticks(range(len(grid)), [_title(study, *key) for key in grid.index])
        handles: list[Any] = [
            Patch(color=colour, label=_in_three(label))
            for colour, label in zip(COLOURS, STATUSES.values(), strict=True)
        ]
        handles.append(Line2D([], [], color="black", marker="|", linestyle="none", label=_in_three(BREAK)))
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
        stamp = "TEST DATA - " if study.test else ""
        figure.suptitle(stamp + _in_three(_TITLE), fontsize=9)
        files = save(figure, folder / "coverage")
    words = folder / "coverage.md"
    words.write_text(text(coverage, study), encoding="utf-8")
    return [*files, words]


def _title(study: Study, register: str, table: str) -> str:
    contract = study.contracts[register]
    return f"{contract.title.en}: {contract.table(table).title.en.lower()}"


def _in_three(label: Label) -> str:
    return f"{label.en} / {label.fi} / {label.sv}"
