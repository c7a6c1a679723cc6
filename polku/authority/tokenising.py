"""Identifiers of an extract become tokens and one-time handles, each distinct spelling once.

Belongs here: the table of spellings. Does not belong here: spelling rules (`identifiers`), the token
function (`tokens`), rows (`screening`).
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from polku.authority.extracts import Extract, given
from polku.contracts.model import Contract
from polku.errors import Exit, Refusal
from polku.exchange.grants import token_keys
from polku.exchange.identifiers import HETU, Refused, already_canonical, canonical, temporary_domain
from polku.exchange.keys import Trust
from polku.exchange.parts import ID_PART, TOKEN
from polku.exchange.tokens import key_check, tokens
from polku.sql_text import quoted

MIGRI_CLIENT = "fi.migri.client"
"""What the linkage unit gets: one row per identifier of the delivery."""

_NATIONAL = (HETU, MIGRI_CLIENT)
_BATCH_ROWS = 100_000


class Identifiers:
    """Every usable identifier of an extract, numbered from 0 in the order of its one-time handle."""

    def __init__(self, spellings: list[pa.Table]) -> None:
        rows = pa.concat_tables([ID_PART.empty_table(), *(each.select(ID_PART.names) for each in spellings)])
        handles = rows["handle"].combine_chunks()
        known = handles.drop_null().unique()
        self._handles = known.take(pc.sort_indices(known))
        self._rows = rows.take(pc.index_in(self._handles, value_set=handles))
        self._sent = np.zeros(len(known), dtype=np.bool_)

    def numbers(self, handles: pa.ChunkedArray) -> pa.ChunkedArray:
        """The number of each handle, null where null."""
        return pc.index_in(handles, value_set=self._handles)

    def send(self, numbers: pa.Array) -> pa.Array:
        """The handles of these numbers (null where null), which from now on count as sent."""
        self._sent[numbers.drop_null().to_numpy()] = True
        return self._handles.take(numbers)

    def sent(self) -> pa.Table:
        """The id part (ID_PART): identifiers of the rows that left, and of no other, sorted by handle."""
        return self._rows.filter(pa.array(self._sent))


class Tokeniser:
    """Turns the texts of one identifier column into tokens and one-time handles.

    The handle key lives as long as this object: nobody, the authority included, can compute a handle later.
    """

    SCHEMA = pa.schema([("text", pa.utf8()), ("reason", pa.utf8()), ("repaired", pa.bool_()), *ID_PART])

    def __init__(
        self,
        contract: Contract,
        pins: Trust,
        authority: Path,
        extracted_on: date,
        permanent_until: int,
        *,
        previous: bool = False,
    ) -> None:
        """`previous`: tokens of the epoch before this one, for a bridge."""
        epoch, check = (pins.previous_epoch, pins.previous_key_check) if previous else (pins.epoch, pins.key_check)
        self._national, self._own = token_keys(authority, epoch or "")
        if key_check(self._national) != check:
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

    def batch(self, domain: str, spellings: pa.StringArray) -> pa.Table:
        """One row per spelling, in no order: its token and handle, or the reason why it has none."""
        plain = pa.array(already_canonical(spellings, domain, self._born_until))
        made = [self._plain(domain, spellings.filter(plain)), self._odd(domain, spellings.filter(pc.invert(plain)))]
        return pa.concat_tables(made)

    def _plain(self, domain: str, codes: pa.StringArray) -> pa.Table:
        """Identifiers that are canonical as they are written."""
        if domain != HETU:
            return self._usable(domain, codes, codes)
        temporary = pc.greater(pc.utf8_slice_codeunits(codes, 7, 10), f"{self._permanent_until:03d}")
        kinds = {HETU: pc.invert(temporary), temporary_domain(self._register): temporary}
        return pa.concat_tables(self._usable(kind, codes.filter(its), codes.filter(its)) for kind, its in kinds.items())

    def _odd(self, domain: str, spellings: pa.StringArray) -> pa.Table:
        """Spellings that are respelled or refused, one by one."""
        usable: dict[str, dict[str, str]] = defaultdict(dict)
        refused = []
        for text in spellings.to_pylist():
            found = canonical(text, domain, self._register, self._born_until, self._permanent_until)
            if isinstance(found, Refused):
                refused.append({"text": text, "reason": found.reason})
            else:
                usable[found.id_type][text] = found.canonical
        made = [
            self._usable(kind, pa.array(its.keys(), pa.utf8()), pa.array(its.values(), pa.utf8()))
            for kind, its in usable.items()
        ]
        return pa.concat_tables([pa.Table.from_pylist(refused, self.SCHEMA), *made])

    def _usable(self, id_type: str, texts: pa.StringArray, canonicals: pa.StringArray) -> pa.Table:
        key = self._national if id_type in _NATIONAL else self._own
        made = b"".join(tokens(key, id_type, canonicals.cast(pa.binary()).to_pylist()))
        # One block each, and all tokens differ: a keyed permutation, under a key that nobody keeps.
        handles = Cipher(AES(self._handle), ECB()).encryptor().update(made)
        rows = len(texts)
        token, handle = (pa.Array.from_buffers(TOKEN, rows, [None, pa.py_buffer(b)]) for b in (made, handles))
        repaired, none = pc.not_equal(texts, canonicals), pa.nulls(rows, pa.utf8())
        return pa.table([texts, none, repaired, handle, pa.repeat(id_type, rows), token], schema=self.SCHEMA)


def tokenise(
    con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract], tokeniser: Tokeniser
) -> Identifiers:
    """Fill one table per domain with every spelling of the extract: text, number or reason, repaired.

    Only distinct spellings leave DuckDB. Rows are joined and sorted by number, which is cheaper than by handle.
    """
    columns = {(c.domain or "", e.relation, c.name) for e in extracts for c in e.columns if c.type == "identifier"}
    made = {domain: [Tokeniser.SCHEMA.empty_table()] for domain, _, _ in columns}
    for domain, batches in made.items():
        cells = " union all ".join(
            f"select {quoted(name)} as text from {relation}" for its, relation, name in columns if its == domain
        )
        # A table of its own, or DuckDB would trim every cell instead of every distinct one.
        con.execute(f"create or replace temp table spellings as select distinct text from ({cells})")
        spellings = con.execute(f"from spellings where {given(contract, 'text')}")
        batches += [tokeniser.batch(domain, batch.column(0)) for batch in spellings.to_arrow_reader(_BATCH_ROWS)]
    identifiers = Identifiers([table for batches in made.values() for table in batches])
    for domain, batches in made.items():
        table = pa.concat_tables(batches)
        numbers = identifiers.numbers(table["handle"])
        known = table.select(["text", "reason", "repaired"]).append_column("no", numbers)
        con.from_arrow(known).create(identifier_table(domain))
    return identifiers


def identifier_table(domain: str) -> str:
    """The table that holds every spelling of a domain."""
    return "identifiers_" + re.sub("[^a-z0-9]", "_", domain)
