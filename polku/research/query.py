"""Questions of analysts to the snapshot of the marts, read only.

Belongs here: opening the snapshot so that a question can do nothing but read it, and what becomes of a
question that fails. Does not belong here: making the snapshot (`polku.research.snapshot`), printing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import storage


@contextmanager
def answer(root: DataRoot, question: str) -> Iterator[duckdb.DuckDBPyRelation]:
    """The answer to one `select` over the marts, not yet fetched.

    Marts are found by name (`person` or `marts.person`). The connection reads nothing but the
    snapshot: no file, no network, no other database, no setting. Refuses NO_SNAPSHOT when there is
    none, and QUERY_FAILED, also while the answer is fetched, without repeating a value.
    """
    if not root.marts.exists():
        made = f"`make nightly STUDY={root.study}`"
        if root.as_of:
            made = f"`POLKU_STUDY={root.study} python -m orchestration.as_of {root.as_of}`"
        raise Refusal(
            Exit.NO_SNAPSHOT,
            f"study `{root.study}` has no snapshot of the marts{f' as of {root.as_of}' if root.as_of else ''}.",
            f"Make one with {made}, or mend the name of the study.",
        )
    with storage.connect(root) as con:
        storage.attach(con, root, root.marts, "snapshot", read_only=True)
        con.execute("use snapshot.marts")
        con.execute("set python_enable_replacements = false")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        try:
            yield _asked(con, question)
        except (duckdb.Error, pa.ArrowException) as error:
            advice = "\nTables and columns are in docs/questions.md and `make docs`."
            what = f"the question could not be answered: {storage.without_values(error)}"
            raise Refusal(Exit.QUERY_FAILED, what, advice) from None


def _asked(con: duckdb.DuckDBPyConnection, question: str) -> duckdb.DuckDBPyRelation:
    statements = con.extract_statements(question)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Refusal(Exit.QUERY_FAILED, "the question is not one `select`.", "Ask one question at a time.")
    return con.sql(statements[0].query)
