"""An output beside all that is public: cells of the same persons, and cells that few persons tell apart.

Belongs here: comparing sketches of the output's cells with those of releases and earlier outputs. Does not belong here:
what becomes of a cell (`judging`), and the rules between nightly releases (`polku.disclosure.ledger.decision`).

Tables are compared across: it does not matter which table a public cell is of, only who is in it. A cell of the same
persons as a shown one tells nothing new. One of the same persons as a hidden one tells what was hidden. One that at
least one and fewer than T persons tell apart from a shown one tells of these persons by subtraction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from polku.disclosure.ledger.sketch import Sketches
from polku.disclosure.ledger.states import States


@dataclass(frozen=True)
class Public:
    """Cells that were ever public, or hidden where others were; one entry per cell. `names` are for people."""

    names: np.ndarray
    is_gap: np.ndarray
    members: Sketches


@dataclass(frozen=True)
class Beside:
    """What is found of each cell of an output: the name of a public or hidden cell of the same persons, of a public
    one that few persons tell apart; "" where there is none."""

    same: np.ndarray
    hidden: np.ndarray
    near: np.ndarray


def public_of(
    table: str, dimensions: Iterable[str], history: Iterable[States], *, is_exact: bool = True
) -> list[Public]:
    """The cells of all states of a table, and of shown ones the others of their base, which follow.

    Of a table that is not exact every cell counts as hidden: an exact figure of the same persons would give it away.
    States of which only numbers of persons are known (estimates) are nobody's cells and left out.
    """
    names = tuple(dimensions)
    found = []
    for states in history:
        somebody = states.is_observed & states.members.sums.any(axis=1)
        cells = states.at(somebody)
        words = np.array([f"{table}: {_words(key, names)}" for key in cells.keys], dtype=object)
        is_gap = cells.is_gap if is_exact else np.ones(len(cells), bool)
        found.append(Public(words, is_gap, cells.members))
        told = ~is_gap & cells.complements.sums.any(axis=1)
        others = np.array([f"the others of {word}" for word in words[told]], dtype=object)
        found.append(Public(others, np.zeros(len(others), bool), cells.complements.at(np.flatnonzero(told))))
    return found


def beside(cells: Sketches, public: Iterable[Public], threshold: int) -> Beside:
    """Compare every cell with every public one."""
    result = Beside(*(np.full(len(cells), "", dtype=object) for _ in range(3)))
    persons = cells.persons
    for block in public:
        order = np.argsort(block.members.persons, kind="stable")
        sizes = block.members.persons[order]
        starts = np.searchsorted(sizes, persons - threshold, side="right")
        ends = np.searchsorted(sizes, persons + threshold, side="left")
        for cell in np.flatnonzero((ends > starts) & (persons > 0)):
            # Nobody else can be within T persons: the difference of numbers is a flow at least.
            at = order[starts[cell] : ends[cell]]
            flows = _flows(cells, int(cell), block.members.at(at))
            gap = block.is_gap[at]
            _note(result.same, int(cell), block.names[at[(flows == 0) & ~gap]])
            _note(result.hidden, int(cell), block.names[at[(flows == 0) & gap]])
            _note(result.near, int(cell), block.names[at[(flows > 0) & (flows < threshold) & ~gap]])
    return result


def near_to(cells: Sketches, public: Iterable[Public], threshold: int) -> np.ndarray:
    """Cells that would tell of few persons beside what is public, and are not themselves public (a mask)."""
    found = beside(cells, public, threshold)
    return np.asarray((found.same == "") & ((found.near != "") | (found.hidden != "")))


def _flows(cells: Sketches, cell: int, others: Sketches) -> np.ndarray:
    numbers = np.abs(others.counts - cells.counts[cell])
    return np.asarray(np.maximum(numbers, others.sums != cells.sums[cell]).sum(axis=1))


def _note(into: np.ndarray, cell: int, names: np.ndarray) -> None:
    if len(names) and not into[cell]:
        into[cell] = names[0]


def _words(key: str, names: tuple[str, ...]) -> str:
    codes = ["" if code is None else str(code) for code in json.loads(key)]
    return ", ".join(f"{name}={code}" for name, code in zip(names, codes, strict=True))
