"""DuckDB as the engine of the models, on a lake whose catalog is in PostgreSQL.

Belongs here: the order of a build. Does not belong here: the lake (`polku.research.lake`), and how dbt gets it
(`encrypted_warehouse`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from assets.engines import leaving_out, tables_read
from assets.quiet import without_values
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import lake, storage

name = "ducklake"
exchanges_rows = False


def check(root: DataRoot) -> None:
    """The catalog answers."""
    if root.as_of is not None:
        advice = "Rebuild with POLKU_ENGINE=duckdb: both engines give the same marts."
        raise Refusal(Exit.ENGINE_UNUSABLE, "marts as known at an earlier time are not built in a lake.", advice)
    with storage.connect(root) as con:
        lake.attach(con, root, "lake")


def calls(root: DataRoot, manifest: Path, left_out: Sequence[str]) -> Iterator[list[str]]:
    """Everything in one call; what it built is published when it has succeeded. `left_out` is never any."""
    check(root)
    yield leaving_out(left_out)
    with without_values():
        lake.publish(root, tables_read(manifest))
