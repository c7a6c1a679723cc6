"""The tables inside the parts of a delivery: what one party writes and another expects.

Belongs here: their columns. Does not belong here: their framing (`payload`) and who makes them.
"""

from __future__ import annotations

import pyarrow as pa

from polku.exchange.blinding import ELEMENT_BYTES
from polku.exchange.tokens import TOKEN_BYTES

RELAY, BLINDED = "relay", "blinded"
"""Modes of a study: the linkage unit gets tokens, or elements that it cannot compare between deliveries."""

TOKEN, ELEMENT = pa.binary(TOKEN_BYTES), pa.binary(ELEMENT_BYTES)
ROW_NO = "row_no"
"""Column of the data part: the row's number after sorting by handle. Source row numbers stay at the authority."""

ID_PART = pa.schema([("handle", TOKEN), ("id_type", pa.utf8()), ("token", TOKEN)])
"""From the authority to the linkage unit; one row per identifier that leaves, sorted by handle."""
ID_PARTS = {RELAY: ID_PART, BLINDED: pa.schema([*list(ID_PART)[:2], ("token", ELEMENT)])}
"""The id part by mode; in the blinded mode `token` is r times the point of the token."""

PREVIOUS = "previous"
"""Second table of the id and link parts of a bridge: the same identifiers under the epoch before."""

LINK_PART = pa.schema([("handle", TOKEN), ("id_type", pa.utf8()), ("linked", TOKEN)])
"""From the linkage unit to the research platform; one row per row of the id part."""
LINK_PARTS = {RELAY: LINK_PART, BLINDED: pa.schema([*list(LINK_PART)[:2], ("linked", ELEMENT)])}
"""The link part by mode; in the blinded mode `linked` is k times what was received."""

BRIDGE_PART = pa.schema([("previous", TOKEN), ("present", TOKEN)])
"""From the authority to the research platform: handles of one identifier, under the epoch before and this one."""

NOTICE_PART = pa.schema([("person_no", pa.int64()), ("handle", TOKEN)])
"""From the authority to the research platform: the identifiers by which a notice names each of its persons."""
