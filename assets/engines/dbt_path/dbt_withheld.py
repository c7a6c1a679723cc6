"""What dbt may say of a statement that Spark did not carry out: the kind of the error, never its message.

Belongs here: the adapter's handler of errors, replaced in dbt's own process. Does not belong here: anything else that
dbt does. dbt imports every module on its path whose name begins with `dbt_`; `assets.engines.spark` puts it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.spark.connections import SparkConnectionManager
from dbt_common.exceptions import DbtRuntimeError

from polku.research.cluster import kind_of


@contextmanager
def _quiet(self: SparkConnectionManager, sql: str) -> Iterator[None]:
    """In place of the adapter's handler, which copies Spark's message into dbt's log and results."""
    try:
        yield
    except Exception as error:
        kind = kind_of(error)
    else:
        return
    raise DbtRuntimeError(f"{kind} (its message may quote a row and is withheld; Spark's own log has it)") from None


_manager: Any = SparkConnectionManager
_manager.exception_handler = _quiet
