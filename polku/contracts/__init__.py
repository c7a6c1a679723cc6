"""Register contracts: their shape (`model`), how they are read (`reading`), checked and used in SQL (`sql`).

Does not belong here: sealing, landing or anything that touches an extract.
"""

from polku.contracts.model import Code, Column, Contract, FileFormat, Label, Table
from polku.contracts.reading import load_contract, load_contracts

__all__ = ["Code", "Column", "Contract", "FileFormat", "Label", "Table", "load_contract", "load_contracts"]
