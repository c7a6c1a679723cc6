"""Facts about cells: hierarchies, sums of measures, equations, rates and links between releases as sparse rows.

Belongs here: which rows there are, and what each says in words. Does not belong here: figures (`system`), what an
attacker knows beyond what is published (`knowledge`), and solving.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from polku.disclosure.attack.layout import Layout, Shape


@dataclass(frozen=True)
class Block:
    """Rows of one form: `cells` (rows x terms) are numbers of cells, each row lies between `low` and `high`.

    `words` says where a row comes from; `{cell}` in it stands for the name of its first cell.
    """

    cells: np.ndarray
    coefficients: np.ndarray
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Facts:
    """All rows: those of `blocks` one after another, in compressed form. `index` are positions of cells."""

    start: np.ndarray
    index: np.ndarray
    coefficient: np.ndarray
    low: np.ndarray
    high: np.ndarray
    blocks: Sequence[Block]
    firsts: Sequence[int]

    @property
    def rows(self) -> int:
        """How many facts there are."""
        return len(self.low)

    def terms(self, row: int) -> Iterator[tuple[int, float]]:
        """The cells of a fact (positions) with their coefficients."""
        for at in range(self.start[row], self.start[row + 1]):
            yield int(self.index[at]), float(self.coefficient[at])

    def words(self, row: int, layout: Layout) -> str:
        """Where a fact comes from."""
        number = bisect_right(self.firsts, row) - 1
        block = self.blocks[number]
        return block.words.replace("{cell}", layout.name(int(block.cells[row - self.firsts[number], 0])))


def hierarchy_blocks(layout: Layout, space: int, shapes: Sequence[Shape]) -> Iterator[Block]:
    """A parent is the sum of its parts, for every breakdown of every dimension of every shape."""
    for name, dimension in layout.dims.items():
        with_it = [shape for shape in shapes if name in shape]
        if not with_it:
            continue
        others = _united([layout.full(shape - {name}) for shape in with_it]) + space
        for code, parts in dimension.splits():
            places = np.array([layout.places[name][each] for each in (code, *parts)], dtype=np.int64)
            cells = others[:, None] + places * layout.strides[name]
            coefficients = np.ones(len(places))
            coefficients[0] = -1
            yield Block(cells, coefficients, 0, 0, f"{{cell}} = the sum of its parts along {name}")


def gathered(blocks: Sequence[Block], keys: np.ndarray) -> Facts:
    """The rows of all blocks over the positions of cells in `keys` (sorted)."""
    sizes = [np.full(len(block.cells), block.cells.shape[1], dtype=np.int64) for block in blocks]
    firsts = np.cumsum([0, *map(len, sizes)])
    return Facts(
        start=np.concatenate([[0], np.cumsum(_joined(sizes, np.int64))]),
        index=_joined([np.searchsorted(keys, block.cells).ravel() for block in blocks], np.int64),
        coefficient=_joined([_spread(block).ravel() for block in blocks], np.float64),
        low=_joined([np.full(len(block.cells), block.low) for block in blocks], np.float64),
        high=_joined([np.full(len(block.cells), block.high) for block in blocks], np.float64),
        blocks=blocks,
        firsts=firsts[:-1].tolist(),
    )


def _spread(block: Block) -> np.ndarray:
    return np.broadcast_to(block.coefficients, block.cells.shape)


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype=kind)


def _united(parts: Sequence[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts))
