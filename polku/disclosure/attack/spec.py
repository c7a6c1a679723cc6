"""What an audit is about: a JSON file that names tables, their dimensions, and what links them.

Belongs here: the form of that file and its faults. Does not belong here: the figures of the tables (`tables`) and
what follows from them. The format is described for people in docs/audit.md.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polku.contracts.faults import Faults
from polku.disclosure.attack.statements import Statement, read_equations, read_rates, read_sums
from polku.disclosure.dimensions import TOTAL, Dimension, read_dimensions
from polku.errors import Exit, Refusal

NO_NAME = ""
REMARKS = ("title", "name", "note", "notes", "comment", "comments", "description", "source", "basis", "origin", "case")
"""Keys that are for people: read over."""


@dataclass(frozen=True)
class Table:
    """One published table: a CSV file and how to read it.

    - `dims`: its dimensions, or None for those of its columns that are dimensions; every other is at its total.
    - `missing_is_zero`: a combination without a row counts nobody; else nothing is known of it.
    - `round_base`: figures were rounded to a multiple of it; None where they are exact.
    """

    path: Path
    dims: tuple[str, ...] | None
    measure: str = NO_NAME
    release: str = NO_NAME
    missing_is_zero: bool = False
    round_base: float | None = None
    count: str = "count"

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.path.name


@dataclass(frozen=True)
class Release:
    """One release and how its cohort is that of the one before.

    `cohort`: `same` (every cell counts the same persons), `grows` (nobody leaves), or "" (nothing is known);
    `at_most`: newcomers in any cell, None where not known.
    """

    name: str
    cohort: str = ""
    at_most: float | None = None


@dataclass(frozen=True)
class Options:
    """What the file says of all tables. `zeros_published` is None where it says nothing."""

    threshold: int | None = None
    zeros_published: bool | None = None
    whole: bool = False
    level: str | None = None


@dataclass(frozen=True)
class AuditSpec:
    """The whole file. `ignored` are keys that nobody here understands, which the report says."""

    dims: Mapping[str, Dimension]
    tables: tuple[Table, ...]
    releases: tuple[Release, ...] = (Release(NO_NAME),)
    statements: tuple[Statement, ...] = ()
    options: Options = field(default_factory=Options)
    ignored: tuple[str, ...] = ()


def read_spec(path: Path) -> AuditSpec:
    """The audit that a JSON file describes. Refuses (USAGE) with every fault of the file; tables are not read yet."""
    return spec_from(_parsed(path), path.parent, path.name)


def spec_from(data: Any, folder: Path, file: str) -> AuditSpec:
    """The audit of an already parsed file; paths of tables are relative to `folder`."""
    faults = Faults()
    if not isinstance(data, Mapping):
        faults.add("the file", "must hold one JSON object with `dims` and `tables`")
        data = {}
    reader = _Reader(faults)
    known = ("dims", "dimensions", "tables", "measures", "equations", "releases", "rates", "options")
    reader.keys(data, "the file", known)
    dims = _dims(data.get("dims", data.get("dimensions")), faults)
    options, round_base = _options(data.get("options") or {}, reader)
    releases, entries = _releases(data, reader)
    tables = tuple(
        table
        for number, (entry, release) in enumerate(entries, 1)
        if (table := _table(entry, release, f"table {number}", folder, dims, round_base, reader))
    )
    if not tables and not faults.found:
        faults.add("tables", "there is no table")
    named = [release.name for release in releases]
    unnamed = {table.release for table in tables} - set(named)
    releases = [*(Release(name) for name in sorted(unnamed)), *releases]
    statements = [
        *read_sums(data.get("measures") or [], faults),
        *read_equations(data.get("equations") or [], dims, faults),
        *read_rates(data.get("rates") or [], dims, folder, faults),
    ]
    faults.refuse(file, Exit.USAGE, "audit file")
    return AuditSpec(dims, tables, tuple(releases), tuple(statements), options, tuple(reader.ignored))


class _Reader:
    """Tells keys that nobody knows from keys that are misspelt: the latter would change what is audited."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.ignored: list[str] = []

    def keys(self, data: Mapping[str, Any], place: str, known: Sequence[str]) -> None:
        for key in data:
            if key in known or key in REMARKS or key.startswith(("_", "$")):
                continue
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
            if near:
                self.faults.add(place, f"unknown key `{key}`: did you mean `{near[0]}`?")
            else:
                self.ignored.append(f"{place}: `{key}`")

    def number(self, value: Any, place: str, least: float = 0) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            self.faults.add(place, f"must be a number of at least {least:g}")
            return None
        return float(value)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Refusal(Exit.USAGE, f"cannot be read ({error.strerror}).", file=str(path)) from None
    except UnicodeDecodeError:
        raise Refusal(Exit.USAGE, "is not UTF-8 text.", file=path.name) from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise Refusal(Exit.USAGE, f"is not valid JSON: {error}.", file=path.name) from None


