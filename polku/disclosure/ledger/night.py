"""One release after others: from marts and sketches to masks for protection, and from protected tables to a draft.

Belongs here: the order of the steps between releases, over all tables of a release. Does not belong here: the rules
(`decision`), protection and attack, and Dagster.

    planned = plan(tables, sketches, ledger, policy)      # what must and must not be hidden
    ... protect each table with planned.forced(name) and planned.kept(name), judge the protected tables ...
    outcome = planned.conclude(protected, day)            # old figures laid over, states for the ledger
    ... nothing new? leave the release as it is; else write it, ledger.append(...), publish ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from polku.disclosure.cells import Key, ReleaseSpec, Status, code_of
from polku.disclosure.ledger.cell_file import PublicRelease, begun_by_table, cells_of
from polku.disclosure.ledger.conclusion import Concluded, conclude
from polku.disclosure.ledger.decision import Decision, Present, Verdict, decide
from polku.disclosure.ledger.release_ledger import ReleaseLedger
from polku.disclosure.ledger.sketch import Sketches, keys_of
from polku.disclosure.ledger.states import States, figure_columns, figures_of
from polku.disclosure.policy import Policy
from polku.errors import Exit, Refusal

Tables = Mapping[str, tuple[pd.DataFrame, ReleaseSpec]]
CellSketches = Mapping[str, tuple[np.ndarray, Sketches, Sketches]]
"""(keys, members, complements) by table; see `sketch.sketch`."""


@dataclass(frozen=True)
class Outcome:
    """What a night's release would be: its concluded tables, and whether it would tell anything new."""

    tables: Mapping[str, Concluded]
    is_new: bool

    def counts(self) -> dict[str, int]:
        """Cells of all tables by verdict."""
        found = sum((Counter(concluded.counts()) for concluded in self.tables.values()), Counter[str]())
        return {verdict.name.lower(): found[verdict.name.lower()] for verdict in Verdict}

    def reason(self) -> str:
        """Why there is a release, or none, in words without figures of any cell."""
        counts = self.counts()
        told = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in counts if counts[name])
        return f"{'Something' if self.is_new else 'Nothing'} new to publish; cells: {told or 'none'}."


@dataclass(frozen=True)
class Plan:
    """What earlier releases ask of the next one; decided when the ledger's head was `head`.

    `earlier` are all releases that were ever public, oldest first, withdrawn ones among them.
    """

    head: tuple[int, str]
    tables: Tables
    decisions: Mapping[str, Decision]
    earlier: Sequence[PublicRelease]

    @property
    def specs(self) -> dict[str, ReleaseSpec]:
        """The declarations of tonight's tables by name."""
        return {name: spec for name, (_, spec) in self.tables.items()}

    def forced(self, name: str) -> frozenset[Key]:
        """Cells whose new value must not be published."""
        return self._keys(name, self.decisions[name].forced)

    def kept(self, name: str) -> frozenset[Key]:
        """Cells that must stay published: their value is known, and hiding it would protect nothing."""
        return self._keys(name, self.decisions[name].kept)

    def public_with(self, outcome: Outcome, day: date) -> list[PublicRelease]:
        """Everything that would be public if the outcome left tonight: the earlier releases, and it."""
        columns = {name: concluded.states.columns for name, concluded in outcome.tables.items()}
        dimensions = {name: spec.dimensions for name, spec in self.specs.items()}
        return [*self.earlier, PublicRelease(self.head[0] + 1, day, dimensions, columns, cells_of(outcome.tables))]

    def conclude(self, protected: Mapping[str, pd.DataFrame], day: date) -> Outcome:
        """Lay what stands over the protected tables."""
        done = {
            name: conclude(table, self.tables[name][1], self.decisions[name], self.head[0] + 1, np.datetime64(day))
            for name, table in protected.items()
        }
        return Outcome(done, not self.earlier or _told_by(done) != _told(self.earlier[-1].cells))

    def _keys(self, name: str, mask: np.ndarray) -> frozenset[Key]:
        table, spec = self.tables[name]
        # Cells that the mart leaves out come after its rows; they are empty, and hidden where that must be.
        rows = table.loc[mask[: len(table)], list(spec.dimensions)].itertuples(index=False)
        return frozenset(tuple(code_of(code) for code in row) for row in rows)


def plan(tables: Tables, sketches: CellSketches, ledger: ReleaseLedger, policy: Policy) -> Plan:
    """Compare the cells of tonight's marts with everything that was ever public of them.

    Refuses (GATE_CLOSED) a table that counts more persons than are listed as its members.
    """
    head, earlier = ledger.head(), ledger.releases()
    history = begun_by_table(earlier)
    decisions = {
        name: decide(
            _present(table.reset_index(drop=True), spec, sketches.get(name), history.get(name, [])),
            history.get(name, []),
            policy.threshold,
        )
        for name, (table, spec) in tables.items()
    }
    return Plan(head, tables, decisions, earlier)


def _present(
    table: pd.DataFrame,
    spec: ReleaseSpec,
    sketched: tuple[np.ndarray, Sketches, Sketches] | None,
    history: list[States],
) -> Present:
    """The mart's cells, then those that have been public and that it leaves out: nobody is in them now."""
    own = keys_of(table, spec.dimensions)
    known = pd.unique(np.concatenate([own, *(states.keys for states in history)]))
    keys = np.asarray([*own, *known[~np.isin(known, own)]], dtype=object)
    absent = np.zeros((len(keys) - len(own), len(figure_columns(spec))))
    figures = np.vstack([figures_of(table, spec), absent])
    count = figures[:, figure_columns(spec).index(spec.count)]
    persons = np.nan_to_num(count).astype(np.int64)
    if sketched is None:
        base = np.nan_to_num(figures[:, -1]).astype(np.int64) if spec.base else persons
        members, complements = Sketches.of_counts(persons), Sketches.of_counts(base - persons)
    else:
        at = pd.Index(sketched[0], dtype=object).get_indexer(pd.Index(keys, dtype=object))
        members, complements = sketched[1].at(at), sketched[2].at(at)
        if (persons > members.persons).any():
            raise Refusal(
                Exit.GATE_CLOSED,
                f"cells count more persons than `{spec.members}` lists.",
                "Mart and list of members must be of one build, and count alike.",
                file=spec.name,
            )
    return Present(
        figure_columns(spec), keys, figures, ~np.isnan(count), members, complements, counted_only=sketched is None
    )


def _told_by(concluded: Mapping[str, Concluded]) -> set[tuple[str, str, int]]:
    """Each cell with the release in which its state began; 0 where it is not observed, which tells nothing."""
    found = set()
    for name, one in concluded.items():
        since = np.where(one.states.is_observed, one.states.since, 0)
        found |= {(name, key, int(no)) for key, no in zip(one.states.keys, since, strict=True)}
    return found


def _told(cells: pa.Table) -> set[tuple[str, str, int]]:
    since = pc.if_else(pc.equal(cells["status"], str(Status.NOT_OBSERVED)), 0, cells["since"])
    return set(zip(cells["table"].to_pylist(), cells["cell"].to_pylist(), since.to_pylist(), strict=True))
