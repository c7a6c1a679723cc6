"""Dimensions of tables: their codes, and how codes break down into others.

Belongs here: reading one dimension (total, one or several breakdowns of each code) and its faults. Does not
belong here: cells, figures, or anything that is hidden or attacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from polku.contracts.faults import Faults
from polku.errors import Exit, Refusal

TOTAL = "Total"


@dataclass(frozen=True)
class Dimension:
    """One classification: which codes make up which.

    - `total`: the code of which every other code is a part.
    - `breakdowns`: of a code, the ways in which it falls into parts; the parts of one way do not overlap and leave
      nobody out. A region falls into counties, and beside that into towns and countryside. A code without
      breakdowns is a leaf. Where nothing is said of any code, the dimension is flat: see `flattened`.
    """

    name: str
    total: str
    breakdowns: Mapping[str, tuple[tuple[str, ...], ...]]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Every code, the total first, each before its parts."""
        found: dict[str, None] = {}
        waiting = [self.total]
        while waiting:
            code = waiting.pop(0)
            if code not in found:
                found[code] = None
                waiting += [part for parts in self.breakdowns.get(code, ()) for part in parts]
        return tuple(found)

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Codes without parts."""
        return tuple(code for code in self.codes if code not in self.breakdowns)

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Of a code, the codes that have it as a part; none of the total."""
        found: dict[str, list[str]] = {code: [] for code in self.codes}
        for code, parts in self.splits():
            for part in parts:
                found[part].append(code)
        return {code: tuple(dict.fromkeys(above)) for code, above in found.items()}

    @cached_property
    def above(self) -> Mapping[str, tuple[str, ...]]:
        """Of a leaf, all codes that it is a part of, itself among them, in the order of codes."""
        found = {}
        place = {code: i for i, code in enumerate(self.codes)}
        for leaf in self.leaves:
            reached, waiting = {leaf}, [leaf]
            while waiting:
                new = set(self.parents[waiting.pop()]) - reached
                reached |= new
                waiting += new
            found[leaf] = tuple(sorted(reached, key=place.__getitem__))
        return found

    @cached_property
    def leaves_below(self) -> Mapping[str, tuple[str, ...]]:
        """Of a code, the leaves that it is made of by any breakdown, in the order of codes."""
        found: dict[str, list[str]] = {code: [] for code in self.codes}
        for leaf, above in self.above.items():
            for code in above:
                found[code].append(leaf)
        return {code: tuple(leaves) for code, leaves in found.items()}

    def refuse_unless_even(self) -> None:
        """Refuse (CONTRACT_INVALID) a code whose breakdowns do not have the same leaves, each once.

        Figures of leaves then do not tell what each breakdown adds up to.
        """
        for code, parts in self.splits():
            leaves = sorted(leaf for part in parts for leaf in self.leaves_below[part])
            if leaves != sorted(self.leaves_below[code]):
                raise Refusal(
                    Exit.CONTRACT_INVALID,
                    f"the breakdowns of `{code}` in dimension `{self.name}` do not have the same leaves, each once.",
                    "Break all of them down to codes that they share.",
                )

    def splits(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every (code, its parts in one way)."""
        for code in self.codes:
            for parts in self.breakdowns.get(code, ()):
                yield code, parts

    def flattened(self, codes: Iterable[str]) -> Dimension:
        """A dimension without breakdowns takes the codes of its tables, in order, as the parts of the total."""
        if self.breakdowns:
            return self
        parts = tuple(dict.fromkeys(code for code in codes if code != self.total))
        return Dimension(self.name, self.total, {self.total: (parts,)} if parts else {})


def read_dimensions(entries: Mapping[str, Any], place: str, faults: Faults) -> dict[str, Dimension]:
    """Dimensions from JSON or TOML: `{name: {"total": code, "tree": {code: [parts] or [[parts], [parts]]}}}`.

    Without `total` it is `Total`; without `tree` every other code of the tables is a part of the total. Every fault
    (a code that is a part of itself, a code outside the tree, parts that are listed twice) is added to `faults`.
    """
    return {
        name: _dimension(name, entry if isinstance(entry, Mapping) else {}, f"{place}.{name}", faults)
        for name, entry in entries.items()
    }


def _dimension(name: str, entry: Mapping[str, Any], place: str, faults: Faults) -> Dimension:
    faults.take(entry, place, {"total": str, "tree": dict})
    total = entry.get("total", TOTAL)
    breakdowns = {
        str(code): tuple(tuple(map(str, parts)) for parts in _ways(children, f"{place}.tree.{code}", faults))
        for code, children in (entry.get("tree") or {}).items()
    }
    dimension = Dimension(name, total, {code: ways for code, ways in breakdowns.items() if ways})
    _check(dimension, place, faults)
    return dimension


def _ways(children: Any, place: str, faults: Faults) -> list[list[Any]]:
    """One breakdown or several: a list of codes, or a list of lists of codes."""
    if not isinstance(children, list):
        faults.add(place, "the parts of a code are a list of codes, or a list of such lists")
        return []
    nested = [isinstance(child, list) for child in children]
    if any(nested) and not all(nested):
        faults.add(place, "codes and lists of codes are mixed: one breakdown, or a list of breakdowns")
        return []
    return [way for way in (children if any(nested) else [children]) if way]


def _check(dimension: Dimension, place: str, faults: Faults) -> None:
    for code, parts in dimension.splits():
        for part in sorted({part for part in parts if parts.count(part) > 1}):
            faults.add(place, f"code `{part}` stands twice among the parts of `{code}`")
    for code in dimension.breakdowns:
        if code not in dimension.codes:
            faults.add(place, f"code `{code}` has parts but is itself no part of `{dimension.total}`")
    for code in dimension.codes:
        if code in _below(dimension, code):
            faults.add(place, f"code `{code}` is a part of itself")


def _below(dimension: Dimension, code: str) -> set[str]:
    found: set[str] = set()
    waiting = [code]
    while waiting:
        for way in dimension.breakdowns.get(waiting.pop(), ()):
            waiting += [part for part in way if part not in found]
            found.update(way)
    return found