def _dims(entries: Any, faults: Faults) -> dict[str, Dimension]:
    if isinstance(entries, list) and all(isinstance(name, str) for name in entries):
        entries = dict.fromkeys(entries)
    if not isinstance(entries, Mapping) or not entries:
        faults.add("dims", "must name at least one dimension: {name: {total, tree}}")
        return {}
    return read_dimensions({str(name): _dim(entry) for name, entry in entries.items()}, "dims", faults)


def _dim(entry: Any) -> Any:
    """The forms in which people write a dimension, as the one form that is read."""
    if entry is None or isinstance(entry, str | int):
        return {} if entry is None else {"total": str(entry)}
    if not isinstance(entry, Mapping):
        return {"tree": entry}
    written = {key: value for key, value in entry.items() if key not in REMARKS}
    for alias in ("hierarchy", "children"):
        if alias in written:
            written.setdefault("tree", written.pop(alias))
    total = written.get("total", TOTAL)
    tree = written.get("tree")
    if isinstance(total, int) and not isinstance(total, bool):
        written["total"] = total = str(total)
    if tree is None:
        written.pop("tree", None)
    elif isinstance(tree, list):
        written["tree"] = {str(total): tree}
    elif isinstance(tree, Mapping):
        written["tree"] = dict(_flat(tree))
    return written


