"""The release ledger of the platform: where it is, and its files of cells encrypted like everything about persons.

Belongs here: the folder, its encryption, and the certificates kept beside it. Does not belong here: the ledger
(`polku.disclosure.ledger`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pyarrow as pa

from polku.disclosure.ledger.release_ledger import ReleaseLedger
from polku.layout import DataRoot
from polku.research import storage

CERTIFICATES = "certificates"
"""Folder in the ledger's folder."""


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


def write_certificates(root: DataRoot, release: str, certificates: pd.DataFrame) -> str:
    """Keep the certificates of a release, encrypted, beside the ledger; returns the file's sha256 for its entry.

    They tell by how much alternatives differ from true figures, so they are for the auditor and never published.
    Written before the entry: a run that is killed in between leaves a file that no entry names.
    """
    file = root.release_ledger / CERTIFICATES / f"{release[:16]}.parquet"
    with storage.connect(root) as con:
        con.register("certificates", certificates)
        storage.write_parquet(con, "from certificates", file)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def release_ledger(root: DataRoot) -> ReleaseLedger:
    """The release ledger of a study."""
    return ReleaseLedger(root.release_ledger, EncryptedCells(root))
