"""What clients gained compared with persons like them: the section of matched effects.

Belongs here: differences in plain words with their intervals, their charts, subgroups, and why some are not presented
as effects.
Does not belong here: raw comparisons (`sections`), and any estimate (`dbt_project`).
"""

from __future__ import annotations

import pandas as pd

from polku.disclosure.cells import STATUS, Status
from polku.publication.report.blocks import Block, Bullets, Cell, Details, Section, Table, Text, Title
from polku.publication.report.figures import drawn, title_of
from polku.publication.report.release import Panel, Release, Row
from polku.publication.report.words import Words

MONTHS, YEARS, SUBGROUPS = "effect_in_month", "effect_since_entry", "effect_in_subgroup"
DESIGNS = ("until_own_entry", "as_assigned")
"""The first that has a figure is told."""
ASSUMING = "own_gains_removed"
"""Drawn with the others, and told for what it assumes."""
SUBGROUP_DESIGN = "as_assigned"
"""By subgroups too few stay until their own entry."""
WEEKS_PER_MONTH = 365.25 / 12 / 7
MONTHS_TOLD = 24
"""Subgroups are told of two years, in which a service of a year shows what it leaves behind."""


def effects(release: Release, words: Words) -> Section:
    """Sentences on the first years, charts by month; empty where no comparison was released."""
    if MONTHS not in release.tables:
        return Section("effects", words.say("effects.title"), [])
    years, months = release.panels(YEARS), release.panels(MONTHS)
    told = [text for panel in years if (text := _told(words, panel))]
    blocks: list[Block] = [Text(words.say("effects.how"))]
    blocks += [Bullets(told)] if told else [Text(words.say("effects.none"), "warning")]
    blocks.append(Text(words.say("effects.unseen"), "warning"))
    blocks += [Title(words.label(release.context.tables[MONTHS].title)), Text(words.say("effects.by_month"))]
    if ASSUMING in set(release.tables[MONTHS].design_code):
        blocks.append(Text(words.say("effects.later")))
    blocks += drawn(release, words, months)
    blocks += _subgroups(release, words)
    tables = [release.tables[name] for name in (MONTHS, SUBGROUPS) if name in release.tables]
    reasons = sorted({reason for table in tables for reason in table.no_effect_code.dropna()} - {"before_entry"})
    if reasons:
        blocks += [
            Title(words.say("effects.missing")),
            Bullets([words.say(f"no_effect.{reason}") for reason in reasons]),
        ]
    return Section("effects", words.say("effects.title"), blocks)


def _subgroups(release: Release, words: Words) -> list[Block]:
    """Intervals by subgroup, with what so many of them mean: a table to open for each outcome that has any."""
    if SUBGROUPS not in release.tables:
        return []
    table = release.tables[SUBGROUPS]
    shown = table[(table.months_since_entry == MONTHS_TOLD) & (table.design_code == SUBGROUP_DESIGN)]
    blocks: list[Block] = [Title(words.label(release.context.tables[SUBGROUPS].title))]
    known = shown[shown[STATUS] == Status.OK]
    if known.empty:
        return [*blocks, Text(words.say("effects.no_subgroups"), "warning")]
    told = {"months": words.count(MONTHS_TOLD), "intervals": words.count(int(known.intervals.max()))}
    blocks.append(Text(words.say("effects.many", **told), "warning"))
    for outcome in dict.fromkeys(known.outcome_code):
        its = shown[shown.outcome_code == outcome]
        blocks.append(Details(words.code(outcome), [_intervals(words, its, words.code(outcome))]))
    return blocks


def _intervals(words: Words, subgroups: pd.DataFrame, title: str) -> Table:
    """A row for each subgroup: its interval, that of all at once, or why there is none."""
    money = subgroups.unit_code.iloc[0] == "eur"
    unit = words.say("effects.unit_eur" if money else "effects.unit_weeks")
    head = [
        words.say("effects.subgroup"),
        words.say("effects.alone", unit=unit),
        words.say("effects.at_once", unit=unit),
    ]
    rows = []
    for row in subgroups.sort_values(["stratum_code", "subgroup_code"]).to_dict("records"):
        name = ", ".join(words.code(part) for part in str(row["subgroup_code"]).split("-"))
        if row[STATUS] == Status.OK:
            bounds = [(row[f"lower_bound{of}"], row[f"upper_bound{of}"]) for of in ("", "_of_all")]
            cells = [Cell(_from_to(words, *pair, money=money)) for pair in bounds]
        else:
            reason = row["no_effect_code"]
            why = words.say("figure.hidden" if pd.isna(reason) else f"effects.short_{reason}")
            cells = [Cell(why), Cell(words.say("figure.none"))]
        rows.append([Cell(name, "row"), *cells])
    return Table(title, [[Cell(text, "col") for text in head]], rows, quiet=True)


def _from_to(words: Words, low: float, high: float, *, money: bool) -> str:
    write, scale = (words.euros, 1.0) if money else (words.weeks, WEEKS_PER_MONTH)
    return words.say("effects.from_to", low=write(scale * low), high=write(scale * high))


def _told(words: Words, panel: Panel) -> str | None:
    """The longest stretch of years of which the panel has a figure, in one sentence."""
    for design in DESIGNS:
        for months in reversed(panel.x):
            row = panel.rows.get((months, design))
            if row is not None and row.gap is None:
                return _sentence(words, panel, row, int(months), design)
    return None


def _sentence(words: Words, panel: Panel, row: Row, months: int, design: str) -> str:
    money = panel.code == "earnings" or str(panel.code).startswith("benefit_")
    scale = 1.0 if money else WEEKS_PER_MONTH
    low, high = (scale * float(row.figures[bound] or 0) for bound in ("lower_bound", "upper_bound"))
    write = words.euros if money else words.weeks
    kind = "more" if low > 0 else "fewer" if high < 0 else "either"
    ends = (low, high) if kind == "more" else (-high, -low) if kind == "fewer" else (-low, high)
    return words.say(
        f"effects.{kind}_{'eur' if money else 'weeks'}",
        outcome=title_of(words, panel),
        low=write(ends[0]),
        high=write(ends[1]),
        months=words.count(months),
        design=words.say(f"effects.{design}"),
    )
