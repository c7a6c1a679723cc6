"""Every table that agrees with what is published, by trying all of them: the judge of the attacker's intervals."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

Cell = tuple[str, ...]


def compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Ways to give `total` persons to `parts` inner cells."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in compositions(total - first, parts - 1):
            yield (first, *rest)


def leaves_of(code: str, tree: Mapping[str, list[list[str]]]) -> frozenset[str]:
    """The leaves below a code (by its first breakdown; the others make the same)."""
    if code not in tree:
        return frozenset([code])
    return frozenset().union(*(leaves_of(part, tree) for part in tree[code][0]))


def figures(inner: Mapping[Cell, int], cells: Iterable[Cell], below: Mapping[str, frozenset[str]]) -> dict[Cell, int]:
    """The count of every cell of a grid, from those of inner cells."""
    return {
        cell: sum(n for at, n in inner.items() if all(code in below[c] for c, code in zip(cell, at, strict=True)))
        for cell in cells
    }


def intervals(
    inner: Iterable[Cell],
    cells: list[Cell],
    below: Mapping[str, frozenset[str]],
    total: int,
    allowed: Mapping[Cell, tuple[float, float]],
) -> dict[Cell, tuple[int, int]]:
    """The least and the most of each cell over all tables that keep every cell within what is allowed."""
    inner = list(inner)
    found: dict[Cell, tuple[int, int]] = {}
    for counts in compositions(total, len(inner)):
        table = figures(dict(zip(inner, counts, strict=True)), cells, below)
        if all(low <= table[cell] <= high for cell, (low, high) in allowed.items()):
            for cell, n in table.items():
                low, high = found.get(cell, (n, n))
                found[cell] = (min(low, n), max(high, n))
    return found


def write(folder: Path, spec: Mapping[str, Any], tables: Mapping[str, list[dict[str, Any]]]) -> Path:
    """An audit file and its tables."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    path = folder / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


def grid(*codes: Iterable[str]) -> list[Cell]:
    """Every combination."""
    return list(product(*codes))
