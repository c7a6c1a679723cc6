"""The outcome of an audit for people and for programs.

Belongs here: text and JSON. Does not belong here: the attack, and printing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite

from polku.disclosure.attack.audit import Interval, Outcome
from polku.disclosure.attack.tables import OTHER, PRIMARY

MARKS = {PRIMARY: "primary", OTHER: "secondary"}


def as_text(outcome: Outcome) -> Iterator[str]:
    """Lines: what is disclosed and why, then the interval of every gap."""
    yield f"attacker {outcome.known.level}: knows {outcome.known.words}"
    for ignored in outcome.ignored:
        yield f"not understood and left out: {ignored}"
    disclosed, all_of_them = outcome.disclosed, len(outcome.intervals)
    verdict = "DISCLOSED" if disclosed else "safe"
    yield f"{verdict}: {len(disclosed)} of {all_of_them} gaps and rounded figures are given away"
    for each in disclosed:
        yield f"  {each.cell}" + (f" is {_end(each.low)}" if each.exact else "")
        yield f"      = {each.why}"
    if outcome.also_exact:
        yield f"exact as well, but only there to protect others: {len(outcome.also_exact)}"
    if outcome.shown_small:
        yield f"shown to be below {outcome.known.threshold}, though not exact (no disclosure by itself):"
        yield from (f"  {each.cell}" for each in outcome.shown_small)
    if outcome.intervals:
        width = max(len("cell"), *(len(each.cell) for each in outcome.intervals))
        yield f"{'cell':<{width}}  {'least':>10}  {'most':>10}"
        for each in outcome.intervals:
            mark = "  exact" if each.exact else ""
            yield f"{each.cell:<{width}}  {_end(each.low):>10}  {_end(each.high):>10}{mark}"


def as_json(outcome: Outcome) -> str:
    """The same as one JSON object; a most that is not bounded is null."""
    return json.dumps(
        {
            "level": outcome.known.level,
            "knows": outcome.known.words,
            "threshold": outcome.known.threshold,
            "exit": outcome.exit,
            "disclosed": [each.cell for each in outcome.disclosed],
            "n_disclosed": len(outcome.disclosed),
            "also_exact": [each.cell for each in outcome.also_exact],
            "shown_small": [each.cell for each in outcome.shown_small],
            "gaps": len(outcome.intervals),
            "intervals": [_entry(each) for each in outcome.intervals],
            "ignored": list(outcome.ignored),
        },
        ensure_ascii=False,
        indent=1,
    )


def _entry(each: Interval) -> dict[str, object]:
    high = _number(each.high) if isfinite(each.high) else None
    entry: dict[str, object] = {"cell": each.cell, "low": _number(each.low), "high": high, "exact": each.exact}
    if each.mark in MARKS:
        entry["mark"] = MARKS[each.mark]
    return entry | ({"why": each.why} if each.why else {})


def _number(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _end(value: float) -> str:
    return f"{value:,.10g}" if isfinite(value) else "unbounded"
