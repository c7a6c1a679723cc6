"""Linear statements that an audit file makes beside its hierarchies: sums of measures, equations, published rates.

Belongs here: their written forms and faults. Does not belong here: which cells they meet (`system`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

from polku.contracts.faults import Faults
from polku.disclosure.dimensions import Dimension


@dataclass(frozen=True)
class Term:
    """A multiple of one cell (`codes`, totals left out), or of every cell of a measure where `codes` is None.

    `measure` and `release` are None where the statement does not name them.
    """

    coefficient: Fraction
    measure: str | None
    release: str | None = None
    codes: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Statement:
    """The terms together lie between `low` and `high`; `words` tells people where that is said."""

    terms: tuple[Term, ...]
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Rates(Statement):
    """Published rates in a CSV file: numerator / denominator, rounded to `digits` decimals (after `percent`)."""

    path: Path = Path()
    column: str = "rate"
    digits: int = 0
    percent: bool = False
    dims: tuple[str, ...] | None = None


def read_sums(entries: Any, faults: Faults) -> list[Statement]:
    """`measures`: a total and its parts, for every combination of codes."""
    if isinstance(entries, Mapping):
        entries = [entries] if "total" in entries else [{"total": t, "parts": p} for t, p in entries.items()]
    if not isinstance(entries, list):
        faults.add("measures", "must be a list of {total, parts}")
        return []
    found = []
    for number, entry in enumerate(entries, 1):
        place = f"measure {number}"
        if isinstance(entry, str):
            continue  # a bare list of names says nothing that the tables do not say
        if not isinstance(entry, Mapping) or not isinstance(entry.get("parts", []), list):
            faults.add(place, "is an object with `total` and `parts`")
        elif ("parts" in entry or "total" in entry) and faults.need(entry, place, "total", "parts"):
            names = [str(entry["total"]), *map(str, entry["parts"])]
            if len(set(names)) < len(names) or len(names) < 2:
                faults.add(place, "a measure is a part of itself, named twice, or without parts")
            terms = (Term(Fraction(-1), names[0]), *(Term(Fraction(1), name) for name in names[1:]))
            found.append(Statement(terms, 0, 0, f"{names[0]} = {' + '.join(names[1:])}"))
    return found


def read_equations(entries: Any, dims: Mapping[str, Dimension], faults: Faults) -> list[Statement]:
    """`equations`: any further linear statement about cells; see docs/audit.md for the forms."""
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list):
        faults.add("equations", "must be a list")
        return []
    found = []
    for number, entry in enumerate(entries, 1):
        place = f"equation {number}"
        if not isinstance(entry, Mapping):
            faults.add(place, "is an object with `terms` and `equals`, or `low` and `high`")
            continue
        terms = _terms(entry, place, dims, faults)
        bounds = _bounds(entry, place, faults)
        if terms and bounds:
            found.append(Statement(tuple(terms), *bounds, words=str(entry.get("name", place))))
    return found


def _terms(entry: Mapping[str, Any], place: str, dims: Mapping[str, Dimension], faults: Faults) -> list[Term]:
    sides: list[tuple[Any, int]] = [
        (entry[key], sign)
        for key, sign in (
            ("terms", 1), ("cells", 1), ("sum", 1), ("plus", 1), ("left", 1), ("parts", 1),
            ("minus", -1), ("right", -1), ("total", -1),
        )
        if key in entry and not (key == "sum" and isinstance(entry[key], int | float))
    ]  # fmt: skip
    if not sides:
        faults.add(place, "`terms` is missing")
    found = []
    for side, sign in sides:
        for number, term in enumerate(side if isinstance(side, list) else [side], 1):
            read = _term(term, sign, entry, f"{place}, term {number}", dims, faults)
            if read:
                found.append(read)
    return found


_FACTORS = ("coefficient", "coef", "coeff", "factor", "weight", "sign")
_CELLS = ("cell", "codes", "at")


def _term(
    term: Any, sign: int, entry: Mapping[str, Any], place: str, dims: Mapping[str, Dimension], faults: Faults
) -> Term | None:
    factor: Any = 1
    if isinstance(term, list) and len(term) == 2:
        factor, term = term if isinstance(term[0], int | float) else term[::-1]
    if isinstance(term, str) and "=" not in term:
        term = {"measure": term, "cell": None}
    elif isinstance(term, str):
        term = _from_words(term)
    if not isinstance(term, Mapping):
        faults.add(place, "is an object with `coefficient` and `cell`")
        return None
    factor = next((term[key] for key in _FACTORS if key in term), factor)
    factor = {"+": 1, "-": -1}.get(factor, factor) if isinstance(factor, str) else factor
    if isinstance(factor, bool) or not isinstance(factor, int | float):
        faults.add(place, "the coefficient is not a number")
        return None
    codes = next((term[key] for key in _CELLS if key in term), None)
    if (codes is None and "measure" not in term) or any(name in dims for name in term):
        codes = {name: code for name, code in term.items() if name in dims}
    if isinstance(codes, str):
        codes = _from_words(codes)["cell"]
    if codes is not None and not isinstance(codes, Mapping):
        faults.add(place, "the cell is an object {dimension: code}")
        return None
    for stranger in [name for name in term if name not in (*_FACTORS, *_CELLS, "measure", "release", "table", *dims)]:
        faults.add(place, f"unknown key `{stranger}`")
    for name, code in (codes or {}).items():
        if name not in dims:
            faults.add(place, f"unknown dimension `{name}`")
        elif dims[name].breakdowns and str(code) not in dims[name].codes:
            faults.add(place, f"dimension `{name}` has no code `{code}`")
    measure, release = (term.get(key, entry.get(key)) for key in ("measure", "release"))
    return Term(
        Fraction(str(factor)) * sign,
        None if measure is None else str(measure),
        None if release is None else str(release),
        None if codes is None else {str(name): str(code) for name, code in codes.items()},
    )


def _from_words(text: str) -> dict[str, Any]:
    """`employed region=r1, sex=f`, as the report writes it."""
    parts = [part.strip() for part in text.split(",")]
    head, _, first = parts[0].rpartition(" ") if " " in parts[0].split("=")[0] else ("", "", parts[0])
    cell = dict(part.partition("=")[::2] for part in [first, *parts[1:]])
    return {"cell": cell, **({"measure": head.strip()} if head else {})}


def _bounds(entry: Mapping[str, Any], place: str, faults: Faults) -> tuple[float, float] | None:
    exact = next((entry[k] for k in ("equals", "value", "rhs", "eq", "result") if k in entry), None)
    if exact is None and isinstance(entry.get("sum"), int | float):
        exact = entry["sum"]
    between = entry.get("range", entry.get("between"))
    low = next((entry[k] for k in ("low", "min", "lower", "at_least", "ge", "dmin") if k in entry), None)
    high = next((entry[k] for k in ("high", "max", "upper", "at_most", "le", "dmax") if k in entry), None)
    if isinstance(between, list) and len(between) == 2:
        low, high = between
    if exact is None and low is None and high is None and any(k in entry for k in ("total", "right", "minus")):
        exact = 0
    if exact is not None:
        low = high = exact
    if low is None and high is None:
        faults.add(place, "says neither `equals` nor `low` nor `high`")
        return None
    for value in (low, high):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            faults.add(place, "text where a number belongs")
            return None
    bounds = (-inf if low is None else float(low), inf if high is None else float(high))
    if bounds[0] > bounds[1]:
        faults.add(place, "its low end is above its high end")
    return bounds


def read_rates(entries: Any, dims: Mapping[str, Dimension], folder: Path, faults: Faults) -> list[Statement]:
    """`rates`: published to some decimals, for one cell (`rate`) or in a CSV file (`file`)."""
    if not isinstance(entries, list | Mapping):
        faults.add("rates", "must be a list")
        return []
    found: list[Statement] = []
    for number, entry in enumerate([entries] if isinstance(entries, Mapping) else entries, 1):
        place = f"rate {number}"
        if not isinstance(entry, Mapping) or not faults.need(entry, place, "numerator", "denominator"):
            faults.add(place, "is an object with `numerator`, `denominator`, `digits` and `file` or `rate`")
            continue
        pair = [_term(entry[key], 1, entry, f"{place}.{key}", dims, faults) for key in ("numerator", "denominator")]
        digits = entry.get("digits", entry.get("decimals"))
        percent = bool(entry.get("percent", False))
        if not all(pair) or isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 12:
            faults.add(place, "`digits`, the number of published decimals, must be 0 to 12")
            continue
        terms = tuple(term for term in pair if term)
        words = f"the rate {terms[0].measure or ''} / {terms[1].measure or ''}"
        if "file" in entry:
            named = entry.get("dims")
            for name in named or ():
                if name not in dims:
                    faults.add(place, f"unknown dimension `{name}`")
            column = str(entry.get("column", "rate"))
            path = folder / str(entry["file"])
            listed = None if named is None else tuple(named)
            found.append(Rates(terms, 0, 0, words, path, column, digits, percent, listed))
        elif isinstance(entry.get("rate"), int | float) and not isinstance(entry.get("rate"), bool):
            found += rate_facts(terms[0], terms[1], Fraction(str(entry["rate"])), digits, percent, words)
        else:
            faults.add(place, "needs `file`, or `rate` as a number")
    return found


def rate_facts(
    numerator: Term, denominator: Term, rate: Fraction, digits: int, percent: bool, words: str
) -> list[Statement]:
    """|numerator - rate x denominator| <= half a unit of the last decimal x denominator, in whole coefficients."""
    scale = 2 * 10**digits
    ends = [(rate * scale + side) / scale / (100 if percent else 1) for side in (-1, 1)]
    found = []
    for end, low, high in ((max(ends[0], Fraction(0)), 0.0, inf), (ends[1], -inf, 0.0)):
        terms = (
            Term(Fraction(end.denominator), numerator.measure, numerator.release, numerator.codes),
            Term(-Fraction(end.numerator), denominator.measure, denominator.release, denominator.codes),
        )
        found.append(Statement(terms, low, high, words))
    return found
