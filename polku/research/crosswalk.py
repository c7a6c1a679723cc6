"""Which entities are one person.

Belongs here: the person's entities by what has landed. Does not belong here: keys of tokens (`identities`).
"""

from __future__ import annotations

from collections.abc import Iterable

from polku.layout import DataRoot
from polku.research import storage
from polku.research.identities import identities
from polku.studies import Study


def entities_of_persons(root: DataRoot, study: Study, keys: Iterable[int]) -> set[int]:
    """All entities that are the same persons as these entities, themselves included."""
    found = set(keys)
    with identities(root) as store:
        pairs = set(store.con.execute("select one, other from identities.same").fetchall())
        for contract in study.contracts.values():
            for table in contract.tables:
                names = [c.name for c in table.identifiers if c.is_subject]
                for file in (root.landing / contract.register / table.name).glob("*.parquet"):
                    for other in names[1:]:
                        rows = store.con.execute(f"select {names[0]}, {other} from {storage.parquet(file)}").fetchall()
                        pairs |= {row for row in rows if None not in row}
    while more := {key for pair in pairs if found & set(pair) for key in pair} - found:
        found |= more
    return found
