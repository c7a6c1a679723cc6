"""The tables inside the parts of a delivery: what one party writes and another expects.

Belongs here: their columns. Does not belong here: their framing (`payload`) and who makes them.
"""

from __future__ import annotations

import pyarrow as pa

from polku.exchange.tokens import TOKEN_BYTES

TOKEN = pa.binary(TOKEN_BYTES)
ROW_NO = "row_no"
"""Column of the data part: the row's number after sorting by handle. Source row numbers stay at the authority."""

ID_PART = pa.schema([("handle", TOKEN), ("id_type", pa.utf8()), ("token", TOKEN)])
"""From the authority to the linkage unit; one row per identifier that leaves, sorted by handle."""

LINK_PART = pa.schema([("handle", TOKEN), ("id_type", pa.utf8()), ("linked", TOKEN)])
"""From the linkage unit to the research platform; one row per row of the id part."""
