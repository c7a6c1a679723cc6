"""The authority's own lists of the rows of the extract, in the order in which they were sealed.

Belongs here: those files, written while sealing and looked up afterwards. Does not belong here: what is sealed.

The research platform names a quarantined row by its sealed number, which says nothing to the authority:
    python -c "from polku.authority.row_map import source_row; print(source_row('<list>.rows.arrow', 7))"
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from polku.errors import Exit, Refusal

SUFFIX = ".rows.arrow"


class RowMap:
    """Writes the list of one table (mode 0600), whole or not at all: entry n is the source row of sealed row n.

    A list of ten million rows takes 50 MB; written out as text it would take longer than sealing them.
    """

    _SCHEMA = pa.schema([("source_row_no", pa.int64())])

    def __init__(self, folder: Path, delivery_id: str, table: str) -> None:
        self._path = folder / f"{delivery_id}.{table}{SUFFIX}"
        self._part = self._path.with_name(f".{self._path.name}.part")

    def __enter__(self) -> RowMap:
        self._part.touch(mode=0o600)
        self._out = pa.ipc.new_stream(str(self._part), self._SCHEMA, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        return self

    def write(self, source_rows: pa.Array) -> None:
        """Add the next rows."""
        self._out.write_batch(pa.RecordBatch.from_arrays([source_rows], schema=self._SCHEMA))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._out.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()


def source_rows(path: Path) -> pa.ChunkedArray:
    """Rows of the extract in the order in which they were sealed; they count as a spreadsheet does (header: row 1)."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()["source_row_no"]


def source_row(path: Path | str, sealed_row_no: int) -> int:
    """The row of the extract that became this sealed row (counted from 1). Refuses (USAGE) any other number."""
    rows = source_rows(Path(path))
    if not 1 <= sealed_row_no <= len(rows):
        raise Refusal(
            Exit.USAGE,
            f"the list has {len(rows)} rows, counted from 1.",
            "Take the list of the delivery and table that the row was in.",
            file=Path(path).name,
            row_no=sealed_row_no,
        )
    return int(rows[sealed_row_no - 1].as_py())
