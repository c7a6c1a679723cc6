"""The bridge after a rotation of token keys: old and new tokens of the same identifiers.

Belongs here: pairs of handles out of the identifier columns of the latest extract. Does not belong here:
rows - no other column is read, and none leaves.

The linkage unit keys both tokens, each with its key of that epoch; the research platform learns from the
pairs which of its tokens has got a successor. Nobody learns an identifier, and no analyst sees a change.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from polku.authority.dispatch import Desk
from polku.authority.extracts import Extract, read_extract
from polku.authority.folder import workbench
from polku.authority.tokenising import Tokeniser, identifier_table, tokenise
from polku.contracts.model import Contract
from polku.errors import Exit, Refusal
from polku.exchange.delivery import BRIDGE, Delivery
from polku.exchange.parts import BRIDGE_PART, PREVIOUS, TOKEN
from polku.studies import Study


def seal_bridge(
    study: Study, register: str, extract: Path, authority_dir: Path, trust: Path, on: date
) -> tuple[Delivery, int]:
    """Seal a bridge from the token epoch before to this one; returns the delivery and its count of identifiers.

    `extract` holds the files of the latest extract that was delivered, `on` is today. Spellings that the
    sealer would refuse have no token and are left out. Refuses EXTRACT_MISSING, EXTRACT_BREAKS_CONTRACT,
    KEY_UNUSABLE (also when the grant of one of both epochs is missing), BRIDGE_MISSING, and USAGE where there
    is nothing to bridge.
    """
    desk = Desk.opened(study, register, BRIDGE, authority_dir, trust)
    if desk.pins.previous_epoch is None:
        raise Refusal(
            Exit.USAGE,
            "the study has had one token epoch only: there is nothing to bridge.",
            "A rotation starts with the steward's new trust file and grants.",
            register=register,
        )
    contract = study.contracts[register]
    present, previous = desk.tokeniser(on), desk.tokeniser(on, desk.pins.previous_epoch)
    extract = extract.resolve()
    with workbench(authority_dir, extract) as con:
        extracts = []
        for table in contract.tables:
            wanted = tuple(c for c in study.delivered(register, table.name) if c.type == "identifier")
            if not wanted:
                continue
            extracts.append(read_extract(con, contract, table, wanted, extract, on))
        handles, ids = _tokenised(con, contract, extracts, present)
        handles_before, ids_before = _tokenised(con, contract, extracts, previous)
    pairs = pa.Table.from_arrays([handles_before, handles], schema=BRIDGE_PART)
    # Several spellings have one handle. Sorted by it: the order says nothing of the register's.
    first = pc.index_in(pc.unique(handles), value_set=handles)
    pairs = pairs.take(first).sort_by("present")
    return desk.send(on, {"identifiers": ids, PREVIOUS: ids_before}, {}, {"pairs": pairs}), pairs.num_rows


def _tokenised(
    con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract], tokeniser: Tokeniser
) -> tuple[pa.Array, pa.Table]:
    """The handles of all spellings that have one, in an order that is the same for both epochs, and the id part."""
    identifiers = tokenise(con, contract, extracts, tokeniser)
    handles = [pa.array([], TOKEN)]
    for domain in sorted({c.domain or "" for each in extracts for c in each.columns}):
        table = identifier_table(domain)
        numbers = con.execute(f"select no from {table} where no is not null order by text").to_arrow_table()["no"]
        handles.append(identifiers.send(numbers.combine_chunks()))
        con.execute(f"drop table {table}")
    return pa.concat_arrays(handles), identifiers.sent()
