"""What the figures cannot say: months that registers do not cover or have not made final, and breaks.

Belongs here: telling the coverage of the registers. Does not belong here: how it is decided (`dbt_project`).
"""

from __future__ import annotations

from itertools import groupby

from polku.publication.coverage import COLOURS, STATUSES, Span
from polku.publication.report.blocks import Bar, Block, Bullets, Cell, Details, Legend, Section, Table
from polku.publication.report.release import Release
from polku.publication.report.words import Words

_COLOUR_OF = dict(zip(STATUSES, COLOURS, strict=True))


def cannot(release: Release, words: Words) -> Section:
    """Limits in words, and register by register with a line of time."""
    points = [words.say(f"cannot.{point}") for point in ("cause", "unseen", "absent", "late", "first", "series")]
    blocks: list[Block] = [
        Bullets(points),
        Details(words.say("cannot.details"), [_legend(words), _coverage(release, words)]),
    ]
    return Section("cannot", words.say("cannot.title"), blocks)


def _legend(words: Words) -> Legend:
    return Legend([("band", _COLOUR_OF[status], words.label(label)) for status, label in STATUSES.items()])


def _coverage(release: Release, words: Words) -> Table:
    """A row for tables of a register that are covered alike."""
    coverage = release.context.coverage
    months = [f"{month:%Y-%m}" for month in sorted(coverage.month.unique())]
    broken = coverage[coverage.is_break]
    breaks: dict[tuple[str, str], set[str]] = {}
    for register, table, month in zip(broken.register, broken.table_name, broken.month, strict=True):
        breaks.setdefault((register, table), set()).add(f"{month:%Y-%m}")
    alike: dict[tuple[str, tuple[tuple[str, str, str], ...], tuple[str, ...]], list[str]] = {}
    all_spans = (Span(**span) for span in release.entries["coverage"]["spans"])
    for (register, table), spans in groupby(all_spans, key=lambda span: (span.register, span.table)):
        told = tuple((span.status, span.first, span.last) for span in spans)
        alike.setdefault((register, told, tuple(sorted(breaks.get((register, table), ())))), []).append(table)
    of_register = {register: sum(key[0] == register for key in alike) for register, _, _ in alike}
    rows: list[list[Cell | Bar]] = []
    for (register, told, at), tables in alike.items():
        contract = release.study.contracts[register]
        titles = [words.label(contract.table(table).title) for table in tables]
        spans_ = [Span(register, tables[0], first, last, status) for status, first, last in told]
        rows.append(
            [
                Cell(words.label(contract.title), "row"),
                Cell(words.say("cannot.every") if of_register[register] == 1 else words.listed(titles)),
                Bar([(100 * _length(span, months) / len(months), _COLOUR_OF[span.status]) for span in spans_]),
                Cell(words.listed([_in_words(words, span, months) for span in spans_])),
                Cell(words.listed([words.month(month) for month in at]) or words.say("figure.none")),
            ]
        )
    head = ("register", "tables", "timeline", "months", "breaks")
    return Table(words.say("cannot.coverage"), [[Cell(words.say(f"cannot.{key}"), "col") for key in head]], rows)


def _length(span: Span, months: list[str]) -> int:
    return months.index(span.last) - months.index(span.first) + 1


def _in_words(words: Words, span: Span, months: list[str]) -> str:
    status = words.label(STATUSES[span.status])
    if (span.first, span.last) == (months[0], months[-1]):
        return words.say("cannot.whole", status=status)
    return words.say("cannot.span", status=status, **{"from": words.month(span.first), "until": words.month(span.last)})
