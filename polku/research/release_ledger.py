"""The release ledger of the platform: where it is, and its files of cells encrypted like everything about persons.

Belongs here: the folder and the encryption. Does not belong here: the ledger (`polku.disclosure.ledger`).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from polku.disclosure.ledger.release_ledger import ReleaseLedger
from polku.layout import DataRoot
from polku.research import storage


class EncryptedCells:
    """Files of cells under the platform's Parquet key."""

    def __init__(self, root: DataRoot) -> None:
        self._root = root

    def write(self, cells: pa.Table, file: Path) -> None:
        """Write a new file."""
        with storage.connect(self._root) as con:
            con.register("cells", cells)
            storage.write_parquet(con, "from cells", file)

    def read(self, file: Path) -> pa.Table:
        """The cells of a file."""
        with storage.connect(self._root) as con:
            found: pa.Table = con.execute(f"from {storage.parquet(file)}").to_arrow_table()
            return found


def release_ledger(root: DataRoot) -> ReleaseLedger:
    """The release ledger of a study."""
    return ReleaseLedger(root.release_ledger, EncryptedCells(root))
