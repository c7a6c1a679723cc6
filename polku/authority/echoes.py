"""Finding the persons of a delivery by name: what identifies one of them must not stand in a cell that leaves.

Belongs here: names, streets, telephone numbers and case numbers that the extract itself holds, looked for in its
other cells. Does not belong here: what any identifier looks like (`residuals`), and what a find leads to (`screening`).

Names are compared word by word after folding, so a misspelt or inflected one is missed: a text in which names are
usual must not be kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from polku.authority.extracts import Extract
from polku.contracts.model import Column
from polku.exchange.identifiers import HETU
from polku.sql_text import quoted

OWN, OTHERS = "own_name_or_number", "name_in_the_delivery"
"""Kinds of finds: what the row itself says of its person, and a name or street of anybody in the delivery."""

_LETTERS, _LETTERS_OF_OTHERS, _DIGITS = 3, 4, 6
"""Shorter words say nothing: `Li` and `12` are anywhere. `Aho` is a name at least in the row of its person."""
_BATCH_ROWS = 100_000
_TOKENS = pa.schema([("chunk", pa.utf8()), ("token", pa.utf8())])
_BARE = "upper(regexp_replace({}, '^[^0-9A-Za-z]+|[^0-9A-Za-z]+$', '', 'g'))"


def learn_names(con: duckdb.DuckDBPyConnection, extracts: Iterable[Extract]) -> None:
    """Fill the table `names` (chunk, token) from every identifying cell of the delivery.

    A chunk is what stands between two blanks, a token a folded word in it. Chunks are few where cells are many.
    """
    con.execute("create table names (chunk varchar, token varchar)")
    for extract in extracts:
        for name in extract.identifying:
            con.from_arrow(_tokens_of(con, extract.relation, name)).insert_into("names")


def find_echoes(con: duckdb.DuckDBPyConnection, extract: Extract, column: Column) -> None:
    """Add the rows to `found_cells` (row_no, kind) whose cell of `column`, one of the table `texts`, names somebody.

    In a code, a date or a number only the row's own person is looked for: that `Metsä` is somebody's surname makes
    no code of it a name. In free text every name of the delivery is.
    """
    rows = f"{extract.relation} r join said on said.text = r.{quoted(column.name)}"
    if extract.identifying or column.free_text:
        con.from_arrow(_tokens_of(con, "texts", "text")).create_view("spoken", replace=True)
        _say(con, "select distinct * from spoken semi join names using (token)")
        for name in extract.identifying:
            own = f"unnest(string_split(r.{quoted(name)}, ' '))"
            con.execute(
                "insert into found_cells select row_no, ? from "
                f"(select r.{extract.source_row} as row_no, said.token as token, {own} as chunk from {rows}) "
                "semi join names using (chunk, token)",
                [OWN],
            )
    if column.free_text:
        con.execute(
            f"insert into found_cells select r.{extract.source_row}, ? from {rows} "
            f"where length(token) >= {_LETTERS_OF_OTHERS}",
            [OTHERS],
        )
    # A number of a register has no form to find it by, but the row's own is known.
    for own_number in (c for c in extract.columns if c.type == "identifier" and c.domain != HETU):
        number, bare = f"upper(trim(r.{quoted(own_number.name)}))", _BARE.format("chunk")
        chunks = "(select distinct unnest(string_split(text, ' ')) as chunk from texts)"
        long_enough = f"length(token) >= {_DIGITS} and regexp_matches(token, '[0-9]')"
        _say(
            con,
            f"from (select chunk, {bare} as token from {chunks}) h where {long_enough} "
            f"and token in (select {number} from {extract.relation} r)",
        )
        con.execute(
            f"insert into found_cells select r.{extract.source_row}, ? from {rows} where token = {number}", [OWN]
        )


def _say(con: duckdb.DuckDBPyConnection, heard: str) -> None:
    """Make the table `said` (text, token): which of the texts hold these chunks, and so these tokens."""
    con.execute(f"create or replace temp table heard as {heard}")
    con.execute(
        "create or replace temp table said as select distinct text, token from "
        "(select text, unnest(string_split(text, ' ')) as chunk from texts) join heard using (chunk)"
    )


def _tokens_of(con: duckdb.DuckDBPyConnection, relation: str, column: str) -> pa.Table:
    chunks = con.execute(f"select distinct unnest(string_split({quoted(column)}, ' ')) from {relation}")
    batches = (_tokens(batch.column(0)) for batch in chunks.to_arrow_reader(_BATCH_ROWS))
    return pa.concat_tables([_TOKENS.empty_table(), *batches])


def _tokens(chunks: pa.StringArray) -> pa.Table:
    """The words in each chunk, and the chunk as one word; accents, case and punctuation do not count."""
    folded = pc.utf8_lower(pc.utf8_normalize(chunks, form="NFKD"))
    folded = pc.replace_substring_regex(folded, r"[\p{Mn}\p{Cf}]+", "")
    folded = pc.replace_substring_regex(folded, r"[^\p{L}\p{N}]+", " ")
    words = pc.utf8_split_whitespace(folded)
    made = pa.concat_tables(
        [
            pa.table([chunks.take(pc.list_parent_indices(words)), pc.list_flatten(words)], schema=_TOKENS),
            pa.table([chunks, pc.replace_substring(folded, " ", "")], schema=_TOKENS),
        ]
    )
    length, number = pc.utf8_length(made["token"]), pc.utf8_is_digit(made["token"])
    return made.filter(pc.greater_equal(length, pc.if_else(number, _DIGITS, _LETTERS)))
