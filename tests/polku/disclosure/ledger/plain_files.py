"""Files of cells without encryption, where no person stands behind them.

Belongs here: what the ledger asks of files (`CellFiles`). Does not belong here: any expectation.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class PlainCells:
    def write(self, cells: pa.Table, file: Path) -> None:
        pq.write_table(cells, file, compression="zstd")

    def read(self, file: Path) -> pa.Table:
        return pq.read_table(file)
