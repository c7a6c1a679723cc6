"""Invented cells with known members, for tests of sketches, decisions and the ledger.

Belongs here: record keys and cells from sets of persons. Does not belong here: what is expected of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

import duckdb
import numpy as np
import pandas as pd

from polku.disclosure import ReleaseSpec
from polku.disclosure.ledger.decision import Present
from polku.disclosure.ledger.sketch import Sketches, keys_of, sketch

SPEC = ReleaseSpec("areas", ("area",), "persons", additive=("area",), members="int_list_area_members")
DAY = np.datetime64("2026-03-01")


def record_keys(persons: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, persons, dtype=np.uint64)


def sketched(
    members: Mapping[str, Set[int]], records: np.ndarray, spec: ReleaseSpec = SPEC
) -> tuple[np.ndarray, Sketches, Sketches]:
    """Sketches of one-way cells, through DuckDB as on the platform."""
    rows = [(area, person) for area, persons in members.items() for person in persons]
    with duckdb.connect() as con:
        con.register("members", pd.DataFrame(rows, columns=["area", "person_key"]).astype({"person_key": "int64"}))
        con.register("records", pd.DataFrame({"person_key": range(len(records)), "record_key": records}))
        return sketch(con, spec, "members", "records")


def present(members: Mapping[str, Set[int]], records: np.ndarray, spec: ReleaseSpec = SPEC) -> Present:
    """The cells of a table as they are."""
    keys = keys_of(pd.DataFrame({"area": list(members)}), ("area",))
    named, found, others = sketched(members, records, spec)
    at = pd.Index(named, dtype=object).get_indexer(pd.Index(keys, dtype=object))
    figures = np.array([[float(len(persons))] for persons in members.values()]).reshape(len(members), 1)
    return Present(
        ("persons",), keys, figures, np.ones(len(keys), bool), found.at(at), others.at(at), counted_only=False
    )
