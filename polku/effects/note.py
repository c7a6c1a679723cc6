"""How a comparison was made, in words of three languages: what a reader must know before she believes a figure.

Belongs here: which sentences fit the study's settings. Does not belong here: the sentences (`note.toml`), figures, and
any person.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from babel.numbers import format_decimal, format_percent

from polku.effects.balance import MOST_DIFFERENCE
from polku.effects.difference import LEAST_MATCHED, NEIGHBOURS
from polku.effects.plan import COARSENED, PROPENSITY, Comparison


def method_note(comparison: Comparison, language: str) -> str:
    """A Markdown table of two columns, in `language` (en, fi or sv): what was decided, and how."""
    words = _words()[language]
    values = {
        "caliper": format_decimal(comparison.caliper or 0, locale=language),
        "neighbours": NEIGHBOURS,
        "most": format_decimal(MOST_DIFFERENCE, locale=language),
        "least": format_percent(LEAST_MATCHED, locale=language),
    }
    rows = [
        f"| {words['headings'][heading]} | {words['texts'][text].format(**values)} |"
        for heading, text in _said(comparison).items()
    ]
    return "\n".join(["| | |", "|---|---|", *rows])


def _said(comparison: Comparison) -> dict[str, str]:
    """By heading, the name of the sentence."""
    kind = "score" if comparison.method == PROPENSITY else "distance"
    if comparison.method == COARSENED:
        choice = {"order": "all_at_once", "ties": "strata", "replacement": "strata", "caliper": "strata"}
    else:
        choice = {
            "order": "all_at_once" if comparison.replacement else f"order_{kind}",
            "ties": "ties_shared" if comparison.replacement else f"ties_{kind}",
            "replacement": "replaced" if comparison.replacement else "not_replaced",
            "caliper": "any_distance" if comparison.caliper is None else f"caliper_{kind}",
        }
    fixed = {name: name for name in ("divisor", "error", "effect")}
    return {"method": f"method_{comparison.method}", "support": "support", **choice, **fixed}


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files("polku.effects").joinpath("note.toml").read_text(encoding="utf-8"))