def _flat(tree: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """A nested tree as one entry for each code with parts."""
    for code, parts in tree.items():
        if isinstance(parts, Mapping):
            yield str(code), list(parts)
            yield from ((inner, ways) for inner, ways in _flat(parts) if ways)
        elif parts:
            yield str(code), parts


def _options(entry: Any, reader: _Reader) -> tuple[Options, float | None]:
    if not isinstance(entry, Mapping):
        reader.faults.add("options", "must be an object")
        return Options(), None
    known = ("round_base", "rounding", "threshold", "zeros", "zeros_published", "whole", "integer", "level", "attacker")
    reader.keys(entry, "options", known)
    base = reader.number(entry.get("round_base", entry.get("rounding")), "options.round_base")
    threshold = reader.number(entry.get("threshold"), "options.threshold", 1)
    zeros = entry.get("zeros", entry.get("zeros_published"))
    if zeros not in (None, True, False, "published", "protected", "hidden", "suppressed"):
        reader.faults.add("options.zeros", "is `published` or `protected`")
    published = None if zeros is None else zeros in (True, "published")
    level = entry.get("level", entry.get("attacker"))
    if level not in (None, *LEVELS):
        reader.faults.add("options.level", f"is one of {', '.join(LEVELS)}")
    whole = bool(entry.get("whole", entry.get("integer", False)))
    return Options(None if threshold is None else int(threshold), published, whole, level), base or None


LEVELS = ("A0", "A1", "A2", "A3", "A4")


def _releases(data: Mapping[str, Any], reader: _Reader) -> tuple[list[Release], list[tuple[Any, str | None]]]:
    """Releases in order, and every table with the release that it stands in (None where it says so itself)."""
    listed = data.get("tables") or []
    if isinstance(listed, Mapping):
        listed = [{"file": name, **entry} if isinstance(entry, Mapping) else entry for name, entry in listed.items()]
    if not isinstance(listed, list):
        reader.faults.add("tables", "must be a list")
        listed = []
    entries: list[tuple[Any, str | None]] = [(entry, None) for entry in listed]
    written = data.get("releases") or []
    if isinstance(written, Mapping):
        written = [{"name": n, **(e if isinstance(e, Mapping) else {"tables": e})} for n, e in written.items()]
    if not isinstance(written, list):
        reader.faults.add("releases", "must be a list in the order of publication")
        written = []
    releases: list[Release] = []
    for number, entry in enumerate(written, 1):
        if isinstance(entry, str | int):
            entry = {"name": str(entry)}
        if not isinstance(entry, Mapping):
            reader.faults.add(f"release {number}", "is a name or an object")
            continue
        release, tables = _release(entry, number, reader)
        if release.name in [r.name for r in releases]:
            reader.faults.add(f"release {number}", f"there are two releases `{release.name}`")
        releases.append(release)
        entries += [(table, release.name) for table in tables]
    return releases, entries


def _release(entry: Mapping[str, Any], number: int, reader: _Reader) -> tuple[Release, list[Any]]:
    place = f"release {number}"
    reader.keys(entry, place, ("name", "release", "tables", "cohort", "at_most", "newcomers", "date"))
    cohort = entry.get("cohort") or ""
    if cohort not in ("", "same", "grows", "changes", "other", "unknown"):
        reader.faults.add(f"{place}.cohort", "is `same`, `grows` or `changes`")
    newcomers = entry.get("at_most", entry.get("newcomers"))
    at_most = len(newcomers) if isinstance(newcomers, list) else reader.number(newcomers, f"{place}.newcomers")
    tables = entry.get("tables") or []
    name = str(entry.get("name", entry.get("release", entry.get("date", number))))
    known = cohort if cohort in ("same", "grows") else ""
    return Release(name, known or ("grows" if at_most is not None else ""), at_most), (
        tables if isinstance(tables, list) else [tables]
    )


def _table(
    entry: Any,
    release: str | None,
    place: str,
    folder: Path,
    dims: Mapping[str, Dimension],
    round_base: float | None,
    reader: _Reader,
) -> Table | None:
    if isinstance(entry, str):
        entry = {"file": entry}
    if not isinstance(entry, Mapping):
        reader.faults.add(place, "is the name of a CSV file or an object with `file`")
        return None
    known = ("file", "path", "dims", "dimensions", "measure", "missing", "release", "round_base", "count", "value")
    reader.keys(entry, place, known)
    file = entry.get("file", entry.get("path"))
    if not isinstance(file, str) or not file:
        reader.faults.add(place, "`file` is missing")
        return None
    place = f"{place} ({Path(file).name})"
    named = entry.get("dims", entry.get("dimensions"))
    if named is not None and (not isinstance(named, list) or not all(isinstance(name, str) for name in named)):
        reader.faults.add(place, "`dims` is a list of names of dimensions")
        named = None
    for name in named or ():
        if name not in dims:
            reader.faults.add(place, f"unknown dimension `{name}`; known: {', '.join(dims)}")
    if len(set(named or ())) < len(named or ()):
        reader.faults.add(place, "a dimension is named twice")
    missing = entry.get("missing", "unknown")
    if missing not in ("unknown", "zero", 0, None):
        reader.faults.add(place, "`missing` is `unknown` or `zero`")
    base = reader.number(entry["round_base"], f"{place}.round_base") if "round_base" in entry else round_base
    said = entry.get("release")
    return Table(
        path=folder / file,
        dims=None if named is None else tuple(named),
        measure=str(entry.get("measure") or NO_NAME),
        release=str(said) if said is not None else (release or NO_NAME),
        missing_is_zero=missing in ("zero", 0) and missing is not False,
        round_base=base or None,
        count=str(entry.get("count", entry.get("value", "count"))),
    )
