"""What clients gained compared with persons like them: the section of matched effects.

Belongs here: differences in plain words with their intervals, their charts, and why some are not presented as effects.
Does not belong here: raw comparisons (`sections`), and any estimate (`dbt_project`).
"""

from __future__ import annotations

from polku.publication.report.blocks import Block, Bullets, Section, Text, Title
from polku.publication.report.figures import drawn, title_of
from polku.publication.report.release import Panel, Release, Row
from polku.publication.report.words import Words

MONTHS, YEARS = "effect_in_month", "effect_since_entry"
DESIGNS = ("until_own_entry", "as_assigned")
"""The first that has a figure is told."""
WEEKS_PER_MONTH = 365.25 / 12 / 7


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
    blocks += drawn(release, words, months)
    reasons = sorted(set(release.tables[MONTHS].no_effect_code.dropna()) - {"before_entry"})
    if reasons:
        blocks += [
            Title(words.say("effects.missing")),
            Bullets([words.say(f"no_effect.{reason}") for reason in reasons]),
        ]
    return Section("effects", words.say("effects.title"), blocks)


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
