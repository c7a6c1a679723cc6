"""How far long work has come, for somebody who waits at a terminal; silent everywhere else.

Belongs here: the bars. Does not belong here: what is done (a bar never changes it), and messages that are to be kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

T = TypeVar("T")

_SECONDS_BETWEEN_LOOKS = 0.2
# tqdm's own watchdog thread is for bars that stand still; these may.
tqdm.monitor_interval = 0


@contextmanager
def watching(con: duckdb.DuckDBPyConnection, what: str) -> Iterator[None]:
    """A bar for the statements that `con` runs inside: DuckDB's own estimate of the one at work, in percent."""
    with _bar(what, total=100, bar_format="{desc}: {percentage:3.0f} % |{bar}| {elapsed}") as bar:
        if bar.disable:
            yield
            return
        done = threading.Event()

        def look() -> None:
            while not done.wait(_SECONDS_BETWEEN_LOOKS):
                bar.n = max(0.0, con.query_progress())
                bar.refresh()

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            done.set()
            looking.join()


def counted(batches: Iterator[pa.RecordBatch], what: str, rows: int) -> Iterator[pa.RecordBatch]:
    """The same batches, with a bar for the rows that have passed."""
    with _bar(what, total=rows, unit=" rows", unit_scale=True) as bar:
        for batch in batches:
            yield batch
            bar.update(batch.num_rows)


@contextmanager
def told(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how much of how much is done."""
    with _bar(what) as bar:

        def tell(done: int, total: int) -> None:
            bar.n, bar.total = done, total
            bar.refresh()

        yield tell


def stepped(steps: Sequence[T], what: str) -> Iterator[T]:
    """The same steps, with a bar for those that are done."""
    with _bar(what, total=len(steps)) as bar:
        for step in steps:
            yield step
            bar.update(1)


def _bar(what: str, **options: object) -> tqdm:
    # `disable=None` means: unless standard error is a terminal.
    return tqdm(desc=what, disable=None, leave=False, dynamic_ncols=True, **options)
