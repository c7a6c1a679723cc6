"""Makes many persons of fewer: every landed row again under other keys, as often as asked.

Belongs here: a shorter road to many landed rows than the twin, sealing and the relay, for measuring what comes after
landing. Does not belong here: measuring (`scale`). What is made cannot be told from landing but by its persons, who are
alike in so many copies; ledger and packages stay those of the fewer.
"""

from __future__ import annotations

import numpy as np

from polku.layout import DataRoot
from polku.research import landed, storage
from polku.research.identities import identities
from polku.studies import Study

BORN = "birth_month"


def multiply(root: DataRoot, study: Study, times: int) -> None:
    """Put so many persons in the place of each one, in landing and in the store of identities."""
    # Another key for each copy by one bit mask of it: different keys stay different, and positive.
    masks = [0, *(int(mask) for mask in np.random.default_rng(times).integers(1, 2**62, times - 1))]
    with storage.connect(root) as con:
        for contract in study.contracts.values():
            for table in contract.tables:
                keys = [column.name for column in table.identifiers]
                is_born = any(column.name == BORN for column in table.columns)
                for part in landed.parts(root, contract.register, table.name):
                    copies = []
                    for no, mask in enumerate(masks):
                        other = [
                            f"row_no * {times} + {no} as row_no",
                            *(f"xor({key}, {mask}) as {key}" for key in keys),
                            *([f"cast({BORN} + interval {no % 24} month as date) as {BORN}"] if is_born else []),
                        ]
                        copies.append(f"select * replace ({', '.join(other)}) from {storage.parquet(part)}")
                    order = ", ".join([*(f"{key} nulls last" for key in keys), "row_no"])
                    storage.write_parquet(con, f"({' union all '.join(copies)}) order by {order}", part)
    with identities(root) as store:
        [(arrived,)] = store.con.execute("select max(no) from identities.entity").fetchall()
        store.con.execute("create temp table fewer as from identities.entity")
        for no, mask in enumerate(masks[1:], start=1):
            store.con.execute(
                f"insert into identities.entity select xor(entity_key, {mask}), id_type, no + {no * arrived} from fewer"
            )
