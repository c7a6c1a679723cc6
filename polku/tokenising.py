"""Identifiers of an extract become tokens and one-time handles, each distinct spelling once.

Belongs here: the table of spellings. Does not belong here: spelling rules (`identifiers`), the token
function (`tokens`), rows (`screening`).
"""

from __future__ import annotations

import re
import secrets
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from polku.contracts.model import Contract
from polku.errors import Exit, Refusal
from polku.extracts import Extract, given, quoted
from polku.grants import token_keys
from polku.identifiers import HETU, Identifier, canonical
from polku.keys import Trust
from polku.tokens import TOKEN_BYTES, key_check, tokens

MIGRI_CLIENT = "fi.migri.client"
TOKEN = pa.binary(TOKEN_BYTES)
ID_PART = pa.schema([("handle", TOKEN), ("id_type", pa.utf8()), ("token", TOKEN)])
"""What the linkage unit gets: one row per identifier of the delivery."""

_NATIONAL = (HETU, MIGRI_CLIENT)
_BATCH_ROWS = 100_000


class Tokeniser:
    """Turns the texts of one identifier column into tokens and one-time handles.

    The handle key lives as long as this object: nobody, the authority included, can compute a handle later.
    """

    SCHEMA = "text varchar, id_type varchar, token blob, handle blob, reason varchar, repaired boolean"

    def __init__(
        self, contract: Contract, pins: Trust, authority: Path, extracted_on: date, permanent_until: int
    ) -> None:
        self._national, self._own = token_keys(authority, pins.epoch)
        if key_check(self._national) != pins.key_check:
            raise Refusal(
                Exit.KEY_UNUSABLE,
                "the token key is not the one that the steward's card announces.",
                "Accept the steward's grant of this epoch again.",
                register=contract.register,
            )
        self._handle = secrets.token_bytes(32)
        self._register, self._born_until, self._permanent_until = (
            contract.register,
            extracted_on,
            permanent_until,
        )

    def batch(self, domain: str, spellings: list[str]) -> pa.Table:
        """One row per spelling: its token and handle, or the reason why it has none."""
        terms = domain, self._register, self._born_until, self._permanent_until
        found = [canonical(spelling, *terms) for spelling in spellings]
        places: dict[str, list[int]] = {}
        canonicals: dict[str, list[bytes]] = {}
        for i, identifier in enumerate(found):
            if isinstance(identifier, Identifier):
                places.setdefault(identifier.id_type, []).append(i)
                canonicals.setdefault(identifier.id_type, []).append(identifier.canonical.encode())
        token: list[bytes | None] = [None] * len(found)
        handle: list[bytes | None] = [None] * len(found)
        for id_type, values in canonicals.items():
            made = tokens(self._national if id_type in _NATIONAL else self._own, id_type, values)
            for i, t, h in zip(places[id_type], made, tokens(self._handle, "handle", made), strict=True):
                token[i], handle[i] = t, h
        return pa.table(
            {
                "text": pa.array(spellings, pa.utf8()),
                "id_type": pa.array([getattr(f, "id_type", None) for f in found], pa.utf8()),
                "token": pa.array(token, pa.binary()),
                "handle": pa.array(handle, pa.binary()),
                "reason": pa.array([getattr(f, "reason", None) for f in found], pa.utf8()),
                "repaired": pa.array([getattr(f, "repaired", False) for f in found], pa.bool_()),
            }
        )


def tokenise(con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract], tokeniser: Tokeniser) -> None:
    """Fill one table per domain with every spelling of the extract: Python sees distinct values only."""
    columns = {(c.domain or "", e.relation, c.name) for e in extracts for c in e.columns if c.type == "identifier"}
    for domain in {domain for domain, _, _ in columns}:
        con.execute(f"create table {identifier_table(domain)} ({tokeniser.SCHEMA})")
        cells = " union all ".join(
            f"select {quoted(name)} as text from {relation}" for its, relation, name in columns if its == domain
        )
        spellings = f"select distinct text from ({cells}) where {given(contract, 'text')}"
        for batch in con.cursor().execute(spellings).to_arrow_reader(_BATCH_ROWS):
            made = tokeniser.batch(domain, batch.column(0).to_pylist())
            con.from_arrow(made).insert_into(identifier_table(domain))


def identifier_table(domain: str) -> str:
    """The table that holds every spelling of a domain."""
    return "identifiers_" + re.sub("[^a-z0-9]", "_", domain)
