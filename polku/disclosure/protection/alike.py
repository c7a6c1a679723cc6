"""Cells of the same persons, in whatever tables: where the figure of one is hidden, that of the others is as well.

Belongs here: finding such cells by their sketches, and hiding until none is left. Does not belong here: hiding itself
(`release`), and the gate, which looks for such cells by its own means (`attack.alike`).

Who is a pensioner in May and in June may be the same twelve persons; and of 60 clients those who were ever in a service
may be just those who are not among the eight that never changed their state. Who knows it, or supposes it, reads the
hidden figure off the other one. The others of a base are therefore looked at as well: base and cell tell their number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from polku.disclosure.cells import STATUS, Key, ReleaseSpec, Status, code_of
from polku.disclosure.ledger.night import CellSketches, Tables
from polku.disclosure.ledger.sketch import Sketches, digests, keys_of
from polku.disclosure.policy import Policy
from polku.disclosure.protection.release import ProtectedRelease, protect_release


def protect_alike(
    tables: Tables,
    sketches: CellSketches,
    policy: Policy,
    forced: Mapping[str, Collection[Key]],
    kept: Mapping[str, Collection[Key]],
) -> ProtectedRelease:
    """As `protect_release`, until no figure is shown of persons whose figure is hidden in another cell.

    `kept` cells stay shown: their figures are known. Tables without sketches count nobody in particular.
    """
    hide = {name: frozenset(forced.get(name, ())) for name in tables}
    made = protect_release(tables, policy, hide, kept)
    while more := _shown_beside_hidden(made.tables, tables, sketches, kept):
        hide |= {name: hide[name] | keys for name, keys in more.items()}
        again = {name: tables[name] for name in _linked_to(more, tables)}
        made = _replaced(made, protect_release(again, policy, hide, kept))
    return made


def _shown_beside_hidden(
    protected: Mapping[str, pd.DataFrame],
    tables: Tables,
    sketches: CellSketches,
    kept: Mapping[str, Collection[Key]],
) -> dict[str, frozenset[Key]]:
    """By table the keys of cells that are shown, though others of the same persons are hidden."""
    parts = [_marks(name, protected[name], tables[name][1], sketches[name]) for name in protected if name in sketches]
    if not parts:
        return {}
    cells = pd.concat(parts).dropna(subset="persons")
    of_same = cells.groupby("persons")
    shown = cells[cells["is_shown"] & of_same["is_hidden"].transform("any")]
    found = {}
    for name, rows in shown.groupby("table")["row"]:
        dimensions = list(tables[str(name)][1].dimensions)
        codes = protected[str(name)].loc[sorted(set(rows)), dimensions].itertuples(index=False)
        found[str(name)] = frozenset(tuple(map(code_of, row)) for row in codes) - frozenset(kept.get(str(name), ()))
    return {name: keys for name, keys in found.items() if keys}


def _marks(
    name: str, table: pd.DataFrame, spec: ReleaseSpec, sketched: tuple[np.ndarray, Sketches, Sketches]
) -> pd.DataFrame:
    """Twice each row of a protected table: who is in the cell, and who else is in its base; None of nobody."""
    keys, members, complements = sketched
    at = pd.Index(keys, dtype=object).get_indexer(pd.Index(keys_of(table, spec.dimensions), dtype=object))
    once = pd.DataFrame(
        {
            "table": name,
            "row": np.arange(len(table)),
            "is_shown": table[spec.count].notna(),
            "is_hidden": table[STATUS].isin([Status.PRIMARY, Status.SECONDARY]),
        }
    )
    return pd.concat([once.assign(persons=digests(sketch.at(at))) for sketch in (members, complements)])


def _linked_to(names: Collection[str], tables: Tables) -> list[str]:
    """The tables that are protected together with these."""
    populations = {tables[name][1].population for name in names} - {None}
    return [name for name, (_, spec) in tables.items() if name in names or spec.population in populations]


def _replaced(before: ProtectedRelease, again: ProtectedRelease) -> ProtectedRelease:
    """Both, the tables that were protected again as they are now; certificates keep numbers of their own."""
    old = before.certificates[~before.certificates["table"].isin(list(again.tables))]
    first = int(before.certificates["certificate"].max()) + 1 if len(before.certificates) else 0
    new = again.certificates.assign(certificate=again.certificates["certificate"] + first)
    return ProtectedRelease(before.tables | again.tables, pd.concat([old, new], ignore_index=True))
