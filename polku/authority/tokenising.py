"""Identifiers of an extract become tokens and one-time handles, each distinct spelling once.

Belongs here: the table of spellings. Does not belong here: spelling rules (`identifiers`), the token
function (`tokens`), rows (`screening`).
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from polku.authority.extracts import Extract
from polku.contracts.cells import given
from polku.contracts.model import Contract
from polku.exchange.blinding import blind
from polku.exchange.identifiers import HETU, NATIONAL, Refused, already_canonical, canonical, temporary_domain
from polku.exchange.parts import BLINDED, ELEMENT, ID_PART, ID_PARTS, TOKEN
from polku.exchange.stretching import refuse_above_limit, stretch
from polku.exchange.tokens import TOKEN_BYTES, tokens
from polku.sql_text import quoted

_BATCH_ROWS = 100_000


class Identifiers:
    """Every usable identifier of an extract, numbered from 0 in the order of its one-time handle."""

    def __init__(self, spellings: pa.Table) -> None:
        """`spellings` has the columns of ID_PART, null where a spelling is unusable.

        `numbers` are theirs, in that order; two spellings of one identifier have the same.
        """
        usable = spellings["handle"].is_valid().combine_chunks()
        rows = spellings.select(ID_PART.names).filter(usable)
        # numpy takes no notice of trailing zero bytes; handles are all of one length, so it tells them apart.
        handles = np.frombuffer(rows["handle"].combine_chunks().buffers()[1], f"S{TOKEN_BYTES}", rows.num_rows)
        _, first, numbers = np.unique(handles, return_index=True, return_inverse=True)
        self.numbers = pc.replace_with_mask(pa.nulls(len(usable), pa.int32()), usable, pa.array(numbers, pa.int32()))
        self._rows = rows.take(pa.array(first)).combine_chunks()
        self._handles = self._rows["handle"].combine_chunks()
        self._sent = np.zeros(len(first), dtype=np.bool_)

    def send(self, numbers: pa.Array) -> pa.Array:
        """The handles of these numbers (null where null), which from now on count as sent."""
        self._sent[numbers.drop_null().to_numpy()] = True
        return self._handles.take(numbers)

    def sent(self, blinding: int | None = None) -> pa.Table:
        """The id part (ID_PARTS): identifiers of the rows that left, and of no other, sorted by handle."""
        rows = self._rows.filter(pa.array(self._sent))
        if blinding is None:
            return rows
        return blinded(rows, blinding)


def blinded(rows: pa.Table, blinding: int) -> pa.Table:
    """An id part with the element of each token in its place."""
    elements = blind(rows["id_type"].to_pylist(), rows["token"].to_pylist(), blinding)
    return pa.Table.from_arrays([*rows.columns[:2], pa.array(elements, ELEMENT)], schema=ID_PARTS[BLINDED])


class Tokeniser:
    """Turns the texts of one identifier column into tokens and one-time handles.

    The handle key lives as long as this object: nobody, the authority included, can compute a handle later.
    """

    SCHEMA = pa.schema([("text", pa.utf8()), ("reason", pa.utf8()), ("repaired", pa.bool_()), *ID_PART])

    def __init__(
        self,
        contract: Contract,
        keys: tuple[bytes, bytes],
        extracted_on: date,
        permanent_until: int,
        *,
        stretched: bool = False,
    ) -> None:
        self._national, self._own = keys
        self.stretched = stretched
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
        key = self._national if id_type in NATIONAL else self._own
        messages = canonicals.cast(pa.binary()).to_pylist()
        made = b"".join(tokens(key, id_type, stretch(key, id_type, messages) if self.stretched else messages))
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
    if tokeniser.stretched:
        _refuse_above_limit(con, contract, columns)
    made: dict[str, pa.Table] = {}
    for domain in sorted({domain for domain, _, _ in columns}):
        cells = " union all ".join(
            f"select {quoted(name)} as text from {relation}" for its, relation, name in columns if its == domain
        )
        # A table of its own, or DuckDB would trim every cell instead of every distinct one.
        con.execute(f"create or replace temp table spellings as select distinct text from ({cells})")
        spellings = con.execute(f"from spellings where {given('text', contract.file_format)}")
        batches = (tokeniser.batch(domain, batch.column(0)) for batch in spellings.to_arrow_reader(_BATCH_ROWS))
        made[domain] = pa.concat_tables([Tokeniser.SCHEMA.empty_table(), *batches])
    identifiers = Identifiers(pa.concat_tables([Tokeniser.SCHEMA.empty_table(), *made.values()]))
    start = 0
    for domain, table in made.items():
        numbers = identifiers.numbers.slice(start, table.num_rows)
        con.from_arrow(table.select(["text", "reason", "repaired"]).append_column("no", numbers)).create(
            identifier_table(domain)
        )
        start += table.num_rows
    con.execute("drop table if exists spellings")
    return identifiers


def _refuse_above_limit(con: duckdb.DuckDBPyConnection, contract: Contract, columns: set[tuple[str, str, str]]) -> None:
    """Before the first of them is stretched: an hour's work would be for nothing."""
    cells = " union ".join(f"select '{its}', {quoted(name)} as text from {rel}" for its, rel, name in columns)
    (count,) = con.execute(f"select count(*) from ({cells}) where {given('text', contract.file_format)}").fetchall()[0]
    refuse_above_limit(int(count), contract.register)


def identifier_table(domain: str) -> str:
    """The table that holds every spelling of a domain."""
    return "identifiers_" + re.sub("[^a-z0-9]", "_", domain)
