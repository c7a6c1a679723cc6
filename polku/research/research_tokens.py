"""From linked tokens to research tokens: every level of the research key, and who has been erased.

Belongs here: the chain of keys, its rotation, tombstones. Does not belong here: which key a token stands for
(`identities`) and where linked tokens come from (`opening`).

rho = HMAC(K_n, ... HMAC(K_1, u)). A rotation adds a level and keys every stored token once more; nothing else
changes, so that no analyst sees it. Keys of all levels stay needed: a new delivery goes through all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.errors import Exit, Refusal
from polku.exchange.keys import research_keys, root_key
from polku.exchange.tokens import derive, key_check, tokens
from polku.layout import DataRoot
from polku.research.identities import TOKENS, Identities, identities

MOST_LEVELS = 8
"""A new delivery costs one HMAC per identifier and level. After this the chain is begun anew by a rotation of the
token keys: bridges and a new study root."""

_RHO = TOKENS.field("rho").type


@dataclass(frozen=True)
class Ring:
    """The research keys in force, oldest first, and the key of tombstones."""

    levels: list[bytes]
    tomb: bytes

    @classmethod
    def of(cls, root: DataRoot, store: Identities) -> Ring:
        """The keys of the levels that the store is at.

        Refuses (KEY_UNUSABLE) a key that is not the one the store was made with: everybody would be a stranger.
        """
        checks = [
            check for (check,) in store.con.execute("select key_check from identities.level order by no").fetchall()
        ]
        keys = research_keys(root.path, root.study, max(len(checks), 1))
        if not checks:
            store.con.execute("insert into identities.level values (1, ?)", [key_check(keys[0])])
        elif [key_check(key) for key in keys] != checks:
            raise Refusal(
                Exit.KEY_UNUSABLE,
                "a research key is not the one that the store of identities was made with.",
                "Put the research platform's own root keys back; nobody would be recognised with others.",
            )
        return cls(keys, derive(root_key(root.path), "tomb", root.study, "1"))

    def tokens_of(self, store: Identities, linked: pa.Table) -> tuple[pa.Table, pa.Array]:
        """The research token (TOKENS) of each row of `linked` (id_type, linked), and whether it has been erased."""
        marks = self._marks(store)
        id_types = linked["id_type"].combine_chunks()
        at, rho, erased = [np.empty(0, np.int64)], [pa.array([], _RHO)], [pa.array([], pa.bool_())]
        for id_type in id_types.unique().to_pylist():
            its = pc.equal(id_types, id_type)
            values = linked["linked"].filter(its).to_pylist()
            gone = pa.array(np.zeros(len(values), np.bool_))
            for level, key in enumerate(self.levels, start=1):
                values = tokens(key, id_type, values)
                if level in marks:
                    made = pa.array(tokens(self.tomb, id_type, values), _RHO)
                    gone = pc.or_(gone, pc.is_in(made, value_set=marks[level]))
            at.append(np.flatnonzero(its))
            rho.append(pa.array(values, _RHO))
            erased.append(gone)
        order = np.argsort(np.concatenate(at), kind="stable")
        made = pa.Table.from_arrays([id_types, pa.concat_arrays(rho).take(order)], schema=TOKENS)
        return made, pa.concat_arrays(erased).take(order)

    def entomb(self, store: Identities, notice_id: str, gone: pa.Table) -> None:
        """Leave tombstones of research tokens (TOKENS, of the present level)."""
        gone = gone.combine_chunks()
        for id_type in gone["id_type"].unique().to_pylist():
            values = gone["rho"].filter(pc.equal(gone["id_type"], id_type)).to_pylist()
            store.con.register("marks", pa.table({"mark": pa.array(tokens(self.tomb, id_type, values), _RHO)}))
            store.con.execute(
                "insert or ignore into identities.tombstone select distinct ?, ?, mark, ? from marks",
                [len(self.levels), id_type, notice_id],
            )
            store.con.unregister("marks")

    def _marks(self, store: Identities) -> dict[int, pa.Array]:
        """Tombstones by the level of their time; few of them, for erasures are rare."""
        rows = store.con.execute("select level, mark from identities.tombstone").to_arrow_table()
        levels = rows["level"].unique().to_pylist()
        return {level: rows["mark"].filter(pc.equal(rows["level"], level)).combine_chunks() for level in levels}


def rotate(root: DataRoot) -> tuple[int, int]:
    """Put the next level of the research key in force; returns the level and the count of tokens keyed anew.

    One transaction: killed at any moment, the store is at the old level or the new one. Refuses (KEY_UNUSABLE)
    when the next level's root key has not been made, or MOST_LEVELS are in force.
    """
    with identities(root) as store:
        levels = len(Ring.of(root, store).levels) + 1
        if levels > MOST_LEVELS:
            raise Refusal(
                Exit.KEY_UNUSABLE,
                f"the research key has {MOST_LEVELS} levels, and no more are allowed.",
                "Begin anew: let every authority deliver again into a store of identities made with a new root.",
            )
        key = research_keys(root.path, root.study, levels)[-1]
        rows = store.con.execute("from identities.token order by id_type").to_arrow_table()
        made = [rows.slice(0, 0)]
        for id_type in rows["id_type"].unique().to_pylist():
            its = rows.filter(pc.equal(rows["id_type"], id_type))
            rho = pa.array(tokens(key, id_type, its["rho"].to_pylist()), _RHO)
            made.append(its.set_column(1, "rho", rho))
        store.con.register("keyed", pa.concat_tables(made))
        store.con.execute("truncate identities.token")
        store.con.execute("insert into identities.token from keyed")
        store.con.execute("insert into identities.level values (?, ?)", [levels, key_check(key)])
    return levels, rows.num_rows
